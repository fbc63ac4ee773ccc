"""Each vector instruction agrees with the `wasmtime` package, on every tier: bit for bit where NaNs are canonical, and but for the bits of NaNs
where they are not.  The relaxed ones do what is documented of them.  Safe takes a sample, or all 1,000 operands with ARENITE_VECTORS=all."""

from __future__ import annotations

import os
import struct
from functools import cache

import pytest
import wasmtime

from arenite import Func, Instance, Memory, Module, Store
from arenite.wasm.opcodes import BY_NAME
from differential.vector_ops import INSTRUCTIONS, MOST, OPERAND, OPERANDS, RESULTS, operands, text
from tiers import TIERS, WAYS, Way, engine_of

SEED = 12
SAMPLE = MOST if os.environ.get("ARENITE_VECTORS") == "all" else 25


@cache
def expected() -> dict[str, bytes]:
    """What wasmtime makes of all operands."""
    config = wasmtime.Config()
    config.cranelift_nan_canonicalization = True
    engine = wasmtime.Engine(config)
    store = wasmtime.Store(engine)
    exports = wasmtime.Instance(store, wasmtime.Module(engine, text(relaxed=False)), []).exports(store)
    memory, found = exports["memory"], {}
    assert isinstance(memory, wasmtime.Memory)
    for name in INSTRUCTIONS:
        function = exports[name]
        assert isinstance(function, wasmtime.Func)
        memory.write(store, operands(MOST, SEED) + bytes(2 * RESULTS - OPERANDS * OPERAND * MOST))
        function(store, MOST)
        found[name] = bytes(memory.read(store, RESULTS, RESULTS + OPERAND * MOST))
    return found


@cache
def actual(way: Way, count: int, *, deterministic: bool) -> dict[str, bytes]:
    """What arenite does."""
    store = Store(engine_of(way, deterministic=deterministic))
    exports = Instance(store, Module(store.engine, text(relaxed=True)), []).exports(store)
    memory, found = exports["memory"], {}
    assert isinstance(memory, Memory)
    for name in INSTRUCTIONS:
        function = exports[name]
        assert isinstance(function, Func)
        memory.write(store, operands(MOST, SEED) + bytes(2 * RESULTS - OPERANDS * OPERAND * MOST))
        for _ in range(3 if way == "auto" else 1):  # it compiles in mid-run
            function(store, count)
        found[name] = bytes(memory.read(store, RESULTS, RESULTS + OPERAND * count))
    return found


def many(way: Way) -> int:
    """How many operands a tier is given."""
    return SAMPLE if way == "safe" else MOST


def differences(name: str, wanted: bytes, found: bytes) -> list[str]:
    """Rounds that differ, with their operands."""
    values, shown = operands(MOST, SEED), []
    for i, at in enumerate(range(0, len(found), OPERAND)):
        if wanted[at : at + OPERAND] != found[at : at + OPERAND]:
            of = OPERANDS * OPERAND * i
            words = " ".join(values[of + OPERAND * k : of + OPERAND * (k + 1)].hex() for k in range(OPERANDS))
            shown.append(f"{name} of {words}: {wanted[at : at + OPERAND].hex()}, not {found[at : at + OPERAND].hex()}")
    return shown[:3]


@pytest.mark.parametrize("name", INSTRUCTIONS)
@pytest.mark.parametrize("way", WAYS)
def test_bit_for_bit(way: Way, name: str) -> None:
    found = actual(way, many(way), deterministic=True)[name]
    assert not differences(name, expected()[name][: len(found)], found)


def plain(name: str, results: bytes) -> bytes:
    """Results with canonical NaNs in place of others, where an instruction makes NaNs."""
    for shape, letter, integer, nan in (("f32x4", "<f", "<I", 0x7FC00000), ("f64x2", "<d", "<Q", 0x7FF8 << 48)):
        if name.startswith(shape) and BY_NAME[name].type == ((0x7B,) * len(BY_NAME[name].type[0]), (0x7B,)):  # type: ignore[index]  # no star
            size = struct.calcsize(letter)
            lanes = [results[at : at + size] for at in range(0, len(results), size)]
            return b"".join(struct.pack(integer, nan) if (x := struct.unpack(letter, lane)[0]) != x else lane for lane in lanes)
    return results


@pytest.mark.parametrize("name", [name for name in INSTRUCTIONS if name.startswith(("f32x4", "f64x2"))])
@pytest.mark.parametrize("way", TIERS)
def test_where_nans_may_have_any_bits(way: Way, name: str) -> None:
    found = plain(name, actual(way, many(way), deterministic=False)[name])
    assert not differences(name, plain(name, expected()[name])[: len(found)], found)
