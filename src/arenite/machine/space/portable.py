"""The cage in ordinary buffers: no addresses; every access is checked by Python itself or explicitly.

It has the methods of `machine.space.cage.Cage`.  Each memory is a buffer of its own, which is replaced by a larger one when it grows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite import platform
from arenite.errors import Limit
from arenite.layout.cage import ARENA_MAX, HOST_PAGE, MAX_AREAS, write_length
from arenite.layout.records import StoreContext
from arenite.machine.space.cage import ALL_UNITS, GRAIN, NOTHING_LOST
from arenite.platform.reserve import round_up

if TYPE_CHECKING:
    from arenite.machine.space.image import Image
    from arenite.machine.space.template import Template
    from arenite.machine.space.window import Window


class PortableCage:
    """A cage in ordinary buffers."""

    portable = True
    base = 0
    lost = NOTHING_LOST

    def __init__(self, arena_size: int, areas: int = 1) -> None:
        self.areas = MAX_AREAS
        self.template: Template | None = None  # what the regions began as a copy of, or were last frozen as
        self.generation = 0
        del areas
        self._space = platform.PortableReservation(HOST_PAGE + round_up(arena_size, GRAIN))
        self.floor = [0]  # beside `StoreContext.floor`, which costs generated Python more to read
        self._memories: list[platform.PortableReservation] = []
        self._lengths: list[int] = []
        self._make_views()

    @classmethod
    def of(cls, image: Image, areas: int) -> PortableCage:
        """A new cage with this content.  The store page is the caller's to write."""
        new = cls(image.sizes[0] - HOST_PAGE, areas)
        new._put(image)
        return new

    def _put(self, image: Image) -> None:
        """Copy an image's content into regions of zeros."""
        self.template = image.template
        for size in image.sizes[1:]:
            self.resize(self.new_area(), size)
        for region in range(len(image.sizes)):
            view = self.region(region)
            for number, page in image.pages(region):
                view[number * HOST_PAGE : (number + 1) * HOST_PAGE] = page

    def check(self) -> None:
        """Nothing is mapped, so nothing is lost."""

    def region(self, region: int) -> memoryview:
        """The bytes of a region."""
        return self._space.view(0, HOST_PAGE + self._arena_size) if region == 0 else self.memory(region - 1)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Bytes of each region."""
        return (HOST_PAGE + self._arena_size, *self._lengths)

    def dirty_pages(self, region: int) -> list[tuple[int, int]] | None:
        """Ranges of whole pages of a region outside of which it is zero; None where the system does not tell."""
        try:
            return platform.touched(self._memories[region - 1] if region else self._space)
        except ImportError:  # a Python without ctypes
            return None

    def rebase(self, image: Image) -> None:
        """Nothing is mapped, so nothing is given back."""

    def may_reset(self, image: Image) -> None:
        """Raises: `Limit` while somebody holds a view of a memory, whose bytes would not change."""
        del image
        if self._held():
            raise Limit("memories must be made anew to be reset, but a view of one is held")

    def reset(self, image: Image) -> None:
        """Have the content of an image again, which `may_reset`."""
        new = PortableCage.of(image, self.areas)
        new.generation += self.generation
        self.__dict__.update(new.__dict__)  # the buffers of before go with the last reference

    def _make_views(self) -> None:
        size = self._space.size
        page, arena = self._space.view(0, HOST_PAGE), self._space.view(HOST_PAGE, size)
        self.store_page, self.arena, self._arena_size = page, arena, size - HOST_PAGE
        self.generation += 1

    def show(self, window: Window) -> None:
        """Nothing to do: the tier reads the window itself."""

    def grow_arena(self, size: int) -> None:
        """The arena has `size` bytes at least.  Raises: `Limit` beyond 1 GiB, and when the system refuses."""
        if size > ARENA_MAX:
            raise Limit(f"the arena cannot grow to {size:#x} bytes: its limit is {ARENA_MAX:#x}")
        wanted = HOST_PAGE + min(round_up(max(size, 2 * self._arena_size), GRAIN), ARENA_MAX)
        try:
            self.arena.release()  # so whoever still has it is told, instead of writing where nobody reads
            self.store_page.release()
            try:
                self._space.resize(wanted)
            except Limit:  # an exception that somebody keeps may hold a part of the arena, which nobody uses any more
                self._space.move(wanted)
        except BufferError as error:
            raise Limit("the arena must move to grow, but arguments are being put into it") from error
        finally:
            try:
                self._make_views()
            except BaseException:  # of a signal's handler
                self._make_views()
                raise

    def new_area(self, size: int = 0) -> int:
        """A free memory area, with so many bytes.  Raises: `Limit` when there is none left."""
        area = len(self._memories)
        if area == MAX_AREAS:
            raise Limit(f"a store holds at most {MAX_AREAS} memories")
        memory = platform.PortableReservation(round_up(max(size, 1), HOST_PAGE))
        try:
            write_length(self.store_page, area, size)
            StoreContext.areas.write(self.store_page, 0, area + 1)
        except BaseException:
            StoreContext.areas.write(self.store_page, 0, area)
            write_length(self.store_page, area, 0)
            raise
        self._memories += [memory]
        self._lengths += [size]
        self.generation += 1
        return area

    def memory(self, area: int) -> memoryview:
        """The current bytes of a memory."""
        return self._memories[area].view(0, self._lengths[area])

    def resize(self, area: int, size: int) -> None:
        """A memory has so many bytes from now on.  Raises: `Limit` when the system refuses, or somebody holds a view of it."""
        memory, before = self._memories[area], self._lengths[area]
        if memory.size < size:
            try:
                memory.resize(round_up(max(size, min(2 * before, 1 << 28)), HOST_PAGE))
            except Limit:  # there is no room for more than is asked
                memory.resize(round_up(size, HOST_PAGE))
        try:
            write_length(self.store_page, area, size)
        except BaseException:
            write_length(self.store_page, area, before)
            raise
        self._lengths[area] = size
        self.generation += 1

    def raise_floor(self) -> None:
        """Have the run that goes on pause where it pays next; for any thread, at any moment."""
        self.floor[0] = ALL_UNITS

    def lower_floor(self) -> None:
        """Let runs go on."""
        self.floor[0] = 0

    def close(self) -> None:
        """Give everything back.  Raises: `BufferError` while somebody holds a view of a memory."""
        if self._held():
            raise BufferError("a view of a memory is held")
        try:
            self.arena.release()
            self.store_page.release()
            self._space.close()
        except BufferError:  # somebody holds a view of the arena
            self._make_views()
            raise
        for memory in self._memories:
            memory.close()

    def _held(self) -> bool:
        """Whether somebody holds a view of a memory."""
        return any(map(_is_held, self._memories))


IDLE: Final = platform.PortableReservation(1).references()  # of one that nobody holds a view of


def _is_held(memory: platform.PortableReservation) -> bool:
    """Whether somebody holds a view of it."""
    return memory.references() != IDLE
