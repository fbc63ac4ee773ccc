"""Guests inside host functions inside guests: how deep, and what is said when it is too deep."""

from __future__ import annotations

import subprocess
import sys
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Caller, Config, Trap, TrapCode
from marks import EACH_TIER
from unit.machine.guests import EXTERNREF, I32, fresh

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.config import TierName

WAT = """(module
  (import "host" "down" (func $down (param i32) (result i32)))
  (import "host" "held" (func $held (param externref i32) (result externref)))
  (func (export "down") (param $a i32) (result i32)
    (i32.add (call $down (local.get $a)) (i32.const 1)))
  (func (export "held") (param $a externref) (param $b i32) (result externref)
    (call $held (local.get $a) (local.get $b))))"""
PROGRAM = """
import sys
sys.path[:0] = {path}
from unit.machine.test_nesting import Nest
nest = Nest({tier!r}, levels={levels})
print(nest.call({export!r}), len(nest.deepest), sys.getrecursionlimit())
"""
LEVELS = 190  # what Lua wants, compiled by emscripten; nothing but its own script below


class Nest:
    """A store whose guest and host call each other so many levels deep.  `deepest`: Python's frames there; `bottom`: what is done there."""

    def __init__(self, tier: TierName, levels: int, bottom: Callable[[], object] = lambda: None, **options: Any) -> None:
        self.levels, self.bottom = levels, bottom
        self.deepest: list[str] = []
        self.store, self.e = fresh(
            WAT, ([I32], [I32], self.down), ([EXTERNREF, I32], [EXTERNREF], self.held), tier=tier, **options
        )

    def down(self, caller: Caller, level: int) -> int:
        if level == self.levels:
            self.deepest = [frame.name for frame in traceback.extract_stack()]
            self.bottom()
            return 0
        func: Any = caller["down"]
        found: int = func(caller, level + 1)
        return found

    def held(self, caller: Caller, thing: object, level: int) -> object:
        if level == self.levels:
            self.deepest = [frame.name for frame in traceback.extract_stack()]
            return thing
        func: Any = caller["held"]
        return func(caller, thing, level + 1)

    def call(self, export: str = "down") -> object:
        return self.e[export](self.store, *([] if export == "down" else ["thing"]), 1)

    def works(self) -> None:
        """After whatever has happened."""
        self.levels, self.bottom = 3, lambda: None
        assert self.call() == 3
        assert self.call("held") == "thing"
        assert (self.store.machine.depth, self.store.machine.host_stack, self.store.machine.users) == (0, [], set())


@pytest.mark.parametrize("export", ["down", "held"])
@EACH_TIER
def test_as_deep_as_programs_go(tier: TierName, export: str) -> None:
    """With Python's own limit, in a process whose stack has nothing else."""
    program = PROGRAM.format(path=sys.path, tier=tier, levels=LEVELS, export=export)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    value, frames, limit = done.stdout.split() or [done.stderr, "0", "0"]
    assert value == (str(LEVELS) if export == "down" else "thing")
    assert int(limit) == 1000
    assert int(frames) <= 4 * LEVELS + 10


@EACH_TIER
def test_a_level_is_four_frames(tier: TierName) -> None:
    frames = []
    for levels in (5, 6):
        nest = Nest(tier, levels)
        nest.call()
        frames.append(len(nest.deepest))
    assert frames[1] - frames[0] == 4


@EACH_TIER
def test_so_many_are_allowed(tier: TierName) -> None:
    nest = Nest(tier, 7, max_nesting=7)
    assert nest.call() == 7
    nest.levels = 8
    with pytest.raises(Trap, match=r"too many nested calls between host and guest: 7 are allowed \(max_nesting\)") as caught:
        nest.call()
    assert caught.value.trap_code is TrapCode.STACK_OVERFLOW
    nest.works()


def test_the_usual_number() -> None:
    assert Config().max_nesting == 200


@EACH_TIER
@pytest.mark.parametrize("export", ["down", "held"])
def test_python_has_no_room_for_more(tier: TierName, export: str) -> None:
    """Its limit stays what it is, and its error becomes the trap."""
    nest, limit = Nest(tier, 1 << 30, max_nesting=1 << 20), sys.getrecursionlimit()
    with pytest.raises(Trap, match=r"too many nested calls between host and guest: Python's stack has no room") as caught:
        nest.call(export)
    assert isinstance(caught.value.__cause__, RecursionError)
    assert caught.value.trap_code is TrapCode.STACK_OVERFLOW
    assert sys.getrecursionlimit() == limit
    nest.works()


@EACH_TIER
def test_an_execution_that_has_no_room_for_more(tier: TierName) -> None:
    nest = Nest(tier, 1 << 30, max_nesting=1 << 20)
    execution = nest.e["down"].start(nest.store, 1)
    with pytest.raises(Trap, match="Python's stack has no room"):
        execution.run()
    assert nest.store.execution is None
    nest.works()


def endless() -> None:
    endless()


@EACH_TIER
def test_whoever_recurses_alone_is_told_so(tier: TierName) -> None:
    """A host function without end that calls no guest; inside another it cannot be told apart."""
    nest = Nest(tier, 1, endless)
    with pytest.raises(RecursionError):
        nest.call()
    nest.works()
    nest.levels, nest.bottom = 2, endless
    with pytest.raises(Trap, match="Python's stack has no room"):
        nest.call()
    nest.works()


@EACH_TIER
def test_a_caller_is_left_however_its_function_ends(tier: TierName) -> None:
    kept: list[Caller] = []

    def keep(caller: Caller, ends: int) -> object:
        kept.append(caller)
        if ends == 1:
            raise KeyError(ends)
        return 5 if ends == 0 else "no number"

    store, e = fresh(
        """(module
  (import "h" "f" (func $f (param i32) (result i32)))
  (func (export "f") (param $a i32) (result i32)
    (call $f (local.get $a))))""",
        ([I32], [I32], keep),
        tier=tier,
    )
    assert e["f"](store, 0) == 5
    for ends, error in ((1, KeyError), (2, TypeError)):
        with pytest.raises(error):
            e["f"](store, ends)
    assert len(kept) == 3
    for caller in kept:
        with pytest.raises(Exception, match="valid during its host function's call only"):
            caller.get("f")
