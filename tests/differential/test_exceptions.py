"""Modules that throw and catch (`control_exceptions`), on each tier: in the standard's form beside wasmtime, in the older one beside Node.

ARENITE_EXCEPTIONS=N plays N of each.
"""

from __future__ import annotations

import hashlib
import math
import os
import random
import struct
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Func, Instance, Module, Store, Tag, Trap, WasmException
from arenite.layout.types import FuncType, TagType, type_name
from arenite.wasm.decode import decode
from differential import node
from differential.compare import VALUES
from differential.control import module
from differential.control_exceptions import OLDER, STANDARD
from differential.side import difference, hopping
from tiers import WAYS, engine_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tiers import Way

COUNT = int(os.environ.get("ARENITE_EXCEPTIONS", "40"))
BATCH = 20  # modules that one Node plays
CALLS = 3  # of each function


@pytest.mark.parametrize("seed", range(1, 1 + COUNT))
def test_tiers_agree_with_wasmtime(seed: int) -> None:
    assert difference(seed, STANDARD) == ""


@pytest.mark.parametrize("form", [STANDARD, OLDER])
@pytest.mark.parametrize("seed", range(1, 1 + COUNT))
def test_what_is_paused_frozen_and_moved_agrees_too(seed: int, form: str) -> None:
    assert hopping(seed, form)[0] == ""


@pytest.mark.skipif(bool(node.missing()), reason=node.missing())
@pytest.mark.parametrize("first", range(1, 1 + COUNT, BATCH))
def test_tiers_agree_with_node(first: int) -> None:
    jobs = [job(seed) for seed in range(first, first + BATCH)]
    for way in WAYS:
        for seed, one, expected in zip(range(first, first + BATCH), jobs, node.play(jobs), strict=True):
            assert answers(way, one) == expected, f"seed {seed}, {way}"


def job(seed: int) -> node.Job:
    """A module in the older form, and calls of its functions with numbers that are numbers: JavaScript does not keep the bits of others."""
    wasm = module(seed, OLDER)
    types, tags = {}, {}
    for export in decode(wasm).export_types():
        if isinstance(export.type, FuncType):
            types[export.name] = tuple(map(type_name, export.type.params)), tuple(map(type_name, export.type.results))
        elif isinstance(export.type, TagType):
            tags[export.name] = tuple(map(type_name, export.type.type.params))
    rng = random.Random(seed)
    calls: list[tuple[str, tuple[int | None, ...]]] = []
    for name, (params, _) in types.items():
        for _ in range(CALLS if name != "refuel" else 0):
            calls += [("refuel", ()), (name, tuple(rng.choice(numbers(type_)) for type_ in params))]
    return node.Job(wasm, calls, types, tags)


@cache
def numbers(type_: str) -> Sequence[int | None]:
    """Arguments of a type, as bits."""
    found = [value for value in VALUES.get(type_, ()) if isinstance(value, int) and not type_.endswith("ref")]
    if type_ in {"f32", "f64"}:
        return [
            bits for bits in found if not math.isnan(struct.unpack(f"<{'f' if type_ == 'f32' else 'd'}", packed(type_, bits))[0])
        ]
    return found or [None]


def packed(type_: str, bits: int) -> bytes:
    """The bytes of a number."""
    return bits.to_bytes(4 if type_ in {"i32", "f32"} else 8, "little")


def answers(way: Way, one: node.Job) -> list[str]:
    """What `node.play` says of a job, from a tier."""
    with Store(engine_of(way)) as store:
        exports: Any = Instance(store, Module(store.engine, one.wasm), []).exports(store)
        tags = [(name, exports[name]) for name in one.tags]
        said = [f"{name} = {answer(store, exports[name], args, one.types[name][1], one.tags, tags)}" for name, args in one.calls]
        said.append(f"sum {shown('i64', exports['sum'].bits(store))}")
        memory = exports["memory 0"]
        said.append(f"memory {hashlib.sha256(memory.read(store, 0, memory.data_len(store))).hexdigest()}")
        return said


def answer(
    store: Store,
    func: Func,
    args: Sequence[int | None],
    types: tuple[str, ...],
    carries: dict[str, tuple[str, ...]],
    tags: list[tuple[str, Tag]],
) -> str:
    """How a call ends."""
    try:
        return " ".join(map(shown, types, func.call_bits(store, list(args))))
    except WasmException as error:
        name = next(name for name, tag in tags if tag == error.tag)
        values = () if "v128" in carries[name] else zip(carries[name], error.values, strict=True)
        return " ".join([name, *(carried(type_, value) for type_, value in values)])
    except Trap:
        return "trap"


def carried(type_: str, value: Any) -> str:
    """A value of an exception, as `node.mjs` tells it."""
    if type_.endswith("ref"):
        return "any"
    if type_ in {"f32", "f64"}:
        return shown(type_, int.from_bytes(struct.pack("<f" if type_ == "f32" else "<d", value), "little"))
    return shown(type_, value % (1 << (32 if type_ == "i32" else 64)))


def shown(type_: str, value: object) -> str:
    """A value's bits as `node.mjs` tells them."""
    if value is None or type_.endswith("ref"):
        return "null" if value is None else "reference"
    assert isinstance(value, int)
    if type_ in {"f32", "f64"} and math.isnan(struct.unpack("<f" if type_ == "f32" else "<d", packed(type_, value))[0]):
        return "nan"
    return hex(value)
