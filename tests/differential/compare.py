"""Engines side by side: the same module, the same calls, the same answers.

`DiffEngine` wraps a player of scripts (`ScriptEngine`: a tier of arenite, or wasmtime) and looks into what it has made.
`observe` writes down as lines of text all that a module does; two engines agree when the lines do.
"""

from __future__ import annotations

import hashlib
import importlib
import itertools
import math
import random
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from arenite.cli.script_engine import AreniteEngine
from arenite.errors import AreniteError, Trap
from arenite.traps import TrapCode
from differential.wasmtime_engine import WasmtimeEngine
from tiers import Way, engine_of

if TYPE_CHECKING:
    from collections.abc import Iterator

EngineName = Way | Literal["wasmtime"]
Signature = tuple[tuple[str, ...], tuple[str, ...]]

FINITE = (0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.5)
NEAR_F32 = (2147483520.0, 2147483648.0, -2147483904.0, 4294967040.0, 9.223372e18, 1.8446744e19, 1e-45, 3.4e38)
NEAR_F64 = (2147483647.9, -2147483648.9, 4294967295.9, 9223372036854774784.0, 9.3e18, 1.8446744073709552e19, 5e-324, 1.7e308)


def floats(format_: str, *values: float) -> tuple[int, ...]:
    """The bits of numbers; `format_`: as `struct` has it."""
    return tuple(int.from_bytes(struct.pack(format_, value), "little") for value in values)


VALUES: dict[str, tuple[object, ...]] = {  # arguments that have gone wrong somewhere, as bits
    "i32": (0, 1, 2, 7, 31, 32, 0x7F, 0x80, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF),
    "i64": (0, 1, 63, 64, 0x80, 0x8000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1),
    "f32": (*floats("<f", *FINITE, *NEAR_F32, math.inf, -math.inf), 0x7FC00000, 0xFFC00000, 0x7F800001, 0x7FA12345),
    "f64": (*floats("<d", *FINITE, *NEAR_F64, math.inf, -math.inf), 0x7FF8000000000000, 0xFFF8000000000000, 0x7FF0000000000001),
    "funcref": (None,),
    "externref": (None, 7),
}
INCONCLUSIVE = (TrapCode.STACK_OVERFLOW,)  # each engine has a stack of its own size
STACK = "trap of the stack"


@dataclass
class DiffEngine:
    """A player, and the package it comes from, whose names both engines share."""

    player: Any
    api: Any

    def exports(self, instance: Any) -> dict[str, Any]:
        """Everything exported, by name."""
        return dict(self.player.exports(instance))

    def functions(self, instance: Any) -> dict[str, Signature]:
        """Exported functions: types of parameters and results."""
        found = {}
        for name, item in self.exports(instance).items():
            if isinstance(item, self.api.Func):
                type_ = item.type(self.player.store)
                found[name] = tuple(map(spelled, type_.params)), tuple(map(spelled, type_.results))
        return found

    def state(self, instance: Any) -> Iterator[str]:
        """What the guest has left in its exported memories, globals and tables, a line each."""
        store = self.player.store
        for name, item in sorted(self.exports(instance).items()):
            if isinstance(item, self.api.Memory):
                data = bytes(item.read(store, 0, item.data_len(store)))
                yield f"memory {name!r}: {len(data)} bytes, {hashlib.blake2b(data, digest_size=8).hexdigest()}"
            elif isinstance(item, self.api.Global):
                yield f"global {name!r}: {show(self.player.get(instance, name))}"
            elif isinstance(item, self.api.Table):
                size = item.size(store)
                yield f"table {name!r}: {size} {''.join('-' if is_null(item.get(store, i)) else 'r' for i in range(size))}"


def spelled(type_: object) -> str:
    """The name of a value type; wasmtime has an old one for externref."""
    return str(type_).replace("anyref", "externref")


def is_null(element: object) -> bool:
    """Whether an element of a table is null: None, or wasmtime's `Val` of None."""
    return getattr(element, "value", element) is None


def engine(name: EngineName) -> DiffEngine:
    """A fresh engine with a fresh store: a tier of arenite, or `wasmtime`."""
    if name == "wasmtime":
        return DiffEngine(WasmtimeEngine(), importlib.import_module("wasmtime"))
    return DiffEngine(AreniteEngine(engine_of(name)), importlib.import_module("arenite"))


def show(value: object, type_: str = "", *, any_nan: bool = False) -> str:
    """A value: of a reference only that it is there; with `any_nan` of a NaN only that it is one."""
    if value is None:
        return "null"
    if not isinstance(value, int):
        return "reference"
    if any_nan and type_ in {"f32", "f64"}:
        sign, infinity = (1 << 31, 0x7F800000) if type_ == "f32" else (1 << 63, 0x7FF0000000000000)
        if value & ~sign > infinity:
            return "nan"
    return hex(value)


def arguments(params: tuple[str, ...], limit: int) -> list[tuple[object, ...]]:
    """Tuples of arguments: every combination of `VALUES` when there are at most `limit`, else that many at random."""
    choices = [VALUES[type_] for type_ in params]
    if math.prod(map(len, choices)) <= limit:
        return list(itertools.product(*choices))
    generator = random.Random(limit)
    return [tuple(map(generator.choice, choices)) for _ in range(limit)]


def cause(trap: Trap) -> str:
    """A trap, as text."""
    if trap.code is None:
        return f"trap {trap.message}"
    return STACK if trap.code in INCONCLUSIVE else f"trap {trap.code.name}"


def outcome(
    subject: DiffEngine, instance: Any, name: str, signature: Signature, args: tuple[object, ...], *, any_nan: bool
) -> str:
    """What a call does, as text."""
    try:
        results = subject.player.invoke(instance, name, args)
    except Trap as trap:
        return cause(trap)
    return " ".join(show(value, type_, any_nan=any_nan) for type_, value in zip(signature[1], results, strict=True))


def observe(engine_name: EngineName, wasm: bytes, *, limit: int = 200, exact: bool = False, fresh: bool = False) -> list[str]:
    """All that a module does: each exported function called with many arguments, and the state that it leaves.

    `exact`: NaNs are compared bit for bit; `fresh`: each function gets an instance of its own.
    """
    lines = []
    try:
        subject, instance = begin(engine_name, wasm)
    except AreniteError as error:
        return [f"no instance: {cause(error) if isinstance(error, Trap) else type(error).__name__}"]
    for name, signature in sorted(subject.functions(instance).items()):
        if fresh:
            subject, instance = begin(engine_name, wasm)
        for args in arguments(signature[0], limit):
            said = outcome(subject, instance, name, signature, args, any_nan=not exact)
            lines.append(f"{name!r} {' '.join(map(show, args))} = {said}")
            if said == STACK:
                break  # what it has done by then differs
        else:
            lines += subject.state(instance)
    return lines


def begin(engine_name: EngineName, wasm: bytes) -> tuple[DiffEngine, Any]:
    """A fresh engine and an instance."""
    subject = engine(engine_name)
    return subject, subject.player.instantiate(subject.player.compile(wasm))
