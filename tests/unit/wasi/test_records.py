"""The layouts, against C's: `ctypes` pads as the standard's ABI does."""

from __future__ import annotations

import ctypes as c
import errno

import pytest

from arenite.wasi import records
from arenite.wasi.errno import Errno, of


class Fdstat(c.LittleEndianStructure):
    _fields_ = [("type", c.c_uint8), ("flags", c.c_uint16), ("base", c.c_uint64), ("inheriting", c.c_uint64)]


class Filestat(c.LittleEndianStructure):
    _fields_ = [
        ("dev", c.c_uint64),
        ("ino", c.c_uint64),
        ("type", c.c_uint8),
        ("nlink", c.c_uint64),
        ("size", c.c_uint64),
        ("atim", c.c_uint64),
        ("mtim", c.c_uint64),
        ("ctim", c.c_uint64),
    ]


class Prestat(c.LittleEndianStructure):
    _fields_ = [("tag", c.c_uint8), ("length", c.c_uint32)]


class Dirent(c.LittleEndianStructure):
    _fields_ = [("next", c.c_uint64), ("ino", c.c_uint64), ("namlen", c.c_uint32), ("type", c.c_uint8)]


class SubscriptionClock(c.LittleEndianStructure):
    _fields_ = [("id", c.c_uint32), ("timeout", c.c_uint64), ("precision", c.c_uint64), ("flags", c.c_uint16)]


class SubscriptionBody(c.LittleEndianStructure):
    _fields_ = [("tag", c.c_uint8), ("clock", SubscriptionClock)]


class Subscription(c.LittleEndianStructure):
    _fields_ = [("userdata", c.c_uint64), ("body", SubscriptionBody)]


class FdReadwrite(c.LittleEndianStructure):
    _fields_ = [("nbytes", c.c_uint64), ("flags", c.c_uint16)]


class Event(c.LittleEndianStructure):
    _fields_ = [("userdata", c.c_uint64), ("error", c.c_uint16), ("type", c.c_uint8), ("fd", FdReadwrite)]


def leaves(record: object) -> list[int]:
    """A record's numbers, in order."""
    if not isinstance(record, c.Structure):
        assert isinstance(record, int)
        return [record]
    return [number for name, *_ in record._fields_ for number in leaves(getattr(record, name))]


@pytest.mark.parametrize("name", ["Fdstat", "Filestat", "Prestat", "Dirent", "Subscription", "Event"])
def test_layout(name: str) -> None:
    in_c, ours = globals()[name], getattr(records, name.upper())
    assert ours.size == c.sizeof(in_c)
    numbers = tuple(range(1, 1 + len(leaves(in_c()))))
    assert leaves(in_c.from_buffer_copy(ours.pack(*numbers))) == list(numbers)


def test_rights_are_all_of_the_standard() -> None:
    assert [right.value for right in records.Rights] == [1 << bit for bit in range(30)]


def test_errno_of_the_host() -> None:
    assert of(OSError(errno.ENOENT, "")) is Errno.NOENT
    assert of(OSError(errno.ENOTEMPTY, "")) is Errno.NOTEMPTY
    assert of(OSError(errno.EWOULDBLOCK, "")) is Errno.AGAIN
    assert of(OSError(errno.EOPNOTSUPP, "")) is Errno.NOTSUP
    assert of(OSError("no number")) is Errno.IO
    assert [Errno(n).value for n in range(77)] == list(range(77))
