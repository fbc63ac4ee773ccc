"""Whatever numbers a guest passes, it gets an error code: no exception, no byte outside its memory, no memory in proportion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arenite.wasi import VirtualClocks, WasiConfig
from arenite.wasi.errno import Errno
from arenite.wasi.preview1 import ROWS, Function
from arenite.wasi.records import IOVEC
from arenite.world.streams import PIECE
from unit.wasi.program import OUT, SIZE, Program

if TYPE_CHECKING:
    from pathlib import Path

BAD_ADDRESSES = [SIZE, SIZE - 1, -1, -(1 << 31), (1 << 31) - 1]
CALLS = [row for row in ROWS if row.name != "proc_exit"]
WORD = st.one_of(st.sampled_from([0, 1, 3, 4, OUT, *BAD_ADDRESSES]), st.integers(-(1 << 31), (1 << 31) - 1))
LONG = st.one_of(st.sampled_from([0, 1, -1, -(1 << 63), (1 << 63) - 1]), st.integers(-(1 << 63), (1 << 63) - 1))


@pytest.fixture
def program(tmp_path: Path) -> Program:
    (tmp_path / "a").write_bytes(b"abc")
    return Program(WasiConfig(argv=["prog"], env={"A": "b"}, clocks=VirtualClocks(), dirs={"/": tmp_path}))


@pytest.mark.parametrize("address", BAD_ADDRESSES)
@pytest.mark.parametrize("row", [row for row in CALLS if row.results], ids=lambda row: row.name)
def test_bad_address_for_a_result(row: Function, address: int, program: Program) -> None:
    words = [address if index >= len(row.words) - len(row.results) else 0 for index in range(len(row.words))]
    fds = [index for index, (_, kind) in enumerate(row.parameters) if kind == "fd"]
    for fd in (0, 1, 3):
        for index in fds:
            words[index] = fd
        assert program.call(row.name, *words) is not Errno.SUCCESS


@pytest.mark.parametrize("address", BAD_ADDRESSES)
@pytest.mark.parametrize("name", ["fd_write", "fd_read"])
def test_bad_address_in_a_vector(name: str, address: int, program: Program) -> None:
    vector = program.put(IOVEC.pack(address & 0xFFFFFFFF, 2))
    assert program.call(name, 1 if name == "fd_write" else 0, vector, 1, OUT) is Errno.FAULT


def test_bad_result_has_no_effect(program: Program, tmp_path: Path) -> None:
    assert program.call("path_open", 3, 0, "new", 1, 2, 0, 0, -4) is Errno.FAULT
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("row", CALLS, ids=lambda row: row.name)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_numbers(row: Function, data: st.DataObject, program: Program) -> None:
    words = [data.draw(WORD if word == "i32" else LONG) for word in row.words]
    if row.name == "poll_oneoff":
        words[2] = min(words[2], 1)  # a subscription of zeros is a clock's, and is over at once
    assert program.call(row.name, *words) in Errno


def test_a_million_vectors_are_a_short_write(program: Program) -> None:
    ones = [IOVEC.pack(0, 1)] * 2000
    vector = program.put(b"".join(ones))
    assert program.call("fd_write", 1, vector, 2000, OUT) is Errno.SUCCESS
    assert program.number() == 1024


def test_overlapping_vectors_take_no_memory_in_proportion() -> None:
    written: list[int] = []
    program = Program(WasiConfig(stdout=lambda data: written.append(len(data))))
    vector = program.put(IOVEC.pack(0, SIZE) * 1024)
    assert program.call("fd_write", 1, vector, 1024, OUT) is Errno.SUCCESS
    assert sum(written) == program.number() == 1 << 24
    assert max(written) == PIECE


@pytest.mark.parametrize(("second", "told"), [(BlockingIOError(), PIECE), (3, PIECE + 3), (0, PIECE), (None, 3 * PIECE)])
def test_a_taker_that_takes_no_more(second: OSError | int | None, told: int) -> None:
    """What it has taken counts, as on any host."""
    answers: list[OSError | int | None] = [None, second, None]

    def take(_: bytes) -> int | None:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    program = Program(WasiConfig(stdout=take))
    vector = program.put(IOVEC.pack(0, SIZE) * (3 * PIECE // SIZE))
    assert program.call("fd_write", 1, vector, 3 * PIECE // SIZE, OUT) is Errno.SUCCESS
    assert program.number() == told


def test_a_guest_without_memory(monkeypatch: pytest.MonkeyPatch, program: Program) -> None:
    monkeypatch.setattr(program, "get", lambda _: None)
    assert program.call("random_get", 0, 8) is Errno.FAULT
    assert program.call("clock_time_get", 0, 0, OUT) is Errno.FAULT
    assert program.call("sched_yield") is Errno.SUCCESS
