"""A folder of what was made once and costs much to make: generated machine code, translations of modules.

- It lies in `$ARENITE_CACHE_DIR`, or where the user's caches lie.  What was made when the package was installed lies in the package (`SHIPPED`),
  in the same form.
- An entry is found by a digest of everything that it was made from, so it is never out of date.
- It is written aside and renamed, so it is whole or not there.
- A keyed digest (HMAC-SHA256) over all of it, also its name, stands at its head; the key (`cache_key`) lies elsewhere.  The digest is
  taken over what was read into memory of our own, and that is what is used: whoever writes to the file later changes nothing.
- A file that is to be mapped is not read for that: it lies beside its entry, which says which file it is and when it was changed last, and nobody
  can set that time back.  Nobody else could ever open it, whatever the umask: what is mapped already must not change either.  Files need a key.
- Where there is no key that can be used, the digest only says that nothing is damaged: what is found is not `proven`.
- Folders and files that somebody else could have written are not used.
- Entries that were used least recently go when all together are more than `$ARENITE_CACHE_SIZE` bytes.
- Nothing here fails or waits: what cannot be read, is no plain file, is damaged or belongs to somebody else is not there, what cannot
  be written is made again next time; and that is said once, through `logging`.

    cache = Cache.usual()
    found = cache.get(name)
    if found is None:
        cache.put(name, [data := make(source)], "sand")
"""

from __future__ import annotations

import contextlib
import hmac
import itertools
import os
import re
import stat
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arenite.light import NamedTuple, dataclass
from arenite.platform import aside, cache_key, folders, ours, reading
from arenite.platform.cache_key import READING
from arenite.platform.ours import UnusableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Self

MAGIC: Final = b"arenite entry 1\n"
HEAD: Final = struct.Struct("<16sI32s")  # magic, how many pieces, the digest
MOST_PIECES: Final = 64
NO_KEY: Final = b""
ENDING: Final = ".entry"
FILE: Final = ".file"
NEW: Final = "new"  # a folder: files that are being written
NAMES: Final = rf"[0-9a-f]+(?:{re.escape(ENDING)}|{re.escape(FILE)})"
IDENTITY: Final = struct.Struct("<5Q")
MOST: Final = 1 << 30  # bytes of all entries, unless `$ARENITE_CACHE_SIZE` says otherwise
LONGEST_LABEL: Final = 200
DIGITS: Final = 18  # of such a number, at most
ROOM: Final = 1 << 12  # bytes of an entry beside its pieces, at most
FRESH: Final = 3600  # seconds for which a use need not be noted again

SHIPPED: Final = Path(__file__).parent.parent / "built"
"""What a first run needs, made by `arenite.tiers.threaded.build`; it need not exist.  Whoever could change it could change the package."""


class Found(NamedTuple):
    """What an entry holds.  `proven`: one of the user's own processes wrote it."""

    pieces: tuple[bytes, ...]
    proven: bool


class Listed(NamedTuple):
    """A file of the cache, for whoever looks into it.  `label`: what it says that it is; nothing has checked that."""

    path: Path
    size: int
    used: float
    label: str


def usual_folder() -> Path:
    """Where the entries lie unless an engine says otherwise; it need not exist."""
    folder = os.environ.get("ARENITE_CACHE_DIR")
    return Path(folder) if folder else folders.caches()


def usual_size() -> int:
    """Bytes that all entries may take."""
    size = os.environ.get("ARENITE_CACHE_SIZE", "")
    if size.isdecimal() and len(size) <= DIGITS:
        return int(size)
    if size:
        ours.warn("size", f"ARENITE_CACHE_SIZE is {size[: 2 * DIGITS]!r}; expected a number of bytes: the cache may have {MOST}")
    return MOST


@dataclass(frozen=True)
class Cache:
    """The entries in a folder.  `most`: bytes that they may have together; 0: nothing is kept, nothing found."""

    folder: Path
    most: int

    @classmethod
    def usual(cls) -> Self:
        """That of the user."""
        return cls(usual_folder(), usual_size())

    def get(self, name: str) -> Found | None:
        """What was put under a name, None when it is not there or cannot be used."""
        if not self.most:
            return None
        path = entry(self.folder, name)
        try:
            ours.check(self.folder.stat())
            key = self.key()
            pieces = read(path, name, key, self.most)
            _note_use(path)
        except FileNotFoundError:
            return None
        except (UnusableError, OSError) as error:
            self._warn("what is there is not used", f"{name}: {_reason(error)}")
            return None
        return Found(pieces, proven=key != NO_KEY)

    def put(self, name: str, pieces: Sequence[bytes], label: str) -> None:
        """Keep the pieces under a name, if the folder can be written and has room for them.  `label`: what it is, for people."""
        if sum(map(len, pieces)) + ROOM > self.most:
            return
        content = packed(name, [label.encode(errors="replace")[:LONGEST_LABEL], *pieces], self.key())
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            ours.check(self.folder.stat())
            aside.sweep(self.folder, NAMES, MAGIC)
            aside.put(entry(self.folder, name), content, 0o600)
            self._make_room()
        except (UnusableError, OSError) as error:
            self._warn("nothing is kept", _reason(error))

    def put_file(self, name: str, write: Callable[[Path], object], label: str) -> None:
        """Have a file written, whole, and keep it under a name, if that can be done and none is there: the first stays, for other processes go by it.

        Raises: what `write` raises beside `OSError`.
        """
        if not self.most or self.key() == NO_KEY:
            return
        path, place = self.folder / (name + FILE), self.folder / NEW
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            ours.check(self.folder.stat())
            place.mkdir(mode=0o700, exist_ok=True)  # nobody else comes in, so nobody has the file open to write when it comes out
            ours.check(place.lstat())
            write(new := place / path.name)
            new.chmod(0o600)
            with aside.alone(place):
                if self.file(name) is None:
                    new.replace(path)
                    self.put(name, [identity(path.lstat())], label)
                else:
                    new.unlink(missing_ok=True)
        except (UnusableError, OSError) as error:
            self._warn("nothing is kept", _reason(error))

    def file(self, name: str) -> Path | None:
        """The file that was put under a name; None when it is not there, or is not as one of the user's own processes has left it."""
        found, path = self.get(name), self.folder / (name + FILE)
        if found is None or not found.proven:
            return None
        with contextlib.suppress(OSError, struct.error):
            if found.pieces == (identity(path.lstat()),):
                return path
        return None

    def listed(self) -> list[Listed]:
        """Its files, the least recently used first.  Raises: `OSError`, `FileNotFoundError` where there is no folder."""
        return sorted(self._files(), key=lambda file: file.used)

    def clear(self) -> int:
        """Remove all entries; how many bytes they had.  Raises: `OSError`."""
        freed = 0
        with contextlib.suppress(FileNotFoundError):
            for file in self.listed():
                file.path.unlink(missing_ok=True)
                freed += file.size
        return freed

    def key_state(self) -> str:
        """What is with the key, for people."""
        try:
            cache_key.read(self.folder, make=False)
        except FileNotFoundError:
            return "made at first use"
        except (UnusableError, OSError) as error:
            return f"not used: {_reason(error)}"
        return "used"

    def state(self) -> str:
        """What is with the folder, for people."""
        try:
            ours.check(self.folder.stat())
        except FileNotFoundError:
            return "made at first use"
        except (UnusableError, OSError) as error:
            return f"not used: {_reason(error)}"
        return "used"

    def key(self) -> bytes:
        """What entries are written with; `NO_KEY` where there is none that can be used."""
        try:
            return cache_key.read(self.folder)
        except (UnusableError, OSError) as error:
            place = cache_key.place()
            ours.warn(
                str(place), f"the key of the cache, {place}, is not used, and what is in the cache not believed: {_reason(error)}"
            )
            return NO_KEY

    def _make_room(self) -> None:
        """Remove what was used least recently until the rest fits."""
        files = self.listed()
        size = sum(file.size for file in files)
        for file in files:
            if size <= self.most:
                break
            file.path.unlink(missing_ok=True)
            size -= file.size

    def _files(self) -> Iterator[Listed]:
        mine = re.compile(f"{NAMES}|{aside.pattern(NAMES).pattern}")
        places = [self.folder, *[folder for folder in (self.folder / NEW,) if folder.is_dir()]]
        for item in itertools.chain.from_iterable(map(os.scandir, places)):
            if mine.fullmatch(item.name):
                with contextlib.suppress(FileNotFoundError):
                    info = item.stat(follow_symlinks=False)
                    if not stat.S_ISDIR(info.st_mode):
                        path = Path(item.path)
                        entry = path.with_suffix(ENDING) if path.suffix == FILE else path
                        yield Listed(path, info.st_size, _used(entry, info.st_mtime), _label(entry))

    def _warn(self, what: str, why: str) -> None:
        about = f"the cache in {self.folder}: {what}"
        ours.warn(about, f"{about}: {why}")


def get(name: str) -> bytes | None:
    """Machine code that was shipped or put under a name; from the user's cache only what is proven, for it runs as the user."""
    with contextlib.suppress(UnusableError, OSError):
        path = entry(SHIPPED, name).resolve()  # installers may make links
        return read(path, name, NO_KEY, MOST, shipped=True)[0]
    found = Cache.usual().get(name)
    return found.pieces[0] if found is not None and found.proven else None


def put(name: str, data: bytes, label: str = "machine code") -> None:
    """Keep machine code under a name, where it would be believed."""
    cache = Cache.usual()
    if cache.most and cache.key() != NO_KEY:
        cache.put(name, [data], label)


def ship(place: Path, name: str, data: bytes) -> Path:
    """Write an entry of `SHIPPED` into a folder.  Raises: `OSError`."""
    path = entry(place, name)
    aside.put(path, packed(name, [b"", data], NO_KEY), 0o644)  # whoever may read the package may read it
    return path


def entry(place: Path, name: str) -> Path:
    """The file of an entry.  `name` is a hexadecimal digest, so it cannot lead out of the folder."""
    assert name.isalnum(), name
    return place / (name + ENDING)


def packed(name: str, pieces: Sequence[bytes], key: bytes) -> list[bytes]:
    """A file's content."""
    assert len(pieces) <= MOST_PIECES
    sizes = struct.pack(f"<{len(pieces)}Q", *map(len, pieces))
    return [HEAD.pack(MAGIC, len(pieces), _digest(key, name, sizes, pieces)), sizes, *pieces]


def read(path: Path, name: str, key: bytes, most: int, *, shipped: bool = False) -> tuple[bytes, ...]:
    """The pieces of an entry's file, without the label.  `shipped`: whoever installed the package owns it.  Raises: `UnusableError`, `OSError`."""
    fd = os.open(path, READING)
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise UnusableError("it is no file")
        if not shipped:
            ours.check(info)
        if info.st_size > most:
            raise UnusableError(f"it has {info.st_size} bytes")
        head = os.read(fd, HEAD.size)
        if len(head) < HEAD.size or not head.startswith(MAGIC):
            raise UnusableError("it is no entry of this version")
        _, count, digest = HEAD.unpack(head)
        sizes = os.read(fd, 8 * count) if count <= MOST_PIECES else b""
        places = struct.unpack(f"<{len(sizes) // 8}Q", sizes[: len(sizes) // 8 * 8])
        if count == 0 or len(places) != count or HEAD.size + len(sizes) + sum(places) != info.st_size:
            raise UnusableError("it is damaged")
        pieces = tuple(reading.some(fd, size) for size in places)
    finally:
        os.close(fd)
    if not hmac.compare_digest(digest, _digest(key, name, sizes, pieces)):
        raise UnusableError("it is damaged, or was written with another key")
    return pieces[1:]


def _digest(key: bytes, name: str, sizes: bytes, pieces: Sequence[bytes]) -> bytes:
    """What says that an entry is whole and, with the user's key, the user's."""
    hash_ = hmac.new(key, digestmod="sha256")
    for piece in (struct.pack("<II", len(name), len(sizes)), name.encode(), sizes, *pieces):
        hash_.update(piece)
    return hash_.digest()


def identity(info: os.stat_result) -> bytes:
    """Which file it is, as it is now: whoever changes it changes that."""
    return IDENTITY.pack(info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)


def _used(entry: Path, otherwise: float) -> float:
    """When an entry was used last."""
    with contextlib.suppress(OSError):
        return entry.lstat().st_mtime
    return otherwise


def _label(path: Path) -> str:
    """What a file of the cache says that it is."""
    try:
        fd = os.open(path, READING)
        try:
            head = os.read(fd, HEAD.size + 8)
            count = HEAD.unpack_from(head)[1]
            size = int.from_bytes(head[HEAD.size :], "little")
            os.lseek(fd, HEAD.size + 8 * min(count, MOST_PIECES), os.SEEK_SET)
            return os.read(fd, min(size, LONGEST_LABEL)).decode(errors="replace")
        finally:
            os.close(fd)
    except (OSError, struct.error):
        return ""


def _note_use(path: Path) -> None:
    """Have a file be the most recently used."""
    with contextlib.suppress(OSError):  # in a folder that is read only nothing is evicted either
        if time.time() - path.lstat().st_mtime > FRESH:
            os.utime(path)


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
