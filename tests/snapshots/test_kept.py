"""A snapshot written by one version opens in the next."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Config, Engine, Snapshot, WasmException
from arenite.bytecode.ops import TABLE
from arenite.bytecode.stops import SEARCHING
from arenite.snapshot import code as codes
from marks import EACH_TIER
from snapshots.kept import GUESTS, HERE, INDEX, PRESENT, ending, frozen, linker

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName

ENDS = json.loads(INDEX.read_text())


@EACH_TIER
@pytest.mark.parametrize("file", sorted(ENDS))
def test_a_kept_snapshot_ends_as_it_did(file: str, tier: TierName) -> None:
    engine = Engine(Config(tier=tier))
    snapshot = Snapshot.open(HERE / file, engine, verify=True).link(linker(engine))
    assert ending(snapshot.fork()) == ENDS[file]


def test_every_guest_is_kept_in_every_form_of_the_present_format() -> None:
    kept = {file.removeprefix(f"{PRESENT}-") for file in ENDS if file.startswith(f"{PRESENT}-")}
    assert kept == {f"{name}-{form}.arn" for name in GUESTS for form in ("image", "packed", "delta")}


def carried(number: int, others: list[Any]) -> list[Any]:
    """What an exception of that number carries, as thrown.wat says."""
    if number % 2:
        return [number, number * 0x100000001]
    return [float(number), number.to_bytes(8, "little").hex() * 2, others[(number + 1) % 4], 0.5]


def worth(carries: list[Any] | None) -> int:
    """It as one number."""
    if carries is None:
        return 3
    return sum(carries) if len(carries) == 2 else 1 + 2 * int(carries[0]) + worth(carries[2])


@pytest.mark.parametrize("file", sorted(file for file in ENDS if "caught" in file or "sought" in file))
def test_what_has_thrown_and_caught_ends_as_its_text_says(file: str) -> None:
    """What is kept was not written down from a run alone."""
    kept: list[Any] = [None] * 4
    begin = GUESTS[file.split("-")[2]].argument
    total = 0
    for number in range(begin, 0, -1):
        total = (total << 1 | total >> 63) + (2 * number + 5 if number % 2 else 7)
        kept[number % 4] = carried(number, kept)
        total = (total + worth(kept[number % 4])) % (1 << 64)
    assert ENDS[file]["values"] == [total - (total >> 63 << 64)]
    assert ENDS[file]["kept"] == kept
    assert ENDS[file]["calls"] == 2 * begin


@pytest.mark.parametrize("form", ["image", "packed", "delta"])
@pytest.mark.parametrize("name", ["caught", "sought"])
def test_where_the_kept_ones_stand(name: str, form: str) -> None:
    """One waits for the host inside of catches, one is in the middle of a search; both keep exceptions."""
    engine = Engine()
    store = Snapshot.open(HERE / f"{PRESENT}-{name}-{form}.arn", engine).link(linker(engine)).fork()
    execution = store.execution
    assert execution is not None
    assert (execution._activation.status == SEARCHING) == (name == "sought")
    assert (execution.paused is not None and execution.paused.call is not None) == (name == "caught")
    kept: Any = store.instances[0].exports(store)["kept"]
    assert all(isinstance(kept.get(store, n), WasmException) for n in range(4))


def test_bytecode_travels_to_a_version_that_numbers_and_translates_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written here as if by another version: its ops have other numbers, and its digests agree with nobody's."""
    engine = Engine()
    store, _ = frozen(engine, "fib")
    code = store.machine.modules[0]
    shifted = [TABLE[-1], *TABLE[:-1]]
    numbers = {row.code: number for number, row in enumerate(shifted)}
    bytecode = bytearray(code.bytecode)
    for at, number in codes.ops_of(code.bytecode, code.all_functions(), list(TABLE)):
        bytecode[at : at + 2] = numbers[number].to_bytes(2, "little")
    other = codes.carried_sections(replace(code, bytecode=bytes(bytecode)), [codes.signature(row) for row in shifted])
    monkeypatch.setattr(codes, "carried", lambda _code: other)
    monkeypatch.setattr(codes, "bytecode_digest", lambda _code: "of another version")
    store.snapshot().save(tmp_path / "other.arn")
    monkeypatch.undo()
    end = ending(store)
    snapshot = Snapshot.open(tmp_path / "other.arn", Engine())
    fork = snapshot.link(linker(snapshot.engine)).fork()
    assert fork.machine.modules[0].bytecode == code.bytecode, "the ops have our numbers again"
    assert ending(fork) == end
