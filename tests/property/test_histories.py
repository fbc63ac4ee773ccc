"""Random histories of stores, snapshots, forks and files, compared with a plain model of what they have.

ARENITE_FUZZ=N plays N histories with each configuration.  Hypothesis prints a short one that goes wrong, as a program to run again.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from arenite import Snapshot
from property.histories import LEAST, OPTIONS, PAGE, STRIDE, Moment, Pair, check, engine, finish, linker

COUNT = int(os.environ.get("ARENITE_FUZZ", "20"))
STEPS = 30
MOST = 4  # stores, instances of a store, calls going on

indexes = st.integers(0, 99)
places = st.one_of(st.just(1.0), st.sampled_from([0.0, 1.0]), st.floats(0, 1, width=16))  # of what fits
sizes = st.sampled_from([1, 5, 100, 4096, 4097, 10_000, PAGE, 5 * PAGE])
counts = st.sampled_from([1, 1, 1, 2, 3, 5, 20, 60])
writes = st.one_of(
    st.tuples(st.just("write"), indexes, places, sizes, st.integers(0, 255)),
    st.tuples(st.just("fill"), indexes, places, sizes, st.integers(0, 255)),
    st.tuples(st.just("copy"), indexes, places, sizes, places),
    st.tuples(st.just("put_data"), indexes, places),
)
changes = st.one_of(
    writes,
    writes,
    writes,
    st.tuples(st.just("grow"), indexes, st.sampled_from([0, 1, 5, 9]), st.booleans()),
    st.tuples(st.just("grow_and_write"), indexes, st.sampled_from([1, 5, 9]), sizes),
    st.tuples(st.just("grow_table"), indexes, st.sampled_from([0, 1, 30, 300_000])),
    st.tuples(st.just("set_element"), indexes, places),
    st.tuples(st.just("set_global"), indexes, st.integers(-9, 9)),
    st.tuples(st.just("instantiate"), indexes, st.sampled_from(LEAST)),
    st.tuples(st.just("start"), indexes, places, st.integers(1, 5)),
    st.tuples(st.just("go_on"), indexes, st.integers(1, 3)),
    st.tuples(st.just("cancel"), indexes),
)
"""What guests and hosts do: the name of a method of `Change`, an instance, its arguments."""


class Change:
    """What is done to one store, with arguments that fit any."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    def __call__(self, name: str, number: int, *args: Any) -> None:
        getattr(self, name)(number % len(self.pair.model.instances), *args)

    def within(self, number: int, where: float, size: int) -> int | None:
        """A place in a memory where so many bytes fit."""
        room = len(self.pair.model.instances[number].memory) - size
        return int(where * room) if room >= 0 else None

    def write(self, number: int, where: float, size: int, byte: int) -> None:
        at = self.within(number, where, size)
        if at is not None:
            self.pair.write(number, at, (b"%d " % byte * size)[:size])

    def fill(self, number: int, where: float, size: int, byte: int) -> None:
        at = self.within(number, where, size)
        if at is not None:
            self.pair.fill(number, at, byte, size)

    def copy(self, number: int, where: float, size: int, to: float) -> None:
        source, target = self.within(number, where, size), self.within(number, to, size)
        if source is not None and target is not None:
            self.pair.copy(number, target, source, size)

    def put_data(self, number: int, where: float) -> None:
        at = self.within(number, where, 20)
        if at is not None:
            self.pair.put_data(number, at)

    def grow(self, number: int, pages: int, guest: bool) -> None:  # noqa: FBT001 (as it was drawn)
        self.pair.grow(number, pages, guest=guest)

    def grow_and_write(self, number: int, pages: int, size: int) -> None:
        self.grow(number, pages, guest=True)
        self.write(number, 1.0, size, pages)

    def grow_table(self, number: int, count: int) -> None:
        self.pair.grow_table(number, count)

    def set_element(self, number: int, where: float) -> None:
        self.pair.set_element(number, int(where * (self.pair.model.instances[number].length - 1)))

    def set_global(self, number: int, value: int) -> None:
        self.pair.set_global(number, value)

    def instantiate(self, _: int, least: int) -> None:
        if len(self.pair.model.instances) < MOST:
            self.pair.instantiate(least)

    def start(self, number: int, where: float, rounds: int) -> None:
        at = self.within(number, where, rounds * STRIDE)
        if at is not None and len(self.pair.model.running) < MOST:
            self.pair.start(number, at, rounds)

    def go_on(self, _: int, steps: int) -> None:
        for _ in range(min(steps, 5 * len(self.pair.model.running))):
            if self.pair.model.running:
                self.pair.go_on()

    def cancel(self, _: int) -> None:
        if self.pair.model.running:
            self.pair.cancel()


class Histories(RuleBasedStateMachine):
    """What is done to stores.  They are looked at in the end, in forks and now and then: looking touches pages."""

    home = 0  # the configuration of the first store

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.files = 0
        self.pairs: list[Pair] = []
        self.moments: list[Moment] = []

    @initialize(least=st.sampled_from(LEAST), begun=st.lists(writes, min_size=1, max_size=5))
    def begin(self, least: int, begun: list[tuple[Any, ...]]) -> None:
        pair = Pair.new(engine(self.home))
        pair.instantiate(least)
        for change in begun:
            Change(pair)(*change)
        self.pairs.append(pair)
        self.fork_and_go_on(0, 1, [])

    def pair(self, index: int) -> Pair:
        return self.pairs[index % len(self.pairs)]

    def moment(self, index: int) -> Moment:
        return self.moments[-1 - index % len(self.moments)]

    def keep(self, pair: Pair) -> None:
        """One more store; the oldest goes, when there are too many."""
        self.pairs.append(pair)
        if len(self.pairs) > MOST:
            self.end(self.pairs.pop(0))

    def note(self, moment: Moment) -> None:
        self.moments.append(moment)
        del self.moments[: -3 * MOST]

    @staticmethod
    def end(pair: Pair, *, to_the_end: bool = True) -> None:
        check(pair)
        if to_the_end:
            finish(pair)
        pair.store.close()

    @rule(store=indexes, done=st.lists(changes, min_size=1, max_size=6))
    def change(self, store: int, done: list[tuple[Any, ...]]) -> None:
        for change in done:
            Change(self.pair(store))(*change)

    # moments
    @rule(store=indexes, count=counts, done=st.lists(changes, max_size=6))
    def fork_and_go_on(self, store: int, count: int, done: list[tuple[Any, ...]]) -> None:
        """The next generation."""
        self.note(self.pair(store).snapshot())
        self.fork(0, count)
        for change in done:
            Change(self.pairs[-1])(*change)

    @rule(store=indexes)
    def snapshot(self, store: int) -> None:
        self.note(self.pair(store).snapshot())

    @rule(moment=indexes, count=counts)
    def fork(self, moment: int, count: int) -> None:
        *others, kept = self.moment(moment).forks(count)
        for number, pair in enumerate(others):
            self.end(pair, to_the_end=number == 0)
        self.keep(kept)

    @rule(store=indexes, held=st.one_of(st.none(), st.none(), indexes), before=st.booleans(), after=st.booleans())
    def reset(self, store: int, held: int | None, before: bool, after: bool) -> None:  # noqa: FBT001 (hypothesis draws them)
        pair = self.pair(store)
        if pair.origin is not None:
            if before:
                self.note(pair.snapshot())
            pair.reset(held=None if held is None else held % len(pair.model.instances))
            if after:
                self.note(pair.snapshot())

    @rule(store=indexes)
    def look(self, store: int) -> None:
        check(self.pair(store))

    # files
    @rule(
        moment=indexes,
        form=st.sampled_from(["image", "packed", "bytes", "delta", "delta", "delta"]),
        other=indexes,
        where=st.integers(0, len(OPTIONS) - 1),
        verify=st.booleans(),
    )
    def save_and_open(self, moment: int, form: str, other: int, where: int, verify: bool) -> None:  # noqa: FBT001 (hypothesis draws it)
        found, parents = self.moment(moment), [m for m in self.moments if m.saved]
        to = engine(where)
        if form == "bytes":
            opened = Snapshot.loads(found.snapshot.dumps(), to)
        else:
            path = Path(self.folder.name) / f"{self.files}.arn"
            self.files += 1
            parent = parents[other % len(parents)].snapshot if form == "delta" and parents else None
            found.snapshot.save(path, packed=form == "packed", parent=parent)
            found.saved = True
            opened = Snapshot.open(path, to, verify=verify)
        new = Moment(opened.link(linker(to)), found.model, saved=form != "bytes")
        self.end(new.forks(1)[0])
        self.note(new)

    def teardown(self) -> None:
        for moment in self.moments:
            self.end(moment.forks(1)[0])
        for pair in self.pairs:
            self.end(pair)
        self.folder.cleanup()


@pytest.mark.parametrize("home", range(len(OPTIONS)), ids=["threaded", "safe", "spaces", "bounds", "baseline", "auto", "mixed"])
def test_histories(home: int) -> None:
    machine = type("Histories", (Histories,), {"home": home})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=COUNT,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
