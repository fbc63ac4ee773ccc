"""A translated module: everything an instance is made from.  The compiler writes it, the machine reads it; neither knows the other.

A `ModuleCode` holds no address and depends on nothing in the process, so it can be cached, shipped and shared.
"""

from __future__ import annotations

import bisect
import hashlib
import struct
import sys
from array import array
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from arenite.layout.instance import InstanceLayout, named_memories, vector_globals
from arenite.layout.types import FuncType, GlobalType, MemoryType, TableType, TagType
from arenite.light import NamedTuple, dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from arenite.bytecode.segments import ConstExpr, DataSegments
    from arenite.layout.types import ExportType, ImportType

FUNCTION: Final = struct.Struct("<IIIIIII")


class Section(NamedTuple):
    """A part of a translation, by its attribute of `ModuleCode`.  `listed`: it is one piece for each function that the module defines.

    `digested`: a translation is known by it; the others follow from those.  `later`: earlier versions have none.
    """

    name: str
    listed: bool = False
    digested: bool = True
    later: bool = False


SECTIONS: Final = (
    Section("bytecode"),
    Section("returns"),
    Section("functions"),
    Section("safepoints"),
    Section("locals", listed=True),
    Section("type_places", digested=False, later=True),
    Section("handlers", later=True),
)
"""What a translation consists of, in the order in which it travels; a new one comes last.  All else of a module is in its file."""


def unnamed(index: int) -> str:
    """What a function is called, for people, that nothing names."""
    return f"<wasm function {index}>"


class FunctionCode(NamedTuple):
    """One function: bytes in the module's bytecode, its frame, and where it came from."""

    begin: int
    end: int
    frame_size: int
    header: int  # byte offset of the frame's header: 8 for each slot of parameters or results, whichever are more
    type_index: int
    safepoints: int  # byte offset of its first record in the module's table of safepoints
    body: int  # byte offset of its body in the file


class Safepoint(NamedTuple):
    """What lives in the frame when the run stops after a call, or at a back-edge.

    `pc`: where it goes on.  `offset`: of the instruction, in the file.  `slots`: (slot number, type as of `layout.types.slots`) of operands; locals and
    parameters are always live and their types are the function's.
    """

    pc: int
    offset: int
    slots: tuple[tuple[int, int], ...]


class WasmFile:
    """A module's own file.  `load`: brings it, once somebody wants it; `digest`: where it is known before."""

    def __init__(self, load: Callable[[], bytes], digest: bytes | None = None) -> None:
        self._load: Callable[[], bytes] | None = load
        self._digest = digest
        self._data = b""

    @classmethod
    def of(cls, data: bytes) -> WasmFile:
        """One that is there."""
        return cls(lambda: data)

    @property
    def data(self) -> bytes:
        """Its bytes.  Raises: what `load` does."""
        self.know(self)
        return self._data

    def know(self, other: WasmFile) -> None:
        """Have the bytes of another that is the same file, unless they are known.  Raises: what its `load` does."""
        load = other._load
        if self._load is not None and load is not None:
            self._data = load()
            self._load = None

    @cached_property
    def digest(self) -> bytes:
        """What it is known by."""
        return file_digest(self.data) if self._digest is None else self._digest


WORTH_KEEPING: Final = (
    1 << 17
)  # bytes: what is smaller is translated in about the time in which a translation is found in the cache


def worth_keeping(size: int) -> bool:
    """Whether the translation of a file of so many bytes is kept for other processes."""
    return size >= WORTH_KEEPING


def file_digest(data: bytes) -> bytes:
    """blake2b of a module's file."""
    return hashlib.blake2b(data, digest_size=32).digest()


class ElementSegment(NamedTuple):
    """`items`: indexes of functions, or constant expressions.  `declarative` ones are dropped at once."""

    element_type: int
    items: tuple[int, ...] | tuple[ConstExpr, ...]
    table: int
    offset: ConstExpr | None
    declarative: bool


@dataclass(frozen=True, eq=False)
class ModuleCode:
    """A module as the machine wants it; index spaces begin with the imports, as in the standard."""

    name: str
    wasm: WasmFile = field(repr=False)
    types: tuple[FuncType, ...]
    imports: tuple[ImportType, ...]
    exports: tuple[ExportType, ...]
    function_types: tuple[int, ...]  # typeidx of every function, imported ones first
    tables: tuple[TableType, ...]  # those that the module defines, as are the next three
    memories: tuple[MemoryType, ...]
    tags: tuple[TagType, ...]
    globals: tuple[tuple[GlobalType, ConstExpr], ...]
    elements: tuple[ElementSegment, ...]
    data: DataSegments
    start: int | None
    bytecode: bytes
    type_places: bytes  # u32 each: where in the bytecode an op names a type, by its index among `types`
    returns: bytes  # one bit per unit of bytecode: may a frame return there?
    functions: bytes  # FUNCTION records of the functions that the module defines
    safepoints: bytes
    locals: Sequence[bytes] = field(repr=False)  # of each of these: u32 types of the slots of parameters and locals
    handlers: bytes = b""  # see `bytecode.handlers`
    function_names: Mapping[int, str] = field(default_factory=dict, repr=False)

    @property
    def file(self) -> bytes:
        """The module itself: data segments lie in it, and whoever wants to read it again can.  Raises: what `WasmFile.load` does."""
        return self.wasm.data

    @property
    def digest(self) -> bytes:
        """Of the file: what the module is known by."""
        return self.wasm.digest

    def segment(self, index: int) -> memoryview:
        """A data segment's bytes."""
        start, end, *_ = self.data[index]
        return memoryview(self.file)[start:end]

    def _imported(self, kind: type) -> int:
        return sum(isinstance(i.type, kind) for i in self.imports)

    @cached_property
    def imported_functions(self) -> int:
        """How many functions are imported."""
        return self._imported(FuncType)

    @cached_property
    def layout(self) -> InstanceLayout:
        """How its instances are laid out."""
        tables, globals_ = self._imported(TableType), self._imported(GlobalType)
        vectors, memories = vector_globals(type_ for type_, _ in self.globals), named_memories(self.all_memories)
        tags = self._imported(TagType) + len(self.tags)
        return InstanceLayout(
            self.imported_functions, tables + len(self.tables), globals_, len(self.globals), vectors, memories, tags
        )

    @cached_property
    def all_memories(self) -> tuple[MemoryType, ...]:
        """Types of all memories of the index space."""
        return (*(i.type for i in self.imports if isinstance(i.type, MemoryType)), *self.memories)

    @cached_property
    def all_tags(self) -> tuple[TagType, ...]:
        """Types of all tags of the index space."""
        return (*(i.type for i in self.imports if isinstance(i.type, TagType)), *self.tags)

    def global_type(self, index: int) -> GlobalType:
        """The type of a global of the index space."""
        imported = [i.type for i in self.imports if isinstance(i.type, GlobalType)]
        return imported[index] if index < len(imported) else self.globals[index - len(imported)][0]

    @cached_property
    def tag_names(self) -> dict[int, str]:
        """What tags of the index space are called, where they are exported or imported."""
        imported = [f"{i.module}.{i.name}" for i in self.imports if isinstance(i.type, TagType)]
        return dict(enumerate(imported)) | {e.index: e.name for e in reversed(self.exports) if isinstance(e.type, TagType)}

    @property
    def function_count(self) -> int:
        """How many functions the module defines."""
        return len(self.functions) // FUNCTION.size

    @cached_property
    def exports_by_name(self) -> dict[str, ExportType]:
        """The exports, each under its name."""
        return {e.name: e for e in self.exports}

    def function(self, index: int) -> FunctionCode:
        """A function that the module defines, counted without the imported ones."""
        return FunctionCode(*FUNCTION.unpack_from(self.functions, index * FUNCTION.size))

    def function_column(self, field: str) -> array[int]:
        """One field of all functions that the module defines."""
        table = array("I", self.functions)
        if sys.byteorder == "big":
            table.byteswap()
        return table[FunctionCode._fields.index(field) :: len(FunctionCode._fields)]

    def all_functions(self) -> Iterator[FunctionCode]:
        """Own functions in order."""
        return map(FunctionCode._make, FUNCTION.iter_unpack(self.functions))

    def function_at(self, pc: int) -> int | None:
        """Which of the functions that the module defines has its code at `pc`; they stand in order."""
        found = bisect.bisect_right(self._ends, pc)
        return found if found < self.function_count and self.function(found).begin <= pc else None

    @cached_property
    def _ends(self) -> array[int]:
        return self.function_column("end")

    def function_name(self, index: int) -> str:
        """Name of a function of the index space, for people: as `name_of`, or its number."""
        return self.name_of(index) or unnamed(index)

    def name_of(self, index: int) -> str | None:
        """Name of a function of the index space: from the name section, or an export's."""
        if index in self.function_names:
            return self.function_names[index]
        for export in self.exports:
            if isinstance(export.type, FuncType) and export.index == index:
                return export.name
        return None
