"""Long straight lines: safepoints lie in them, so `safe`, which compiles what it meets first, looks up between two pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arenite import (
    Config,
    Engine,
    Execution,
    Finished,
    Func,
    Global,
    Instance,
    Module,
    Paused,
    PauseReason,
    Snapshot,
    Store,
    Trap,
)
from arenite.bytecode.encode import ops
from arenite.bytecode.safepoints import safepoints_of
from arenite.errors import SnapshotError
from arenite.machine.run.frames import check_place
from arenite.tiers.safe.block import LONGEST, SHORT, Blocks
from arenite.translate.translator import LINE
from arenite.traps import Cause, TrapCode
from tiers import TIERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from arenite.bytecode.module import ModuleCode
    from arenite.config import TierName

ADD = "(global.set $n (i32.add (i32.mul (global.get $n) (i32.const 31)) (i32.const 7)))"
FAR = 9000  # a local beyond what operands reach
LONGEST_STEP = 16 * 8  # bytes of what one instruction below becomes, at the most
LINES = {
    "statements": ADD * 3000,
    "one expression": "(global.set $n "
    + "(i32.mul (i32.const 3) (i32.add (i32.const 7) " * 3000
    + "(global.get $n)"
    + "))" * 3000
    + ")",
    "ifs": f"(if (global.get $n) (then {ADD * 20}) (else {ADD * 30}))" * 100,
    "ways around": f"(block {ADD * 30} (br_if 0 (global.get $n)) {ADD * 20})" * 100,
    "blocks in blocks": "(block " * 99 + f"{ADD * 9} (br_if 0 (i32.eqz (global.get $n))))" * 99,
    "tables of branches": f"(block {ADD * 2} (block (br_table 0 1 (global.get $n))) {ADD * 9})" * 300,
    "locals": "(local.set $x (i32.add (local.get $y) (i32.const 3))) (local.set $y (i32.xor (local.get $x) (global.get $n)))"
    * 2000
    + "(global.set $n (local.get $x))",
    "a wide frame": f"(local.set {FAR} (i32.add (local.get {FAR}) (global.get $n))) {ADD}" * 600
    + f"(global.set $n (local.get {FAR}))",
    "memory": f"(i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 3))) {ADD}" * 1500,
}
OPERANDS = (
    "(i32.const 5) (local.get $y) (global.get $n) (ref.null extern)"  # in each of the ways in which one can wait on the stack
)
TAKEN = "(drop) (global.set $n (i32.sub (i32.add (i32.add))  (global.get $n)))"


def wat(body: str) -> str:
    """A function that does it, with operands that wait below; the result is in `n`."""
    wide = f"(local {'i32 ' * FAR})" if str(FAR) in body else ""
    return f"""(module (memory 1) (global $n (export "n") (mut i32) (i32.const 1))
      (func (export "go") (param $y i32) (result i32) (local $x i32) {wide} {OPERANDS} {body} {TAKEN} (i32.const 7)))"""


def expected(body: str, y: int) -> int:
    """What an outside engine finds in `n`."""
    wasmtime = pytest.importorskip("wasmtime")
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    exports = wasmtime.Instance(store, wasmtime.Module(engine, wat(body)), []).exports(store)
    assert exports["go"](store, y) == 7
    n: int = exports["n"].value(store)
    return n


class Guest:
    """An engine of its own, so that nothing has been compiled."""

    def __init__(self, body: str) -> None:
        self.engine = Engine(Config(tier="safe"))
        self.module = Module(self.engine, wat(body))
        self.store = Store(self.engine)
        self.instance = Instance(self.store, self.module, [])

    @property
    def go(self) -> Func:
        found = self.instance.exports(self.store)["go"]
        assert isinstance(found, Func)
        return found

    def n(self, store: Store) -> object:
        found = self.instance.exports(store)["n"]
        assert isinstance(found, Global)
        return found.value(store)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Callable[[Store], list[int]]:
    """After each block that is made, the machine is told to look up; how many ops these blocks have."""
    at, short = Blocks.at, Blocks.short

    def tell(store: Store) -> list[int]:
        counts = list[int]()

        def noted(self: Blocks, code: memoryview, pc: int, *rest: Callable[[int], bool]) -> object:
            new = pc not in self.by_pc
            found = at(self, code, pc, *rest)
            if new:
                counts.append(len(set(found.pcs)))
                store.machine.interrupt()
            return found

        def noted_short(self: Blocks, code: memoryview, pc: int, stops: Callable[[int], bool]) -> object:
            found = short(self, code, pc, stops)
            counts.append(len(set(found.pcs)))
            return found

        monkeypatch.setattr(Blocks, "at", noted)
        monkeypatch.setattr(Blocks, "short", noted_short)
        return counts

    return tell


def farthest(code: ModuleCode) -> int:
    """The most bytes of code on any way from a safepoint, or a function's beginning, to the next; branches lead ahead."""
    most = 0
    for number, function in enumerate(code.all_functions()):
        stops = {s.pc for s in safepoints_of(code, number)}
        since: dict[int, int] = {function.begin: 0}  # pc -> how far it may be from the last one
        for op in ops(code.bytecode, function.begin, function.end):
            if op.pc in stops:
                since[op.pc] = 0
            if op.pc not in since:
                continue  # nothing leads here
            here = since[op.pc] + (
                0 if op.row.name == "zero16" else op.end - op.pc
            )  # nothing else begins a function with many locals
            most = max(most, here)
            goes_on = op.row.name.partition(" ")[0] not in {"br", "br_table", "return", "unreachable"}
            for to in (*op.labels, *([op.end] if goes_on else [])):
                since[to] = max(since.get(to, 0), here)
    return most


@pytest.mark.parametrize("name", LINES)
def test_no_way_is_long(name: str) -> None:
    code = Module(Engine(), wat(LINES[name])).code
    assert len(code.bytecode) > 5 * LINE
    assert 0 < farthest(code) <= LINE + LONGEST_STEP


@pytest.mark.parametrize("name", LINES)
def test_the_machine_looks_up_between_two_pieces(name: str, compiled: Callable[[Store], list[int]]) -> None:
    guest, before = Guest(LINES[name]), [0]
    pieces = list[int]()
    functions = compiled(guest.store)

    def check() -> None:
        pieces.append(sum(functions) - before[0])
        before[0] = sum(functions)

    guest.store.machine.check = check
    assert guest.go(guest.store, 3) == 7
    assert guest.n(guest.store) == expected(LINES[name], 3)
    assert sum(functions) > 2000
    assert max(*pieces, sum(functions) - before[0]) <= LONGEST + SHORT * LINE // 8


@pytest.mark.parametrize("name", LINES)
def test_an_execution_pauses_there_travels_and_goes_on(name: str, compiled: Callable[[Store], list[int]], tmp_path: Path) -> None:
    guest, looks = Guest(LINES[name]), [0]
    compiled(guest.store)

    def check() -> Cause | None:
        looks[0] += 1
        return Cause.INTERRUPT if looks[0] in (4, 8) else None

    guest.store.machine.check = check
    execution = guest.go.start(guest.store, 3)
    right = expected(LINES[name], 3)
    for _ in range(2):
        outcome = execution.run()
        assert isinstance(outcome, Paused)
        assert outcome.reason is PauseReason.EPOCH
    snapshot = guest.store.snapshot()
    snapshot.save(tmp_path / "there.arn")
    engines = [Engine(Config(tier=tier)) for tier in TIERS]
    forks = [snapshot.fork(), *(Snapshot.open(tmp_path / "there.arn", engine, verify=True).fork() for engine in engines)]
    for store in (guest.store, *forks):
        assert isinstance(store.execution, Execution)
        assert store.execution.run() == Finished((7,))
        n = store.instances[0].exports(store)["n"]
        assert isinstance(n, Global)
        assert n.value(store) == right


def test_an_ordinary_call_traps_there(compiled: Callable[[Store], list[int]]) -> None:
    guest, looks = Guest(LINES["statements"]), [0]
    functions = compiled(guest.store)

    def check() -> Cause | None:
        looks[0] += 1
        return Cause.INTERRUPT if looks[0] == 4 else None

    guest.store.machine.check = check
    with pytest.raises(Trap) as trap:
        guest.go(guest.store, 3)
    assert trap.value.trap_code is TrapCode.INTERRUPT
    assert len(functions) < 10


def test_fuel_is_not_asked_for_there(compiled: Callable[[Store], list[int]]) -> None:
    """All of it is used up by the function's beginning."""
    guest = Guest(LINES["statements"])
    compiled(guest.store)
    execution = guest.go.start(guest.store, 3)
    assert execution.run(fuel=1) == Finished((7,))


def test_a_place_without_a_safepoint_is_none_to_stand_at(compiled: Callable[[Store], list[int]]) -> None:
    guest, looks = Guest(LINES["statements"]), [0]
    compiled(guest.store)

    def check() -> Cause | None:
        looks[0] += 1
        return Cause.INTERRUPT if looks[0] == 4 else None

    guest.store.machine.check = check
    assert isinstance(guest.go.start(guest.store, 3).run(), Paused)
    machine = guest.store.machine
    (activation,) = machine.activations
    check_place(machine.window, activation)
    activation.pc += 8
    with pytest.raises(SnapshotError, match="no safepoint"):
        check_place(machine.window, activation)
    activation.pc, activation.end = activation.pc - 8, activation.at + activation.function.codec.frame  # as if it began
    with pytest.raises(SnapshotError, match="its frames end"):
        check_place(machine.window, activation)


def test_the_zeros_of_many_locals_are_made_in_one_piece(compiled: Callable[[Store], list[int]]) -> None:
    body = f"(local.set {FAR} (i32.add (local.get {FAR}) (local.get {FAR - 1}))) (global.set $n (local.get {FAR}))"
    guest = Guest(body)
    functions = compiled(guest.store)
    guest.store.machine.interrupt()
    assert guest.go(guest.store, 3) == 7
    assert guest.n(guest.store) == expected(body, 3)
    assert sum(functions) < 10 * SHORT
    at = guest.module.code.function(0).begin
    assert len(set(Blocks(deterministic=False).at(guest.module.code.bytecode, at).pcs)) <= 2 * LONGEST


@pytest.mark.parametrize("tier", TIERS)
def test_many_locals_begin_with_zero_where_others_have_been(tier: TierName) -> None:
    """A call leaves its frame behind it on the stack, full of ones."""
    many = 333
    fill = "".join(f"(local.set {n} (i64.const -1))" for n in range(many))
    fold = "".join(f"(local.set {n + 1} (i64.or (local.get {n}) (local.get {n + 1})))" for n in range(many - 1))
    locals_ = f"(local {'i64 ' * many})"
    engine = Engine(Config(tier=tier))
    store = Store(engine)
    text = f"""(module (func $fill {locals_} {fill}) (func $fold (result i64) {locals_} {fold} (local.get {many - 1}))
      (func $vector (result i64) {locals_} (local $v v128) (local $w v128)
        (local.set $w (v128.or (local.get $v) (local.get $w)))
        (i64.or (i64x2.extract_lane 0 (local.get $w)) (i64x2.extract_lane 1 (local.get $w))))
      (func (export "go") (result i64) (call $fill) (call $fold) (call $fill) (call $vector) i64.or))"""
    assert Instance(store, Module(engine, text), []).call(store, "go") == 0
