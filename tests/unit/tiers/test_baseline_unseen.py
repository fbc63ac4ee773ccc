"""The opcodes that lead to compiled code are in a window's own copy of the bytecode, and seen by nobody else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import wasmtime

from arenite import Config, Engine, Finished, Func, Instance, Module, Paused, Snapshot, Store
from arenite.bytecode.text import function_lines
from arenite.bytecode.verify import verify_module
from arenite.errors import InternalError
from arenite.platform import HAS_OBJECTS
from arenite.snapshot.code import bytecode_digest
from arenite.translate.module import translate
from tiers import GENERATED, engine_of

if TYPE_CHECKING:
    from arenite.bytecode.module import ModuleCode
    from tiers import Way

pytestmark = pytest.mark.skipif(not HAS_OBJECTS, reason="the baseline tier needs machine code")

PATCHED = (0xFFFF, 0xFFFE)
MODULE = """
(module
  (memory (export "memory") 1)
  (func $note (param $n i32)
    (i32.store (i32.mul (local.get $n) (i32.const 4)) (local.get $n)))
  (func (export "count") (param $n i32) (result i32)
    (loop $next
      (call $note (local.get $n))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $n)))
"""


@pytest.fixture(scope="module")
def code() -> ModuleCode:
    return translate(bytes(wasmtime.wat2wasm(MODULE)))


def test_they_are_those_of_the_tier() -> None:
    from arenite.tiers.baseline.code import COUNTING, ENTER_COMPILED  # noqa: PLC0415 (it loads machine code)

    assert (ENTER_COMPILED, COUNTING) == PATCHED


@pytest.mark.parametrize("opcode", PATCHED)
def test_bytecode_with_one_is_refused_at_every_op(code: ModuleCode, opcode: int) -> None:
    """So neither a module nor a translation that was kept can have it."""
    verify_module(code)
    for at in range(0, len(code.bytecode), 8):
        changed = code.bytecode[:at] + opcode.to_bytes(2, "little") + code.bytecode[at + 2 :]
        with pytest.raises(InternalError):
            verify_module(replace(code, bytecode=changed))


def paused(way: Way) -> tuple[Store, Module]:
    """A store whose guest has stopped in a loop, with the module's code compiled, or not."""
    engine = engine_of(way, consume_fuel=True)
    store, module = Store(engine), Module(engine, MODULE)
    store.set_fuel(1000)
    count = Instance(store, module, []).exports(store)["count"]
    assert isinstance(count, Func)
    assert isinstance(count.start(store, 100).run(fuel=51), Paused)
    return store, module


@pytest.mark.parametrize("way", GENERATED)
def test_whoever_reads_a_store_reads_the_ops(way: Way, code: ModuleCode) -> None:
    store, module = paused(way)
    window = store.machine.window
    opcodes = {int.from_bytes(window.code[at : at + 2], "little") for at in range(0, len(window.code), 8)}
    assert bool(opcodes.intersection(PATCHED)) is (way != "threaded")
    assert module.code.bytecode == code.bytecode
    assert bytecode_digest(module.code) == bytecode_digest(code)
    assert [list(function_lines(module.code, n)) for n in (0, 1)] == [list(function_lines(code, n)) for n in (0, 1)]
    plain, _ = paused("threaded")
    assert store.execution is not None
    assert plain.execution is not None
    assert list(map(str, store.execution.backtrace())) == list(map(str, plain.execution.backtrace()))
    assert store.snapshot().dumps() == plain.snapshot().dumps()


@pytest.mark.parametrize("way", GENERATED)
def test_a_snapshot_of_compiled_code_goes_on_anywhere(way: Way) -> None:
    store, _ = paused(way)
    data = store.snapshot().dumps()
    for tier in ("threaded", "safe"):
        fork = Snapshot.loads(data, Engine(Config(tier=tier, consume_fuel=True))).fork()
        assert fork.execution is not None
        outcome = fork.execution.run()
        assert isinstance(outcome, Finished)
        assert outcome.values == (0,)
