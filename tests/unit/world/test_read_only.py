"""What a directory that was given for reading only refuses: the world itself does, whatever a dialect has checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arenite import MemoryFS
from arenite.world import paths
from arenite.world.directories import Directory
from arenite.world.files import File
from arenite.world.host_place import HostPlace
from arenite.world.memory.copying import opened
from arenite.world.origin import Origin, Root
from arenite.world.place import How
from arenite.world.refused import Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from arenite.world.place import Place
    from arenite.world.resource import Resource
    from arenite.world.stat import Stat


def a_file(opened: Resource) -> File:
    assert isinstance(opened, File)
    return opened


CHANGES: dict[str, Callable[[Directory], object]] = {
    "create_directory": lambda d: paths.create_directory(d, "new"),
    "link": lambda d: paths.link(d, "file", d, "new", follow=False),
    "remove_directory": lambda d: paths.remove_directory(d, "below"),
    "rename": lambda d: paths.rename(d, "file", d, "new"),
    "set_times": lambda d: paths.set_times(d, "file", lambda _: (0, 0), follow=False),
    "symlink": lambda d: paths.symlink(d, "file", "new"),
    "unlink": lambda d: paths.unlink(d, "file"),
    "open to write": lambda d: paths.open_at(d, "file", How(write=True), follow=False),
    "open to create": lambda d: paths.open_at(d, "new", How(read=True, create=True), follow=False),
    "open to cut off": lambda d: paths.open_at(d, "file", How(read=True, truncate=True), follow=False),
    "its times": lambda d: d.set_times((0, 0)),
    "times of what is open": lambda d: a_file(paths.open_at(d, "file", How(read=True), follow=False)).set_times((0, 0)),
}


@pytest.fixture(params=["of the host", "in memory"])
def root(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    (tmp_path / "file").write_bytes(b"hello")
    (tmp_path / "below").mkdir()
    place = HostPlace.of(str(tmp_path)) if request.param == "of the host" else MemoryFS.of(tmp_path).place(lambda: 1, 0)
    yield place
    place.close()


def seen(place: Place) -> dict[str, Stat]:
    found = opened(place, ".", How(read=True, directory=True))
    assert isinstance(found, Directory)
    names = [entry.name.decode() for entry in found.entries(0, lambda: None)][2:]
    found.close()
    return {name: place.stat_of(name)._replace(accessed=0) for name in (".", *names)}


def directory(place: Place, *, read_only: bool) -> Directory:
    return Directory(place, Origin(Root(b"/data", place, read_only)), is_root=True)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_change(change: Callable[[Directory], object], root: Place) -> None:
    before = seen(root)
    assert before.keys() == {".", "file", "below"}
    with pytest.raises(Refused) as raised:
        change(directory(root, read_only=True))
    assert raised.value.reason is Reason.READ_ONLY
    assert seen(root) == before


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_change_is_one(change: Callable[[Directory], object], root: Place) -> None:
    change(directory(root, read_only=False))
