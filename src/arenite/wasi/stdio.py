"""The guest's standard streams: files of the host, or anything of Python's that gives or takes bytes.

    source                        what the guest reads          sink                       where it goes
    None                          nothing                       None                       nowhere
    bytes, bytearray              these                         bytearray                  appended
    path (os.PathLike)            the file                      path (os.PathLike)         the file, made anew
    open file                     from it                       open file                  to it
    callable(size) -> bytes       at most `size`; b"" ends      callable(bytes) -> count   all of them, or `count` (None: all)

A file with a host descriptor is used through it, so nothing is copied; others (`io.StringIO`, a notebook's output) through
their methods, as text if they are for text.
"""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, TypeAlias

from arenite.wasi import hostio
from arenite.wasi.descriptors import Descriptor
from arenite.wasi.files import File
from arenite.wasi.records import READING, STREAM_RIGHTS, WRITING, FileType

if TYPE_CHECKING:
    from collections.abc import Sequence

Reader: TypeAlias = Callable[[int], bytes]
Writer: TypeAlias = Callable[[bytes], int | None]
Source: TypeAlias = bytes | bytearray | os.PathLike[str] | IO[bytes] | IO[str] | Reader | None
Sink: TypeAlias = bytearray | os.PathLike[str] | IO[bytes] | IO[str] | Writer | None

MOST_BYTES = 1 << 24  # of one transfer; the guest sees a short read or write, as it may with any stream


class SourceStream(Descriptor):
    """Standard input that Python gives."""

    able = STREAM_RIGHTS & ~WRITING

    def __init__(self, read: Reader) -> None:
        super().__init__(FileType.UNKNOWN, self.able)
        self.give = read
        self.left = memoryview(b"")

    def read(self, buffers: Sequence[memoryview]) -> int:
        """Ask once; what is too much is kept for the next time."""
        size = min(sum(map(len, buffers)), MOST_BYTES)
        if not self.left and size:
            self.left = memoryview(self.give(size))
        done = 0
        for buffer in buffers:
            piece = self.left[: len(buffer)]
            buffer[: len(piece)] = piece
            self.left = self.left[len(piece) :]
            done += len(piece)
        return done


class SinkStream(Descriptor):
    """Standard output or error that Python takes."""

    able = STREAM_RIGHTS & ~READING

    def __init__(self, write: Writer) -> None:
        super().__init__(FileType.UNKNOWN, self.able)
        self.take = write

    def write(self, buffers: Sequence[memoryview]) -> int:
        """Hand over everything at once, in bytes that are the taker's own."""
        data = b"".join(buffer[:MOST_BYTES] for buffer in buffers)[:MOST_BYTES]
        taken = self.take(data)
        return len(data) if taken is None else min(max(taken, 0), len(data))


def source(given: Source) -> Descriptor:
    """The descriptor for standard input.  Raises: TypeError, OSError."""
    if given is None:
        return SourceStream(lambda _: b"")
    if isinstance(given, (bytes, bytearray)):
        return SourceStream(io.BytesIO(given).read)
    if isinstance(given, os.PathLike):
        return File(os.open(given, os.O_RDONLY | hostio.O_BINARY), File.able & ~WRITING)
    if callable(given):
        return SourceStream(given)
    fd = descriptor_of(given)
    if fd is not None:
        return File(fd, File.able & ~WRITING, owned=False)
    if isinstance(given, io.TextIOBase):
        lines = given
        return SourceStream(lambda size: lines.readline(size).encode())
    read = getattr(given, "read1", None) or getattr(given, "read", None)
    if read is None:
        raise TypeError(f"standard input must be bytes, a path, an open file, a callable or None, not {type(given).__name__}")
    return SourceStream(read)


def sink(given: Sink) -> Descriptor:
    """The descriptor for standard output or error.  Raises: TypeError, OSError."""
    if given is None:
        return SinkStream(lambda _: None)
    if isinstance(given, bytearray):
        return SinkStream(given.extend)
    if isinstance(given, os.PathLike):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | hostio.O_BINARY
        return File(os.open(given, flags, 0o666), File.able & ~READING)
    if callable(given):
        return SinkStream(given)
    fd = descriptor_of(given)
    if fd is not None:
        return File(fd, File.able & ~READING, owned=False, flush=given.flush)
    write = getattr(given, "write", None)
    if write is None:
        raise TypeError(
            f"standard output must be a bytearray, a path, an open file, a callable or None, not {type(given).__name__}"
        )
    return SinkStream(text_writer(write) if isinstance(given, io.TextIOBase) else write)


def text_writer(write: Callable[[str], object]) -> Writer:
    """Bytes to a taker of text: UTF-8, where a character may come in two pieces and what is none is replaced."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def take(data: bytes) -> None:
        write(decode(data))

    return take


def descriptor_of(file: IO[bytes] | IO[str]) -> int | None:
    """The host's descriptor of an open file, if it has one."""
    fileno = getattr(file, "fileno", None)
    try:
        return None if fileno is None else int(fileno())
    except OSError:  # io.UnsupportedOperation: a file that lies in memory
        return None
