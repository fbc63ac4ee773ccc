"""A wheel: a zip that may be anybody's, read in memory; nothing of it ever becomes a file of the host.

- Its bytes are those whose digest was looked at.
- Names that lead out, links, encrypted or twice given files, and more than `MOST_BYTES` or `MOST_FILES` are refused before anything is unpacked.
- Each file is what `RECORD` says.  A wheel that is not pure is refused, and the reason is said.

Example:  Wheel.at(Path("six-1.17.0-py2.py3-none-any.whl")).open(Target("3.12.0")).files["six.py"]
"""

from __future__ import annotations

import base64
import csv
import functools
import hashlib
import io
import stat
import struct
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from arenite.errors import Failure
from arenite.platform.cache import identity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self

    from packaging.tags import Tag

    from arenite.sandbox.packages.target import Target

MOST_BYTES: Final = 1 << 28  # of a wheel, and of all that is unpacked
MOST_FILES: Final = 50_000
MOST_DIRECTORY: Final = 1 << 23  # bytes of a zip's list of files
END: Final = struct.Struct("<4s4H2LH")  # of a zip: the last fields are the list's size and place, and the length of a comment
END_MARK: Final = b"PK\5\6"
LONGEST_COMMENT: Final = 0xFFFF
LOCATOR_MARK: Final = b"PK\6\7"  # of a zip whose sizes are 64 bits wide
LOCATOR_SIZE: Final = 20
METHODS: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
ENCRYPTED: Final = 1  # a bit of a file's flags
MACHINE_CODE: Final = (".so", ".pyd", ".dll", ".dylib", ".a", ".o")
DIGESTS: Final = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
UNRECORDED: Final = ("RECORD", "RECORD.jws", "RECORD.p7s")
LIBRARIES: Final = ("purelib", "platlib")  # of the folders of a wheel's `.data`, those that are imported from


class PackageError(Failure):
    """A package cannot be had, or is refused; the message names it."""


@dataclass(frozen=True)
class Unpacked:
    """A wheel's content.  `files`: path from the folder of packages -> bytes.  `requires`: what else it wants."""

    files: Mapping[str, bytes]
    requires: tuple[Requirement, ...]


@dataclass(frozen=True)
class Wheel:
    """A wheel's file, and what its name says."""

    path: Path
    name: str
    version: Version
    tags: frozenset[Tag]
    sha256: str

    @classmethod
    def at(cls, path: Path) -> Self:
        """That of a path.  Raises: `PackageError` for what is none, OSError."""
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
            raise PackageError(f"{path.name}: expected a file of {MOST_BYTES} bytes at most")
        return cls(*known(path, identity(found)))

    def check_tags(self, target: Target) -> None:
        """Raises: `PackageError` for one that is not pure, or for another Python."""
        if self.tags.isdisjoint(target.tags):
            said = ", ".join(sorted(map(str, self.tags)))
            foreign = all(tag.platform != "any" for tag in self.tags)
            why = "it holds machine code, and only pure wheels can be used" if foreign else "it is for another Python"
            raise PackageError(f"{self.path.name} is refused: {why} (its tags are {said}; Python {target.short} of WASI is here)")

    def open(self, target: Target) -> Unpacked:
        """All of it.  Raises: `PackageError` that says why it is refused."""
        self.check_tags(target)
        try:
            data = self._data()
            check_directory(data)
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return self._unpacked(read(archive), target)
        except PackageError as error:
            raise PackageError(f"{self.path.name} is refused: {error}") from None
        except Exception as error:  # noqa: BLE001 (whatever `zipfile` and `csv` make of what is none)
            raise PackageError(f"{self.path.name} is refused: it cannot be read: {error}") from None

    def _data(self) -> bytes:
        """Its bytes.  Raises: `PackageError`, OSError."""
        with self.path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise PackageError("it has changed while it was being read")
        return data

    def _unpacked(self, files: dict[str, bytes], target: Target) -> Unpacked:
        folders = {path.partition("/")[0] for path in files}
        about = [folder for folder in folders if folder.endswith(".dist-info")]
        if len(about) != 1:
            raise PackageError(f"it has {len(about)} folders whose name ends in .dist-info")
        said = {name: files.get(f"{about[0]}/{name}") for name in ("WHEEL", "METADATA", "RECORD")}
        missing = [name for name, data in said.items() if data is None]
        if missing:
            raise PackageError(f"it has no {missing[0]}")
        check_record(files, about[0])
        check_pure(files, (said["WHEEL"] or b"").decode())
        requires = self._requires(said["METADATA"] or b"", target)
        return Unpacked(laid_out(files), requires)

    def _requires(self, metadata: bytes, target: Target) -> tuple[Requirement, ...]:
        """What else it wants.  Raises: `PackageError` also where that says it is another package, or for another Python."""
        raw, _ = parse_email(metadata)
        if canonicalize_name(raw.get("name", "")) != self.name or not same(raw.get("version", ""), self.version):
            raise PackageError(f"it says that it is {raw.get('name')} {raw.get('version')}")
        try:
            if target.version not in SpecifierSet(raw.get("requires_python", "")):
                raise PackageError(f"it wants Python {raw.get('requires_python')}, and {target.version} is here")
            return tuple(Requirement(line) for line in raw.get("requires_dist", ()))
        except (InvalidRequirement, InvalidSpecifier) as error:
            raise PackageError(f"what it requires cannot be read: {error}") from None


def same(said: str, version: Version) -> bool:
    """Whether a text is a version."""
    try:
        return Version(said) == version
    except InvalidVersion:
        return False


def check_directory(data: bytes) -> None:
    """Raises: `PackageError` for an archive with a list of files that would take long to read."""
    at = len(data) - END.size
    if not (data[at : at + 4] == END_MARK and data.endswith(b"\0\0")):
        at = data.rfind(END_MARK, max(0, at - LONGEST_COMMENT))
    if at < 0 or len(data) - at < END.size:
        raise PackageError("it is no zip")
    *_, size, _, _ = END.unpack_from(data, at)
    if size > MOST_DIRECTORY or data[max(0, at - LOCATOR_SIZE) :].startswith(LOCATOR_MARK):
        raise PackageError("it says that it has more files than a wheel may have")


@functools.lru_cache(maxsize=1024)
def known(path: Path, which: bytes) -> tuple[Path, str, Version, frozenset[Tag], str]:  # noqa: ARG001 (what tells that it has changed)
    """What a wheel's file and its name say: its fields.  Raises: `PackageError` for what is none, OSError."""
    try:
        name, version, _, tags = parse_wheel_filename(path.name)
    except InvalidWheelFilename as error:
        raise PackageError(f"{path.name}: {error}") from None
    with path.open("rb") as file:
        return path, name, version, tags, hashlib.file_digest(file, "sha256").hexdigest()


def read(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """All files.  Raises: `PackageError` for what leads out, or is too much."""
    entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
    if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise PackageError(f"it has more than {MOST_FILES} files or {MOST_BYTES} bytes")
    found: dict[str, bytes] = {}
    for entry in entries:
        path = entry.filename
        parts = path.split("/")
        if any(part in {"", ".", ".."} for part in parts) or any(sign in path for sign in "\\:\0"):
            raise PackageError(f"the name of its file {path!r} is none of a wheel's")
        mode = entry.external_attr >> 16
        if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
            raise PackageError(f"its file {path!r} is no plain file")
        if entry.flag_bits & ENCRYPTED or entry.compress_type not in METHODS:
            raise PackageError(f"its file {path!r} is encrypted, or packed in an unusual way")
        if path in found:
            raise PackageError(f"it has its file {path!r} twice")
        with archive.open(entry) as file:
            found[path] = file.read(entry.file_size + 1)
        if len(found[path]) != entry.file_size:
            raise PackageError(f"its file {path!r} has another size than it says")
    return found


def check_record(files: Mapping[str, bytes], about: str) -> None:
    """Raises: `PackageError` for a file that is not what `RECORD` says."""
    recorded = {row[0]: row[1] for row in csv.reader(io.StringIO(files[f"{about}/RECORD"].decode(), newline="")) if len(row) > 1}
    for path, data in files.items():
        if path in {f"{about}/{name}" for name in UNRECORDED}:
            continue
        method, _, wanted = recorded.get(path, "").partition("=")
        if method not in DIGESTS:
            raise PackageError(f"its RECORD has no digest of {path!r}")
        if base64.urlsafe_b64encode(DIGESTS[method](data).digest()).rstrip(b"=") != wanted.encode():
            raise PackageError(f"{path!r} is not what its RECORD says")


def check_pure(files: Mapping[str, bytes], said: str) -> None:
    """Raises: `PackageError` for a wheel with machine code.  `said`: its file `WHEEL`."""
    fields = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    if fields.get("Root-Is-Purelib", "").lower() != "true":
        raise PackageError("it says itself that it is not pure")
    for path in files:
        name = path.rpartition("/")[2].lower()
        if name.endswith(MACHINE_CODE) or ".so." in name:
            raise PackageError(f"it holds machine code: {path}")


def laid_out(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Where each file belongs.  Scripts, headers and data of a wheel have no place in a box, and are left out."""
    found: dict[str, bytes] = {}
    for path, data in files.items():
        top, _, rest = path.partition("/")
        if top.endswith(".data"):
            scheme, _, inner = rest.partition("/")
            if scheme not in LIBRARIES or not inner:
                continue
            if inner in found or inner in files:
                raise PackageError(f"it has its file {inner!r} twice")
            found[inner] = data
        else:
            found[path] = data
    return found
