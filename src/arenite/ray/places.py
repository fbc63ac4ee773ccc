"""Files at any `fsspec` path: written aside and renamed in the same folder, so a name holds a whole file or what was there before.

A writer that is killed leaves its part behind, which nobody takes for a file; whoever writes there an hour later removes it.  Where a store can rename nothing, as
those of objects, moving is copying what is there whole already, and that appears at once.

Example:  place = Place("s3://bucket/images/one"); place.write(data); place.read(most=1 << 30)
"""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

try:
    from fsspec.core import url_to_fs
except ImportError as error:
    raise ImportError(f"files of arenite.ray need fsspec: pip install 'arenite[ray]' ({error})") from error

from arenite.errors import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Sequence

PIECE: Final = 4 << 20  # bytes that are written at a time
OLD: Final = 3600.0  # seconds after which a part is a leftover
TOKEN: Final = 6


class Files(Protocol):
    """What of `fsspec`'s file systems is used here."""

    def makedirs(self, path: str, *, exist_ok: bool) -> None:
        """With all above it."""

    def open(self, path: str, mode: str) -> BinaryIO:
        """A file."""

    def mv(self, source: str, target: str) -> None:
        """A file that is there is replaced."""

    def rm(self, path: str) -> None:
        """A file."""

    def size(self, path: str) -> int | None:
        """In bytes."""

    def isdir(self, path: str) -> bool:
        """Whether there is a folder."""

    def ls(self, path: str, *, detail: bool, refresh: bool) -> Sequence[dict[str, object]]:
        """Of each, `name` and what is known of it."""

    def cat_file(self, path: str, start: int, end: int) -> bytes:
        """Its bytes."""


class Place:
    """A file's place.  `url`: any that fsspec knows, or a path.   Raises: `SnapshotError` for one of a protocol that is not installed."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            found: tuple[Files, str] = url_to_fs(url)
        except (ValueError, ImportError, OSError) as error:
            raise SnapshotError(f"{url}: {error}") from error
        self._fs, self._path = found
        self._folder, _, self._name = self._path.rpartition("/")
        if not self._name:
            raise SnapshotError(f"{url}: it names no file")

    def write(self, data: bytes | memoryview) -> None:
        """Write it whole.  Raises: `SnapshotError`; then the name has what it had."""
        aside = f"{self._folder}/.{self._name}.{secrets.token_hex(TOKEN)}.part"
        try:
            self._fs.makedirs(self._folder, exist_ok=True)
            self._sweep()
            try:
                with self._fs.open(aside, "wb") as file:
                    for at in range(0, len(data), PIECE):
                        file.write(data[at : at + PIECE])
                self._check(aside, len(data))
                self._fs.mv(aside, self._path)
            except BaseException:
                with contextlib.suppress(Exception):
                    self._fs.rm(aside)
                raise
        except (OSError, ValueError) as error:
            raise SnapshotError(f"cannot write {self.url}: {error}") from error

    def _check(self, aside: str, size: int) -> None:
        """A store may lose the end of what it was given, and say nothing; and a folder of that name is no file to be replaced."""
        found = self._fs.size(aside)
        if found != size:
            raise OSError(f"{found} of {size} bytes have come")
        if self._fs.isdir(self._path):
            raise OSError("it is a folder")

    def _sweep(self) -> None:
        """Remove what killed writers of this name have left."""
        left = re.compile(rf"\.{re.escape(self._name)}\.[0-9a-f]{{{2 * TOKEN}}}\.part")
        for entry in self._fs.ls(self._folder, detail=True, refresh=True):
            name = str(entry["name"]).rpartition("/")[2]
            if left.fullmatch(name) and age(entry) > OLD:
                with contextlib.suppress(OSError):
                    self._fs.rm(str(entry["name"]))

    def read(self, most: int) -> bytes:
        """What is there, of at most so many bytes.  Raises: `SnapshotError`."""
        try:
            size = self._fs.size(self._path)
            if size is None or size > most:
                raise SnapshotError(f"{self.url}: it has {size} bytes; expected at most {most}")
            data: bytes = self._fs.cat_file(self._path, start=0, end=most)
        except (OSError, ValueError) as error:
            raise SnapshotError(f"cannot read {self.url}: {type(error).__name__}: {error}") from error
        return data

    def remove(self) -> None:
        """Nothing is there then.  Raises: `SnapshotError`."""
        try:
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm(self._path)
        except (OSError, ValueError) as error:
            raise SnapshotError(f"cannot remove {self.url}: {error}") from error

    def beside(self, name: str) -> Place:
        """Another in the folder that this is the name of."""
        return Place(f"{self.url.rstrip('/')}/{name}")

    def names(self) -> list[str]:
        """Of the files in the folder that this is the name of, without parts.  Raises: `SnapshotError`."""
        try:
            found = self._fs.ls(self._path, detail=True, refresh=True)
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise SnapshotError(f"cannot list {self.url}: {error}") from error
        names = [str(one["name"]).rstrip("/").rpartition("/")[2] for one in found]
        return sorted(name for name in names if not name.startswith("."))


def age(entry: dict[str, object]) -> float:
    """Seconds since a file was written; 0 where the store does not say."""
    for key in ("mtime", "LastModified", "last_modified", "created"):
        found = entry.get(key)
        if isinstance(found, int | float):
            return time.time() - found
        if isinstance(found, datetime):
            return (datetime.now(UTC) - (found if found.tzinfo else found.replace(tzinfo=UTC))).total_seconds()
    return 0.0
