"""Files at any fsspec path, and images in them; a writer that is killed in the middle."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("ray", reason="the extra ray is not there for every Python")

import fsspec

from arenite import Engine, Instance, Module, SnapshotError, Store
from arenite.ray import places
from arenite.ray.image import Image, Mapped
from arenite.ray.places import Place

if TYPE_CHECKING:
    from pathlib import Path

KEY = b"a key of sixteen"
DATA = bytes(range(256)) * 40_000  # three pieces


@pytest.fixture(params=["memory", "local"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"memory://{tmp_path.name}" if request.param == "memory" else str(tmp_path / "new")


def found(folder: str) -> list[str]:
    fs, path = fsspec.core.url_to_fs(folder)
    return sorted(name.rpartition("/")[2] for name in fs.find(path))


def test_what_is_written_is_read_and_replaced(folder: str) -> None:
    place = Place(f"{folder}/one")
    for data in (DATA, b"", b"short"):
        place.write(data)
        assert place.read(len(DATA)) == data
    assert found(folder) == ["one"]
    assert Place(folder).names() == ["one"]


def test_what_cannot_be_written_whole_leaves_what_was_there(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(f"{folder}/one")
    place.write(b"old")
    for name, odd in (("mv", OSError("no")), ("size", None)):
        with monkeypatch.context() as changed:

            def failing(*_args: object, odd: object = odd) -> object:
                if isinstance(odd, Exception):
                    raise odd
                return 17

            changed.setattr(place._fs, name, failing)
            with pytest.raises(SnapshotError, match="cannot write"):
                place.write(DATA)
        assert found(folder) == ["one"]
        assert place.read(100) == b"old"


def test_a_writer_that_is_killed_in_the_middle_leaves_what_was_there_and_its_part_goes(tmp_path: Path) -> None:
    place = Place(str(tmp_path / "one"))
    place.write(b"old")
    code = f"""
import os, signal
from fsspec.implementations.local import LocalFileOpener
from arenite.ray.places import Place
written = LocalFileOpener.write
def write(self, data):
    if self.f.tell():
        self.f.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    return written(self, data)
LocalFileOpener.write = write
Place({str(tmp_path / "one")!r}).write(bytes(range(256)) * 40_000)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert place.read(100) == b"old"
    (part,) = [path for path in tmp_path.iterdir() if path.name != "one"]
    assert 0 < part.stat().st_size < len(DATA)
    assert Place(str(tmp_path)).names() == ["one"]
    place.write(b"new")
    assert part.exists()  # its writer may be at work still
    long_ago = time.time() - 2 * places.OLD
    os.utime(part, (long_ago, long_ago))
    place.write(b"newer")
    assert found(str(tmp_path)) == ["one"]


def test_images_are_saved_and_opened(folder: str, image: Image) -> None:
    image.save(f"{folder}/image")
    again = Image.open(f"{folder}/image")
    assert again.kind.id == image.kind.id
    with Mapped.copied(again.kind, again.data).box() as box:
        assert box.run("6 * 7").value == 42


def test_an_image_with_a_key_is_opened_with_it_alone(folder: str, image: Image) -> None:
    with Mapped.copied(image.kind, image.data).box() as box:
        Image.of(box, key=KEY).save(f"{folder}/image")
    assert Image.open(f"{folder}/image", key=KEY).kind.key == KEY
    with pytest.raises(SnapshotError, match="not written with this key"):
        Image.open(f"{folder}/image", key=b"another key, too")
    image.save(f"{folder}/image")
    with pytest.raises(SnapshotError, match="without a key"):
        Image.open(f"{folder}/image", key=KEY)


def test_snapshots_that_are_none_of_boxes_are_opened_as_such(folder: str) -> None:
    engine = Engine()
    store = Store(engine)
    Instance(store, Module(engine, '(module (func (export "ten") (result i32) (i32.const 10)))'), [])
    Image.of(store.snapshot()).save(f"{folder}/image")
    with pytest.raises(SnapshotError, match="box=False"):
        Image.open(f"{folder}/image")
    again = Image.open(f"{folder}/image", box=False)
    fork = Mapped.copied(again.kind, again.data).store()
    assert fork.instances[-1].exports(fork)["ten"](fork) == 10  # type: ignore[operator]


CHANGES = {
    "cut": lambda d: d[:-5000],
    "late": lambda d: b"no image" + d,
    "changed": lambda d: d[:40] + b"\xff" + d[41:],
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_no_image_is_refused(change: object, tmp_path: Path, image: Image) -> None:
    place = Place(str(tmp_path / "image"))
    image.save(place.url)
    place.write(change(place.read(1 << 30)))  # type: ignore[operator]
    with pytest.raises(SnapshotError):
        Image.open(place.url)


def test_errors_name_the_place(tmp_path: Path) -> None:
    for url in ("nope://x/y", str(tmp_path / "missing"), "memory://missing/one"):
        with pytest.raises(SnapshotError, match=url):
            Place(url).read(10)
    Place(str(tmp_path / "long")).write(b"12345")
    with pytest.raises(SnapshotError, match="expected at most 4"):
        Place(str(tmp_path / "long")).read(4)
    (tmp_path / "folder").mkdir()
    with pytest.raises(SnapshotError, match="it is a folder"):
        Place(str(tmp_path / "folder")).write(b"")
    for use in (Place.names, Place.remove, lambda place: place.read(10)):
        with pytest.raises(SnapshotError, match="x" * 300):
            use(Place(str(tmp_path / ("x" * 300))))
