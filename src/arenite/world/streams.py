"""The guest's standard streams: files of the host, or anything of Python's that gives or takes bytes.  What may be given is `Source` and `Sink`, and
docs/wasi.md says what each means.

A file with a host descriptor is used through it, so nothing is copied; others (`io.StringIO`, a notebook's output) through
their methods, as text if they are for text.

When there is nothing to read yet, an execution pauses (`NotReady`).  A guest that cannot be paused waits for a file of the host, and
is refused (`NOT_YET`) by a callable.  So `stdin=lambda size: None` is a standard input that is never ready.
"""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, TypeAlias

from arenite.errors import NotReady, SnapshotError
from arenite.world import hostio
from arenite.world.files import HostFile, seekable
from arenite.world.origin import InputPosition, Standard
from arenite.world.refused import Reason, Refused
from arenite.world.resource import ClosedOnError, Resource, not_divided
from arenite.world.stat import FileType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.world.resource import Advance
    from arenite.world.travel import Kept, KeptInput, KeptOutput

Reader: TypeAlias = Callable[[int], bytes | None]
Writer: TypeAlias = Callable[[bytes], int | None]
Source: TypeAlias = bytes | bytearray | os.PathLike[str] | IO[bytes] | IO[str] | Reader | None
Sink: TypeAlias = bytearray | os.PathLike[str] | IO[bytes] | IO[str] | Writer | None

PIECE = 1 << 20  # bytes that are copied at once; the guest decides how many it writes


class SourceStream(Resource):
    """Standard input that Python gives."""

    stream: Standard

    def __init__(self, read: Reader, position: InputPosition | None = None) -> None:
        super().__init__(FileType.UNKNOWN)
        self.give = read
        self.stream = Standard("stdin", position)

    def read(self, buffers: Sequence[memoryview], *, pause: bool) -> int:
        """Ask once; what is too much is kept for the next time."""
        size = min(sum(map(len, buffers)), PIECE)
        if not self.stream.left and size:
            data = self.give(size)
            if data is None:
                raise self.stream.not_ready() if pause else Refused(Reason.NOT_YET)
            self.stream.left = memoryview(data)
        return self.stream.read_left(buffers)

    def freeze(self) -> Kept:
        """By its role."""
        return self.stream.freeze()


class SinkStream(Resource):
    """Standard output or error that Python takes."""

    stream: Standard

    def __init__(self, role: str, write: Writer) -> None:
        super().__init__(FileType.UNKNOWN)
        self.stream = Standard(role)
        self.take = write

    def write(self, buffers: Sequence[memoryview], advance: Advance = not_divided) -> int:
        """Hand over a piece after the other, in bytes that are the taker's own, until it takes less or fails."""
        total, done = sum(map(len, buffers)), 0
        while True:
            piece = piece_at(buffers, done)
            taken = self.take(piece)
            size = len(piece) if taken is None else min(max(taken, 0), len(piece))
            done += size
            if size < len(piece) or done == total:
                return done
            advance(size)

    def freeze(self) -> Kept:
        """By its role."""
        return self.stream.freeze(self.take.waiting() if isinstance(self.take, TextWriter) else b"")


def piece_at(buffers: Sequence[memoryview], start: int) -> bytes:
    """Up to `PIECE` bytes of what is in the buffers, from `start` on."""
    if len(buffers) == 1 and not start and len(buffers[0]) <= PIECE:
        return buffers[0].tobytes()
    parts, room = [], PIECE
    for buffer in buffers:
        part = buffer[start : start + room]
        start = max(0, start - len(buffer))
        room -= len(part)
        parts.append(part)
    return b"".join(parts)


def source(stream: Source) -> Resource:
    """The resource for standard input.  Raises: TypeError, OSError."""
    if stream is None:
        return SourceStream(lambda _: b"")
    if isinstance(stream, (bytes, bytearray)):
        data = io.BytesIO(stream)
        return SourceStream(data.read, InputPosition("bytes", data.getvalue(), data.tell, data.seek))
    if isinstance(stream, os.PathLike):
        return source_file(stream)
    if callable(stream):
        return SourceStream(stream)
    fd = descriptor_of(stream)
    if fd is not None:
        return HostFile(fd, stream=Standard("stdin"), owned=False)
    if isinstance(stream, io.TextIOBase):
        lines = stream
        return SourceStream(lambda size: lines.readline(size).encode())
    read = getattr(stream, "read1", None) or getattr(stream, "read", None)
    if read is None:
        raise TypeError(f"standard input must be bytes, a path, an open file, a callable or None, not {type(stream).__name__}")
    return SourceStream(read)


def source_file(path: os.PathLike[str]) -> HostFile:
    """The resource for a file to read.  Raises: OSError."""
    fd = os.open(path, os.O_RDONLY | hostio.O_BINARY)
    identity = os.fsencode(os.path.abspath(path))  # noqa: PTH100 - links stay as they are given
    position = InputPosition("path", identity, lambda: os.lseek(fd, 0, os.SEEK_CUR), lambda at: os.lseek(fd, at, os.SEEK_SET))
    return HostFile(fd, stream=Standard("stdin", position if seekable(fd) else None))


def sink(role: str, stream: Sink, *, append: bool = False) -> Resource:
    """The resource for standard output or error.  `append`: keep what a file has.  Raises: TypeError, OSError."""
    if stream is None:
        return SinkStream(role, lambda _: None)
    if isinstance(stream, bytearray):
        return SinkStream(role, stream.extend)
    if isinstance(stream, os.PathLike):
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else os.O_TRUNC) | hostio.O_BINARY
        return HostFile(os.open(stream, flags, 0o666), stream=Standard(role))
    if callable(stream):
        return SinkStream(role, stream)
    fd = descriptor_of(stream)
    if fd is not None:
        return HostFile(fd, stream=Standard(role), owned=False, flush=stream.flush)
    write = getattr(stream, "write", None)
    if write is None:
        raise TypeError(
            f"standard output must be a bytearray, a path, an open file, a callable or None, not {type(stream).__name__}"
        )
    return SinkStream(role, TextWriter(write) if isinstance(stream, io.TextIOBase) else write)


class TextWriter:
    """Bytes to a taker of text: UTF-8, where a character may come in two pieces and what is none is replaced."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def __call__(self, data: bytes) -> None:
        """Take all."""
        self._write(self._decoder.decode(data))

    def waiting(self) -> bytes:
        """The beginning of a character whose end has not come."""
        return self._decoder.getstate()[0]


def thaw_source(kept: KeptInput, stream: Source) -> Resource:
    """Standard input that goes on: first what was left of the old source.  Raises: `SnapshotError`, TypeError."""
    try:
        opened = source(stream)
        with ClosedOnError(opened):
            assert opened.stream is not None
            opened.stream.left = memoryview(kept.left)
            if opened.stream.position is not None:
                opened.stream.position.thaw(kept.consumed, kept.digest)
    except OSError as error:
        raise SnapshotError(f"standard input: {error}") from error
    return opened


def thaw_sink(kept: KeptOutput, stream: Sink) -> Resource:
    """Standard output or error that goes on.  Raises: `SnapshotError`, TypeError."""
    try:
        opened = sink(kept.role, stream, append=True)
        with ClosedOnError(opened):
            if kept.left:
                opened.write([memoryview(kept.left)])
    except (OSError, NotReady, Refused) as error:  # a taker of bytes, which is left no part of a character but by a forged state
        raise SnapshotError(f"{kept.role}: {error}") from error
    return opened


def descriptor_of(file: IO[bytes] | IO[str]) -> int | None:
    """The host's descriptor of an open file, if it has one."""
    fileno = getattr(file, "fileno", None)
    try:
        return None if fileno is None else int(fileno())
    except OSError:  # io.UnsupportedOperation: a file that lies in memory
        return None


def wait_to_read(file: IO[bytes] | IO[str] | None, seconds: float) -> None:
    """Wait until a file may have something to read, `seconds` at most: always as long for a file without a descriptor."""
    fd = None if file is None else descriptor_of(file)
    hostio.wait(() if fd is None else (fd,), (), int(seconds * 1e9))
