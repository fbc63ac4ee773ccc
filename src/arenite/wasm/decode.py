"""Bytes of a binary file -> `Module`.

The file is one stream: what a section or a body says of its own size is compared with what was read of it, afterwards, so
bytes are judged before sizes.  Function bodies are only found: the validator's walk is the one that decodes their
instructions, and what is malformed in them it reports.  Every count is compared with the bytes left in the file, and
every entry is paid for (`budget`) before it is made.

Spec: binary-module.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from arenite.errors import DecodeError, ValidationError
from arenite.features import SUPPORTED, Features, missing
from arenite.layout.types import ALL_PAGE_BITS, FUNCREF, PAGE_BITS, FuncType, GlobalType, Limits, MemoryType, TableType
from arenite.wasm import budget as price
from arenite.wasm.codes import PAGE, code_of
from arenite.wasm.features import EXTERNS, HAS_MAXIMUM, LIMITS, SECTIONS, illegal, limits_flags, malformed
from arenite.wasm.magic import MAGIC
from arenite.wasm.module import Custom, Data, Element, Export, ExternKind, GlobalInit, Import, Mode, Module
from arenite.wasm.opcodes import BY_CODE, BY_NAME, code
from arenite.wasm.reader import Reader
from arenite.wasm.validate import validate

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.wasm.module import ConstExpr

VERSION: Final = b"\x01\0\0\0"
COMPONENT: Final = b"\1\0"  # where a module has 0: the layer of the component model
I32_CONST: Final = code("i32.const")
END: Final = code("end")
IS_64: Final = LIMITS["memory64"]
HAS_PAGE_SIZE: Final = LIMITS["custom-page-sizes"]
MAX_ARITY: Final = 1000  # parameters, and results, of a function: what all engines agree on
ORDER: Final = (1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11)  # section ids in the order they may occur
VECTOR_PREFIX: Final = BY_NAME["v128.const"].encoding[0]
CONST: Final = {"i32.const", "i64.const", "f32.const", "f64.const", "v128.const", "global.get", "ref.null", "ref.func"} | {
    f"{t}.{op}"
    for t in ("i32", "i64")
    for op in ("add", "sub", "mul")  # extended-const
}


def decode(data: bytes, paid: int | None = None, features: Features = SUPPORTED) -> Module:
    """The module in `data`.  `paid`: how many bytes it was unpacked from, if it was: loading takes no longer than these allow.

    `features`: what it may use; what else there is, is refused here or by the validator.

    Raises: `DecodeError`; `Limit`; `ValidationError` for a constant expression that contains other instructions.
    """
    if data[:4] != MAGIC:
        raise DecodeError("unexpected end" if len(data) < 4 else "magic header not detected", 0)
    if data[4:8] != VERSION:
        component = data[6:8] == COMPONENT
        what = "unknown binary version" + (": this is a component, and arenite runs core modules" if component else "")
        raise DecodeError("unexpected end" if len(data) < 8 else what, 4)
    decoder = Decoder(data, paid, features)
    try:
        decoder.sections()
    except DecodeError:
        decoder.judge_bodies()
        raise
    return decoder.module


class Decoder:
    """Fills a `Module` section by section.  `end`: where the section at hand says that it ends."""

    def __init__(self, data: bytes, paid: int | None, features: Features) -> None:
        self.module = Module(data, paid=paid, features=features)
        self.budget = self.module.budget
        self.r = Reader(data, 8, len(data))
        self.end = 8
        self.indices: dict[int, int | ConstExpr] = {}  # of functions that segments name
        self.defined: list[int] = []  # types of the functions that the module defines

    def sections(self) -> None:
        """All sections, and what must hold between them."""
        readers: dict[int, Callable[[], None]] = {
            1: lambda: self.vector(self.functype, price.TYPE),
            2: lambda: self.vector(self.import_, price.IMPORT),
            3: lambda: self.vector(self.function, price.FUNCTION),
            4: lambda: self.vector(self.table, price.LIMITED),
            5: lambda: self.vector(self.memory, price.LIMITED),
            6: lambda: self.vector(self.global_, price.GLOBAL),
            7: lambda: self.vector(self.export, price.EXPORT),
            8: self.start,
            9: lambda: self.vector(self.element, price.SEGMENT),
            10: self.code,
            11: lambda: self.vector(self.data, price.SEGMENT),
            12: self.datacount,
            13: lambda: self.vector(self.tag, price.TAG),
        }
        r, m = self.r, self.module
        place = 0  # id of the last section that is not custom
        while not r.done():
            at = r.pos
            section = r.byte()
            if section and section not in readers:
                raise DecodeError("malformed section id" + missing(SECTIONS.get(section)), at)
            size = r.length()
            start = r.pos
            self.end = end = start + size
            if section == 0:
                name = self.name(price.CUSTOM)
                if r.pos > end:
                    raise r.fail("unexpected end of section or function")
                m.customs.append(Custom(name, r.pos, end, place))
                r.pos = end
                continue
            if place and ORDER.index(section) <= ORDER.index(place):
                raise DecodeError("unexpected content after last section", at)
            place = section
            m.sections[section] = (start, end)
            readers[section]()
            if r.pos != end:
                raise r.fail("section size mismatch")
        if len(self.defined) != len(m.bodies):
            raise r.fail("function and code section have inconsistent lengths")
        if m.data_count is not None and m.data_count != len(m.segments):
            raise r.fail("data count and data section have inconsistent lengths")

    def judge_bodies(self) -> None:
        """Raise what is malformed in the bodies found so far: it comes before whatever else went wrong.

        The walk over bodies wants a valid module; in one that is not, what else went wrong has to do.
        """
        m = self.module
        del m.bodies[len(self.defined) :]
        if m.bodies:
            with suppress(ValidationError):
                validate(m)

    def vector(self, entry: Callable[[], None], each: int) -> None:
        """Read a count, then so many entries; each costs so much."""
        for _ in range(self.r.count()):
            self.budget.pay(each)
            entry()

    def name(self, cost: int = 0) -> str:
        """A name, which is paid for before it is read; it costs so much beside its characters."""
        r, at = self.r, self.r.pos
        self.budget.pay(cost + price.CHARACTER * r.length())
        r.pos = at
        return r.name()

    # types

    def valtypes(self, what: str) -> tuple[int, ...]:
        """A vector of value types."""
        count = self.r.count()
        if count > MAX_ARITY:
            raise self.r.fail(f"too many {what}: {count}, more than {MAX_ARITY}")
        self.budget.pay(price.VALUE_TYPE * count)
        return tuple(int(self.r.value_type()) for _ in range(count))

    def functype(self) -> None:
        """An entry of the type section."""
        form = self.r.byte()
        if form != 0x60:
            raise DecodeError(malformed("function", form), self.r.pos - 1)
        self.module.types.append(FuncType(self.valtypes("parameters"), self.valtypes("results")))

    def limits(self, allowed: int) -> tuple[Limits, int]:
        """Minimum and maximum, and the flags before them, of which some are allowed.  Spec: binary-limits."""
        r = self.r
        flags = r.byte()
        message = limits_flags(flags, self.module.features)
        if message or flags & ~allowed:
            raise DecodeError(message or "malformed limits flags", r.pos - 1)
        number = r.whole if "memory64" in self.module.features else r.narrow  # as long as 64 bits need, whatever the index
        minimum = number()
        return Limits(minimum, number() if flags & HAS_MAXIMUM else None), flags

    def tabletype(self) -> TableType:
        """The type of a table.  Spec: binary-tabletype."""
        element = int(self.r.reference_type())
        limits, flags = self.limits(HAS_MAXIMUM | IS_64)
        return TableType(element, limits, bool(flags & IS_64))

    def memorytype(self) -> MemoryType:
        """The type of a memory.  Spec: binary-memtype."""
        limits, flags = self.limits(HAS_MAXIMUM | IS_64 | HAS_PAGE_SIZE)
        page_bits = PAGE_BITS
        if flags & HAS_PAGE_SIZE:
            page_bits = self.r.u32()
            if page_bits >= 64:
                raise self.r.fail(f"invalid custom page size: 2**{page_bits}")
            if page_bits not in ALL_PAGE_BITS:
                allowed = " and ".join(str(2**bits) for bits in ALL_PAGE_BITS)
                raise ValidationError(f"invalid custom page size: {allowed} are allowed", self.r.pos - 1)
        return MemoryType(limits, bool(flags & IS_64), page_bits)

    # what a module has

    def import_(self) -> None:
        """An entry of the import section."""
        r, m, at = self.r, self.module, self.r.pos
        module, name = self.name(), self.name()
        kind = r.byte()
        space: list[int] | list[TableType] | list[MemoryType] | list[GlobalType]
        match kind:
            case ExternKind.FUNC:
                m.funcs.append(r.u32())
                space = m.funcs
            case ExternKind.TABLE:
                m.tables.append(self.tabletype())
                space = m.tables
            case ExternKind.MEMORY:
                m.memories.append(self.memorytype())
                space = m.memories
            case ExternKind.GLOBAL:
                m.globals.append(self.globaltype())
                space = m.globals
            case ExternKind.TAG:
                m.tags.append(self.tagtype())
                space = m.tags
            case _:
                raise DecodeError("malformed import kind" + missing(EXTERNS.get(kind)), r.pos - 1)
        m.imports.append(Import(module, name, ExternKind(kind), len(space) - 1, at))

    def function(self) -> None:
        """An entry of the function section."""
        typeidx = self.r.u32()
        self.defined.append(typeidx)
        self.module.funcs.append(typeidx)

    def table(self) -> None:
        """An entry of the table section."""
        r = self.r
        if r.data[r.pos : r.pos + 1] == b"\x40":
            raise r.fail("malformed table" + missing("function-references"))
        self.module.tables.append(self.tabletype())

    def memory(self) -> None:
        """An entry of the memory section."""
        self.module.memories.append(self.memorytype())

    def globaltype(self) -> GlobalType:
        """Content and mutability of a global."""
        content = int(self.r.value_type())
        mutability = self.r.byte()
        if mutability > 1:
            raise DecodeError("malformed mutability", self.r.pos - 1)
        return GlobalType(content, bool(mutability))

    def tagtype(self) -> int:
        """The type of a tag, an index.  Spec: binary-tagtype."""
        attribute = self.r.byte()
        if attribute:
            raise DecodeError(f"malformed tag attribute {attribute:02x}", self.r.pos - 1)
        return self.r.u32()

    def tag(self) -> None:
        """An entry of the tag section."""
        self.module.tags.append(self.tagtype())

    def global_(self) -> None:
        """An entry of the global section."""
        self.module.globals.append(self.globaltype())
        at = self.r.pos
        self.module.inits.append(GlobalInit(self.constexpr(), at))

    def export(self) -> None:
        """An entry of the export section."""
        r, at = self.r, self.r.pos
        name = self.name()
        kind = r.byte()
        if kind > ExternKind.TAG:
            raise DecodeError("malformed export kind" + missing(EXTERNS.get(kind)), r.pos - 1)
        self.module.exports.append(Export(name, ExternKind(kind), r.u32(), at))

    def start(self) -> None:
        """The start section."""
        self.module.start = self.r.u32()

    def datacount(self) -> None:
        """The data count section."""
        self.module.data_count = self.r.u32()

    def code(self) -> None:
        """The code section: where the bodies lie."""
        r = self.r
        for _ in range(r.count()):
            size = r.u32()
            start = r.take(size)
            self.budget.pay(price.BODY)
            self.module.bodies.append((start, start + size))

    # segments

    def element(self) -> None:
        """An element segment.  Its flags: bit 0 not active, bit 1 explicit table or declarative, bit 2 items are expressions."""
        r, at = self.r, self.r.pos
        flags = r.u32()
        if flags > 7:
            raise r.fail("malformed elements segment kind")
        mode = Mode.ACTIVE if not flags & 1 else Mode.DECLARATIVE if flags & 2 else Mode.PASSIVE
        table = r.u32() if flags & 3 == 2 else 0
        offset = () if flags & 1 else self.constexpr()
        type_ = FUNCREF
        if flags & 3:
            if flags & 4:
                type_ = int(r.reference_type())
            elif r.byte():
                raise DecodeError("malformed element kind", r.pos - 1)
        count = r.count()
        self.budget.pay(price.ITEM * count)
        items = tuple(self.constexpr() if flags & 4 else self.function_index() for _ in range(count))
        self.module.elements.append(Element(mode, type_, table, offset, items, at))

    def function_index(self) -> int | ConstExpr:
        """A function's index: one object for all items that name it (compiled, what is typed `int` would be made anew)."""
        index = int(self.r.u32())
        return self.indices.setdefault(index, index) if index < len(self.module.funcs) else index

    def data(self) -> None:
        """A data segment."""
        r, at = self.r, self.r.pos
        flags = r.u32()
        if flags > 2:
            raise r.fail("malformed data segment kind")
        memory = r.u32() if flags == 2 else 0
        offset = () if flags == 1 else self.constexpr()
        size = r.u32()
        start = r.take(size)
        mode = Mode.PASSIVE if flags == 1 else Mode.ACTIVE
        self.module.segments.append(Data(mode, memory, offset, start, start + size, at))

    def constexpr(self) -> ConstExpr:
        """A constant expression, without its `end`.  Spec: valid-constant."""
        r = self.r
        instructions: list[tuple[str | int, ...]] = []
        while (op := r.byte()) != END:
            if r.pos > self.end:  # a byte of another section is not to be called an instruction that is not constant
                raise r.fail("unexpected end of section or function")
            self.budget.pay(price.CONSTANT_OP)
            if op == I32_CONST:  # tens of thousands of them where a compiler splits its data
                instructions.append(("i32.const", r.signed(32)))
                continue
            at = r.pos - 1
            if op == VECTOR_PREFIX:
                op = code_of(op, min(r.u32(), PAGE - 1))
            opcode = BY_CODE.get(op)
            if opcode is None:
                raise DecodeError(illegal(self.r.data[at]), at)
            if opcode.name not in CONST:
                raise ValidationError("constant expression required", at)
            instructions.append((opcode.name, *map(self.immediate, opcode.immediates)))
        return tuple(instructions)

    def immediate(self, what: str) -> int:
        """The immediate of a constant instruction."""
        r = self.r
        match what:
            case "i32":
                return r.signed(32)
            case "i64":
                return r.signed(64)
            case "f32":
                return r.f32()
            case "f64":
                return int(r.f64()) & 0xFFFF_FFFF_FFFF_FFFF  # compiled, `f64` gives an i64, which the mask does not fit
            case "v128":
                at = r.take(16)
                return int.from_bytes(r.data[at : at + 16], "little")
            case "heaptype":
                return int(r.heap_type())
            case _:
                return r.u32()
