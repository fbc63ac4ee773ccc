"""A file of sections: what both forms of a snapshot have in common.

    header     one page: magic, version of the format, kind, where the manifest lies and its digest, a checksum of the header
    sections   bytes, each on a page of its own; the manifest names them
    manifest   JSON in its canonical form, so what is read can always be written again; the last section

A file is written beside its final name (`platform.aside`) and renamed when it is complete, so that name holds a whole snapshot or what was there
before, whatever happens; and a file that is mapped by running forks is never written to.  Whoever reads trusts nothing: every place is checked
against the file's size, and an error names the file and what is wrong with it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import stat
import struct
import weakref
import zlib
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import zstandard

from arenite import platform
from arenite.errors import SnapshotError
from arenite.layout.cage import HOST_PAGE
from arenite.light import NamedTuple
from arenite.machine.space.file import write
from arenite.platform.aside import create, sweep
from arenite.snapshot.limits import DEFAULT
from arenite.snapshot.magic import MAGIC
from arenite.snapshot.manifest import canonical, check, parsed
from arenite.snapshot.private import TAG_AT, Tagging, chunks, is_small, private_copy, read, write_runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

    from arenite.snapshot.limits import FileLimits
    from arenite.snapshot.private import Seal

FORMAT: Final = 1
HEADER: Final = struct.Struct("<8sIIQQ32s")  # magic, format, kind, manifest's offset and size, its sha256
CHECKSUM: Final = struct.Struct("<I")  # crc32 of the header before it
FORM_NUMBERS: Final = {"image": 0, "delta": 1, "packed": 2}
FRAME_HEADER: Final = 18  # bytes of a Zstandard frame that say how long its content is, at most
SLACK: Final = 128  # what cannot be compressed grows by less than one byte in so many, and by the frame
FRAME: Final = 1024


class Section(NamedTuple):
    """Bytes of a file."""

    offset: int
    size: int


class Writer:
    """A file being written: `section` and `at` put bytes into it, `finish` gives it its name.

    with Writer(path, limits) as out:
        place = out.section(b"...")
        out.finish("image", manifest)
    """

    def __init__(self, path: Path, limits: FileLimits = DEFAULT, key: bytes | None = None) -> None:
        self.path = path
        self.limits = limits
        self.end = HOST_PAGE
        self.seal: Seal | None = None  # once it is finished with a key
        self._key = key
        self._fds: list[int] = []
        self._aside: Path | None = None  # where the file is until it is complete

    def __enter__(self) -> Self:
        sweep(self.path.parent, re.escape(self.path.name), MAGIC)
        with _naming(self.path):
            fd, self._aside = create(self.path)
            self._fds.append(fd)
            if self._key is not None:  # what is sealed must be what was written, not what lies in a folder by then
                self._fds.append(platform.memfd("arenite snapshot"))
        self._fd = self._fds[-1]
        return self

    def __exit__(self, *_: object) -> None:
        for fd in self._fds:
            os.close(fd)
        if self._aside is not None:
            with contextlib.suppress(OSError):
                self._aside.unlink()

    def reserve(self, size: int) -> Section:
        """A section of so many bytes, all zero until `write` fills them."""
        place = Section(self.end, size)
        self.end += -(-size // HOST_PAGE) * HOST_PAGE
        return place

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Put bytes at an offset.  Raises: `SnapshotError` when there is no room for them."""
        with _naming(self.path):
            write(self._fd, data, offset)

    def section(self, data: bytes) -> Section:
        """A section of these bytes."""
        place = self.reserve(len(data))
        self.write(place.offset, data)
        return place

    def finish(self, kind: str, manifest: dict[str, Any]) -> str:
        """Write manifest and header, and give the file its name.  What a snapshot is known by: the digest of its manifest.

        Raises: `SnapshotError`, also for what no JSON can say (a host module's state holds an infinity, half a character); `Limit`.
        """
        try:
            text = canonical(manifest)
            check(text, self.limits, str(self.path))
        except (ValueError, RecursionError) as error:
            raise SnapshotError(f"{self.path}: a host module's state or an import's name cannot travel: {error}") from error
        digest = hashlib.sha256(text)
        place = self.section(text)
        header = HEADER.pack(MAGIC, FORMAT, FORM_NUMBERS[kind], place.offset, place.size, digest.digest())
        self.write(0, header + CHECKSUM.pack(zlib.crc32(header)))
        with _naming(self.path):
            os.ftruncate(self._fd, self.end)
            if self._key is not None:
                self._seal(self._fds[0], self._key)
            assert self._aside is not None
            self._aside.replace(self.path)
        self._aside = None
        return digest.hexdigest()

    def _seal(self, fd: int, key: bytes) -> None:
        """Write what lies in memory to the file, and its keyed digest."""
        tagging, taken, name = Tagging(key, self.end), 0, str(self.path)
        os.ftruncate(fd, self.end)
        for at, chunk in chunks(self._fd, self.end, name):
            tagging.add(at, chunk)
            taken += write_runs(fd, chunk, at)
            self.limits.check_pages(name, taken)
        self.seal = tagging.seal()
        write(fd, self.seal.tag, TAG_AT)


class Reader:
    """A file that says it is a snapshot: its kind, its manifest, its sections.

    `fd` becomes the reader's, which closes it in the end.  `sealed`: nobody can change the file; `seal`: its keyed digest, if it was checked.
    """

    def __init__(
        self, fd: int, name: str, limits: FileLimits = DEFAULT, *, sealed: bool = False, seal: Seal | None = None
    ) -> None:
        self.fd = fd
        weakref.finalize(self, os.close, fd)
        self.sealed = sealed
        self.seal = seal
        self.name = name
        self.limits = limits
        self.size = os.fstat(fd).st_size
        head = os.pread(fd, HOST_PAGE, 0)
        if head[: len(MAGIC)] != MAGIC:
            raise self.error("not a snapshot")
        if len(head) < HEADER.size + CHECKSUM.size:
            raise self.error("the file ends in its header")
        if zlib.crc32(head[: HEADER.size]) != CHECKSUM.unpack_from(head, HEADER.size)[0]:
            raise self.error("the header is damaged")
        _, format_, kind, offset, size, digest = HEADER.unpack_from(head)
        if format_ != FORMAT:
            raise self.error(f"format {format_}; this version of arenite reads format {FORMAT}")
        kinds = [name for name, number in FORM_NUMBERS.items() if number == kind]
        if not kinds:
            raise self.error(f"kind {kind} of snapshot, which this version of arenite does not know")
        self.kind = kinds[0]
        if offset + size > self.size:
            raise self.error(f"the file ends at {self.size:#x}, before its manifest does: it was cut off")
        limits.check_manifest(name, size)
        text = read(fd, offset, size, name)
        if hashlib.sha256(text).digest() != digest:
            raise self.error("the manifest is damaged")
        self.id = digest.hex()
        try:
            self.manifest = parsed(text, limits, name)
        except (ValueError, RecursionError) as error:
            raise self.error(f"the manifest is none: {error}") from error

    @classmethod
    def open(cls, path: Path, limits: FileLimits = DEFAULT, *, key: bytes | None = None, private: bool = False) -> Reader:
        """The file at a path.  `key`: with which it must have been written.  `private`: a copy is read, as it is with a key, or when
        the file is small.  Raises: `SnapshotError`, `Limit`.
        """
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe is refused, not waited for
        except OSError as error:
            raise SnapshotError(f"cannot open {path}: {error.strerror}") from error
        try:
            return cls._opened(fd, str(path), limits, key, private=private)
        except OSError as error:
            raise SnapshotError(f"cannot read {path}: {error.strerror}") from error

    @classmethod
    def _opened(cls, fd: int, name: str, limits: FileLimits, key: bytes | None, *, private: bool) -> Reader:
        """Of an open file, which becomes the reader's or is closed."""
        asked = private or key is not None
        try:
            mode = os.fstat(fd).st_mode
            if not stat.S_ISREG(mode):
                raise SnapshotError(f"{name}: it is {'a directory' if stat.S_ISDIR(mode) else 'no plain file'}")
            if os.pread(fd, len(MAGIC), 0) != MAGIC:
                raise SnapshotError(f"{name}: not a snapshot")
            if not (asked or is_small(fd)):
                fd, kept = -1, fd
                return cls(kept, name, limits)
            copy, seal = private_copy(fd, name, limits if asked else None, key)
        finally:
            if fd >= 0:
                os.close(fd)
        return cls(copy, name, limits, sealed=True, seal=seal)

    @classmethod
    def of(cls, data: bytes, name: str, limits: FileLimits = DEFAULT, key: bytes | None = None) -> Reader:
        """The file that these bytes are.  Raises: `SnapshotError`, `Limit`."""
        fd, seal = platform.memfd("arenite packed snapshot", data), None
        if key is not None:
            try:
                copy, seal = private_copy(fd, name, limits, key)
            finally:
                os.close(fd)
            fd = copy
        return cls(fd, name, limits, sealed=True, seal=seal)

    def error(self, message: str) -> SnapshotError:
        """What to raise."""
        return SnapshotError(f"{self.name}: {message}")

    def check(self, section: Section) -> Section:
        """The section, if it lies in the file.  Raises: `SnapshotError`."""
        if section.offset + section.size > self.size:
            raise self.error(f"the file ends at {self.size:#x}, before a section does: it was cut off")
        return section

    def read(self, section: Section) -> bytes:
        """The bytes of a section."""
        self.check(section)
        return read(self.fd, section.offset, section.size, self.name)


def content_size(reader: Reader, section: Section) -> int:
    """How long a compressed section says that it is unpacked.  Raises: `SnapshotError`, also when it does not say."""
    head = reader.read(section._replace(size=min(section.size, FRAME_HEADER)))
    try:
        size: int = zstandard.frame_content_size(head)
    except zstandard.ZstdError as error:
        raise reader.error(f"what is compressed is damaged: {error}") from error
    if size < 0:
        raise reader.error("what is compressed does not say how long it is")
    if section.size > size + size // SLACK + FRAME:
        raise reader.error(f"what is compressed takes {section.size} bytes, and has {size}")
    return size


def decompressed(data: bytes, most: int, known: zstandard.ZstdCompressionDict | None = None) -> bytes:
    """What was compressed, if it is at most so long; data that claims more takes no memory.  `known`: what it refers to.

    Raises: `zstandard.ZstdError`.
    """
    size = zstandard.frame_content_size(data)
    if not 0 <= size <= most:
        raise zstandard.ZstdError(f"it says that it has {size} bytes; expected at most {most}")
    if known is not None:
        return zstandard.ZstdDecompressor(dict_data=known).decompress(data)
    try:
        unpacker = _unpackers.pop()
    except IndexError:
        unpacker = zstandard.ZstdDecompressor()
    try:
        return unpacker.decompress(data)
    finally:
        _unpackers.append(unpacker)


_unpackers: Final[deque[zstandard.ZstdDecompressor]] = deque(maxlen=4)
"""Those that nobody uses; to make one takes as long as some ten kilobytes do.  Each is used by one thread at a time."""


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors of the system, with the file's name."""
    try:
        yield
    except OSError as error:
        full = " (what was there before is unharmed)" if error.errno in {errno.ENOSPC, errno.EDQUOT} else ""
        raise SnapshotError(f"cannot write {path}: {error.strerror}{full}") from error
