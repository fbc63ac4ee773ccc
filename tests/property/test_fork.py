"""Stopping, freezing and forking change nothing; and equal machines are equal bytes.

A guest is stopped at random points of its fuel.  There it is snapshotted or forked any number of times, and whoever goes on, parent or
fork, ends with the results, memories, globals, tables and fuel of an unbroken run, on every tier.  Two machines that have run the same
program as far are frozen to the same bytes, whatever tier ran them and whatever was done to them on the way.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arenite import Engine, Finished, Paused, PauseReason, Trap
from marks import EACH_WAY
from property.worlds import FUEL, WORLDS, Seen, differences, finish, image_of, ready, seen
from tiers import WAYS, engine_of

if TYPE_CHECKING:
    from arenite import Execution, Store
    from tiers import Way

OPTIONS: dict[str, tuple[Way, dict[str, Any]]] = {way: (way, {}) for way in WAYS} | {
    "spaces": ("threaded", {"addressing": "spaces"}),
    "explicit": ("threaded", {"explicit_bounds": True}),
    "baseline, spaces": ("baseline", {"addressing": "spaces"}),
    "baseline, explicit": ("baseline", {"explicit_bounds": True}),
}
NAMES = pytest.mark.parametrize("name", WORLDS)
ACTIONS = st.sampled_from(["go on", "snapshot", "fork", "into fork", "reset"])


@functools.cache
def engine(tier: str) -> Engine:
    """The engine of these options."""
    way, options = OPTIONS[tier]
    return engine_of(way, consume_fuel=True, max_wasm_stack=1 << 16, **options)


@functools.cache
def unbroken(name: str) -> Seen:
    """A run that nobody stops, by an ordinary call on the first tier."""
    store, run = ready(name, engine("threaded"))
    try:
        result = run(store)
    except Trap as trap:
        return seen(store, (trap.code, [(frame.func_index, frame.module_offset) for frame in trap.frames]))
    values = () if result is None else tuple(result) if isinstance(result, list) else (result,)
    return seen(store, values)


def total(name: str) -> int:
    """Units that a run takes."""
    return FUEL - unbroken(name).fuel


def step(execution: Execution, fuel: int) -> bool:
    """Go on by so much; whether it still goes on (a run that trapped does not)."""
    try:
        outcome = execution.run(fuel=fuel)
    except Trap:
        return False
    if isinstance(outcome, Finished):
        return False
    assert isinstance(outcome, Paused)
    assert outcome.reason is PauseReason.FUEL
    return True


def execution_of(store: Store) -> Execution:
    """The execution that a fork goes on with."""
    found = store.execution
    assert found is not None
    return found


@EACH_WAY
@NAMES
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_whoever_goes_on_ends_alike(tier: str, name: str, data: Any) -> None:
    """Parent, forks, forks of forks and what was reset: each ends as the unbroken run."""
    store, run = ready(name, engine(tier))
    execution = run.start(store)
    others: list[Store] = []
    steps = data.draw(st.lists(st.tuples(st.integers(0, max(total(name) // 3, 3)), ACTIONS), max_size=6))
    for fuel, action in steps:
        before = store.get_fuel()
        if before - fuel <= unbroken(name).fuel or not step(execution, fuel):
            break
        assert before - store.get_fuel() == fuel
        if action == "go on":
            continue
        snapshot = store.snapshot()
        if action == "snapshot":
            others.append(snapshot.fork())
        elif action == "fork":
            fork = snapshot.fork()
            assert seen(fork, finish(execution_of(fork))) == unbroken(name)
            fork.close()
        elif action == "into fork":
            others.append(store)
            store = snapshot.fork()
            execution = execution_of(store)
        else:
            fork = snapshot.fork()
            finish(execution_of(fork))
            fork.reset()
            others.append(fork)
    assert seen(store, finish(execution)) == unbroken(name)
    for other in others:
        assert seen(other, finish(execution_of(other))) == unbroken(name)
        other.close()
    store.close()


def image_at(name: str, tier: str, cuts: list[int], actions: list[str] | None = None) -> dict[object, object]:
    """The image after runs of so much fuel, on a new store of an engine; `actions`: what is done between them."""
    store, run = ready(name, engine(tier))
    execution = run.start(store)
    for fuel, action in zip(cuts, actions or ["go on"] * len(cuts), strict=True):
        step(execution, fuel)
        if action != "go on":
            store = store.snapshot().fork()
            execution = execution_of(store)
        if action == "reset":
            finish(execution)
            store.reset()
            execution = execution_of(store)
    return image_of(store.snapshot())


@NAMES
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_equal_machines_are_equal_bytes(name: str, data: Any) -> None:
    """Stopped at the same unit of fuel, on any tier, after any stops and forks on the way: the same bytes."""
    cut = data.draw(st.integers(0, total(name) - 1), label="fuel")
    first = image_at(name, "threaded", [cut])
    for tier in OPTIONS:
        on_the_way = sorted(data.draw(st.lists(st.integers(0, cut), max_size=3)))
        cuts = [b - a for a, b in zip([0, *on_the_way], [*on_the_way, cut], strict=True)]
        actions = [data.draw(ACTIONS) for _ in cuts[1:]] + ["go on"]
        assert not differences(first, image_at(name, tier, cuts, actions)), (tier, cuts, actions)
