"""A decoded module: the abstract syntax of the standard as plain data, and where its pieces lie in the file.

- Index spaces are whole: `funcs`, `tables`, `memories`, `globals` and `tags` begin with the imported ones, in order.
- Bodies and data stay in the file: they are (start, end) offsets into `data`.
- A constant expression is a tuple of instructions without its `end`: `(("global.get", 0), ("i32.const", -1), ("i32.add",))`.
  Integers are signed, floats are bit patterns, `ref.null` carries its value type.
- `at` is the offset of an item in the file, for messages.

Spec: syntax-module.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from arenite.errors import DecodeError
from arenite.features import SUPPORTED, Features
from arenite.layout.types import ExportType, ImportType, TagType
from arenite.wasm.budget import CHARACTER, NAME, Budget
from arenite.wasm.reader import Reader

if TYPE_CHECKING:
    from arenite.layout.types import ExternType, FuncType, GlobalType, MemoryType, TableType

ConstExpr = tuple[tuple[str | int, ...], ...]


class ExternKind(IntEnum):
    """What is imported or exported, numbered as in the file."""

    FUNC = 0
    TABLE = 1
    MEMORY = 2
    GLOBAL = 3
    TAG = 4


class Mode(IntEnum):
    """When a segment is used: at instantiation, by instructions, or never (it only declares references)."""

    ACTIVE = 0
    PASSIVE = 1
    DECLARATIVE = 2


@dataclass(frozen=True, slots=True)
class Import:
    """`index`: what it becomes in the index space of its kind."""

    module: str
    name: str
    kind: ExternKind
    index: int
    at: int


@dataclass(frozen=True, slots=True)
class Export:
    """`index`: in the index space of its kind."""

    name: str
    kind: ExternKind
    index: int
    at: int


class GlobalInit(NamedTuple):
    """The initial value of a global that the module defines."""

    value: ConstExpr
    at: int


class Element(NamedTuple):
    """An element segment.  An item that is an int is a function index: short for `(("ref.func", index),)`."""

    mode: Mode
    type: int
    table: int
    offset: ConstExpr
    items: tuple[int | ConstExpr, ...]
    at: int


class Data(NamedTuple):
    """A data segment: its bytes are `module.data[start:end]`."""

    mode: Mode
    memory: int
    offset: ConstExpr
    start: int
    end: int
    at: int


class Custom(NamedTuple):
    """A custom section; its content is `module.data[start:end]`.  `place`: id of the last section before it that is not custom."""

    name: str
    start: int
    end: int
    place: int


@dataclass
class Names:
    """What the name section says of modules and functions: for tools and backtraces, never for meaning."""

    module: str = ""
    funcs: dict[int, str] = field(default_factory=dict)


@dataclass
class Module:
    """Everything a binary file says; `decode` makes it, `validate_module` has not looked at it yet.

    `paid`: how many bytes it was unpacked from; None: it was not.  `budget`: what is left of what loading it may cost.
    `features`: what it may use.
    """

    data: bytes
    types: list[FuncType] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    funcs: list[int] = field(default_factory=list)
    tables: list[TableType] = field(default_factory=list)
    memories: list[MemoryType] = field(default_factory=list)
    globals: list[GlobalType] = field(default_factory=list)
    tags: list[int] = field(default_factory=list)
    inits: list[GlobalInit] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    start: int | None = None
    elements: list[Element] = field(default_factory=list)
    segments: list[Data] = field(default_factory=list)
    data_count: int | None = None
    bodies: list[tuple[int, int]] = field(default_factory=list)
    customs: list[Custom] = field(default_factory=list)
    sections: dict[int, tuple[int, int]] = field(default_factory=dict)
    paid: int | None = None
    features: Features = SUPPORTED
    budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        size = len(self.data)
        self.budget = Budget(size, size if self.paid is None else min(self.paid, size))

    def imported(self, kind: ExternKind) -> int:
        """How many entries of an index space are imports."""
        return sum(item.kind == kind for item in self.imports)

    def declared(self) -> set[int]:
        """The functions that occur outside bodies, which `ref.func` may name.  Spec: valid-ref.func."""
        found = {export.index for export in self.exports if export.kind == ExternKind.FUNC}
        exprs = [init.value for init in self.inits]
        for element in self.elements:
            for item in element.items:
                if isinstance(item, int):
                    found.add(item)
                else:
                    exprs.append(item)
        found.update(int(x[1]) for expr in exprs for x in expr if x[0] == "ref.func")
        return found

    def func_type(self, index: int) -> FuncType:
        """The type of a function of the (validated) module's index space."""
        return self.types[self.funcs[index]]

    def extern_type(self, kind: ExternKind, index: int) -> ExternType:
        """The type of an entry of an index space."""
        match kind:
            case ExternKind.FUNC:
                return self.func_type(index)
            case ExternKind.TABLE:
                return self.tables[index]
            case ExternKind.MEMORY:
                return self.memories[index]
            case ExternKind.GLOBAL:
                return self.globals[index]
            case ExternKind.TAG:
                return TagType(self.types[self.tags[index]])

    def import_types(self) -> list[ImportType]:
        """What the module asks for, in order."""
        return [ImportType(i.module, i.name, self.extern_type(i.kind, i.index)) for i in self.imports]

    def export_types(self) -> list[ExportType]:
        """What the module offers, in order."""
        return [ExportType(e.name, self.extern_type(e.kind, e.index), e.index) for e in self.exports]

    @cached_property
    def names(self) -> Names:
        """The name section; one that is damaged, or costs too much, ends where that begins.  Spec: binary-namesec."""
        names = Names()
        for custom in self.customs:
            if custom.name == "name":
                try:
                    read_names(Reader(self.data, custom.start, custom.end), names, self.budget)
                except DecodeError:
                    break
        return names


def read_names(r: Reader, names: Names, budget: Budget) -> None:
    """Fill `names` from the content of a name section, subsection by subsection, as far as the budget goes."""
    while not r.done():
        subsection = r.byte()
        size = r.u32()
        start = r.take(size)
        part = Reader(r.data, start, start + size)
        if subsection == 0 and budget.affords(CHARACTER * (part.end - part.pos)):
            names.module = part.name()
        elif subsection == 1:
            for _ in range(part.count()):
                index = part.u32()
                start = part.pos
                name = part.name()
                if not budget.affords(NAME + CHARACTER * (part.pos - start)):
                    return
                names.funcs[index] = name
