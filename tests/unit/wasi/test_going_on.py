"""Clocks and random numbers of a guest that goes on."""

from __future__ import annotations

import pytest

from arenite import SnapshotError
from arenite.wasi import SystemClocks, VirtualClocks, WasiConfig
from arenite.wasi.errno import Errno
from arenite.world import clocks
from arenite.world.clocks import Clock
from arenite.world.hostio import Ready
from unit.wasi.program import ALL, OUT, Program

REALTIME, *ONWARD = Clock
HOUR = 3600 * 10**9


def drawn(program: Program, size: int = 8) -> bytes:
    at = program.put(bytes(size))
    assert program.call("random_get", at, size) is Errno.SUCCESS
    return bytes(program.memory[at : at + size])


def shown(program: Program, clock: int) -> int:
    assert program.call("clock_time_get", clock, 0, OUT) is Errno.SUCCESS
    return program.number(wide=True)


@pytest.fixture
def earlier(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Once it is used, the host is another one, whose clocks all began an hour later."""

    def begin(clock: Clock) -> None:
        read = clocks.READERS[clock]
        monkeypatch.setitem(clocks.READERS, clock, lambda: max(0, read() - HOUR))

    for clock in Clock:
        begin(clock)
    return monkeypatch


@pytest.mark.parametrize("reseed", [False, True])
@pytest.mark.parametrize("clock", ONWARD)
def test_no_clock_goes_backwards(clock: Clock, reseed: bool, request: pytest.FixtureRequest) -> None:  # noqa: FBT001
    program = Program(WasiConfig())
    before = shown(program, clock)
    state = program.module.freeze()
    request.getfixturevalue("earlier")
    other = Program.going_on(WasiConfig(), state, reseed=reseed)
    assert before <= shown(other, clock) < before + HOUR
    last = shown(other, clock)
    third = Program.going_on(WasiConfig(), other.module.freeze(), reseed=reseed)
    assert last <= shown(third, clock) < before + HOUR


def test_real_time_is_the_hosts(request: pytest.FixtureRequest) -> None:
    program = Program(WasiConfig())
    before = shown(program, REALTIME)
    state = program.module.freeze()
    request.getfixturevalue("earlier")
    assert shown(Program.going_on(WasiConfig(), state), REALTIME) < before


def test_a_host_that_is_ahead_is_left_alone(earlier: pytest.MonkeyPatch) -> None:
    state = Program(WasiConfig()).module.freeze()
    earlier.undo()
    ahead = Program.going_on(WasiConfig(clocks=SystemClocks()), state).module.session.world.clocks
    assert isinstance(ahead, SystemClocks)
    assert ahead.ahead == [0, 0, 0, 0]


def test_virtual_clocks_go_on_exactly() -> None:
    config = WasiConfig(clocks=VirtualClocks(start=10**18, tick=5))
    program = Program(config)
    shown(program, REALTIME)
    state = program.module.freeze()
    for going_on in (config, WasiConfig(), WasiConfig(clocks=VirtualClocks())):
        other = Program.going_on(going_on, state)
        assert [shown(other, clock) for clock in (0, 1, 2)] == [10**18 + 10, 15, 20]
    assert [shown(program, clock) for clock in (0, 1, 2)] == [10**18 + 10, 15, 20]


def test_fresh_virtual_clocks_go_on_no_earlier() -> None:
    frozen = VirtualClocks(start=10**18, tick=5)
    frozen.passed = HOUR
    state = Program(WasiConfig(clocks=frozen)).module.freeze()
    other = Program.going_on(WasiConfig(clocks=VirtualClocks(start=7, tick=1)), state, reseed=True)
    assert [shown(other, clock) for clock in (0, 1)] == [HOUR + 7 + 1, HOUR + 2]
    assert isinstance(Program.going_on(WasiConfig(), state, reseed=True).module.session.world.clocks, SystemClocks)


def test_other_clocks_go_on_no_earlier() -> None:
    frozen = VirtualClocks()
    frozen.passed = ALL  # an hour more is no time
    state = Program(WasiConfig(clocks=frozen)).module.freeze()
    for clock in ONWARD:
        assert shown(Program.going_on(WasiConfig(clocks=SystemClocks()), state), clock) >= 1 << 62
    program = Program(WasiConfig())
    before = shown(program, Clock.MONOTONIC)
    other = Program.going_on(WasiConfig(clocks=VirtualClocks()), program.module.freeze())
    assert before <= shown(other, Clock.MONOTONIC)


class Own:
    """Clocks of the user's."""

    def resolution(self, _: Clock, /) -> int:
        return 1

    def now(self, _: Clock, /) -> int:
        return 42

    def wait(self, *_: object) -> Ready:
        return Ready()


def test_clocks_of_the_users_go_on_as_they_are() -> None:
    own = Own()
    state = Program(WasiConfig(clocks=own)).module.freeze()
    assert Program.going_on(WasiConfig(clocks=own), state).module.session.world.clocks is own
    assert shown(Program.going_on(WasiConfig(), state), Clock.MONOTONIC) > 42


@pytest.mark.parametrize("seed", [7, 8, None])
def test_seeded_numbers_go_on(seed: int | None) -> None:
    program = Program(WasiConfig(random=7))
    drawn(program, 5)
    state = program.module.freeze()
    following = drawn(program)
    assert drawn(Program.going_on(WasiConfig(random=seed), state)) == following


@pytest.mark.parametrize("seed", [7, None])
def test_reseeded_numbers_are_fresh(seed: int | None) -> None:
    program = Program(WasiConfig(random=7))
    state = program.module.freeze()
    numbers = {drawn(Program.going_on(WasiConfig(random=seed), state, reseed=True)) for _ in range(3)}
    assert len({drawn(program), drawn(Program(WasiConfig(random=7))), *numbers}) == 4


def test_reseeded_numbers_are_seeded_ones() -> None:
    state = Program(WasiConfig(random=7)).module.freeze()
    fresh = Program.going_on(WasiConfig(random=7), state, reseed=True)
    frozen = fresh.module.freeze()
    assert drawn(Program.going_on(WasiConfig(), frozen)) == drawn(fresh)


@pytest.mark.parametrize("reseed", [False, True])
def test_a_callable_goes_on_as_it_is(*, reseed: bool) -> None:
    pieces = [b"1" * 8, b"2" * 8]
    config = WasiConfig(random=lambda _: pieces.pop(0))
    program = Program(config)
    assert drawn(program) == b"1" * 8
    assert drawn(Program.going_on(config, program.module.freeze(), reseed=reseed)) == b"2" * 8


def test_the_hosts_numbers_have_no_state() -> None:
    program = Program(WasiConfig())
    state = program.module.freeze()
    assert isinstance(state, dict)
    assert state["random"] is None
    assert drawn(Program.going_on(WasiConfig(random=7), state)) == drawn(Program(WasiConfig(random=7)))


def test_a_state_of_other_clocks_is_refused() -> None:
    state = Program(WasiConfig()).module.freeze()
    assert isinstance(state, dict)
    with pytest.raises(SnapshotError, match="clocks: monotonic is missing"):
        WasiConfig().thaw({**state, "clocks": {"mine": 1}}, reseed=True)
