"""The form for systems that lack POSIX calls, loaded on this one."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import TYPE_CHECKING

import pytest

from arenite.world import hostio
from arenite.world.refused import Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType


@pytest.fixture
def portable(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("portable_hostio", hostio.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "platform", "win32")
        spec.loader.exec_module(module)
    return module


def test_it_offers_the_same(portable: ModuleType) -> None:
    public = {name for name in vars(hostio) if not name.startswith("_")} - {"fcntl", "resource", "select", "termios"}
    assert public <= set(vars(portable))


def test_vectors_piece_by_piece(portable: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    with (tmp_path / "a").open("r+b", buffering=0) as file:
        fd = file.fileno()
        one, two = bytearray(2), bytearray(10)
        buffers = [memoryview(one), memoryview(two)]
        assert portable.readv(fd, buffers) == 2
        assert portable.preadv(fd, buffers[1:], 1) == 4
        assert (bytes(one), bytes(two[:4])) == (b"he", b"ello")
        assert portable.writev(fd, [memoryview(b"LL")]) == 2
        assert portable.pwritev(fd, [memoryview(b"J")], 0) == 1
        assert os.lseek(fd, 0, os.SEEK_CUR) == 4
        portable.datasync(fd)
    assert (tmp_path / "a").read_bytes() == b"JeLLo"


def test_what_it_cannot(portable: ModuleType) -> None:
    calls: tuple[Callable[[], object], ...] = (
        lambda: portable.set_append(0, on=True),
        lambda: portable.set_nonblock(0, on=True),
        lambda: portable.allocate(0, 0, 1),
    )
    for call in calls:
        with pytest.raises(Refused) as raised:
            call()
        assert raised.value.reason is Reason.NOT_SUPPORTED
    assert portable.wait((0,), (1,), None) == ({0}, {1}, frozenset())
    assert not portable.wait((), (), 0)
    assert portable.waiting_bytes(0) == 0
    portable.advise(0, 0, 0, 0)
