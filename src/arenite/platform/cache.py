"""A folder of generated machine code, found by the digest of what it was made from.

- It lies in `$ARENITE_CACHE_DIR`, or where the user's caches lie.  What was made when the package was installed lies in the package (`SHIPPED`),
  in the same form, and is looked at first.
- An entry is written aside and renamed, so it is whole or not there; a digest at its head covers the key and the data.
- Nothing here fails or waits: what cannot be read, is no plain file, is damaged or belongs to somebody else is not there, what cannot
  be written is made again next time.

    key = hashlib.blake2b(source, digest_size=20).hexdigest()
    data = get(key)
    if data is None:
        put(key, data := make(source))
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Final

import platformdirs

DIGEST_SIZE: Final = 32
READING: Final = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NONBLOCK", "O_NOFOLLOW", "O_BINARY"))
"""A pipe is not waited for, a link not followed."""

SHIPPED: Final = Path(__file__).parent.parent / "built"
"""What a first run needs, made by `arenite.tiers.threaded.build`; it need not exist.  Whoever could change it could change the package."""


def folder() -> Path:
    """Where the entries lie; it need not exist."""
    given = os.environ.get("ARENITE_CACHE_DIR")
    return Path(given) if given else platformdirs.user_cache_path("arenite", appauthor=False)


def get(key: str) -> bytes | None:
    """The data shipped or put under `key`, None when it is not there or not to be trusted."""
    shipped = _read(key, _path(SHIPPED, key).resolve(), from_anybody=True)  # installers may make links
    return _read(key, _path(folder(), key), from_anybody=False) if shipped is None else shipped


def _read(key: str, path: Path, *, from_anybody: bool) -> bytes | None:
    """The data of an entry's file."""
    try:
        fd = os.open(path, READING)
        try:
            if not (from_anybody or _trusted(fd)):
                return None
            with open(fd, "rb", closefd=False) as file:  # one that is a folder's is refused, and stays open
                entry = file.read()
        finally:
            os.close(fd)
    except OSError:
        return None
    digest, data = entry[:DIGEST_SIZE], entry[DIGEST_SIZE:]
    return data if digest == _digest(key, data) else None


def put(key: str, data: bytes) -> None:
    """Keep `data` under `key`, if the folder can be written."""
    with contextlib.suppress(OSError):
        write(folder(), key, data)


def write(place: Path, key: str, data: bytes) -> None:
    """Keep `data` under `key` in the folder `place`.  Raises: `OSError`."""
    path = _path(place, key)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=place, prefix=".", delete=False) as file:
        try:
            file.write(_digest(key, data) + data)
            file.close()  # Windows renames closed files only
            Path(file.name).replace(path)
        except BaseException:
            file.close()
            Path(file.name).unlink(missing_ok=True)
            raise


def _path(place: Path, key: str) -> Path:
    """The file of an entry.  `key` is a hexadecimal digest, so it cannot lead out of the folder."""
    assert key.isalnum(), key
    return place / key


def _digest(key: str, data: bytes) -> bytes:
    """What an entry begins with."""
    return hashlib.blake2b(key.encode() + b"\0" + data, digest_size=DIGEST_SIZE).digest()


def _trusted(fd: int) -> bool:
    """Whether it is a file, and the user's or root's: machine code out of somebody else's would run as the user."""
    info = os.fstat(fd)
    return stat.S_ISREG(info.st_mode) and (not hasattr(os, "geteuid") or info.st_uid in {os.geteuid(), 0})
