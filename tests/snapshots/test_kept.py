"""A snapshot written by one version opens in the next."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from arenite import Config, Engine, Snapshot
from arenite.bytecode.ops import TABLE
from arenite.snapshot import code as codes
from marks import EACH_TIER
from snapshots.kept import HERE, INDEX, PRESENT, ending, frozen, linker

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


def test_every_form_of_the_present_format_is_kept() -> None:
    forms = {"image", "packed", "delta"}
    assert {file.removesuffix(".arn").split("-")[-1] for file in ENDS if file.startswith(f"{PRESENT}-")} == forms


def test_bytecode_travels_to_a_version_that_numbers_and_translates_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written here as if by another version: its ops have other numbers, and its digests agree with nobody's."""
    engine = Engine()
    store, _ = frozen(engine, "fib", 15, 700)
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
