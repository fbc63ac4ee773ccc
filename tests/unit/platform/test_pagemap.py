"""Which pages are one's own: compared with what was written, page by page, by both ways of asking."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import random
import sys
from typing import TYPE_CHECKING, Any

import pytest

if sys.platform != "linux":
    pytest.skip("Linux's /proc/self/pagemap", allow_module_level=True)

from arenite import platform
from arenite.platform import pagemap

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE = mmap.PAGESIZE
WAYS = ("scan", "read")


def numbers(ranges: Iterable[tuple[int, int]]) -> list[int]:
    """The pages of ranges."""
    return [page for start, stop in ranges for page in range(start // PAGE, stop // PAGE)]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How `dirty_pages` finds out: as it does here, or as on a kernel that has no PAGEMAP_SCAN."""

    def refuse(*_args: object) -> int:
        raise OSError(errno.ENOTTY, "no such request")

    if request.param == "read":
        monkeypatch.setattr(fcntl, "ioctl", refuse)
    name: str = request.param
    return name


def file_of(pages: int, data: Iterable[int]) -> int:
    """A sealed file with holes: only `data` pages were written."""
    fd = platform.memfd("test")
    os.ftruncate(fd, pages * PAGE)
    for page in data:
        os.pwrite(fd, bytes([page % 255 + 1]) * PAGE, page * PAGE)
    platform.seal(fd)
    return fd


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("seed", range(4))
def test_written_pages_of_a_file(seed: int) -> None:
    """What was written since it was mapped, in holes and in data; reading makes nothing one's own."""
    random_ = random.Random(seed)
    pages = 600
    fd = file_of(pages, random_.sample(range(pages), 200))
    space = platform.Reservation(pages * PAGE)
    space.map_fixed(0, fd, pages * PAGE, 0)
    view = space.view(0, pages * PAGE)
    for page in random_.sample(range(pages), 300):
        assert view[page * PAGE] in {0, page % 255 + 1}
    assert space.dirty_pages(0, pages * PAGE) == []
    written = sorted(random_.sample(range(pages), random_.choice((1, 50, 400))))
    for page in written:
        view[page * PAGE + random_.randrange(PAGE)] = 0  # also a zero where zero was
    assert numbers(space.dirty_pages(0, pages * PAGE) or ()) == written
    first, last = 100, 450
    inside = [page - first for page in written if first <= page < last]
    assert numbers(space.dirty_pages(first * PAGE, last * PAGE) or ()) == inside
    space.map_fixed(0, fd, pages * PAGE, 0)
    assert space.dirty_pages(0, pages * PAGE) == []
    os.close(fd)


@pytest.mark.usefixtures("way")
def test_more_runs_than_one_answer_holds() -> None:
    """Every second page, ten times as many as the kernel gives at once; and a run across every border."""
    pages = 10 * pagemap.RANGES
    fd = file_of(pages, ())
    space = platform.Reservation(pages * PAGE)
    space.map_fixed(0, fd, pages * PAGE, 0)
    view = space.view(0, pages * PAGE)
    for page in range(0, pages, 2):
        view[page * PAGE] = 1
    assert numbers(space.dirty_pages(0, pages * PAGE) or ()) == list(range(0, pages, 2))
    for page in range(1, pages, 2):
        view[page * PAGE] = 1
    assert numbers(space.dirty_pages(0, pages * PAGE) or ()) == list(range(pages))
    os.close(fd)


@pytest.mark.usefixtures("way")
def test_anonymous_memory() -> None:
    """What was written is there; what was never touched is not."""
    pages = 300
    space = platform.Reservation(pages * PAGE)
    space.commit(0, 200 * PAGE)
    assert space.dirty_pages(0, pages * PAGE) == []
    view = space.view(0, 200 * PAGE)
    written = [0, 1, 2, 77, 199]
    for page in written:
        view[page * PAGE] = 1
    assert set(written) <= set(numbers(space.dirty_pages(0, pages * PAGE) or ())) <= set(range(200))
    space.decommit(0, 100 * PAGE)
    assert numbers(space.dirty_pages(0, pages * PAGE) or ()) == [199]


def test_both_ways_agree_on_a_mixture() -> None:
    """A file, memory behind it, and no access behind that."""
    random_ = random.Random(5)
    fd = file_of(100, range(0, 100, 3))
    space = platform.Reservation(300 * PAGE)
    space.map_fixed(0, fd, 100 * PAGE, 0)
    space.commit(100 * PAGE, 200 * PAGE)
    view = space.view(0, 200 * PAGE)
    written = sorted(random_.sample(range(200), 70))
    for page in written:
        view[page * PAGE] = 7
    maps = os.open("/proc/self/pagemap", os.O_RDONLY)
    found = [numbers(f(maps, space.address, 300 * PAGE)) for f in (pagemap._scan, pagemap._read)]
    assert found[0] == found[1] == written
    os.close(maps)
    os.close(fd)


def test_reading_goes_on_behind_a_full_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagemap, "ENTRIES", 16)
    space = platform.Reservation(100 * PAGE)
    space.commit(0, 100 * PAGE)
    view = space.view(0, 100 * PAGE)
    written = [0, 15, 16, 17, 30, 31, 32, 98, 99]
    for page in written:
        view[page * PAGE] = 1
    maps = os.open("/proc/self/pagemap", os.O_RDONLY)
    assert numbers(pagemap._read(maps, space.address, 100 * PAGE)) == written
    os.close(maps)


def test_an_error_of_another_kind_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reservation says None then, and whoever asks compares bytes."""

    def refuse(*_args: object) -> int:
        raise OSError(errno.EPERM, "not here")

    space = platform.Reservation(PAGE)
    monkeypatch.setattr(fcntl, "ioctl", refuse)
    with pytest.raises(OSError, match="not here"):
        pagemap.dirty_pages(space.address, PAGE)
    assert space.dirty_pages(0, PAGE) is None


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # from 3.12 on
def test_a_child_asks_about_itself() -> None:
    """After `os.fork` the file that the parent opened still tells of the parent."""
    space: Any = platform.Reservation(4 * PAGE)
    fd = file_of(4, ())
    space.map_fixed(0, fd, 4 * PAGE, 0)
    view = space.view(0, 4 * PAGE)
    view[PAGE] = 1
    assert numbers(space.dirty_pages(0, 4 * PAGE)) == [1]
    read, write = os.pipe()
    child = os.fork()
    if not child:
        view[2 * PAGE] = 1
        os.write(write, bytes(numbers(space.dirty_pages(0, 4 * PAGE))))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 10) == bytes([1, 2])
    assert numbers(space.dirty_pages(0, 4 * PAGE)) == [1]
    for file in (read, write, fd):
        os.close(file)
