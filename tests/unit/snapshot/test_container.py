"""The file as such: what is none, what is damaged, what cannot be written; a name holds a whole snapshot or what was there before."""

from __future__ import annotations

import errno
import os
import resource
import signal
import struct
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING

import pytest

from arenite import Snapshot, SnapshotError
from arenite.snapshot.container import CHECKSUM, HEADER, Reader, Writer
from marks import EACH_TIER
from released import open_files
from tiers import TIERS
from unit.snapshot.counting import RESULT, ended, of, paused

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "s.arn"
    paused().snapshot().save(path)
    return path


def refused(path: Path, words: str) -> None:
    """It is not opened, the error names the file and says what is wrong, and no descriptor stays open."""
    before = open_files()
    with pytest.raises(SnapshotError, match=words) as caught:
        Snapshot.open(path, of())
    assert str(path) in str(caught.value)
    del caught  # its frames hold what was opened
    assert open_files() == before


def with_header(path: Path, at: int, value: int, size: int = 4) -> None:
    """Change a field of the header, and its checksum with it."""
    data = bytearray(path.read_bytes())
    data[at : at + size] = value.to_bytes(size, "little")
    CHECKSUM.pack_into(data, HEADER.size, zlib.crc32(data[: HEADER.size]))
    path.write_bytes(data)


def test_a_file_goes_on(file: Path) -> None:
    assert ended(Snapshot.open(file, of())) == RESULT
    assert ended(Snapshot.open(file, of("safe"), verify=True)) == RESULT


@pytest.mark.parametrize("content", [b"", b"\0asm\1\0\0\0", b"\x7fELF" + bytes(9000)])
def test_what_is_no_snapshot(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    refused(path, "not a snapshot")


def test_what_is_not_there_or_a_folder(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "No such file")
    refused(tmp_path, "it is a directory")


@pytest.mark.parametrize("size", [8, HEADER.size + 3, 4096, 70_000])
def test_truncated(file: Path, size: int) -> None:
    data = file.read_bytes()
    file.write_bytes(data[:size])
    refused(file, "ends")


def test_truncated_by_a_byte_of_its_last_section(file: Path) -> None:
    data = file.read_bytes()
    _, _, _, offset, size, _ = HEADER.unpack_from(data)
    file.write_bytes(data[: offset + size])
    assert ended(Snapshot.open(file, of())) == RESULT
    file.write_bytes(data[: offset + size - 1])
    refused(file, "ends")


def test_a_later_format_and_an_unknown_kind(file: Path) -> None:
    data = file.read_bytes()
    with_header(file, 8, 2)
    refused(file, "format 2; this version of arenite reads format 1")
    file.write_bytes(data)
    with_header(file, 12, 9)
    refused(file, "kind 9")


def test_damage_in_header_and_manifest(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[20] ^= 1
    file.write_bytes(data)
    refused(file, "the header is damaged")
    data[20] ^= 1
    offset = HEADER.unpack_from(data)[3]
    data[offset + 50] ^= 1
    file.write_bytes(data)
    refused(file, "the manifest is damaged")


def test_verify_finds_a_flipped_byte_in_any_page(file: Path) -> None:
    """Without it the file opens: pages are read when they are touched."""
    good = file.read_bytes()
    regions = Reader.open(file).manifest["regions"]
    for region, entry in enumerate(regions):
        for page in range(region == 0, entry["size"] // 4096, 7):  # the first page of all is always looked at
            data = bytearray(good)
            data[entry["offset"] + 4096 * page + 4095] ^= 0x80
            file.write_bytes(data)
            refused_only_by_verifying(file, f"region {region} is damaged")
    data = bytearray(good)
    data[regions[0]["offset"] + 4000] ^= 1
    file.write_bytes(data)
    refused(file, "the arena's head is damaged")


def refused_only_by_verifying(file: Path, words: str) -> None:
    for tier in TIERS:
        Snapshot.open(file, of(tier))
        with pytest.raises(SnapshotError, match=words):
            Snapshot.open(file, of(tier), verify=True)


def test_no_room_leaves_what_was_there(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system has no room at any of its writes."""
    before = file.read_bytes()
    snapshot = paused(400).snapshot()
    real, room = os.pwrite, 0

    def pwrite(fd: int, data: bytes, offset: int) -> int:
        nonlocal room
        room -= 1
        if room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    for packed in (False, True):
        for writes in range(1000):
            room = writes
            said = attempt(snapshot, file, packed=packed)
            if not said:
                break
            assert "No space left" in said
            assert "unharmed" in said
            assert list(file.parent.iterdir()) == [file]
            assert file.read_bytes() == before
        assert writes > 5
        file.write_bytes(before)


def attempt(snapshot: Snapshot, file: Path, *, packed: bool) -> str:
    """What is said when it cannot be saved; nothing when it is."""
    try:
        snapshot.save(file, packed=packed)
    except SnapshotError as error:
        return str(error)
    return ""


def test_a_limit_of_the_system_on_file_sizes(file: Path) -> None:
    before = file.read_bytes()
    snapshot = paused(400).snapshot()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    try:
        with pytest.raises(SnapshotError, match="File too large"):
            snapshot.save(file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


KILLED = """
import os, signal, sys
sys.path[:0] = {path!r}
from unit.snapshot.counting import paused
snapshot, real, left = paused(400).snapshot(), os.pwrite, int(sys.argv[2])
def pwrite(*args):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args)
os.pwrite = pwrite
snapshot.save(sys.argv[1])
"""


@pytest.mark.parametrize("writes", [1, 6])
def test_killed_in_the_middle_of_a_save(file: Path, writes: int) -> None:
    before = file.read_bytes()
    for name in ("new.arn", file.name):
        program = KILLED.format(path=sys.path)
        done = subprocess.run([sys.executable, "-c", program, str(file.with_name(name)), str(writes)], check=False)
        assert done.returncode == -signal.SIGKILL
        assert not file.with_name("new.arn").exists()
    assert file.read_bytes() == before
    assert ended(Snapshot.open(file, of())) == RESULT


@EACH_TIER
def test_forks_go_on_when_their_file_is_replaced_and_gone(file: Path, tier: TierName) -> None:
    opened = Snapshot.open(file, of(tier))
    paused(10).snapshot().save(file)
    assert ended(opened) == RESULT
    file.unlink()
    assert ended(opened) == RESULT


def test_a_writer_that_does_not_finish_leaves_nothing(tmp_path: Path) -> None:
    with Writer(tmp_path / "x") as out:
        out.section(b"abc")
    assert not list(tmp_path.iterdir())


def test_the_header_is_as_it_is_described(file: Path) -> None:
    magic, format_, kind = struct.unpack_from("<8sII", file.read_bytes())
    assert (magic, format_, kind) == (b"\x7fARENITE", 1, 0)
