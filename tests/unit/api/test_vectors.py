"""A v128 is 16 bytes: as argument and result, in globals, host functions, snapshots and forks, beside operands of other types."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from arenite import (
    Config,
    Engine,
    Finished,
    Func,
    FuncType,
    Global,
    GlobalType,
    Instance,
    Linker,
    Module,
    Paused,
    Snapshot,
    Store,
    Val,
    ValType,
)
from arenite.inspect.snapshot import inspect_snapshot
from marks import EACH_TIER

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName

A, B, C = (struct.pack("<4I", *(base + i for i in range(4))) for base in (100, 200, 1 << 31))
V128, I32, I64 = ValType.v128(), ValType.i32(), ValType.i64()

MIXED = """(module
  (import "host" "mix" (func $mix (param i32 v128 i64 v128) (result v128 i32)))
  (func (export "run") (param $n i32) (param $a v128) (param $m i64) (param $b v128) (result v128 i64 v128 i32)
    (local $x v128) (local $y i32)
    (call $mix (local.get $n) (local.get $a) (local.get $m) (local.get $b))
    (local.set $y) (local.set $x)
    (i32x4.add (local.get $x) (local.get $a)) (local.get $m) (local.get $b) (local.get $y)))"""


def store_of(tier: TierName) -> Store:
    return Store(Engine(Config(tier=tier)))


def added(a: bytes, b: bytes) -> bytes:
    return struct.pack(
        "<4I", *(x + y & 0xFFFFFFFF for x, y in zip(struct.unpack("<4I", a), struct.unpack("<4I", b), strict=True))
    )


@EACH_TIER
def test_through_a_host_function(tier: TierName) -> None:
    store = store_of(tier)
    seen = []

    def mix(*args: object) -> tuple[bytes, int]:
        seen.append(args)
        return B, 7

    linker = Linker(store.engine)
    linker.define_func("host", "mix", FuncType([I32, V128, I64, V128], [V128, I32]), mix)
    run = linker.instantiate(store, Module(store.engine, MIXED)).exports(store)["run"]
    assert isinstance(run, Func)
    assert run(store, 1, A, -2, C) == [added(A, B), -2, C, 7]
    assert run(store, 1, Val.v128(A), -2, bytearray(C)) == [added(A, B), -2, C, 7]
    assert seen == [(1, A, -2, C)] * 2
    assert run.type(store).params == [I32, V128, I64, V128]


@EACH_TIER
def test_bytes_that_do_not_fit(tier: TierName) -> None:
    store = store_of(tier)
    returned: list[object] = [b""]
    host = Func(store, FuncType([], [V128]), lambda: returned[0])
    module = Module(
        store.engine, '(module (import "" "" (func (result v128))) (func (export "f") (param v128)) (export "g" (func 0)))'
    )
    exports = Instance(store, module, [host]).exports(store)
    f, g = exports["f"], exports["g"]
    assert isinstance(f, Func)
    assert isinstance(g, Func)
    for wrong, error in (
        (A[:15], OverflowError),
        (A + b"\0", OverflowError),
        (5, TypeError),
        ("x" * 16, TypeError),
        (None, TypeError),
    ):
        returned[0] = wrong
        with pytest.raises(error, match="v128"):
            f(store, wrong)
        with pytest.raises(error, match="v128"):
            g(store)
        with pytest.raises(error, match="v128"):
            Val.v128(wrong)  # type: ignore[arg-type]  # the test's matter
    with pytest.raises(TypeError):
        f(store, Val.i32(1))
    assert Val.v128(A).as_v128() == A
    assert Val.i32(1).as_v128() is None


GLOBALS = """(module
  (import "" "wide" (global $wide (mut v128))) (import "" "one" (global $one v128))
  (global $first (mut i32) (i32.const 1)) (global $mine (mut v128) (global.get $one)) (global $last (mut i64) (i64.const -1))
  (global $mine2 (mut v128) (v128.const i32x4 1 2 3 4)) (global $end (mut i32) (i32.const 9))
  (export "mine" (global $mine)) (export "mine2" (global $mine2)) (export "last" (global $last)) (export "end" (global $end))
  (func (export "turn") (global.set $mine2 (global.get $wide)) (global.set $wide (global.get $mine)) (global.set $mine (global.get $mine2))))"""


@EACH_TIER
def test_globals(tier: TierName) -> None:
    store = store_of(tier)
    wide = Global(store, GlobalType(V128, mutable=True), A)
    behind = Global(store, GlobalType(I64, mutable=True), 5)
    exports = Instance(store, Module(store.engine, GLOBALS), [wide, Global(store, GlobalType(V128, mutable=False), B)]).exports(
        store
    )
    turn, mine, mine2, last, end = (exports[name] for name in ("turn", "mine", "mine2", "last", "end"))
    assert isinstance(turn, Func)
    assert isinstance(mine, Global)
    assert isinstance(mine2, Global)
    assert isinstance(last, Global)
    assert isinstance(end, Global)
    assert mine.type(store).content == V128
    assert (mine.value(store), mine2.value(store)) == (B, struct.pack("<4I", 1, 2, 3, 4))
    turn(store)
    assert [g.value(store) for g in (mine, mine2, wide, behind, last, end)] == [A, A, B, 5, -1, 9]
    mine2.set_value(store, C)
    assert [g.value(store) for g in (mine, mine2, last, end)] == [A, C, -1, 9]
    fork = store.snapshot().fork(1)[0]
    turn(fork)
    assert (mine.value(fork), mine.value(store)) == (B, A)
    with pytest.raises(OverflowError):
        mine.set_value(store, b"")


@EACH_TIER
@pytest.mark.parametrize("padding", [0, 8190, 9000])  # the others have wide frames
def test_a_frame_that_is_frozen(tier: TierName, padding: int, tmp_path: Path) -> None:
    text = f"""(module
      (import "host" "stop" (func $stop (param v128) (result v128)))
      (func (export "run") (param $a v128) (result v128 v128 i32) (local {"i64 " * padding}) (local $x v128) (local $n i32)
        (local.set $n (i32.const 3))
        (local.set $x (i8x16.neg (local.get $a)))
        (i16x8.mul (local.get $a) (i16x8.splat (local.get $n)))
        (call $stop (v128.xor (local.get $x) (local.get $a)))
        (drop)
        (local.get $x) (i32x4.replace_lane 1 (local.get $n)) (local.get $n)))"""
    store = store_of(tier)
    linker = Linker(store.engine)
    linker.define_func("host", "stop", FuncType([V128], [V128]), lambda v: v)
    run = linker.instantiate(store, Module(store.engine, text)).exports(store)["run"]
    assert isinstance(run, Func)
    execution = run.start(store, A)
    paused = execution.run(pause_at=["host.stop"])
    assert isinstance(paused, Paused)
    assert paused.call is not None
    negative = bytes(-x & 0xFF for x in A)
    asked = bytes(x ^ y for x, y in zip(negative, A, strict=True))
    assert paused.call.params == (asked,)
    product = struct.pack("<8H", *(3 * x & 0xFFFF for x in struct.unpack("<8H", A)))
    wanted = Finished((product, negative[:4] + struct.pack("<I", 3) + negative[8:], 3))
    store.snapshot().save(tmp_path / "v.arn", embed=True)
    opened = Snapshot.open(tmp_path / "v.arn", Engine(Config(tier=tier)))
    elsewhere = Linker(opened.engine)
    elsewhere.define_func("host", "stop", FuncType([V128], [V128]), lambda v: v)
    for fork in (opened.link(elsewhere).fork(), *store.snapshot().fork(1)):
        assert fork.execution is not None
        assert fork.execution.resume() == wanted
    assert execution.resume(C) == wanted
    (frame, *_) = inspect_snapshot(tmp_path / "v.arn", Config()).stands[0].frames[1:]
    rows = [row for row in frame.rows if row.type == "v128"]
    assert [row.name.rpartition(" ")[0] for row in rows] == ["parameter", "local", "operand in slot"]
    assert [row.value.to_bytes(16, "little") for row in rows] == [A, negative, product]
    assert rows[0].text == A.hex(" ", 4)


@EACH_TIER
def test_in_tail_calls(tier: TierName) -> None:
    """Arguments that change places, more of them than the caller has, and a vector among the operands that stay."""
    text = """(module
      (func $last (param $a v128) (param $n i32) (param $b v128) (param $c v128) (result v128)
        (i8x16.sub (local.get $a) (i8x16.add (local.get $b) (i8x16.shl (local.get $c) (local.get $n)))))
      (func $turn (export "run") (param $n i32) (param $a v128) (param $b v128) (result v128)
        (if (local.get $n) (then
          (return_call $turn (i32.sub (local.get $n) (i32.const 1)) (local.get $b) (i32x4.add (local.get $a) (local.get $b)))))
        (return_call $last (local.get $b) (i32.const 1) (local.get $a) (i8x16.splat (i32.const 3)))))"""
    store = store_of(tier)
    run = Instance(store, Module(store.engine, text), []).exports(store)["run"]
    assert isinstance(run, Func)
    a, b = A, B
    for _ in range(1001):
        a, b = b, added(a, b)
    assert run(store, 1001, A, B) == bytes(x - y - 6 & 0xFF for x, y in zip(b, a, strict=True))
