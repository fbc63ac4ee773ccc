"""A value with its type, as the `wasmtime` package has it; everywhere a plain Python value does as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from arenite.api.types import ValType


@dataclass(frozen=True)
class Val:
    """A typed value."""

    type: ValType
    value: Any

    @classmethod
    def i32(cls, val: int) -> Val:
        """An i32."""
        return cls(ValType.i32(), val)

    @classmethod
    def i64(cls, val: int) -> Val:
        """An i64."""
        return cls(ValType.i64(), val)

    @classmethod
    def f32(cls, val: float) -> Val:
        """An f32."""
        return cls(ValType.f32(), val)

    @classmethod
    def f64(cls, val: float) -> Val:
        """An f64."""
        return cls(ValType.f64(), val)

    @classmethod
    def externref(cls, extern: object) -> Val:
        """A reference to a Python object; None is null."""
        return cls(ValType.externref(), extern)

    @classmethod
    def funcref(cls, f: object) -> Val:
        """A reference to a function; None is null."""
        return cls(ValType.funcref(), f)

    def __index__(self) -> int:
        n: int = self.value.__index__()
        return n

    def __float__(self) -> float:
        return float(self.value)


def plain(value: object) -> object:
    """A value without its type."""
    if isinstance(value, Val):
        return value.value
    return value
