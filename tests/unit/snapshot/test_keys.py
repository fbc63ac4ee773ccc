"""Keyed files: whoever has the key knows that a file, and what it is a delta of, is what was saved; and copies that nobody can change."""

from __future__ import annotations

import hashlib
import hmac
import os
import random
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Config, Engine, Limit, Snapshot, SnapshotError
from arenite.cli.app import main
from arenite.machine.space.pages import CHUNK
from arenite.snapshot import private
from fuzz.frozen import Document, sealed
from marks import EACH_TIER
from released import open_files
from unit.snapshot.counting import RESULT, ended, of, paused

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName

FORMS = ("image", "packed", "delta")
KEY = bytes(range(32))
OTHER = bytes(range(1, 33))
DIFFERENT = "not written with this key, or it is not what was written"


def saved(folder: Path, form: str, key: bytes | None = KEY) -> Path:
    """A file of a form, and of a delta its parent beside it, both with a key."""
    store, path = paused(200), folder / "s.arn"
    parent = None
    if form == "delta":
        parent = store.snapshot()
        parent.save(folder / "parent.arn", key=key)
    assert store.execution is not None
    store.execution.run(fuel=50)
    store.snapshot().save(path, packed=form == "packed", parent=parent, key=key)
    return path


@EACH_TIER
@pytest.mark.parametrize("form", FORMS)
def test_a_keyed_file_goes_on(tmp_path: Path, form: str, tier: TierName) -> None:
    path = saved(tmp_path, form)
    assert ended(Snapshot.open(path, of(tier), key=KEY)) == RESULT
    assert ended(Snapshot.open(path, of(tier), verify=True)) == RESULT  # without the key it is a file like others
    with pytest.raises(SnapshotError, match=DIFFERENT):
        Snapshot.open(path, of(tier), key=OTHER)


@pytest.mark.parametrize("form", FORMS)
def test_the_digest_is_what_the_format_says(tmp_path: Path, form: str) -> None:
    """Computed here anew, from the description."""
    data = bytearray(saved(tmp_path, form).read_bytes())
    found, data[128:192] = bytes(data[128:192]), bytes(64)
    digest = hashlib.blake2b(len(data).to_bytes(8, "little"), key=KEY, person=b"arenite snapshot")
    for number, at in enumerate(range(0, len(data), 256 << 10)):
        chunk = data[at : at + (256 << 10)]
        if number == 0 or any(chunk):
            digest.update(number.to_bytes(8, "little"))
            digest.update(chunk)
    assert hmac.compare_digest(digest.digest(), found)


@pytest.mark.parametrize("form", FORMS)
def test_any_byte_is_covered(tmp_path: Path, form: str) -> None:
    """Also of what is never read: padding, the rest of the header's page, holes, what lies behind."""
    path, choose = saved(tmp_path, form), random.Random(form)
    good = path.read_bytes()
    places = [*range(0, 260, 13), 4095, 4096, len(good) - 1, *(choose.randrange(len(good)) for _ in range(60))]
    for at in places:
        data = bytearray(good)
        data[at] ^= 1 << choose.randrange(8)
        path.write_bytes(data)
        with pytest.raises(SnapshotError, match="not a snapshot|" + DIFFERENT):
            Snapshot.open(path, of(), key=KEY)
    for other in (good + b"\0", good + bytes(CHUNK), good[:-1], good[:5000], good[:4096], good[:200], good[:130]):
        path.write_bytes(other)
        with pytest.raises(SnapshotError, match="without a key|" + DIFFERENT):
            Snapshot.open(path, of(), key=KEY)
    path.write_bytes(good)
    assert ended(Snapshot.open(path, of(), key=KEY)) == RESULT


def test_chunks_do_not_change_places(tmp_path: Path) -> None:
    path = saved(tmp_path, "image")
    data = path.read_bytes()
    full = [at for at in range(CHUNK, len(data) - CHUNK, CHUNK) if any(data[at : at + CHUNK])]
    holes = [at for at in range(CHUNK, len(data) - CHUNK, CHUNK) if not any(data[at : at + CHUNK])]
    assert full
    assert holes
    moved = bytearray(data)
    moved[holes[0] : holes[0] + CHUNK], moved[full[0] : full[0] + CHUNK] = data[full[0] : full[0] + CHUNK], bytes(CHUNK)
    path.write_bytes(moved)
    with pytest.raises(SnapshotError, match=DIFFERENT):
        Snapshot.open(path, of(), key=KEY)


def test_holes_are_zeros(tmp_path: Path) -> None:
    """A copy of the file without its holes, or with more of them, is the same file."""
    path = saved(tmp_path, "image")
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)
    assert path.stat().st_blocks * 512 >= len(data)
    assert ended(Snapshot.open(path, of(), key=KEY)) == RESULT


def test_a_file_without_a_key_is_refused_with_one(tmp_path: Path) -> None:
    path = saved(tmp_path, "image", None)
    with pytest.raises(SnapshotError, match="it was written without a key"):
        Snapshot.open(path, of(), key=KEY)
    with pytest.raises(SnapshotError, match="it was written without a key"):
        Snapshot.loads(paused().snapshot().dumps(), of(), key=KEY)


@EACH_TIER
def test_bytes_with_a_key(tier: TierName) -> None:
    data = paused().snapshot().dumps(key=KEY)
    assert ended(Snapshot.loads(data, of(tier), key=KEY)) == RESULT
    assert ended(Snapshot.loads(data, of(tier))) == RESULT
    for wrong, key in ((data, OTHER), (data[:-1], KEY), (data[:5000] + b"x" + data[5001:], KEY)):
        with pytest.raises(SnapshotError, match=DIFFERENT):
            Snapshot.loads(wrong, of(tier), key=key)


@EACH_TIER
def test_a_delta_is_bound_to_its_very_parent(tmp_path: Path, tier: TierName) -> None:
    path, parent = saved(tmp_path, "delta"), tmp_path / "parent.arn"
    good = parent.read_bytes()
    # altered
    parent.write_bytes(good[:-1] + b"x")
    with pytest.raises(SnapshotError, match=r"parent\.arn.*" + DIFFERENT):
        Snapshot.open(path, of(tier), key=KEY)
    # another snapshot that was written with the key
    paused(3).snapshot().save(parent, key=KEY)
    with pytest.raises(SnapshotError, match="a delta of another snapshot"):
        Snapshot.open(path, of(tier), key=KEY)
    # one of the same manifest, so of the same id, whose pages are others: written with the key, but not the one that was meant
    document = Document(good)
    region = document.manifest["regions"][1]
    data = bytearray(good)
    data[region["offset"] + 9] ^= 1
    parent.write_bytes(sealed(bytes(data), KEY))
    with pytest.raises(SnapshotError, match="a delta of another snapshot"):
        Snapshot.open(path, of(tier), key=KEY)
    with pytest.raises(SnapshotError, match="a delta of another snapshot"):
        Snapshot.open(path, of(tier), key=KEY, parent=Snapshot.open(parent, of(tier), key=KEY))
    # the right one, but opened without the key
    parent.write_bytes(good)
    with pytest.raises(SnapshotError, match="not opened with the same key"):
        Snapshot.open(path, of(tier), key=KEY, parent=Snapshot.open(parent, of(tier)))
    assert ended(Snapshot.open(path, of(tier), key=KEY, parent=Snapshot.open(parent, of(tier), key=KEY))) == RESULT
    assert ended(Snapshot.open(path, of(tier), key=KEY)) == RESULT


def test_a_delta_with_a_key_needs_a_parent_with_it(tmp_path: Path) -> None:
    store = paused()
    parent = store.snapshot()
    parent.save(tmp_path / "parent.arn")
    for key in (None, OTHER):
        parent.save(tmp_path / "parent.arn", key=key)
        with pytest.raises(SnapshotError, match="with a key, the parent must have been saved or opened with the same key"):
            store.snapshot().save(tmp_path / "s.arn", parent=parent, key=KEY)
        with pytest.raises(SnapshotError, match="with a key, the parent must"):
            store.snapshot().save(tmp_path / "s.arn", parent=Snapshot.open(tmp_path / "parent.arn", of(), key=key), key=KEY)
    assert [p.name for p in tmp_path.iterdir()] == ["parent.arn"]
    parent.save(tmp_path / "parent.arn", key=KEY)
    store.snapshot().save(tmp_path / "s.arn", parent=Snapshot.open(tmp_path / "parent.arn", of(), key=KEY), key=KEY)
    assert ended(Snapshot.open(tmp_path / "s.arn", of(), key=KEY)) == RESULT
    store.snapshot().save(tmp_path / "s.arn", parent=parent)  # who does not ask for a digest need not have one
    assert ended(Snapshot.open(tmp_path / "s.arn", of())) == RESULT


@pytest.mark.parametrize(
    ("key", "error"),
    [(b"", ValueError), (bytes(15), ValueError), (bytes(65), ValueError), ("x" * 32, TypeError), (32, TypeError)],
)
def test_what_is_no_key(tmp_path: Path, key: Any, error: type[Exception]) -> None:
    path = saved(tmp_path, "image", bytes(16))
    assert ended(Snapshot.open(path, of(), key=bytes(16))) == RESULT
    snapshot = paused().snapshot()
    acts = (
        lambda: Snapshot.open(path, of(), key=key),
        lambda: Snapshot.loads(b"", of(), key=key),
        lambda: snapshot.dumps(key=key),
        lambda: snapshot.save(path, key=key),
    )
    for act in acts:
        with pytest.raises(error, match="key"):
            act()


def test_equal_snapshots_and_keys_are_equal_bytes(tmp_path: Path) -> None:
    first, second = (saved(tmp_path, "image").read_bytes() for _ in range(2))
    assert first == second
    assert saved(tmp_path, "image", None).read_bytes() == first[:128] + bytes(64) + first[192:]


# copies


@EACH_TIER
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", [None, KEY])
def test_what_was_copied_is_nobodys_to_change(
    tmp_path: Path, form: str, key: bytes | None, tier: TierName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what is read later: modules, pages."""
    monkeypatch.setattr(private, "SMALL", 0)
    path = saved(tmp_path, form, key)
    opened = Snapshot.open(path, of(tier), key=key, trusted=False)
    for file in tmp_path.iterdir():
        file.write_bytes(b"something else")
    os.truncate(path, 0)
    assert ended(opened) == RESULT


def test_small_files_are_copied_unasked(tmp_path: Path) -> None:
    path = saved(tmp_path, "image", None)
    opened = Snapshot.open(path, of())
    path.write_bytes(b"")
    assert ended(opened) == RESULT


@pytest.mark.parametrize("key", [None, KEY])
def test_copies_are_bounded(tmp_path: Path, key: bytes | None) -> None:
    store = paused()
    memory: Any = store.instances[0].exports(store)["memory"]
    memory.write(store, os.urandom(200_000), 0)
    path = tmp_path / "s.arn"
    store.snapshot().save(path, key=key)
    small = Engine(Config(consume_fuel=True, max_wasm_stack=1 << 16, max_snapshot_memory=100_000))
    with pytest.raises(Limit, match="max_snapshot_memory"):
        Snapshot.open(path, small, key=key, trusted=False)
    if key is not None:
        store = paused(engine=small)
        memory = store.instances[0].exports(store)["memory"]
        memory.write(store, os.urandom(200_000), 0)
        with pytest.raises(Limit, match="max_snapshot_memory"):
            store.snapshot().save(tmp_path / "t.arn", key=key)
        assert [p.name for p in tmp_path.iterdir()] == ["s.arn"]


@pytest.mark.parametrize(("when", "where"), [(0, 1), (0, 0), (4, 4)])
@pytest.mark.parametrize("key", [None, KEY])
def test_a_file_that_is_cut_while_it_is_copied(
    tmp_path: Path, key: bytes | None, when: int, where: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what is gone looks like a hole."""
    path, real = saved(tmp_path, "image", key), private.read

    def cut(fd: int, at: int, size: int, name: str) -> bytes:
        found = real(fd, at, size, name)
        if at == when:
            os.truncate(path, where)
        return found

    when, where = when * CHUNK, where * CHUNK
    monkeypatch.setattr(private, "read", cut)
    with pytest.raises(SnapshotError, match="cut off while it was read"):
        Snapshot.open(path, of(), key=key, trusted=False)


def test_nothing_stays_open(tmp_path: Path) -> None:
    path = saved(tmp_path, "delta")
    good = path.read_bytes()

    before = open_files()
    for data in (good[:-5000], good[:4000], b"", b"x" * 9000):
        path.write_bytes(data)
        for options in ({"key": KEY}, {"key": OTHER}, {"trusted": False}, {}):
            with pytest.raises(SnapshotError):
                Snapshot.open(path, of(), **options)
    path.write_bytes(good)
    with pytest.raises(SnapshotError):
        Snapshot.open(path, of(), key=OTHER)
    assert open_files() == before


# the command line


def test_the_command_line(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    key, other, short = tmp_path / "key", tmp_path / "other", tmp_path / "short"
    key.write_bytes(KEY)
    other.write_bytes(OTHER)
    short.write_bytes(b"secret\n")
    guest, out, on = tmp_path / "g.wat", tmp_path / "s.arn", tmp_path / "t.arn"
    guest.write_text(
        """(module
  (memory (export "memory") 1)
  (func (export "_start") (local $a i32)
    (loop
      (br_if 0 (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 1))) (i32.const 100))))))"""
    )

    def run(*words: object) -> tuple[int, str]:
        return main([str(word) for word in words]), capfd.readouterr().err

    assert run("freeze", "--at", "fuel=10", "-o", out, "--key-file", key, guest) == (0, "")
    assert run("resume", "--key-file", key, out)[0] == 0
    assert run("resume", "--untrusted", out)[0] == 0
    assert run("inspect", "--key-file", key, out)[0] == 0
    for command in (["resume"], ["inspect"], ["fork", "--each-line", guest]):
        code, err = run(*command, "--key-file", other, out)
        assert code == 1
        assert DIFFERENT in err
    assert run("resume", "--key-file", key, "--at", "fuel=10", "-o", on, "--parent", out, out) == (0, "")
    monkeypatch.setenv("ARENITE_KEY_FILE", str(key))
    assert run("resume", on)[0] == 0
    shutil.copy(guest, out)
    assert run("resume", on)[0] == 1
    code, err = run("resume", "--key-file", short, on)
    assert code == 2
    assert "is no key" in " ".join(err.split())
    assert run("resume", "--key-file", tmp_path / "nowhere", on)[0] == 1
