"""The safe tier: how blocks are put together, what stops leave behind, hostile arenas, and that it holds on to nothing."""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from arenite import Config, Engine, Func, Instance, Module, Store
from arenite.bytecode.encode import encode
from arenite.bytecode.protocol import F64, I32
from arenite.bytecode.stops import SEARCHES, Builtin
from arenite.errors import Trap
from arenite.layout.cage import MODULE_GRAIN, STACK_AT
from arenite.layout.records import StoreContext
from arenite.machine.space.portable import PortableCage
from arenite.tiers.safe import SafeTier
from arenite.tiers.safe.block import LONGEST, BlockBuilder, Blocks, block, straight
from arenite.traps import Cause, TrapCode
from unit.tiers.safe_trials import CONTEXT, USED, trials, window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GUEST = """(module
  (memory (export "memory") 1 3)
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func (export "count") (param i32) (result f64) (local $sum f64)
    (loop $again
      (local.set $sum (f64.add (local.get $sum) (f64.convert_i32_u (local.get 0))))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $sum))
  (func (export "grow") (result i32) (memory.grow (i32.const 1)))
  (func (export "load") (param i32) (result i32) (i32.add (i32.const 1) (i32.load (local.get 0)))))
"""


def source(code: bytes, pc: int = 0) -> str:
    ops = straight(code, pc, deterministic=False, is_loop=True)
    return BlockBuilder(ops, deterministic=False).assemble()[0]


def program(*ops: tuple[str, dict[str, int]]) -> bytes:
    code = b""
    for name, values in ops:
        code += encode(name, len(code), (), **values)
    return code


# blocks
def test_a_slot_stays_in_a_local() -> None:
    text = source(
        program(("i32.add", {"dst": 0, "a": 8, "b": 16}), ("i32.xor", {"dst": 8, "a": 0, "b": 16}), ("return", {"header": 8}))
    )
    assert "Q[q + 1] = i1 = i0 ^ i2" in text
    assert text.count("= I[w + 4]") == 1


def test_another_type_reads_the_arena_again() -> None:
    text = source(
        program(("i64.add", {"dst": 0, "a": 8, "b": 16}), ("f64.add", {"dst": 0, "a": 0, "b": 0}), ("return", {"header": 8}))
    )
    assert text.index("Q[q + 0] = q0 =") < text.index("d0 = D[q + 0]") < text.index("D[q + 0] = d0 = d0 + d0")


def test_a_loop_stays_inside_and_finds_its_locals() -> None:
    ops = [("f64.add", {"dst": 8, "a": 8, "b": 8}), ("move", {"dst": 16, "a": 8}), ("move", {"dst": 8, "a": 24})]
    text = source(program(*ops, ("loop_br_if", {"c": 32, "to": 0}), ("halt", {})))
    head, _, rest = text.partition("while True:")
    assert "d1 = D[q + 1]" in head
    assert rest.index("Q[q + 1] = q1 = q3") < rest.index("d1 = D[q + 1]\n            continue")


def test_a_forward_branch_in_a_loop_becomes_an_if_with_an_else() -> None:
    ops = [
        ("br_unless", {"c": 0, "to": 24}),
        ("move", {"dst": 8, "a": 16}),
        ("br", {"to": 32}),
        ("i32.const", {"dst": 8, "n": 5}),
    ]
    text = source(program(*ops, ("loop_br_if", {"c": 8, "to": 0}), ("halt", {})))
    lines = [line.strip() for line in text.partition("while True:")[2].splitlines()]
    assert lines[1:6] == ["if not (i0 == 0):", "Q[q + 1] = q1 = q2", "else:", "Q[q + 1] = i1 = 5", "i1 = I[w + 2]"]


def test_a_branch_out_of_two_regions_leaves_the_block() -> None:
    ops = [
        ("br_if", {"c": 0, "to": 24}),
        ("br_if", {"c": 8, "to": 32}),
        ("i32.const", {"dst": 8, "n": 5}),
        ("i32.const", {"dst": 0, "n": 6}),
    ]
    text = source(program(*ops, ("loop_br_if", {"c": 8, "to": 0}), ("halt", {})))
    assert "return 32, sp, vmctx, fuel" in text


def test_a_loop_is_made_again_when_a_back_edge_leads_to_it() -> None:
    ops = [
        ("br_if", {"c": 0, "to": 24}),
        ("i32.const", {"dst": 8, "n": 5}),
        ("br", {"to": 32}),
        ("i32.const", {"dst": 8, "n": 6}),
    ]
    code, blocks = program(*ops, ("loop_br_if", {"c": 8, "to": 0}), ("halt", {})), Blocks(deterministic=False)
    first = blocks.at(code, 0)
    assert not first.loops
    assert blocks.at(code, 32).loops == {0}
    assert blocks.at(code, 0).loops == {0}
    assert blocks.at(code, 0) is not first


def test_a_block_ends_before_a_loop() -> None:
    code = program(
        ("i32.const", {"dst": 0, "n": 1}), ("i32.const", {"dst": 8, "n": 2}), ("loop_br_if", {"c": 0, "to": 8}), ("halt", {})
    )
    assert [op.pc for op in straight(code, 0, deterministic=False, is_loop=False)] == [0]
    assert source(code).endswith("return 8, sp, vmctx, fuel")
    assert "while True:" in source(code, 8)


def test_a_result_written_early_does_not_change_the_other_operands() -> None:
    text = source(program(("inc_br_if i32.ne", {"a": 8, "b": 1, "b2": 8, "to": 0}), ("halt", {})))
    assert "b2_before = i1" in text
    assert "!= b2_before" in text


def test_lines_lead_back_to_ops() -> None:
    code = program(("i32.const", {"dst": 0, "n": 1}), ("load32 memory0", {"dst": 8, "at": 0, "disp": 4}), ("halt", {}))
    text = block(code, 0, deterministic=False, is_loop=False)
    line = source(code).splitlines().index("    Q[q + 1] = i1 = ldI(m, i0 + 4)[0]") + 1
    assert text.pc_at(line) == 8


def test_a_block_is_not_longer_than_that() -> None:
    code = encode("i32.const", 0, dst=0, n=1) * (LONGEST + 5) + encode("halt")
    assert len(straight(code, 0, deterministic=False, is_loop=False)) == LONGEST
    assert source(code).endswith(f"return {8 * LONGEST}, sp, vmctx, fuel")


def test_places_of_slots() -> None:
    assert BlockBuilder.place(3, I32) == "I[w + 6]"
    assert BlockBuilder.place(3, F64) == "D[q + 3]"


# programs
@pytest.fixture
def store() -> Iterator[Store]:
    with Store(Engine(Config(tier="safe", consume_fuel=True))) as new:
        new.set_fuel(10**6)
        yield new


@pytest.fixture
def call(store: Store) -> Callable[..., object]:
    exports = Instance(store, Module(store.engine, GUEST), []).exports(store)

    def called(name: str, *args: int) -> object:
        function = exports[name]
        assert isinstance(function, Func)
        return function(store, *args)

    return called


def test_a_memory_grows_between_runs_of_one_call(call: Callable[..., object]) -> None:
    assert [call("grow") for _ in range(3)] == [1, 2, -1]
    assert call("load", 3 * 65536 - 4) == 1


def test_nothing_is_held_after_a_trap(call: Callable[..., object]) -> None:
    with pytest.raises(Trap, match="out of bounds memory access") as caught:
        call("load", 65533)
    assert caught.value.code is TrapCode.MEMORY_OUT_OF_BOUNDS
    assert call("grow") == 1  # a portable memory moves, which it could not while a view lives
    assert call("load", 65533) == 1


@pytest.mark.parametrize(("name", "argument", "result", "units"), [("fib", 7, 13, 41), ("count", 10, 55.0, 10)])
def test_fuel_is_counted_to_the_unit(
    store: Store, call: Callable[..., object], name: str, argument: int, result: float, units: int
) -> None:
    store.set_fuel(units - 1)
    with pytest.raises(Trap, match="fuel"):
        call(name, argument)
    store.set_fuel(units + 5)
    assert call(name, argument) == result
    assert store.get_fuel() == 5


# hostility
def test_a_damaged_arena_ends_in_a_stop() -> None:
    r = random.Random(4)
    cage = PortableCage(USED)
    for area in range(2):
        cage.new_area()
        cage.resize(area, 65536)
    run = SafeTier().runner(cage, window())
    StoreContext.stack_limit.write(cage.store_page, 0, USED)
    known = {0, 64, 65, *SEARCHES, *Cause, *Builtin}
    for trial in trials()[1][::3]:
        cage.arena[:USED] = (
            r.randbytes(USED) if r.random() < 0.2 else struct.pack("<I", r.getrandbits(r.choice([4, 12, 17, 32]))) * (USED // 4)
        )
        sp, vmctx = (r.choice([r.getrandbits(32), r.randrange(USED), 0xFFFFFFFF, STACK_AT]) for _ in range(2))
        CONTEXT.pack_into(cage.store_page, 0, 99, MODULE_GRAIN + trial.at, sp, vmctx, trial.fuel)
        run()
        status, pc, *_ = CONTEXT.unpack_from(cage.store_page)
        assert status in known, trial.row.name
        assert pc % 8 == 0
    cage.close()


def test_it_needs_no_machine_code() -> None:
    program = "import sys, arenite as a; a.Store(a.Engine(a.Config(tier='safe'))); sys.exit(bool({'llvmlite', 'arenite.tiers.threaded'} & {*sys.modules}))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)
