"""Activations: how one that has stopped stands, what its frames are as data, and that damage to them is an error and no more."""

from __future__ import annotations

import struct
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arenite import AreniteError, Engine, Func, FuncType, Instance, SnapshotError, Store, Trap
from arenite.bytecode.stops import PAUSE_AGAIN, PAUSE_OWED
from arenite.layout.cage import ALIGNMENT, STACK_AT
from arenite.layout.frame import HALT_PC
from arenite.layout.records import FrameHeader
from arenite.machine.run import execution as core
from arenite.machine.run.activation import HOST_CALL, READY, Activation, Pause, PauseReason, Until
from arenite.machine.run.frames import StackFrame, clear_dead, frames_in
from marks import EACH_TIER
from tiers import TIERS
from unit.machine.guests import I32, I64, engine, module

if TYPE_CHECKING:
    from arenite.machine.machine import Machine

STACK = 1 << 16
WAT = """(module
  (type $t (func (param i32) (result i32)))
  (import "host" "f" (func $f (param i32 i64) (result i64 i32 i32)))
  (memory (export "memory") 1)
  (table 1 funcref)
  (elem (i32.const 0) $down)
  (func $down (export "down") (type $t) (local i64 f64)
    (local.set 1 (i64.const -1))
    (if (result i32) (local.get 0)
      (then
        (i32.add
          (i32.mul (local.get 0) (i32.const 3))
          (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))))
      (else (call $loop (i32.const 20)))))
  (func $loop (param $a i32) (result i32)
    (loop $l (br_if $l (local.tee $a (i32.sub (local.get $a) (i32.const 1)))))
    (i32.add (i32.const 5) (call $host (i32.const 9))))
  (func $host (param $a i32) (result i32) (local $b i32)
    (call $f (local.get $a) (i64.const 77))
    (i32.add)
    (local.set $b)
    (i32.wrap_i64)
    (i32.add (local.get $b)))
  (func (export "ok") (result i32) (i32.const 1)))"""


class Guest:
    """A machine with the guest, and an activation of `down`."""

    def __init__(self, tier: str, depth: int = 6) -> None:
        of: Engine = engine(tier=tier, max_wasm_stack=STACK)
        self.store = Store(of)
        self.attack: Any = lambda: None
        f = Func(self.store, FuncType([I32, I64], [I64, I32, I32]), self.f)
        self.instance = Instance(self.store, module(of, WAT), [f])
        self.machine: Machine = self.store.machine
        self.exports: Any = self.instance.exports(self.store)
        self.depth = depth
        down: Any = self.exports["down"]
        self.activation: Activation = core.start(self.machine, down.addr, (depth,))

    def f(self, a: int, b: int) -> tuple[int, int, int]:
        self.attack()
        return b, a, 2

    def go_on(self, fuel: int | None = None, pause_at: str = "") -> Pause | None:
        names = frozenset({("host", pause_at)}) if pause_at else frozenset()
        finished = core.go_on(self.machine, self.activation, Until(fuel, pause_at=names))
        return None if finished else self.activation.pause

    def frames(self) -> list[StackFrame]:
        return list(frames_in(self.machine.cage.arena, self.machine.window, self.activation))

    def result(self) -> int:
        (value,) = core.results(self.machine, self.activation)
        assert isinstance(value, int)
        return value

    def finish(self) -> int:
        assert self.go_on() is None
        return self.result()


@pytest.fixture(params=TIERS)
def guest(request: pytest.FixtureRequest) -> Guest:
    """A guest about to begin."""
    return Guest(request.param)


EXPECTED = sum(3 * n for n in range(1, 7)) + 5 + 77 + 9 + 2


def stops(guest: Guest) -> list[tuple[str, int | None, str]]:
    """(how it stands, fuel to go there, host function to stop at) of every kind of place."""
    return [("begun", None, ""), ("entering", 4, ""), ("looping", guest.depth + 6, ""), ("calling", None, "f")]


def go(guest: Guest, fuel: int | None, pause_at: str) -> None:
    """Go to one of the places."""
    if fuel is not None or pause_at:
        assert guest.go_on(fuel, pause_at) is not None


STATUS = {"begun": READY, "entering": PAUSE_AGAIN, "looping": PAUSE_OWED, "calling": HOST_CALL}
PLACES = ("begun", "entering", "looping", "calling")


def at_place(tier: str, place: str) -> Guest:
    """A guest that has stopped there."""
    guest = Guest(tier)
    _, fuel, pause_at = next(s for s in stops(guest) if s[0] == place)
    go(guest, fuel, pause_at)
    assert guest.activation.status == STATUS[place]
    return guest


@pytest.mark.parametrize("place", PLACES)
@EACH_TIER
def test_how_it_stands(tier: str, place: str) -> None:
    """What it owes; that the host's frames begin above it; that its frames are the backtrace's."""
    guest = at_place(tier, place)
    activation, machine = guest.activation, guest.machine
    assert machine.activations == [activation]
    assert activation.at == STACK_AT <= activation.sp < activation.end <= machine.stack_limit
    assert machine.top == activation.end
    assert activation.end % ALIGNMENT == 0
    found = guest.frames()
    assert len(found) == {"begun": 1, "entering": 5, "looping": 8, "calling": 10}[place]
    assert found[-1].sp == activation.at
    assert found[0].sp == activation.sp
    for inner, outer in pairwise(found):
        assert outer.end == inner.sp
        assert FrameHeader.caller_sp.read(machine.cage.arena, inner.header) == outer.sp
    for frame in found:
        ends = [frame.sp, *(end for live in frame.live for end in live), frame.end]
        assert ends == sorted(ends)
        assert (frame.header, frame.header + FrameHeader.size) in frame.live
    assert FrameHeader.return_pc.read(machine.cage.arena, found[-1].header) == HALT_PC
    assert guest.finish() == EXPECTED
    assert machine.activations == []
    assert machine.top == STACK_AT


@pytest.mark.parametrize("place", PLACES)
@EACH_TIER
def test_what_is_dead_may_be_anything(tier: str, place: str) -> None:
    """Every byte that no frame's live ranges hold, and all behind them, is overwritten; the result is the same.  Then it is zeroed."""
    guest = at_place(tier, place)
    arena, machine = guest.machine.cage.arena, guest.machine
    dead = bytearray(b"\1" * (machine.stack_limit - STACK_AT))
    for frame in guest.frames():
        for start, stop in frame.live:
            dead[start - STACK_AT : stop - STACK_AT] = bytes(stop - start)
    places = [STACK_AT + i for i, is_dead in enumerate(dead) if is_dead]
    for at in places:
        arena[at] = 0xA5
    clear_dead(machine)
    assert not any(arena[at] for at in places if at < guest.activation.end)
    for at in places:
        arena[at] = 0x5A
    assert guest.finish() == EXPECTED


@pytest.mark.parametrize("place", PLACES)
@EACH_TIER
def test_a_copy_goes_on_elsewhere(tier: str, place: str) -> None:
    guest = at_place(tier, place)
    copy = guest.activation.copy()
    assert copy is not guest.activation
    for name in Activation.__slots__:
        assert getattr(copy, name) == getattr(guest.activation, name)
    with pytest.raises(AreniteError, match="is over"):  # here it belongs to nobody
        core.go_on(guest.machine, copy)
    assert guest.finish() == EXPECTED


def test_an_answer_completes_the_call(guest: Guest) -> None:
    pause = guest.go_on(pause_at="f")
    assert pause is not None
    assert pause.reason is PauseReason.CALL
    call = core.waiting_call(guest.machine, guest.activation)
    assert call is not None
    assert call.params == (9, 77)
    for wrong in (3, (1, 2), (1, 2, "x"), (1 << 64, 2, 3)):
        with pytest.raises((TypeError, OverflowError)):
            core.answer(guest.machine, guest.activation, wrong)
        assert guest.activation.status == HOST_CALL
    core.answer(guest.machine, guest.activation, (1, 2, 3))
    assert (guest.activation.status, guest.activation.pause) == (READY, None)
    assert len(guest.frames()) == 10  # the thunk has still to return
    clear_dead(guest.machine)
    assert guest.finish() == EXPECTED - 77 - 9 - 2 + 6


def test_an_instance_without_a_start_function(guest: Guest) -> None:
    activation = core.start_instance(guest.machine, guest.instance.addr)
    (frame,) = frames_in(guest.machine.cage.arena, guest.machine.window, activation)
    assert (frame.sp, frame.header) == (activation.at, activation.at)
    clear_dead(guest.machine)
    assert core.go_on(guest.machine, activation, Until(fuel=0))


@EACH_TIER
def test_deep_recursion(tier: str) -> None:
    """All frames are found, in the fork too."""
    of: Engine = engine(tier=tier, max_wasm_stack=8 << 20)
    store = Store(of)
    instance = Instance(store, module(of, WAT), [Func(store, FuncType([I32, I64], [I64, I32, I32]), lambda a, b: (b, a, 2))])
    down: Any = instance.exports(store)["down"]
    execution = down.start(store, 1_000_000)
    execution.run(fuel=50_000)
    for each in (store, store.snapshot().fork()):
        machine = each.machine
        assert sum(1 for _ in frames_in(machine.cage.arena, machine.window, machine.activations[0])) == 50_001


@pytest.mark.parametrize("size", [1, 1001, 4099])
@EACH_TIER
def test_a_stack_of_any_size(tier: str, size: int) -> None:
    """Records behind it are aligned all the same."""
    of: Engine = engine(tier=tier, max_wasm_stack=size)
    store = Store(of)
    wat = """(module
  (memory 1)
  (table 3 funcref)
  (elem (i32.const 0) 0)
  (func (result i32) (i32.load (i32.const 0)))
  (func (export "go") (result i32)
    (call_indirect (result i32) (i32.const 0))))"""
    instance = Instance(store, module(of, wat), [])
    if size > 1:
        assert instance.call(store, "go") == 0
    fork = store.snapshot().fork()
    assert fork.machine.stack_limit % ALIGNMENT == 0
    with suppress(Trap):
        instance.call(fork, "go")


# ---- damage


VALUES = (0, 1, HALT_PC, STACK_AT, STACK_AT + 8, 0x8000, 0x0FFF_FFF0, 0x3FFF_FFFF, 0x7FFF_FFFF, 0xFFFF_FFF0, 0xFFFF_FFFF)


@pytest.mark.parametrize("field", ["caller_sp", "return_pc"])
@EACH_TIER
def test_a_damaged_header(tier: str, field: str) -> None:
    """Any value but one that another frame could have, in any frame: an error that says so; put right, the guest goes on."""
    guest = at_place(tier, "looping")
    arena, offset = guest.machine.cage.arena, getattr(FrameHeader, field).offset
    found = guest.frames()
    possible = {frame.sp for frame in found} if field == "caller_sp" else set()
    for frame in found[: -1 if field == "caller_sp" else None]:
        header = frame.header
        (right,) = struct.unpack_from("<I", arena, header + offset)
        for value in {*VALUES, header, header - 1, right + 1, right + 8, right - 8} - possible - {right}:
            struct.pack_into("<I", arena, header + offset, value)
            with pytest.raises(SnapshotError, match="damaged"):
                guest.store.snapshot()
            struct.pack_into("<I", arena, header + offset, right)
    guest.store.snapshot()
    assert guest.finish() == EXPECTED


@EACH_TIER
@settings(max_examples=60, deadline=None)
@given(writes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 40)), min_size=1, max_size=8), place=st.sampled_from(PLACES))
def test_any_damage(tier: str, writes: list[tuple[int, int]], place: str) -> None:
    """Words of the stack overwritten with each other and with extremes: a snapshot, or an error; then a result, or a trap.

    What does not end is ended by the limit that every test has.
    """
    guest = at_place(tier, place)
    arena = guest.machine.cage.arena
    for word, choice in writes:
        at = STACK_AT + 4 * word
        value = VALUES[choice] if choice < len(VALUES) else struct.unpack_from("<I", arena, STACK_AT + 16 * choice)[0]
        struct.pack_into("<I", arena, at, value)
    with suppress(SnapshotError):
        guest.store.snapshot().fork().close()
    with suppress(Trap):
        guest.go_on(1000)
    if not guest.machine.activations:
        assert guest.machine.top == STACK_AT
    assert guest.exports["ok"](guest.store) == 1
    guest.store.close()


@pytest.mark.parametrize("sp", ["zero", "below", "other"])
@EACH_TIER
def test_a_guest_that_returned_astray(tier: str, sp: str) -> None:
    """A caller's place that a host function has damaged: the guest goes on there, and whatever it stops at is no snapshot."""
    wat = """(module
  (import "host" "f" (func $f))
  (func $inner (local $a i32)
    (call $f)
    (loop $l (br $l)))
  (func (export "go") (param $a i64) (param $b i64) (param $c i64) (param $d i64) (param $e i64) (param $f i64)
    (call $inner))
  (func (export "ok") (result i32) (i32.const 1)))"""
    of: Engine = engine(tier=tier, max_wasm_stack=STACK)
    store = Store(of)

    def f(caller: Any) -> None:
        arena, stack = store.machine.cage.arena, store.machine.cage.store_page
        (thunk,) = struct.unpack_from("<I", stack, 8)
        value = {"zero": 0, "below": STACK_AT - 64, "other": STACK_AT + 8}[sp]
        struct.pack_into("<I", arena, thunk + FrameHeader.caller_sp.offset, value)
        del caller

    instance = Instance(store, module(of, wat), [Func(store, FuncType([], []), f, access_caller=True)])
    go_: Any = instance.exports(store)["go"]
    execution = go_.start(store, 1, 2, 3, 4, 5, 6)
    try:
        execution.run(fuel=100)
    except Trap:
        assert execution.over
    else:
        with pytest.raises(SnapshotError, match="damaged"):
            store.snapshot()
        execution.close()
    assert store.machine.top == STACK_AT
    assert instance.call(store, "ok") == 1
    store.snapshot()
