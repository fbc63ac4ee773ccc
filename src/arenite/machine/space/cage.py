"""A store's cage: one reservation, or where there is none ordinary buffers of the same shape (`portable`).

`layout.cage` draws it.  What a cage offers is views; nobody above asks which kind it is:

    arena         committed bytes of the arena, from the base
    store_page    the store context
    memory(area)  exactly the current bytes of a memory

A cage can be made of an `Image`, and put back to one; `region(n)` is what `machine.space.image` calls so: the store page with the arena, then
the memories.

Views are made anew when something grows: `generation` counts that.  The cage of a store may move, while no guest runs and nobody
holds a view of a memory, when more memories are wanted than it has room for: nothing in it knows where it is.  See `machine.space.room`.

The exception of a signal's handler may come behind any call: what has changed is noted in one go, in which nothing is called, and what
was begun is taken back.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

from arenite import platform
from arenite.errors import Limit
from arenite.layout.cage import (
    ARENA_MAX,
    HOST_PAGE,
    LOW,
    MAX_AREAS,
    MEMORY_AT,
    STORE_AT,
    WINDOW_AT,
    WINDOW_SIZE,
    area_at,
    region_at,
    write_length,
)
from arenite.layout.raw import refuse
from arenite.layout.records import StoreContext
from arenite.machine.space.pages import nonzero_runs
from arenite.machine.space.room import reserve
from arenite.platform.reserve import round_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.machine.space.image import Image
    from arenite.machine.space.portable import PortableCage
    from arenite.machine.space.template import Template
    from arenite.machine.space.window import Window

AnyCage: TypeAlias = "Cage | PortableCage"

AREAS: Final = tuple(area_at(area) - LOW for area in range(MAX_AREAS))
"""Where the memory areas are in the space; looked up, since a read of a memory takes little more than a call."""
LEAST_ROOM: Final = 64  # memory areas of a cage that had to move for one more
GRAIN: Final = 1 << 20  # the arena grows by at least so many bytes
ALL_UNITS: Final = (1 << 63) - 1  # a floor that no slice is above

OWN_VIEWS: Final = 2  # that a cage has of its reservation: those of the arena and of the store page
NOTHING_LOST: Final = (0,)
"""The `lost` of a cage that no file is mapped in."""


class Cage:
    """The cage in a reservation: addresses, guard pages."""

    portable = False

    def __init__(
        self, arena_size: int, areas: int = 1, image: Image | None = None, spare: tuple[platform.Reservation, int] | None = None
    ) -> None:
        """`image`: its content.   `spare`: a reservation in which its template is mapped already, as nobody has ever written there, and its room."""
        self.areas = max(areas, 1)  # offsets from the arena end in area 0, whether there is a memory or not
        self.floor = [0]  # beside `StoreContext.floor`, which costs generated Python more to read
        self.generation = 0
        self._space, self._room = spare or reserve(self.areas)
        self.base = self._space.address - LOW
        self._window: Window | None = None
        self.template: Template | None = None  # what the regions are private mappings of
        self.lost: Sequence[int] = NOTHING_LOST  # not 0 once a page of its file was touched that is not there any more: `check`
        if image is None:
            self._arena_size = round_up(arena_size, GRAIN)
            self._used, self._lengths = 0, [0] * self._room
            self._space.commit(STORE_AT - LOW, self._arena_size - LOW)
        else:
            self._fill(image, mapped=spare is not None)
        self._make_views()

    @classmethod
    def of(cls, image: Image, areas: int, spare: tuple[platform.Reservation, int] | None = None) -> Cage:
        """A new cage with this content; `spare`: as above.  The store page is the caller's to write."""
        return cls(0, max(areas, len(image.sizes) - 1), image, spare)

    @property
    def space(self) -> tuple[platform.Reservation, int]:
        """What it lies in, and for how many areas that has room."""
        return self._space, self._room

    def _fill(self, image: Image, *, mapped: bool = False) -> None:
        """Map an image's template, unless that is `mapped`, and write what has changed since."""
        self.template, space = image.template, self._space
        fd = image.template.file
        assert fd is not None
        if image.template.name:
            self.lost = space.watch()
        elif self.lost is not NOTHING_LOST:
            self._space.unwatch()
            self.lost = NOTHING_LOST
        if not mapped:
            for start, size, offset in image.mappings:
                space.map_fixed(start, fd, size, offset)
            for start, stop in image.behind:
                space.commit(start, stop)
        for start, stop, pages in image.drifted:
            pages.write_to(space.view(start, stop), touched=mapped)
        arena_size, used = image.sizes[0] + STORE_AT, len(image.sizes) - 1
        lengths = [*image.sizes[1:], *[0] * (self._room - used)]
        self._arena_size, self._used, self._lengths = arena_size, used, lengths

    def check(self) -> None:
        """To be called behind whatever has read or run here.

        Raises: `SnapshotError` once a page was touched that a file does not have any more: what was read was not there.
        """
        if self.lost[0]:
            assert self.template is not None
            raise self.template.lost()

    def region(self, region: int) -> memoryview:
        """The bytes of a region."""
        return self._space.view(*self._place(region))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Bytes of each region."""
        return (self._arena_size - STORE_AT, *self._lengths[: self._used])

    def dirty_pages(self, region: int) -> list[tuple[int, int]] | None:
        """Ranges of a region's pages that were written since its template was mapped, or ever; None where that cannot be told."""
        return self._space.dirty_pages(*self._place(region))

    def rebase(self, image: Image) -> None:
        """Map the template of an image whose content this cage already has: its own pages are given back."""
        self.check()
        self._fill(image)

    def may_reset(self, image: Image) -> None:
        """Raises: `Limit` while somebody holds a view of a memory, part of which would go."""
        if self._space.views() > OWN_VIEWS:
            wanted = (*image.sizes, *[0] * (len(self.sizes) - len(image.sizes)))
            if any(new < old for new, old in zip(wanted[1:], self.sizes[1:], strict=False)):
                raise Limit("a memory must shrink to be reset, but a view of one is held")

    def reset(self, image: Image) -> None:
        """Have the content of an image again, which `may_reset`.  In between it has neither; it can be reset from there."""
        sizes = self.sizes
        wanted = (*image.sizes, *[0] * (len(sizes) - len(image.sizes)))
        for region, (old, new) in enumerate(zip(sizes, wanted, strict=True)):
            start = region_at(region) - LOW
            kept = min(image.template.size(region), new)  # what lies behind it was written by hand, or is to be zero
            self._space.decommit(start + kept, start + max(old, new))
        self._fill(image)
        before = self.arena, self.store_page
        self._make_views()
        for view in before:  # those that an error's traceback holds are views of this cage no more
            view.release()

    def _make_views(self) -> None:
        arena, page = self._space.view(-LOW, self._arena_size - LOW), self._space.view(STORE_AT - LOW, -LOW)
        self.arena, self.store_page = arena, page
        self.generation += 1

    def show(self, window: Window) -> None:
        """Map the window's entries."""
        self._window, file = window, window.file()
        self._space.map(WINDOW_AT - LOW, file.fd, WINDOW_SIZE, writable=False, private=False)

    def grow_arena(self, size: int) -> None:
        """Commit the arena up to `size` bytes at least.  Raises: `Limit` beyond 1 GiB."""
        if size > ARENA_MAX:
            raise Limit(f"the arena cannot grow to {size:#x} bytes: its limit is {ARENA_MAX:#x}")
        wanted = min(round_up(max(size, 2 * self._arena_size), GRAIN), ARENA_MAX)
        self._space.commit(self._arena_size - LOW, wanted - LOW)
        arena = self._space.view(-LOW, wanted - LOW)
        self.arena, self._arena_size = arena, wanted
        self.generation += 1

    def new_area(self, size: int = 0) -> int:
        """A free memory area, with so many bytes.  Raises: `Limit` when there is none left."""
        area = self._used
        if area == MAX_AREAS:
            raise Limit(f"a store holds at most {MAX_AREAS} memories")
        if area == self._room:
            self._move(min(max(2 * self._room, LEAST_ROOM), MAX_AREAS))
        try:
            self.resize(area, size)
            StoreContext.areas.write(self.store_page, 0, area + 1)
        except BaseException:
            start, self._lengths[area] = AREAS[area], 0
            StoreContext.areas.write(self.store_page, 0, area)
            write_length(self.store_page, area, 0)
            self._space.decommit(start, start + size)
            raise
        self._used = area + 1
        return area

    def _move(self, areas: int) -> None:
        """Move everything to a larger cage.

        Raises: `Limit` while somebody holds a view of a memory, or puts arguments into the arena: they would be left behind.
        """
        refuse("a store that moves to a larger cage")
        if self._space.views() > OWN_VIEWS:
            raise Limit(
                "the store's memories must move to make room for one more, but a view of one is held (Config(memories=) reserves more)"
            )
        try:
            self.arena.release()
            self._move_to(Cage(HOST_PAGE, areas))
        except BaseException as error:
            try:
                self._make_views()
            except BaseException:  # of a signal's handler
                self._make_views()
                raise
            if isinstance(error, BufferError):
                raise Limit(
                    "the store must move to make room for one more memory, but arguments are being put into it"
                ) from error
            raise

    def _move_to(self, new: Cage) -> None:
        """Become that cage."""
        new._arena_size, new._used, new.template = self._arena_size, self._used, self.template
        new._lengths[: self._used] = self._lengths[: self._used]
        new._make_views()
        new.generation = self.generation + 1
        if self._window is not None:
            new.show(self._window)
        if self.lost is not NOTHING_LOST:
            new.lost = new._space.watch()
        move = platform.Move(self._space, new._space, [self._place(region) for region in range(1 + self._used)])
        try:
            if not move.run():
                move.back()
                new._copy(self)
            self.__dict__.update(new.__dict__)
        except BaseException:
            if self._space is not new._space:
                move.back()
            raise

    def _place(self, region: int) -> tuple[int, int]:
        """Where a region begins and ends in the reservation."""
        start = region_at(region) - LOW
        return start, start + (self._lengths[region - 1] if region else self._arena_size - STORE_AT)

    def _copy(self, other: Cage) -> None:
        """Have the bytes of a cage of the same sizes, where the system does not move pages."""
        self.template = None
        for region in range(1 + self._used):
            start, stop = self._place(region)
            self._space.commit(start, stop)
            dirty = other.dirty_pages(region) if other.template is None else None
            here, there = self.region(region), other.region(region)
            for a, b in nonzero_runs(there, [(0, stop - start)] if dirty is None else dirty):
                here[a:b] = there[a:b]

    def memory(self, area: int) -> memoryview:
        """The current bytes of a memory."""
        start = AREAS[area]
        return self._space.view(start, start + self._lengths[area])

    def resize(self, area: int, size: int) -> None:
        """A memory has so many bytes from now on; they only become more.  Raises: `Limit` when the system refuses."""
        start, before = AREAS[area], self._lengths[area]
        try:
            self._space.commit(start + before, start + size)
            write_length(self.store_page, area, size)
        except BaseException:
            write_length(self.store_page, area, before)
            self._space.decommit(start + before, start + size)
            raise
        self._lengths[area] = size

    def raise_floor(self) -> None:
        """Have the run that goes on pause where it pays next; for any thread, at any moment."""
        self.floor[0] = ALL_UNITS
        with suppress(TypeError):  # the page has just been released: the cage moves, or nothing runs any more
            StoreContext.floor.write(self.store_page, 0, ALL_UNITS)

    def lower_floor(self) -> None:
        """Let runs go on."""
        self.floor[0] = 0
        StoreContext.floor.write(self.store_page, 0, 0)

    def close(self) -> None:
        """Give everything back.  Raises: `BufferError` while somebody holds a view of a memory."""
        self.arena.release()
        self.store_page.release()
        lease = self._space.lease and self._space.lease()
        if lease and not self._space.views():
            del self._space  # it is somebody else's from here on
            lease.end()
            return
        try:
            self._space.close()
        except BufferError:
            self._make_views()
            raise


assert MEMORY_AT == ARENA_MAX
