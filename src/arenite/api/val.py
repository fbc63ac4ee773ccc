"""A value with its type, as the `wasmtime` package has it; everywhere a plain Python value does as well."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arenite.api.numbers import expect
from arenite.api.types import ValType
from arenite.errors import Failure
from arenite.layout import types as core
from arenite.machine.records.values import Typed, number

if TYPE_CHECKING:
    from arenite.api.func import Func


@dataclass(frozen=True, eq=False)
class Val(Typed):
    """A typed value: equal to a `Val` of the same type and value, and to the plain value."""

    type: ValType
    value: Any

    @classmethod
    def i32(cls, val: int) -> Val:
        """An i32, signed or unsigned; `value` is signed.  Raises: `TypeError`, `OverflowError`."""
        return cls(ValType.i32(), number(val, core.I32))

    @classmethod
    def i64(cls, val: int) -> Val:
        """An i64, likewise.  Raises: `TypeError`, `OverflowError`."""
        return cls(ValType.i64(), number(val, core.I64))

    @classmethod
    def f32(cls, val: float) -> Val:
        """An f32, rounded.  Raises: `TypeError`."""
        return cls(ValType.f32(), struct.unpack("<f", struct.pack("<f", number(val, core.F32)))[0])

    @classmethod
    def f64(cls, val: float) -> Val:
        """An f64.  Raises: `TypeError`."""
        return cls(ValType.f64(), number(val, core.F64))

    @classmethod
    def v128(cls, val: bytes) -> Val:
        """A v128, 16 bytes, the first lane first.  Raises: `TypeError`, `OverflowError`."""
        return cls(ValType.v128(), number(val, core.V128))

    @classmethod
    def externref(cls, extern: object) -> Val:
        """A reference to a Python object; None is null."""
        return cls(ValType.externref(), extern)

    @classmethod
    def funcref(cls, f: Func | None) -> Val:
        """A reference to a function; None is null."""
        return cls(ValType.funcref(), f)

    @classmethod
    def ref_null(cls, ty: ValType) -> Val:
        """The null of a reference type.  Raises: `Failure` for another type."""
        expect(ty, ValType)
        if ty.code not in core.REFERENCES:
            raise Failure(f"{ty} is no reference type, so it has no null")
        return cls(ty, None)

    def as_i32(self) -> int | None:
        """The value if it is an i32, otherwise None; so the others."""
        return self._as(core.I32)

    def as_i64(self) -> int | None:
        """As `as_i32`."""
        return self._as(core.I64)

    def as_f32(self) -> float | None:
        """As `as_i32`."""
        return self._as(core.F32)

    def as_f64(self) -> float | None:
        """As `as_i32`."""
        return self._as(core.F64)

    def as_v128(self) -> bytes | None:
        """As `as_i32`."""
        return self._as(core.V128)

    def as_externref(self) -> object:
        """As `as_i32`; None for null, too."""
        return self._as(core.EXTERNREF)

    def as_funcref(self) -> Func | None:
        """As `as_i32`; None for null, too."""
        return self._as(core.FUNCREF)

    def _as(self, code: int) -> Any | None:  # noqa: ANN401 (a guest's value)
        return self.value if self.type.code == code else None

    def plain(self, type_: int) -> object:
        """The value, wanted as one of that type.  Raises: `TypeError` if it is of another."""
        if self.type.code != type_:
            raise TypeError(f"expected a value of type {core.type_name(type_)}, found a Val of type {self.type}")
        return self.value

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Val):
            return self.type == other.type and bool(self.value == other.value)
        return bool(self.value == other)

    def __hash__(self) -> int:
        return hash(self.value)
