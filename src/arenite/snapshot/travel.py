"""A frozen machine out of a manifest (`describing`).

What a manifest says is hostile until it is checked: offsets lie in the arena, types are those that the modules declare, an execution
stands where a run can stop.  What cannot be found where the snapshot is opened (a module, an import) is a `LinkError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from arenite.bytecode.protocol import I64
from arenite.bytecode.stops import SEARCHING, Builtin
from arenite.errors import LinkError
from arenite.layout.cage import ALIGNMENT, AREA_MEMORY_MAX, ARENA_MAX, HOST_PAGE, MAX_AREAS, STACK_AT
from arenite.layout.handlers import SearchRecord
from arenite.layout.instance import global_size
from arenite.layout.records import FrameHeader, FuncRefRecord, MemoryRecord, TableRecord, TagRecord
from arenite.layout.types import (
    MAX_U32,
    MAX_U64,
    PAGE_SIZE,
    FuncType,
    GlobalType,
    MemoryType,
    TableType,
    TagType,
    match_extern,
    slots,
)
from arenite.light import dataclass
from arenite.machine.frozen.freeze import FrozenMachine
from arenite.machine.lineage import Lineage
from arenite.machine.records.exceptions import Exceptions
from arenite.machine.records.objects import FuncAddr, GlobalAddr, InstanceAddr, MemoryAddr, TableAddr, TagAddr
from arenite.machine.records.references import References
from arenite.machine.records.registry import Registry
from arenite.machine.run.activation import HOST_CALL, Activation, Pause, PauseReason
from arenite.machine.run.builtins import BUILTINS
from arenite.machine.run.frames import check_place
from arenite.machine.space.image import ARENA
from arenite.snapshot import values
from arenite.snapshot.describing import STATUS_NAMES
from arenite.snapshot.older import EARLIER_FIELDS

if TYPE_CHECKING:
    from arenite.bytecode.module import ModuleCode
    from arenite.machine.run.chunks import Chunk
    from arenite.machine.run.hosts import HostState
    from arenite.machine.space.image import Image
    from arenite.machine.space.window import Window
    from arenite.snapshot.checked import Fields
    from arenite.snapshot.resolver import Resolver

Load: TypeAlias = Callable[[bytes], object]


@dataclass(frozen=True)
class Sizes:
    """The first things to be known of a snapshot, on which its image depends.  `regions`: bytes of each."""

    regions: tuple[int, ...]
    heap: int
    stack_limit: int


def read_sizes(manifest: Fields) -> Sizes:
    """Sizes of arena and memories.  Raises: `SnapshotError`."""
    arena = manifest.fields("arena")
    size = arena.integer("size", HOST_PAGE, ARENA_MAX)
    memories = manifest.integers("memory_sizes", AREA_MEMORY_MAX)
    if size % HOST_PAGE:
        raise arena.error("size", "whole pages")
    if len(memories) > MAX_AREAS or any(n % PAGE_SIZE for n in memories):
        raise manifest.error("memory_sizes", f"at most {MAX_AREAS} sizes in pages of 64 KiB")
    heap = arena.integer("heap", STACK_AT, size)
    return Sizes((HOST_PAGE + size, *memories), heap, arena.integer("stack_limit", STACK_AT, heap))


def unused_regions(manifest: Fields, regions: int) -> frozenset[int]:
    """Memory regions that no instance has a memory in: nobody can reach them, so they are zero in every file.  Raises: `SnapshotError`."""
    areas = [f.integer("area", 0, max(regions - 2, 0)) for f in manifest.items("memories", MAX_AREAS)]
    if len(set(areas)) != len(areas):
        raise manifest.error("memories", "each in an area of its own")
    used = {areas[n] + 1 for f in manifest.items("instances") for n in f.integers("memories", len(areas) - 1)}
    return frozenset(range(1, regions)) - used


def count_elements(manifest: Fields, image: Image, heap: int) -> int:
    """Elements that all tables have together, as the arena says, in the present layout.  Where no table can lie there is none."""
    found = (table.get("at") for table in manifest.sequence("tables") if isinstance(table, dict))
    places = {at for at in found if isinstance(at, int) and STACK_AT <= at <= heap - TableRecord.size}
    known, page, total = -1, b"", 0
    for at in sorted(places):
        number, start = divmod(HOST_PAGE + at + TableRecord.length.offset, HOST_PAGE)
        if number != known:
            known, page = number, image.page(ARENA, number)
        total += int.from_bytes(page[start : start + TableRecord.length.size], "little")
    return total


@dataclass(frozen=True)
class Reading:
    """A manifest becoming a frozen machine; each method checks what it reads.  Raises: `SnapshotError`, `LinkError`."""

    manifest: Fields
    sizes: Sizes
    modules: tuple[ModuleCode, ...]
    chunks: Mapping[bytes, Chunk] = field(default_factory=dict)
    _parts: dict[int, tuple[tuple[str, list[Any], list[Any]], ...]] = field(default_factory=dict)

    def place(self, fields: Fields, name: str, size: int, alignment: int = 4) -> int:
        """Where a record lies in the arena."""
        at = fields.integer(name, STACK_AT, self.sizes.heap)
        if at % alignment or at + size > self.sizes.heap:
            raise fields.error(name, f"a multiple of {alignment} at most {self.sizes.heap - size}")
        return at

    def types(self) -> tuple[FuncType, ...]:
        """Types of host functions, by handle."""
        found = tuple(map(values.read_functype, self.manifest.items("types", 4096)))
        if len(set(found)) != len(found):
            raise self.manifest.error("types", "each type once")
        return found

    def table(self, fields: Fields) -> TableAddr:
        """A table."""
        return TableAddr(self.place(fields, "at", TableRecord.size), values.read_tabletype(fields.fields("type")))

    def memory(self, fields: Fields) -> MemoryAddr:
        """A memory."""
        area = fields.integer("area", 0, len(self.sizes.regions) - 2)
        return MemoryAddr(self.place(fields, "at", MemoryRecord.size), values.read_memorytype(fields.fields("type")), area)

    def global_(self, fields: Fields) -> GlobalAddr:
        """A global."""
        type_ = values.read_globaltype(fields.fields("type"))
        return GlobalAddr(self.place(fields, "at", global_size(type_)), type_)

    def tag(self, fields: Fields) -> TagAddr:
        """A tag."""
        type_ = values.read_functype(fields.fields("type"))
        if type_.results:
            raise fields.error("type", "a type without results")
        return TagAddr(self.place(fields, "at", TagRecord.size, 16), TagType(type_))

    def tags(self) -> list[TagAddr]:
        """All tags; older files have none."""
        found = list(map(self.tag, self.manifest.items("tags"))) if self.manifest.has("tags") else []
        if len({tag.at for tag in found}) != len(found):
            raise self.manifest.error("tags", "each at a place of its own")
        return found

    def check_tags(self, tags: list[TagAddr], image: Image) -> None:
        """See that the arena says of tags what their types do: objects are made as it says."""
        field = TagRecord.slots
        for tag in tags:
            number, start = divmod(HOST_PAGE + tag.at + field.offset, HOST_PAGE)
            found = int.from_bytes(image.page(ARENA, number)[start : start + field.size], "little")
            if found != len(slots(tag.type.type.params)):
                raise self.manifest.error("tags", f"those of the arena, where the one at {tag.at:#x} has {found} slots")

    def host_states(self) -> dict[str, HostState]:
        """States of host modules, by name."""
        return {name: values.read_state(value, self.chunks) for name, value in self.manifest.fields("hosts").values.items()}

    def instances(self, tags: list[TagAddr]) -> list[InstanceAddr]:
        """The instances, with what they refer to, checked against their modules."""
        tables = list(map(self.table, self.manifest.items("tables")))
        memories = list(map(self.memory, self.manifest.items("memories", MAX_AREAS)))
        globals_ = list(map(self.global_, self.manifest.items("globals")))
        found = []
        for fields in self.manifest.items("instances"):
            index = fields.integer("module", 0, len(self.modules) - 1)
            code = self.modules[index]
            instance = InstanceAddr(
                self.place(fields, "at", code.layout.size, 16),
                code,
                index,
                tuple(_chosen(fields, "tables", tables)),
                tuple(_chosen(fields, "memories", memories)),
                tuple(_chosen(fields, "globals", globals_)),
                tuple(_chosen(fields, "tags", tags)) if fields.has("tags") else (),
            )
            self.check_instance(fields, instance)
            found.append(instance)
        return found

    def check_instance(self, fields: Fields, instance: InstanceAddr) -> None:
        """What an instance refers to is of the types that its module asks for and declares."""
        held = {"tables": instance.tables, "memories": instance.memories, "globals": instance.globals, "tags": instance.tags}
        for name, imported, defined in self.parts(instance.module_index):
            found: tuple[Any, ...] = held[name]
            if len(found) != len(imported) + len(defined):
                raise fields.error(name, f"{len(imported) + len(defined)} of them")
            big = 1 << 64  # what has grown is larger than an import asks for
            fits = [match_extern(h.type, t, big) for t, h in zip(imported, found, strict=False)]
            fits += [h.type == t for h, t in zip(found[len(imported) :], defined, strict=True)]
            if not all(fits):
                raise fields.error(name, f"what the module {instance.code.name!r} imports and declares")

    def parts(self, module: int) -> tuple[tuple[str, list[Any], list[Any]], ...]:
        """Types of the tables, memories, globals and tags that a module imports and defines; once, however many instances it has."""
        found = self._parts.get(module)
        if found is None:
            code = self.modules[module]
            kinds: tuple[tuple[str, type, list[Any]], ...] = (
                ("tables", TableType, list(code.tables)),
                ("memories", MemoryType, list(code.memories)),
                ("globals", GlobalType, [type_ for type_, _ in code.globals]),
                ("tags", TagType, list(code.tags)),
            )
            imported = [i.type for i in code.imports]
            found = self._parts[module] = tuple(
                (name, [t for t in imported if isinstance(t, k)], defined) for name, k, defined in kinds
            )
        return found

    def functions(self, resolver: Resolver, registry: Registry) -> None:
        """Host functions, their names, and where their references lie."""
        for fields in self.manifest.items("functions"):
            module, name, type_ = fields.text("module"), fields.text("name"), values.read_functype(fields.fields("type"))
            if type_ not in registry.thunks:
                raise fields.error("type", "one of the snapshot's types of host functions")
            function = resolver.host_function(module, name)
            if function.type != type_:
                raise LinkError(f"incompatible import type for {module!r} {name!r}: expected {type_}, found {function.type}")
            at = self.place(fields, "at", FuncRefRecord.size, 16)
            if at in registry.host_function_at:
                raise fields.error("at", "a place of its own")
            registry.add_function(function, at, (module, name))

    def references(self, load: Load | None, registry: Registry) -> None:
        """Objects of the host's; None where a number is free."""
        found: list[object] = []
        for number, value in enumerate(self.manifest.sequence("references")):
            data = values.read_state(value, {})
            if data is None:
                found.append(None)
                continue
            if not isinstance(data, bytes):
                raise self.manifest.error("references", "bytes")
            if load is None:
                raise LinkError(
                    f"the snapshot holds an object of the host's, number {number}: give a function that makes it of bytes (load=)"
                )
            found.append(load(data))
            if found[-1] is None:
                raise LinkError(f"the snapshot holds an object of the host's, number {number}, and load= gave None for it")
        registry.references = References(found)

    def exceptions(self) -> Exceptions:
        """Where exceptions lie that the guest keeps; older files have none.  What lies there is for whoever reads it to believe."""
        bounds = self.manifest.integers("exceptions", self.sizes.heap) if self.manifest.has("exceptions") else []
        if len(bounds) % 2 or any(n % ALIGNMENT for n in bounds) or not all(a < b for a, b in pairwise([STACK_AT - 1, *bounds])):
            raise self.manifest.error("exceptions", f"ascending multiples of {ALIGNMENT}, two for each region")
        return Exceptions(list(zip(bounds[::2], bounds[1::2], strict=True)))

    def executions(self, window: Window) -> tuple[Activation, ...]:
        """Calls that have stopped in the middle, the newest last."""
        found: list[Activation] = []
        low = STACK_AT
        for fields in self.manifest.items("executions"):
            found.append(self.execution(fields, low))
            check_place(window, found[-1])
            low = found[-1].end
        return tuple(found)

    def execution(self, fields: Fields, low: int) -> Activation:
        """One of them, whose frames begin at `low` or above; whether it can stand at its pc is for `check_place`."""
        type_ = values.read_functype(fields.fields("type"))
        status = {name: status for status, name in STATUS_NAMES.items()}.get(fields.text("status"))
        if status is None:
            raise fields.error("status", " or ".join(STATUS_NAMES.values()))
        limit = self.sizes.stack_limit
        at = fields.integer("at", low, limit)
        end = fields.integer("end", at + FrameHeader.size, self.sizes.heap)
        sp = fields.integer("sp", at, end)
        if at % 16 or sp % 8 or end % 16:
            raise fields.error("sp", "aligned to slots")
        function = FuncAddr(fields.integer("function", 0, self.sizes.heap), type_)
        pc, vmctx = fields.integer("pc", 0, MAX_U32), fields.integer("vmctx", 0, MAX_U32)
        instance = fields.integer("instance", -1, len(self.manifest.sequence("instances")) - 1)
        return Activation(function, at, status, pc, sp, vmctx, end, _pause(fields), instance, _rest(fields, status))

    def fuel(self) -> int | None:
        """The store's fuel, without what executions owed in files of the first version."""
        fuel = self.manifest.optional("fuel", 0, MAX_U64)
        owed = sum(f.integer("debt", 0, MAX_U64) for f in self.manifest.items("executions") if f.has("debt"))
        return None if fuel is None else max(fuel - owed, 0)

    def frozen(self, image: Image, resolver: Resolver) -> FrozenMachine:
        """The machine.  Raises: `SnapshotError`, `LinkError`, `Limit`."""
        types = self.types()
        window = resolver.windows.window(self.modules, types)
        registry = Registry()
        registry.thunks = {t: handle for handle, t in enumerate(types)}
        self.functions(resolver, registry)
        self.references(resolver.load, registry)
        tags = self.tags()
        self.check_tags(tags, image)
        registry.exceptions = self.exceptions()
        registry.tags = {tag.at: tag for tag in tags}
        for instance in self.instances(tags):
            if instance.at in registry.by_record:
                raise self.manifest.error("instances", "each at a place of its own")
            registry.add_instance(instance)
        return FrozenMachine(
            image=image,
            trusted=False,
            heap=self.sizes.heap,
            stack_limit=self.sizes.stack_limit,
            areas=len(self.sizes.regions) - 1,
            modules=self.modules,
            window=window,
            registry=registry,
            activations=self.executions(window),
            fuel=self.fuel(),
            hosts=resolver.hosts(),
            host_states=self.host_states(),
            lineage=Lineage(),
        )


def _chosen(fields: Fields, name: str, things: list[Any]) -> list[Any]:
    """Things by number."""
    return [things[n] for n in fields.integers(name, len(things) - 1)]


def _rest(fields: Fields, status: int) -> tuple[int, ...]:
    """How far what it was in had come; files of the first version do not say, for there it could not stop in the middle."""
    wanted, most = {0, 1} if status == HOST_CALL else {0}, MAX_U64
    if status == SEARCHING:
        wanted, most = {len(SearchRecord.fields)}, MAX_U32
    if status in BUILTINS:
        builtin = Builtin(status)
        known = len(builtin.arguments)
        wanted = {known, known + len(builtin.rest)}
        most = MAX_U64 if any(argument.type is I64 for argument in builtin.arguments) else MAX_U32
    name = "rest" if fields.has("rest") else EARLIER_FIELDS["rest"]
    found = tuple(fields.integers(name, most)) if fields.has(name) else ()
    if len(found) not in wanted:
        raise fields.error("rest", f"a list of {max(wanted)} at most")
    return found


def _pause(fields: Fields) -> Pause | None:
    """Why an execution had stopped."""
    if not fields.has("pause"):
        return None
    pause = fields.fields("pause")
    reason = pause.text("reason")
    if reason not in list(PauseReason):
        raise pause.error("reason", " or ".join(PauseReason))
    return Pause(PauseReason(reason), pause.text("what"))
