"""Deltas: small, found by the name of their parent in the same folder, chained, refused without the parent that they were made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arenite import Engine, Snapshot, SnapshotError
from arenite.layout.cage import HOST_PAGE
from fuzz.frozen import Document
from marks import EACH_TIER
from unit.snapshot.counting import RESULT, ended, further, of, paused

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName


def chain(folder: Path) -> list[Path]:
    """Four files, each a delta of the one before."""
    store, parent, paths = paused(100), None, []
    for number in range(4):
        snapshot = store.snapshot()
        paths.append(folder / f"{number}.arn")
        snapshot.save(paths[-1], parent=parent)
        parent = snapshot
        further(store, 110)
    return paths


@EACH_TIER
def test_a_chain_goes_on_from_each_of_its_links(tmp_path: Path, tier: TierName) -> None:
    paths = chain(tmp_path)
    assert all(path.stat().st_size < paths[0].stat().st_size / 4 for path in paths[1:])
    for path in paths:
        assert ended(Snapshot.open(path, of(tier), verify=True)) == RESULT


def test_modules_travel_with_the_first_of_a_chain(tmp_path: Path) -> None:
    paths = chain(tmp_path)
    first, *rest = (Document(path.read_bytes()).manifest["modules"] for path in paths)
    assert all("wasm" in module for module in first)
    assert not any("wasm" in module for modules in rest for module in modules)
    assert ended(Snapshot.open(paths[-1], Engine())) == RESULT  # an engine that knows no module
    store = paused(100)
    parent, child = store.snapshot(), store.snapshot()
    parent.save(tmp_path / "bare.arn", embed=False)
    child.save(tmp_path / "full.arn", parent=parent)
    assert "wasm" in Document((tmp_path / "full.arn").read_bytes()).manifest["modules"][0]
    assert ended(Snapshot.open(tmp_path / "full.arn", Engine())) == RESULT


def test_parents_given(tmp_path: Path) -> None:
    first, second, *_ = chain(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    moved = second.rename(tmp_path / "elsewhere" / "moved.arn")
    with pytest.raises(SnapshotError, match=r"a delta of '0.arn', which is not in its folder"):
        Snapshot.open(moved, of())
    parent = Snapshot.open(first, of())
    assert ended(Snapshot.open(moved, of(), parent=parent)) == RESULT


def test_another_parent_than_its_own(tmp_path: Path) -> None:
    first, second, third, _ = chain(tmp_path)
    with pytest.raises(SnapshotError, match="a delta of another snapshot"):
        Snapshot.open(third, of(), parent=Snapshot.open(first, of()))
    paused(7).snapshot().save(first)
    with pytest.raises(SnapshotError, match="a delta of another snapshot"):
        Snapshot.open(second, of())


def test_of_what_was_opened_and_of_packed_files(tmp_path: Path) -> None:
    paused().snapshot().save(tmp_path / "p.arn", packed=True)
    opened = Snapshot.open(tmp_path / "p.arn", of())
    assert ended(opened) == RESULT
    fork = further(opened.fork(), 50)
    fork.snapshot().save(tmp_path / "d.arn", parent=opened)
    assert ended(Snapshot.open(tmp_path / "d.arn", of())) == RESULT


def test_what_no_delta_can_be_of(tmp_path: Path) -> None:
    store = paused()
    with pytest.raises(SnapshotError, match="must have been saved before"):
        store.snapshot().save(tmp_path / "x.arn", parent=store.snapshot())
    parent = store.snapshot()
    parent.save(tmp_path / "x.arn")
    with pytest.raises(SnapshotError, match="a delta is not packed"):
        store.snapshot().save(tmp_path / "y.arn", parent=parent, packed=True)
    assert [path.name for path in tmp_path.iterdir()] == ["x.arn"]


def test_damage_in_a_delta_is_found_without_verifying(tmp_path: Path) -> None:
    _, second, *_ = chain(tmp_path)
    data = bytearray(second.read_bytes())
    for entry in Document(second.read_bytes()).manifest["regions"]:
        for part in ("numbers", "content", "sums"):
            at = entry[part]["offset"]
            data[at] ^= 1
            second.write_bytes(data)
            with pytest.raises(SnapshotError, match="damaged"):
                Snapshot.open(second, of())
            data[at] ^= 1


def test_two_deltas_that_are_each_others_parent(tmp_path: Path) -> None:
    """Each can be made to name the other; what each is known by cannot be made to fit."""
    _, second, third, _ = chain(tmp_path)
    document = Document(second.read_bytes())
    document.manifest["parent"] |= {"name": third.name}
    second.write_bytes(document.whole())
    with pytest.raises(SnapshotError, match="a delta of another snapshot"):
        Snapshot.open(third, of())
    document.manifest["parent"] |= {"name": second.name}
    second.write_bytes(document.whole())
    with pytest.raises(SnapshotError, match="a delta of itself"):
        Snapshot.open(second, of())


def test_the_name_of_a_parent_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    _, second, *_ = chain(tmp_path)
    document = Document(second.read_bytes())
    for name in ("../0.arn", "/etc/passwd", "", ".", ".."):
        document.manifest["parent"]["name"] = name
        inside = tmp_path / "in" / "x.arn"
        inside.write_bytes(document.copy().whole())
        with pytest.raises(SnapshotError):
            Snapshot.open(inside, of())


def test_page_numbers_out_of_order_or_cut_off(tmp_path: Path) -> None:
    _, second, *_ = chain(tmp_path)
    document = Document(second.read_bytes())
    entry = next(e for e in document.manifest["regions"] if e["numbers"]["size"] >= 8)
    for size in (entry["numbers"]["size"] - 4, entry["numbers"]["size"] - 1, 3):
        changed = document.copy()
        index = document.manifest["regions"].index(entry)
        changed.manifest["regions"][index]["numbers"]["size"] = size
        second.write_bytes(changed.whole())
        with pytest.raises(SnapshotError):
            Snapshot.open(second, of())


@EACH_TIER
def test_a_delta_of_a_sibling_that_wrote_more(tmp_path: Path, tier: TierName) -> None:
    """Pages that the parent has changed and the child has not are in the delta too."""
    first = paused(50, of(tier)).snapshot()
    far, near = further(first.fork(), 400).snapshot(), further(first.fork(), 5).snapshot()
    far.save(tmp_path / "far.arn")
    near.save(tmp_path / "near.arn", parent=far)
    near.save(tmp_path / "whole.arn")
    opened, whole = (Snapshot.open(tmp_path / name, of(tier))._opened for name in ("near.arn", "whole.arn"))
    assert opened is not None
    assert whole is not None
    for region in range(2):
        assert list(opened.image.pages(region)) == list(whole.image.pages(region))
    assert ended(Snapshot.open(tmp_path / "near.arn", of(tier))) == RESULT


@EACH_TIER
def test_a_page_behind_its_region_is_refused(tmp_path: Path, tier: TierName) -> None:
    """The page right behind the last one, with every checksum right: of the arena, and of the memory."""
    _, path, *_ = chain(tmp_path)
    good = Document(path.read_bytes())
    sizes = [good.manifest["arena"]["size"] + HOST_PAGE, *good.manifest["memory_sizes"]]
    for region, size in enumerate(sizes):
        for number, fits in ((size // HOST_PAGE - 1, True), (size // HOST_PAGE, False)):
            document = good.copy()
            document.edit(region, number * HOST_PAGE, b"\0" * 8)
            path.write_bytes(document.whole())
            if fits:
                assert ended(Snapshot.open(path, of(tier))) == RESULT
            else:
                with pytest.raises(SnapshotError, match="the pages of a delta are out of order"):
                    Snapshot.open(path, of(tier))
