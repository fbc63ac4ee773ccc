"""Types as users hold them, with the names and shapes of the `wasmtime` package.  They wrap those of `layout.types`.

Example:  FuncType([ValType.i32(), ValType.i32()], [ValType.i32()])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from arenite import light
from arenite.api.numbers import expect, flag, integer
from arenite.errors import Failure
from arenite.layout import types as core

if TYPE_CHECKING:
    from collections.abc import Sequence


C = TypeVar("C")
VALUE_TYPES: Final = (*core.NUMERIC, *core.VECTORS, *core.REFERENCES)


@dataclass(frozen=True)
class ValType:
    """Type of a value.  Raises: `ValueError` for a code that is none in WebAssembly 2.0."""

    code: int

    def __post_init__(self) -> None:
        if self.code not in VALUE_TYPES:
            raise ValueError(f"{self.code!r} is the code of no value type; there are ValType.i32(), ValType.funcref(), …")

    @classmethod
    def i32(cls) -> ValType:
        """32-bit integers."""
        return cls(core.I32)

    @classmethod
    def i64(cls) -> ValType:
        """64-bit integers."""
        return cls(core.I64)

    @classmethod
    def f32(cls) -> ValType:
        """Single-precision floats."""
        return cls(core.F32)

    @classmethod
    def f64(cls) -> ValType:
        """Double-precision floats."""
        return cls(core.F64)

    @classmethod
    def v128(cls) -> ValType:
        """Vectors of 128 bits."""
        return cls(core.V128)

    @classmethod
    def externref(cls) -> ValType:
        """References to Python objects."""
        return cls(core.EXTERNREF)

    @classmethod
    def funcref(cls) -> ValType:
        """References to functions."""
        return cls(core.FUNCREF)

    @classmethod
    def exnref(cls) -> ValType:
        """References to exceptions of guests, which Python has as `WasmException`s."""
        return cls(core.EXNREF)

    def __str__(self) -> str:
        return core.type_name(self.code)

    def __repr__(self) -> str:
        return f"ValType({self})"


def _code(type_: ValType) -> int:
    """The machine's number of a type.  Raises: `TypeError`."""
    expect(type_, ValType)
    return type_.code


class ByMeaning(Generic[C]):
    """Equal, and of one hash, where the machine's types are the same."""

    __slots__ = ()

    if TYPE_CHECKING:
        core: C

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.core == self.core

    def __hash__(self) -> int:
        return hash((type(self), self.core))


class FuncType(ByMeaning[core.FuncType]):
    """Type of a function: lists of `ValType`s."""

    __slots__ = ("core",)

    def __init__(self, params: Sequence[ValType], results: Sequence[ValType]) -> None:
        for side in (params, results):
            for item in side:
                _code(item)
        self.core = core.FuncType(tuple(t.code for t in params), tuple(t.code for t in results))

    @classmethod
    def of(cls, type_: core.FuncType) -> FuncType:
        """A core type as users hold it."""
        public = cls.__new__(cls)
        public.core = type_
        return public

    @property
    def params(self) -> list[ValType]:
        """Types of the parameters."""
        return [ValType(code) for code in self.core.params]

    @property
    def results(self) -> list[ValType]:
        """Types of the results."""
        return [ValType(code) for code in self.core.results]

    def __repr__(self) -> str:
        return f"FuncType({self.core})"


@light.dataclass(frozen=True)
class Limits:
    """Least and greatest size; `max` None: none given."""

    min: int
    max: int | None = None

    def core(self) -> core.Limits:
        """For the machine.  Raises: `ValueError`, `TypeError`."""
        least, most = integer("minimum", self.min), None if self.max is None else integer("maximum", self.max)
        if least < 0 or (most is not None and most < least):
            raise ValueError(f"limits {self.min}..{self.max}: size minimum must not be greater than maximum")
        return core.Limits(least, most)


def _limits(limits: Limits, most: int, message: str) -> core.Limits:
    """For the machine; `message`: what is said when they are beyond `most`.  Raises: `ValueError`, `TypeError`."""
    if not isinstance(limits, Limits):
        raise TypeError(f"expected Limits, found {type(limits).__name__}")
    found = limits.core()
    if not found.within(most):
        raise ValueError(f"limits {limits.min}..{limits.max}: {message}")
    return found


class GlobalType(ByMeaning[core.GlobalType]):
    """Type of a global."""

    __slots__ = ("core",)

    def __init__(self, valtype: ValType, mutable: bool) -> None:  # noqa: FBT001 (the wasmtime package's shape)
        self.core = core.GlobalType(_code(valtype), bool(mutable))

    @property
    def content(self) -> ValType:
        """Type of its value."""
        return ValType(self.core.content)

    @property
    def mutable(self) -> bool:
        """Whether it may be set."""
        return self.core.mutable

    def __repr__(self) -> str:
        return f"GlobalType({self.content!r}, mutable={self.mutable})"


class TableType(ByMeaning[core.TableType]):
    """Type of a table; `is_64`: indexes have 64 bits.  Raises: `ValueError` for limits beyond the largest index, `TypeError`."""

    __slots__ = ("core",)

    def __init__(self, valtype: ValType, limits: Limits, is_64: bool = False) -> None:  # noqa: FBT001, FBT002 (as MemoryType)
        unbounded = core.TableType(_code(valtype), core.Limits(0), flag("is_64", is_64))
        most = unbounded.most_elements
        self.core = unbounded._replace(limits=_limits(limits, most, f"table size must be at most {most} elements"))

    @property
    def element(self) -> ValType:
        """Type of its elements."""
        return ValType(self.core.element)

    @property
    def limits(self) -> Limits:
        """In elements."""
        return Limits(self.core.limits.minimum, self.core.limits.maximum)

    @property
    def is_64(self) -> bool:
        """Whether indexes have 64 bits."""
        return self.core.is_64

    def __repr__(self) -> str:
        return f"TableType({self.element!r}, {self.limits!r}{', is_64=True' if self.is_64 else ''})"


class MemoryType(ByMeaning[core.MemoryType]):
    """Type of a memory of this store alone; pages have 64 KiB or 1 byte.

    Raises: `Failure` for what else WebAssembly has, `ValueError` for limits beyond the largest address, `TypeError`.
    """

    __slots__ = ("core",)

    def __init__(self, limits: Limits, is_64: bool = False, shared: bool = False, page_size_log2: int = core.PAGE_BITS) -> None:  # noqa: FBT001, FBT002
        if flag("shared", shared):
            raise Failure("arenite does not have the proposal threads")
        page_bits = integer("page_size_log2", page_size_log2)
        if page_bits not in core.ALL_PAGE_BITS:
            allowed = " or ".join(str(2**bits) for bits in core.ALL_PAGE_BITS)
            raise Failure(f"a page has {allowed} bytes, not 2**{page_bits}")
        unbounded = core.MemoryType(core.Limits(0), flag("is_64", is_64), page_bits)
        most = unbounded.most_pages
        self.core = unbounded._replace(limits=_limits(limits, most, f"memory size must be at most {most} pages"))

    @property
    def limits(self) -> Limits:
        """In its pages."""
        return Limits(self.core.limits.minimum, self.core.limits.maximum)

    @property
    def is_64(self) -> bool:
        """Whether addresses have 64 bits."""
        return self.core.is_64

    @property
    def is_shared(self) -> bool:
        """Whether threads of guests share it: no."""
        return False

    @property
    def page_size(self) -> int:
        """Bytes of a page."""
        return self.core.page_size

    @property
    def page_size_log2(self) -> int:
        """Its logarithm."""
        return self.core.page_bits

    def __repr__(self) -> str:
        size = "" if self.page_size_log2 == core.PAGE_BITS else f", page_size_log2={self.page_size_log2}"
        return f"MemoryType({self.limits!r}{', is_64=True' if self.is_64 else ''}{size})"


class TagType(ByMeaning[core.TagType]):
    """Type of a tag: what its exceptions carry are the parameters of a function type, which has no results."""

    __slots__ = ("core",)

    def __init__(self, functype: FuncType) -> None:
        expect(functype, FuncType)
        self.core = core.TagType(functype.core)

    @property
    def functype(self) -> FuncType:
        """The function type."""
        return FuncType.of(self.core.type)

    def __repr__(self) -> str:
        return f"TagType({self.functype!r})"


AnyType = FuncType | GlobalType | TableType | MemoryType | TagType


def wrapped(type_: core.ExternType) -> AnyType:
    """A core type as users hold it."""
    if isinstance(type_, core.FuncType):
        return FuncType.of(type_)
    if isinstance(type_, core.GlobalType):
        return GlobalType(ValType(type_.content), type_.mutable)
    if isinstance(type_, core.TagType):
        return TagType(FuncType.of(type_.type))
    limits = Limits(type_.limits.minimum, type_.limits.maximum)
    if isinstance(type_, core.TableType):
        return TableType(ValType(type_.element), limits, type_.is_64)
    return MemoryType(limits, type_.is_64, page_size_log2=type_.page_bits)


@light.dataclass(frozen=True)
class ImportType:
    """What a module asks for."""

    module: str
    name: str
    type: AnyType


@light.dataclass(frozen=True)
class ExportType:
    """What a module offers."""

    name: str
    type: AnyType
