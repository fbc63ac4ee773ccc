"""Frames that the host begins have room on the stack, or there is a trap: what lies behind it are records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arenite import Func, FuncType, Global, GlobalType, Paused, Store, Trap, TrapCode
from marks import EACH_TIER
from unit.machine.guests import I32, I64, engine, fresh

if TYPE_CHECKING:
    from collections.abc import Callable

STACK = 1 << 12
MANY = STACK // 8  # as many slots as the stack has


def behind_the_stack(store: Store) -> bytes:
    """The records."""
    return bytes(store.machine.cage.arena[store.machine.stack_limit :])


@pytest.mark.parametrize("count", [MANY, MANY + 1, 8 * MANY])
@pytest.mark.parametrize("kind", ["params", "results"])
@EACH_TIER
@pytest.mark.parametrize("how", ["call", "bits", "start"])
def test_a_frame_longer_than_the_stack(tier: str, kind: str, count: int, how: str) -> None:
    store = Store(engine(tier=tier, max_wasm_stack=STACK))
    args = [-1] * count if kind == "params" else []
    type_ = FuncType([I64] * count, []) if kind == "params" else FuncType([], [I64] * count)
    function = Func(store, type_, lambda *_: [0] * count if kind == "results" else None)
    behind = Global(store, GlobalType(I64, True), 0x1122334455667788)
    records = behind_the_stack(store)
    begin: dict[str, Callable[[], object]] = {
        "call": lambda: function(store, *args),
        "bits": lambda: function.call_bits(store, [1] * len(args)),
        "start": lambda: function.start(store, *args),
    }
    with pytest.raises(Trap) as trap:
        begin[how]()
    assert trap.value.code is TrapCode.STACK_OVERFLOW
    assert behind_the_stack(store) == records
    assert behind.value(store) == 0x1122334455667788


@EACH_TIER
def test_the_longest_frame_that_fits(tier: str) -> None:
    """To the slot: one more than fits is refused, and what fits is called."""
    store = Store(engine(tier=tier, max_wasm_stack=STACK))
    room = store.machine.stack_limit - store.machine.top
    fits = (room - 16) // 8  # but for the header
    seen: list[int] = []
    for count, good in ((fits, True), (fits + 1, False)):
        seen.clear()
        function = Func(store, FuncType([I64] * count, []), lambda *args: seen.append(len(args)))
        if good:
            function(store, *range(count))
        else:
            records = behind_the_stack(store)
            with pytest.raises(Trap) as trap:
                function(store, *range(count))
            assert trap.value.code is TrapCode.STACK_OVERFLOW
            assert behind_the_stack(store) == records
        assert seen == [count] * good


@EACH_TIER
def test_calls_back_from_the_stack_s_end(tier: str) -> None:
    """A guest calls the host from deeper and deeper, which calls back with many arguments: at some depth there is no room."""
    types = " ".join(["i64"] * 100)
    wat = f"""(module (import "host" "back" (func $back (param i32)))
      (global (export "last") (mut i64) (i64.const -7))
      (func $deep (export "deep") (param i32) (call $back (local.get 0))
        (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1))))))
      (func (export "many") (param {types})))"""
    ends: list[object] = []

    def back(caller: Any, _depth: int) -> None:
        many = caller["many"]
        try:
            ends.append(many(caller, *[-1] * 100))
        except Trap as trap:
            ends.append(trap.code)

    store, exports = fresh(wat, ([I32], [], back), tier=tier, max_wasm_stack=STACK)
    with pytest.raises(Trap) as trap:
        exports["deep"](store, 1000)
    assert trap.value.code is TrapCode.STACK_OVERFLOW, "the guest itself comes to the end, by itself"
    first = ends.index(TrapCode.STACK_OVERFLOW)
    assert 0 < first < len(ends)
    assert set(ends[:first]) == {None}
    assert set(ends[first:]) == {TrapCode.STACK_OVERFLOW}
    assert exports["last"].value(store) == -7


@EACH_TIER
def test_a_host_call_whose_frame_passes_the_stack(tier: str) -> None:
    """No guest comes to it; the loop looks all the same, before it takes what lies behind the stack for arguments."""
    taken: list[int] = []
    wat = """(module (import "host" "take" (func $take (param i64)))
      (func (export "give") (call $take (i64.const 5))))"""
    store, exports = fresh(wat, ([I64], [], taken.append), tier=tier, max_wasm_stack=STACK)
    execution = exports["give"].start(store)
    assert isinstance(execution.run(pause_at=["host.take"]), Paused)
    store.machine.activations[0].sp = store.machine.stack_limit - 8
    with pytest.raises(Trap) as trap:
        execution.run()
    assert (trap.value.code, taken) == (TrapCode.CORRUPT, [])
