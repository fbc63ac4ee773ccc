"""Reservations: both forms behave alike, and the Linux form gives its memory back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from arenite import platform
from arenite.errors import Limit
from arenite.platform import PortableReservation, Reservation, memfd, page_size, reserve, seal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from arenite.platform import Space

PAGE = page_size
linux = pytest.mark.skipif(not platform.HAS_CAGE, reason="no reservations on this platform")


@pytest.fixture(params=[PortableReservation, Reservation], ids=lambda kind: kind.__name__)
def space(request: pytest.FixtureRequest) -> Space:
    kind: Callable[[int], Space] = request.param
    return kind(16 * PAGE)


@pytest.fixture
def template() -> Iterator[int]:
    fd = memfd("test", b"sand" * PAGE)  # four pages
    yield fd
    os.close(fd)


def test_committed_pages_are_zero_and_writable(space: Space) -> None:
    space.commit(PAGE, 3 * PAGE)
    view = space.view(PAGE, 3 * PAGE)
    assert bytes(view) == bytes(2 * PAGE)
    view[:4] = b"sand"
    assert bytes(space.view(PAGE, PAGE + 4)) == b"sand"


def test_decommitted_pages_forget(space: Space) -> None:
    space.commit(0, 2 * PAGE)
    space.view(0, 2 * PAGE)[:] = b"x" * 2 * PAGE
    space.decommit(PAGE, 2 * PAGE)
    space.commit(PAGE, 2 * PAGE)
    assert bytes(space.view(PAGE - 1, PAGE + 1)) == b"x\0"


def test_private_mapping_copies_on_write(space: Space, template: int) -> None:
    space.map(PAGE, template, PAGE + 5, PAGE, writable=True, private=True)
    view = space.view(PAGE, 2 * PAGE + 5)
    assert bytes(view) == (b"sand" * PAGE)[: PAGE + 5]
    view[:4] = b"rock"
    assert os.pread(template, 4, PAGE) == b"sand"


def test_mapping_again_resets(space: Space, template: int) -> None:
    for _ in range(2):
        space.map(0, template, PAGE, writable=True, private=True)
        view = space.view(0, 4)
        assert bytes(view) == b"sand"
        view[:] = b"rock"


def test_mapping_behind_the_end_of_the_file_is_refused(space: Space, template: int) -> None:
    with pytest.raises(ValueError, match="file"):
        space.map(0, template, 8 * PAGE, writable=False, private=True)


@pytest.mark.parametrize(("start", "stop"), [(1, PAGE), (0, PAGE + 1), (0, 17 * PAGE), (-PAGE, PAGE), (2 * PAGE, PAGE)])
def test_bad_ranges_are_refused(space: Space, start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="range"):
        space.commit(start, stop)
    with pytest.raises(ValueError, match="range"):
        space.decommit(start, stop)


def test_views_are_bounded(space: Space) -> None:
    with pytest.raises(ValueError, match="not inside"):
        space.view(0, 16 * PAGE + 1)


def test_close_waits_for_views(space: Space) -> None:
    space.commit(0, PAGE)
    view = space.view(0, 4)
    with pytest.raises(BufferError):
        space.close()
    view[:] = b"sand"
    view.release()
    space.close()
    with pytest.raises(ValueError, match="closed"):
        space.view(0, 4)


def test_a_view_outlives_the_space(space: Space) -> None:
    space.commit(0, PAGE)
    view = space.view(0, 4)
    del space
    view[:] = b"sand"
    assert bytes(view) == b"sand"


def test_portable_files_hold_their_data() -> None:
    fd = reserve.memfd("test", b"sand")
    reserve.seal(fd)
    assert os.pread(fd, 9, 0) == b"sand"
    os.close(fd)


def test_plain_memory_moves_with_what_is_not_zero() -> None:
    """As it grows where the system moves no pages; a view of before shows what was there."""
    space = PortableReservation(3 * reserve.PIECE + PAGE)
    for at in (0, reserve.PIECE - 1, 3 * reserve.PIECE + PAGE - 1):
        space.view(at, at + 1)[:] = b"x"
    held, before = space.view(0, 1), bytes(space.view(0, space.size))
    with pytest.raises(Limit, match="a view of it is held"):
        space.resize(8 * reserve.PIECE)
    space.move(8 * reserve.PIECE)
    assert bytes(space.view(0, space.size)) == before + bytes(5 * reserve.PIECE - PAGE)
    space.view(0, 1)[:] = b"y"
    assert bytes(held) == b"x"


@linux
def test_what_was_touched_in_plain_memory() -> None:
    space = PortableReservation(1 << 30)
    assert platform.touched(space) == []
    space.view(300 * PAGE, 300 * PAGE + 1)[:] = b"x"
    found = platform.touched(space)
    assert found is not None
    assert any(start <= 300 * PAGE < stop for start, stop in found)
    assert sum(stop - start for start, stop in found) <= 2 << 20
    assert reserve.touched(space) is None


def test_portable_space_refuses_shared_writes(template: int) -> None:
    with pytest.raises(Limit, match="not possible"):
        PortableReservation(PAGE).map(0, template, PAGE, writable=True, private=False)


def mapped_size() -> int:
    """Bytes of address space of this process."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * PAGE


@linux
def test_memory_goes_with_the_last_view() -> None:
    before = mapped_size()
    reservation = Reservation(1 << 40)
    view = reservation.view(0, 4)
    del reservation
    assert mapped_size() - before >= 1 << 40
    del view
    assert mapped_size() - before < 1 << 40


@linux
def test_a_closed_reservation_touches_nobody_elses_memory() -> None:
    reservation = Reservation(PAGE)
    reservation.close()
    for use in (reservation.commit, reservation.decommit):
        with pytest.raises(ValueError, match="closed"):
            use(0, PAGE)


@linux
def test_shared_mapping_writes_the_file() -> None:
    fd = memfd("shared")
    os.ftruncate(fd, PAGE)
    reservation = Reservation(PAGE)
    reservation.map(0, fd, PAGE, writable=True, private=False)
    reservation.view(0, 4)[:] = b"sand"
    assert os.pread(fd, 4, 0) == b"sand"
    os.close(fd)


@linux
def test_a_sealed_file_is_final(template: int) -> None:
    with pytest.raises(PermissionError):
        os.pwrite(template, b"x", 0)
    with pytest.raises(PermissionError):
        os.ftruncate(template, 0)
    fd = memfd("open")
    os.write(fd, b"x")
    seal(fd)
    with pytest.raises(PermissionError):
        os.write(fd, b"x")
    os.close(fd)


@linux
def test_more_than_there_is_is_a_limit() -> None:
    with pytest.raises(Limit, match="address space refused: Cannot allocate memory"):
        Reservation(1 << 48)


def test_the_platform_offers_what_it_lists() -> None:
    assert all(hasattr(platform, name) for name in platform.__all__)
    with pytest.raises(AttributeError, match="'reservation'"):
        getattr(platform, "reservation")  # noqa: B009 (a type checker would refuse the plain form)


def status(program: str) -> int:
    """How `program` ends in another process."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    source = "from arenite.platform import *\n" + textwrap.dedent(program)
    return subprocess.run([sys.executable, "-c", source], env=environment, timeout=60, check=False).returncode


@linux
def test_untouchable_means_untouchable() -> None:
    assert status("Reservation(65536).view(0, 1)[0]") == -signal.SIGSEGV


@linux
def test_too_many_mappings_are_a_limit() -> None:
    assert (
        status("""
    from arenite.errors import Limit
    pages = Reservation(page_size << 20)
    try:
        for at in range(0, pages.size, 2 * page_size):
            pages.commit(at, at + page_size)
    except Limit as error:
        pages.close()
        assert "number of mappings" in str(error), error
        raise SystemExit(42)
    """)
        == 42
    )


@linux
def test_garbage_makes_room() -> None:
    assert (
        status("""
    import gc, resource
    gc.disable()
    used = int(open("/proc/self/statm").read().split()[0]) * page_size
    resource.setrlimit(resource.RLIMIT_AS, (used + (3 << 30), -1))
    for _ in range(5):
        cycle = [Reservation(2 << 30)]
        cycle.append(cycle)
        del cycle
    """)
        == 0
    )
