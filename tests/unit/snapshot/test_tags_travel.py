"""What a manifest says of tags and exceptions is looked at before it is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arenite import Engine, FuncType, Linker, Snapshot, SnapshotError, Store, ValType, WasmException
from unit.snapshot import surveyed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[Any], object]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tags") / "small.arn"
    _, snapshot = surveyed.paused(surveyed.THROWING)
    snapshot.save(path)
    return path


def opened(path: Path) -> Store:
    """A store of a file."""
    engine = Engine()
    linker = Linker(engine)
    linker.define_func("env", "ask", FuncType([ValType.i32(), ValType.f32()], [ValType.i32()]), lambda *_: 1)
    return Snapshot.open(path, engine, verify=True).link(linker).fork()


def test_as_it_was_saved(file: Path) -> None:
    store = opened(file)
    exports: Any = store.instances[0].exports(store)
    error = exports["kept"].value(store)
    assert isinstance(error, WasmException)
    assert error.tag == exports["error"]
    assert error.values[0] == -9


WRONG: dict[str, Change] = {
    "a tag with results": lambda m: m["tags"][0]["type"]["results"].append("i32"),
    "a tag of another type": lambda m: m["tags"][0]["type"]["params"].append("i32"),
    "a tag of a type that is none": lambda m: m["tags"][0]["type"]["params"].append("i31ref"),
    "two tags at one place": lambda m: m["tags"][1].update(at=m["tags"][0]["at"]),
    "a tag between two": lambda m: m["tags"][0].update(at=m["tags"][0]["at"] + 4),
    "a tag outside": lambda m: m["tags"][0].update(at=m["arena"]["heap"]),
    "no tags": lambda m: m.pop("tags"),
    "tags that are no list": lambda m: m.update(tags={}),
    "an instance without its tags": lambda m: m["instances"][0].pop("tags"),
    "an instance with a tag too many": lambda m: m["instances"][0]["tags"].append(0),
    "a tag that there is not": lambda m: m["instances"][0].update(tags=[9]),
    "half a region": lambda m: m["exceptions"].pop(),
    "a region that ends before it begins": lambda m: m["exceptions"].reverse(),
    "a region between two places": lambda m: m.update(exceptions=[m["exceptions"][0] + 8, m["exceptions"][1]]),
    "a region outside": lambda m: m.update(exceptions=[m["exceptions"][0], m["arena"]["heap"] + 16]),
    "a region below the stack": lambda m: m.update(exceptions=[0, 64]),
    "regions that overlap": lambda m: m.update(exceptions=m["exceptions"] * 2),
    "regions that are no numbers": lambda m: m.update(exceptions=["a", "b"]),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_refused(file: Path, what: str) -> None:
    with pytest.raises(SnapshotError):
        opened(surveyed.altered(file, WRONG[what]))
