"""What lies where in a snapshot's arena: records of each kind, with their fields, what those mean and where they lead.

Nothing of the guest runs and no import is needed; a module that is missing costs names and what only it knows.  What is shown is
hostile: every walk is bounded, every place is checked, and what is damaged is a problem in words, not an error.

    opened = opening.load(path)
    survey = survey_of(opened, modules)
    for record in survey.records:
        print(hex(record.at), record.kind.label, record.title)

Invariants: records ascend by place, one that lies inside another behind it; whoever shows them shows text, never markup.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from arenite.inspect import kinds
from arenite.inspect.arena import Arena, Names
from arenite.inspect.records import MOST_ROWS, Record, RecordRow, Survey
from arenite.inspect.roots import Import, Instance, read_roots
from arenite.layout.cage import HOST_PAGE, STORE_AT
from arenite.layout.frame import SLOT
from arenite.layout.records import (
    ExceptionRecord,
    FuncRefRecord,
    GlobalRecord,
    InstanceRecord,
    MemoryRecord,
    StoreContext,
    TableRecord,
    TagRecord,
)
from arenite.layout.types import FuncType, slots, type_name
from arenite.machine.records.exceptions import object_size
from arenite.machine.run.backtrace import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from arenite.bytecode.module import ModuleCode
    from arenite.layout.records import Field
    from arenite.snapshot.file import Opened

MOST_RECORDS: Final = 1 << 15
WORD: Final = 4


def survey_of(opened: Opened, modules: Sequence[ModuleCode | None]) -> Survey:
    """Look at everything but the stack, which `stack.survey_stack` adds.  `modules`: in the snapshot's order, None where missing."""
    roots = read_roots(opened)
    arena = Arena(opened.image, opened.sizes)
    survey = Survey(opened, tuple(modules), roots, arena, problems=list(roots.problems))
    walk = Walk(survey)
    for record in walk.all():
        if len(survey.records) == MOST_RECORDS:
            survey.problems.append(f"more than {MOST_RECORDS:,} records: the others are not shown")
            break
        survey.records.append(record)
    survey.records.sort(key=order)
    add_exceptions(survey)
    return survey


def add_exceptions(survey: Survey) -> None:
    """The exceptions that something leads to which is known by now, and those that these carry."""
    names = Names(survey.arena, survey.roots, survey.modules)
    known = {record.at for record in survey.records if record.kind is kinds.EXCEPTIONS}
    left = [row.link for record in survey.records for row in record.rows if row.to is kinds.EXCEPTIONS]
    while left and len(survey.records) < MOST_RECORDS:
        at = left.pop()
        tag = None if at is None or at in known else names.tag_of(at)
        if at is None or tag is None:
            continue
        known.add(at)
        rows, place = names.rows(ExceptionRecord, at, {}), at + ExceptionRecord.size
        for index, type_ in enumerate(tag.type.type.params[: survey.some(len(tag.type.type.params))]):
            rows.append(names.row(place, type_, f"value {index}", ""))
            place += SLOT * len(slots((type_,)))
        size, wanted = object_size(tag), len(slots(tag.type.type.params))
        damage = "" if ExceptionRecord.slots.read(survey.arena.view, at) == wanted else f"it must have {wanted} slots"
        survey.records.append(Record(at, size, kinds.EXCEPTIONS, f"exception of {tag.type}", rows, damage=damage))
        left += [row.link for row in rows if row.to is kinds.EXCEPTIONS]
    survey.records.sort(key=order)


def order(record: Record) -> tuple[int, int]:
    """The order of records."""
    return record.at, -record.size


class Walk:
    """Goes from the roots through the arena."""

    def __init__(self, survey: Survey) -> None:
        self.some = survey.some
        self.roots = survey.roots
        self.arena = survey.arena
        self.modules = survey.modules
        self.problems = survey.problems
        self.names = Names(survey.arena, survey.roots, survey.modules)
        self.functions: dict[str, tuple[int, int]] = {}  # of each instance: where its function references lie, and how many

    def all(self) -> Iterator[Record]:
        """Every record but the stack's."""
        yield Record(STORE_AT, HOST_PAGE, kinds.CONTEXT, "store context", self.names.rows(StoreContext, STORE_AT, {}))
        for number, memory in enumerate(self.roots.memories):
            if memory is not None:
                rows = self.names.rows(MemoryRecord, memory.at, {MemoryRecord.length: lambda n: f"{n:,} bytes"})
                wrong = MemoryRecord.area.read(self.arena.view, memory.at) != memory.area
                damage = "the record names another area than the manifest" if wrong else ""
                yield Record(memory.at, MemoryRecord.size, kinds.MEMORIES, f"memory {number}", rows, damage=damage)
        for number, tag in enumerate(self.roots.tags):
            if tag is not None:
                rows = self.names.rows(TagRecord, tag.at, {})
                yield Record(tag.at, TagRecord.size, kinds.TAGS, f"tag {number}: {tag.type}", rows)
        for begin, end in self.roots.exceptions:
            yield Record(begin, end - begin, kinds.ROOM, "room for exceptions")
        for number, import_ in enumerate(self.roots.functions):
            if import_ is not None:
                yield self.host_function(number, import_)
        for number, instance in enumerate(self.roots.instances):
            if instance is not None:
                yield from self.instance(number, instance)
        yield from self.loose_globals()
        for number in range(len(self.roots.tables)):
            yield from self.table(number)
        for label, (at, count) in self.functions.items():  # the most numerous come last
            for place in range(at, at + FuncRefRecord.size * count, FuncRefRecord.size):
                yield self.function_reference(place, label)

    def module(self, instance: Instance) -> ModuleCode | None:
        """An instance's module, if it is there and agrees with the manifest."""
        code = self.modules[instance.module]
        if code is None:
            return None
        layout = code.layout
        counts = len(instance.tables), len(instance.globals), len(instance.tags)
        return code if counts == (layout.tables, layout.imported_globals + layout.defined_globals, layout.tags) else None

    def instance(self, number: int, instance: Instance) -> Iterator[Record]:
        """An instance: its record, its function references, its dropped segments."""
        arena, at, code = self.arena, instance.at, self.module(instance)
        label = f"instance {number}"
        texts: dict[Field, Callable[[int], str]] = {InstanceRecord.module_index: self.module_name}
        rows = self.names.rows(InstanceRecord, at, texts)
        funcrefs, dropped = (f.read(arena.view, at) for f in (InstanceRecord.funcrefs, InstanceRecord.dropped))
        damage = ""
        if code is not None:
            size, count, flags = code.layout.size, code.function_count, len(code.data) + len(code.elements)
            if arena.holds(at, size):
                rows += self.words(instance, code)
            else:
                damage, size = "it ends beyond the arena's records", InstanceRecord.size
        else:  # what was allocated one behind the other, as far as it is still so
            size = funcrefs - at if at < funcrefs and arena.holds(at, funcrefs - at) else InstanceRecord.size
            count = (dropped - funcrefs) // FuncRefRecord.size if funcrefs < dropped else 0
            flags = 0
            if self.modules[instance.module] is not None:
                damage = "the manifest does not agree with its module"
        yield Record(at, size, kinds.INSTANCES, f"{label} of {self.module_name(instance.module)}", rows, damage=damage)
        if code is not None and not damage:
            first = code.layout.imported_globals
            for defined in range(min(code.layout.defined_globals, MOST_ROWS)):
                type_ = code.globals[defined][0]
                yield self.global_(at + code.layout.defined_global(defined), type_.content, f"{label}, global {first + defined}")
        yield from self.function_references(label, instance, funcrefs, count)
        if flags and arena.holds(dropped, WORD * flags):
            shown = [
                RecordRow(at, "u32", f"segment {n}", "1 once dropped", value, "dropped" if value else "")
                for n, at, value in self.listed(dropped, flags)
            ]
            yield Record(dropped, WORD * flags, kinds.DROPPED, f"{label}, dropped segments", shown, flags - len(shown))

    def module_name(self, index: int) -> str:
        """How a module is called."""
        code = self.modules[index] if index < len(self.modules) else None
        return f"module {index}" + (f" {cut(code.name)}" if code is not None and code.name else "")

    def words(self, instance: Instance, code: ModuleCode) -> Iterator[RecordRow]:
        """What stands behind the fixed fields of an instance."""
        at, layout, arena = instance.at, code.layout, self.arena
        functions = [i for i in code.imports if isinstance(i.type, FuncType)]
        parts = (
            (layout.imported_functions, layout.function, "function", kinds.FUNCTION),
            (layout.tables, layout.table, "table", kinds.TABLES),
            (layout.imported_globals, layout.imported_global, "global", kinds.GLOBALS),
            (layout.tags, layout.tag, "tag", kinds.TAGS),
        )
        for count, place, what, kind in parts:
            for n in range(self.some(count)):
                value = arena.number(at + place(n), WORD)
                text = self.names.reference(value) if kind is kinds.FUNCTION else ""
                doc = (
                    f"its imported function {cut(functions[n].module)}.{cut(functions[n].name)}"
                    if kind is kinds.FUNCTION
                    else f"its {what} {n}"
                )
                yield RecordRow(at + place(n), "u32", f"{what} {n}", doc, value, text, value or None, kind)
        for n in range(self.some(layout.defined_globals)):
            type_ = code.globals[n][0]
            what = "a variable" if type_.mutable else "a constant"
            yield self.names.row(at + layout.defined_global(n), type_.content, f"global {layout.imported_globals + n}", what)

    def function_references(self, label: str, instance: Instance, at: int, count: int) -> Iterator[Record]:
        """The list of an instance's references to its own functions; each is a record of its own later."""
        if count == 0:
            return
        code, size = self.modules[instance.module], FuncRefRecord.size
        first = 0 if code is None else code.imported_functions
        title = f"{label}, function references"
        if not self.arena.holds(at, size * count):
            self.problems.append(f"{title}: they do not lie in the arena")
            return
        rows = [
            RecordRow(place, "record", f"function {first + n}", "", place, self.names.reference(place), place, kinds.FUNCTION)
            for n, place in enumerate(range(at, at + size * self.some(count), size))
        ]
        yield Record(at, size * count, kinds.FUNCTIONS, title, rows, count - len(rows))
        self.functions[label] = at, count

    def function_reference(self, at: int, label: str) -> Record:
        """One function reference of an instance's."""
        rows = self.names.rows(FuncRefRecord, at, {FuncRefRecord.function: lambda _: self.names.typed_reference(at)})
        return Record(at, FuncRefRecord.size, kinds.FUNCTION, f"{self.names.reference(at)}, of {label}", rows)

    def host_function(self, number: int, import_: Import) -> Record:
        """The reference to a host function."""
        rows = self.names.rows(
            FuncRefRecord,
            import_.at,
            {FuncRefRecord.vmctx: lambda n: f"host function {n} {import_.type}"},
            FuncRefRecord.vmctx,
        )
        wrong = FuncRefRecord.vmctx.read(self.arena.view, import_.at) != number
        damage = "the record names another host function than the manifest" if wrong else ""
        return Record(import_.at, FuncRefRecord.size, kinds.HOSTS, f"host function {number}: {import_}", rows, damage=damage)

    def global_(self, at: int, type_: int, title: str) -> Record:
        """A global."""
        row = self.names.row(at, type_, GlobalRecord.value.name, GlobalRecord.value.doc)
        return Record(at, GlobalRecord.size * len(slots((type_,))), kinds.GLOBALS, title, [row])

    def loose_globals(self) -> Iterator[Record]:
        """Globals that lie in no instance: the host made them, or nobody knows the module that did."""
        inside = [
            (i.at + InstanceRecord.size, i.at + code.layout.size)
            for i in self.roots.instances
            if i is not None and (code := self.module(i)) is not None
        ]
        inside.sort()
        for number, global_ in enumerate(self.roots.globals):
            if global_ is None:
                continue
            index = bisect_right(inside, (global_.at, 1 << 62)) - 1
            if index < 0 or global_.at >= inside[index][1]:
                yield self.global_(global_.at, global_.type.content, f"global of the snapshot, number {number}")

    def listed(self, at: int, count: int) -> Iterator[tuple[int, int, int]]:
        """(number, place, value) of the first words of a list."""
        for n in range(self.some(count)):
            yield n, at + WORD * n, self.arena.number(at + WORD * n, WORD)

    def table(self, number: int) -> Iterator[Record]:
        """A table and its elements."""
        table, arena = self.roots.tables[number], self.arena
        if table is None:
            return
        at = TableRecord.elements.read(arena.view, table.at)
        length, capacity = TableRecord.length.read(arena.view, table.at), TableRecord.capacity.read(arena.view, table.at)
        texts: dict[Field, Callable[[int], str]] = {TableRecord.element_type: type_name}
        rows = self.names.rows(TableRecord, table.at, texts)
        if capacity == 0:  # an empty table's elements lie where something else may
            rows = [r._replace(link=None) if r.name == TableRecord.elements.name else r for r in rows]
        good = length <= capacity and arena.holds(at, WORD * capacity)
        damage = "" if good else "its elements do not lie in the arena"
        yield Record(table.at, TableRecord.size, kinds.TABLES, f"table {number}", rows, damage=damage)
        if capacity and good:
            shown = [self.element(table.type.element, *item) for item in self.listed(at, length)]
            title = f"table {number}, elements"
            yield Record(at, WORD * capacity, kinds.ELEMENTS, title, shown, length - len(shown))

    def element(self, type_: int, number: int, at: int, value: int) -> RecordRow:
        """An element of a table."""
        to = kinds.REFERENCES.get(type_) if value else None
        text, link = self.names.value(type_, value), None if to is None else value
        return RecordRow(at, "u32", f"element {number}", "", value, text, link, to)


def filled(survey: Survey, number: int) -> int | None:
    """How many elements of a table are not null; None when they are damaged, or when too many were looked at already."""
    table, arena = survey.roots.tables[number], survey.arena
    if table is None:
        return None
    at, length = (f.read(arena.view, table.at) for f in (TableRecord.elements, TableRecord.length))
    if not arena.holds(at, WORD * length) or length > survey.counted:
        return None
    survey.counted -= length
    count, end = 0, at + WORD * length
    for start in range(at, end, HOST_PAGE):
        block = arena.bytes(start, min(HOST_PAGE, end - start))
        if block.strip(b"\0"):
            count += sum(map(bool, memoryview(block).cast("I")))
    return count
