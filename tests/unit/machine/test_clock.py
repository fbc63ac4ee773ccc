"""How often the loop looks at the clock by itself, where host functions are called; the clock is played by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arenite import Config, Engine, Func, FuncType, Linker, Module, Store
from arenite.machine.run.interrupts import LATE, UNSEEN
from arenite.machine.run.watch import Watch
from marks import EACH_TIER
from tiers import TIERS

if TYPE_CHECKING:
    from arenite.config import TierName

CALLS = 1000
GUEST = f"""(module (import "host" "f" (func $f))
  (func (export "go") (local $n i32)
    (loop $next
      (call $f)
      (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const {CALLS}))))))"""


class Clock:
    """In place of the machine's; no watch comes in between."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.looks = 1.0, 0
        ours = Watch()
        ours.awake = True
        monkeypatch.setattr("arenite.machine.run.calls.watch", ours)
        monkeypatch.setattr("arenite.machine.run.interrupts.monotonic", self.look)

    def look(self) -> float:
        self.looks += 1
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def play(tier: TierName, clock: Clock, seconds: float) -> list[int]:
    """Call a host function that takes so long again and again; after how many calls the machine asked whether the guest must stop."""
    engine = Engine(Config(tier=tier))
    store, linker = Store(engine), Linker(engine)
    done, asked = [0], list[int]()

    def f() -> None:
        done[0] += 1
        clock.now += seconds

    linker.define_func("host", "f", FuncType([], []), f)
    go = linker.instantiate(store, Module(engine, GUEST)).exports(store)["go"]
    store.machine.check = lambda: asked.append(done[0])
    assert isinstance(go, Func)
    go(store)
    assert done == [CALLS]
    return asked


@pytest.mark.parametrize("tier", [*TIERS, "auto"])  # which also looks up where a slice ends: not at once
def test_short_host_functions_are_not_each_followed_by_a_look(tier: TierName, clock: Clock) -> None:
    asked = play(tier, clock, 0.0)
    assert asked == []
    assert 0 < clock.looks <= 1 + CALLS // UNSEEN


@EACH_TIER
@pytest.mark.parametrize("seconds", [LATE / 100, LATE / 10, LATE / 3])
def test_the_machine_looks_up_by_itself_before_long(tier: TierName, seconds: float, clock: Clock) -> None:
    """Without a word of the watch, which may be kept out."""
    asked = play(tier, clock, seconds)
    longest = LATE / seconds + UNSEEN + 1  # calls
    assert len(asked) > 1
    assert all(0 < later - before <= longest for before, later in zip([0, *asked], asked, strict=False))


@EACH_TIER
def test_a_machine_has_no_dictionary(tier: TierName) -> None:
    """Each step of a host call would look its attributes up there."""
    assert not hasattr(Store(Engine(Config(tier=tier))).machine, "__dict__")
