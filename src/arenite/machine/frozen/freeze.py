"""A machine as data, and machines made of it.

    frozen = freeze(machine)          # between calls, or while executions are paused
    fork = thaw(frozen, tier, windows)
    reset(fork, frozen)

A `FrozenMachine` holds the content of the cage and what the machine knows beside it; it is never changed, and any number of machines can be
made of it.  In it host functions and references are Python objects; `arenite.snapshot` says how they travel further.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from arenite.errors import SnapshotError
from arenite.layout.cage import HOST_PAGE, STACK_AT, write_context
from arenite.layout.raw import refuse
from arenite.layout.records import StoreContext
from arenite.machine.lineage import Lineage
from arenite.machine.machine import Machine
from arenite.machine.run.collect import collect
from arenite.machine.run.frames import clear_dead
from arenite.machine.run.host_calls import named
from arenite.machine.run.watch import watch
from arenite.machine.space.absent import InterruptedCage
from arenite.machine.space.cage import AnyCage, Cage
from arenite.machine.space.image import ARENA, Image, rebuilt, written
from arenite.machine.space.pages import NO_PAGES, Pages, collected, nonzero_blocks, nonzero_pages, nonzero_runs, ranges_of
from arenite.machine.space.portable import PortableCage
from arenite.machine.space.spares import Spares
from arenite.machine.space.template import PortableTemplate, Template, different_pages
from arenite.machine.turn import alone, at_rest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from arenite.bytecode.module import ModuleCode
    from arenite.machine.records.registry import Registry
    from arenite.machine.run.activation import Activation
    from arenite.machine.run.hosts import Hosts, HostState
    from arenite.machine.run.tier import Tier
    from arenite.machine.space.window import Window, Windows

LASTING: Final = (StoreContext.stack_limit, StoreContext.areas, StoreContext.lengths)
REGISTERS: Final = tuple(field for field in StoreContext.fields if field not in LASTING)
"""What the store context says of the last run alone."""

DRIFT: Final = 2  # an image whose changed pages are more than the template's divided by this gets a template of its own


@dataclass(eq=False)
class FrozenMachine:
    """Everything a machine is made of.  The machines share its registry until they change it (`Machine.registry_to_change`).

    `trusted`: the image is our own, and so is the store context in it; otherwise the context is written anew.  `heap`: of the machine, `stack_limit`: of
    the store context; `areas`: memory areas that the cage had room for.
    """

    image: Image
    trusted: bool
    heap: int
    stack_limit: int
    areas: int
    modules: tuple[ModuleCode, ...]
    window: Window
    registry: Registry
    activations: tuple[Activation, ...]
    fuel: int | None
    hosts: Hosts
    host_states: Mapping[str, HostState]
    lineage: Lineage
    copied: int = 0  # pages that forks have copied so far

    def mappable(self) -> Image:
        """The image, for one more fork.

        Each fork copies what its image has beyond the template.  Once as many pages were copied as a template of the image's own would
        have, it gets one: so forks never cost more than twice what they would have cost had we known how many there will be.
        """
        changed = self.image.changes
        if changed and self.image.template.file is not None:
            self.copied += changed
            if self.copied > self.image.template.pages + changed:
                self.image, self.copied = rebuilt(self.image), 0
        return self.image


@at_rest
def freeze(machine: Machine) -> FrozenMachine:
    """The machine as it is now.

    Raises: `SnapshotError` while a host function of it is being called, and when a host module cannot be frozen.
    """
    refuse("a frozen store")
    if machine.nested:
        names = ", ".join(repr(str(named(machine, i))) for i, *_ in machine.host_stack)
        raise SnapshotError(f"the store cannot be frozen inside a call of the host: host functions on its stack: {names}")
    watch.settle()
    host_states = machine.hosts.freeze()
    heap = machine.heap
    clear_dead(machine)
    _clear_exceptions(machine)
    _clear_stack(machine)
    image = capture(machine.cage)
    machine.cage.check()
    machine.registry_shared = True
    parent = machine.lineage.divide(heap)
    machine.lineage = Lineage(parent, heap)
    return FrozenMachine(
        image=image,
        trusted=True,
        heap=heap,
        stack_limit=machine.stack_limit,
        areas=machine.cage.areas,
        modules=machine.modules,
        window=machine.window,
        registry=machine.registry,
        activations=tuple(a.copy() for a in machine.activations),
        fuel=machine.fuel.left,
        hosts=machine.hosts.fork(host_states, reseed=True),  # with the options of now
        host_states=host_states,
        lineage=parent,
    )


def _clear_exceptions(machine: Machine) -> None:
    """Write zeros to what is left of exceptions that nobody holds.  Raises: `SnapshotError` for a damaged stack."""
    if machine.registry.exceptions.regions:
        collect(machine)
        arena = machine.cage.arena
        for begin, end in machine.registry.exceptions.gaps:
            for at in range(begin, end, HOST_PAGE):
                piece = arena[at : min(at + HOST_PAGE, end)]
                if any(piece):
                    piece[:] = bytes(len(piece))


def _clear_stack(machine: Machine) -> None:
    """Write zeros behind the last frame: what lies there is dead."""
    cage = machine.cage
    top, limit = machine.top, machine.stack_limit
    first = -(-top // HOST_PAGE) * HOST_PAGE
    if any(cage.arena[top : min(first, limit)]):
        cage.arena[top : min(first, limit)] = bytes(min(first, limit) - top)
    dirty = cage.dirty_pages(ARENA)
    known = () if cage.template is None else cage.template.data(ARENA)
    ranges = [(0, limit + HOST_PAGE)] if dirty is None else [*dirty, *known]
    arena = cage.region(ARENA)
    begin, end = first + HOST_PAGE, limit + HOST_PAGE
    for start, stop in ranges:
        dead = max(start, begin), min(stop, end)
        if dead[0] < dead[1]:
            for number, page in nonzero_pages(arena, [dead]):
                at = number * HOST_PAGE
                arena[at : at + len(page)] = bytes(len(page))


def capture(cage: AnyCage) -> Image:
    """The content of a cage; the store context as one that nothing has run in."""
    page = cage.store_page
    for field in REGISTERS:
        page[field.offset : field.offset + field.size * field.count] = bytes(field.size * field.count)
    template = cage.template
    if template is None:
        return _new_template(cage)
    most = max(template.pages, 1024) // DRIFT
    dirty = [cage.dirty_pages(region) for region in range(len(cage.sizes))]
    if not cage.portable and sum(stop - start for ranges in dirty for start, stop in ranges or ()) > most * HOST_PAGE:
        return _new_template(cage)  # before anything is copied: a guest may have written all that it may have
    changed = tuple(_changed(cage, template, region, ranges) for region, ranges in enumerate(dirty))
    return _new_template(cage) if sum(map(len, changed)) > most else Image(template, cage.sizes, changed)


def _changed(cage: AnyCage, template: Template, region: int, dirty: list[tuple[int, int]] | None) -> Pages:
    """What a region has beyond the template.  `dirty`: ranges that were written, None: nobody knows."""
    view = cage.region(region)
    known = template.size(region)
    if dirty is None or cage.portable:
        return collected(different_pages(view, template, region, _written(dirty, template, region, len(view))))
    mapped = [(a, min(b, known)) for a, b in dirty if a < known]
    written = ranges_of(view, mapped)
    grown = collected(nonzero_pages(view, [(max(a, known), b) for a, b in dirty if b > known]) if len(view) > known else ())
    return (
        written if not grown.numbers else Pages([*written.numbers, *grown.numbers], bytes(written.content) + bytes(grown.content))
    )


def _new_template(cage: AnyCage) -> Image:
    """A template with exactly this content, which becomes the cage's own."""
    sizes = cage.sizes
    if cage.portable:
        parts = ((n, cage.region(n), cage.dirty_pages(n)) for n in range(len(sizes)))
        blocks = [nonzero_blocks(view, _written(dirty, cage.template, n, len(view))) for n, view, dirty in parts]
        template: Template = PortableTemplate(sizes, blocks)
        image = Image(template, sizes, (NO_PAGES,) * len(sizes))
        cage.template = template
        return image
    image = written(sizes, _own_content(cage))
    cage.rebase(image)
    return image


def _own_content(cage: AnyCage) -> Iterator[tuple[int, int, memoryview]]:
    """(region, offset, bytes) of what is not zero in a cage."""
    for region in range(len(cage.sizes)):
        view, dirty = cage.region(region), cage.dirty_pages(region) if cage.template is None else None
        for start, stop in nonzero_runs(view, [(0, len(view))] if dirty is None else dirty):
            with view[start:stop] as run:
                yield region, start, run


def _written(dirty: list[tuple[int, int]] | None, template: Template | None, region: int, size: int) -> list[tuple[int, int]]:
    """Ranges of a region outside of which both it and the template are zero.  `dirty`: of a portable cage; None: nobody knows."""
    if dirty is None:
        return [(0, size)]
    return dirty if template is None else [*dirty, *template.data(region)]


def thaw(frozen: FrozenMachine, tier: Tier, windows: Windows, *, reseed: bool = True, among_many: bool = False) -> Machine:
    """A machine that goes on from there.  Raises: `Limit` when the system refuses its cage.

    `among_many`: at least as many are made behind it as are lent address space: then these are.
    """
    refuse("a store made of a frozen one")
    image = frozen.mappable()
    template = image.template
    if tier.portable or template.file is None or image.behind or len(template.extents) > len(image.sizes):
        return _thawed(frozen, (PortableCage if tier.portable else Cage).of(image, frozen.areas), tier, windows, reseed=reseed)
    spares = template.spares
    if spares is None:
        ranges = [(start, start + size) for start, size, _ in image.mappings]
        spares = template.spares = Spares(ranges, sum(image.sizes), image.mappings, template.file)
    space, lease = spares.take(frozen.areas, image.changed_places)
    cage = Cage.of(image, frozen.areas, space)
    machine = _thawed(frozen, cage, tier, windows, reseed=reseed)
    if lease is not None or not among_many:
        spares.lend(machine, cage.space, lease)
    return machine


def _thawed(frozen: FrozenMachine, cage: AnyCage, tier: Tier, windows: Windows, *, reseed: bool) -> Machine:
    hosts, lineage = frozen.hosts.fork(frozen.host_states, reseed=reseed), Lineage(frozen.lineage, frozen.heap)
    machine = Machine(tier, windows, cage, frozen.stack_limit, frozen.registry, lineage, frozen.window, hosts)
    _adopt(machine, frozen, cage, hosts, lineage)
    return machine


@alone
def reset(machine: Machine, frozen: FrozenMachine) -> None:
    """Put a machine back to what it was made from; its host modules keep the options they have.  Raises: `Limit`, `SnapshotError`.

    An exception that comes while the cage has neither the one content nor the other leaves a machine that refuses everything but this.
    """
    if machine.nested:
        raise SnapshotError("the store cannot be reset while its guest runs")
    cage = machine.cage.cage if isinstance(machine.cage, InterruptedCage) else machine.cage
    cage.may_reset(frozen.image)
    hosts = machine.hosts.fork(frozen.host_states, reseed=machine.hosts.reseed)
    machine.cage = InterruptedCage(cage)  # type: ignore[assignment]  # in place of any, to refuse
    watch.settle()
    machine.hosts.close()
    cage.reset(frozen.image)
    _adopt(machine, frozen, cage, hosts, Lineage(frozen.lineage, frozen.heap))


def _adopt(machine: Machine, frozen: FrozenMachine, cage: AnyCage, hosts: Hosts, lineage: Lineage) -> None:
    """Let a machine, whose cage has the content, know what the frozen one knew.  `lineage`: the new one."""
    if not frozen.trusted:
        write_context(cage.store_page, machine.stack_limit, cage.sizes)
    activations = [a.copy() for a in frozen.activations] if frozen.activations else []
    # from here on nothing is called, so no exception of a signal's handler comes in between
    machine.hosts, machine.registry, machine.registry_shared = hosts, frozen.registry, True
    machine.elements, machine.fuel.left, machine.lineage, machine.heap = None, frozen.fuel, lineage, frozen.heap
    machine.modules, machine.window, machine.activations = frozen.modules, frozen.window, activations
    machine.top, machine.crossing = activations[-1].end if activations else STACK_AT, None
    machine.runner = None  # it is for another window
    machine.cage = cage
