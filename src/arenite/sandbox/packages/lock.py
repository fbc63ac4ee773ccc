"""What a lock file names: packages, each in one version and with digests.

`pylock.toml` (also `pylock.….toml`), or lines as pip and uv write them:  six==1.17.0 --hash=sha256:…

Example:  pins(Path("requirements.lock"), Target("3.12.0"))
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.pylock import PackageWheel, Pylock, PylockSelectError, PylockValidationError, is_valid_pylock_path
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from arenite.sandbox.packages.wheel import PackageError

if TYPE_CHECKING:
    from arenite.sandbox.packages.target import Target

MOST: Final = 1 << 24  # bytes of a lock file
HASH: Final = re.compile(r"\s--hash[= ](\S+)")
COMMENT: Final = re.compile(r"(^|\s)#.*$", re.MULTILINE)
SHA256: Final = re.compile(r"[0-9a-f]{64}")
CONTINUED: Final = re.compile(r"\\\r?\n")
UNDEFINED: Final = (UndefinedComparison, UndefinedEnvironmentName, ValueError)  # markers that ask what cannot be said


@dataclass(frozen=True)
class Pin:
    """A package, in one version.  `sha256`: of the files that will do.   `path`: where the lock file says that it lies."""

    name: str
    version: Version
    sha256: frozenset[str]
    path: Path | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def pins(path: Path, target: Target) -> tuple[Pin, ...]:
    """All that a lock file names for a Python.  Raises: `PackageError`, OSError."""
    with path.open("rb") as file:
        data = file.read(MOST + 1)
    if len(data) > MOST:
        raise PackageError(f"{path.name} is longer than {MOST} bytes")
    try:
        text = data.decode()
        found = of_pylock(path, text, target) if is_valid_pylock_path(path) else of_lines(text, target)
    except (PackageError, UnicodeDecodeError) as error:
        raise PackageError(f"{path.name}: {error}") from None
    twice = sorted(name for name, count in Counter(pin.name for pin in found).items() if count > 1)
    if twice:
        raise PackageError(f"{path.name}: {twice[0]} is there twice")
    return found


def of_lines(text: str, target: Target) -> tuple[Pin, ...]:
    """Of lines as pip reads them.  Raises: `PackageError` for one without a version or a digest, and for options."""
    found = []
    for line in CONTINUED.sub(" ", COMMENT.sub("", text)).splitlines():  # a comment's last sign continues nothing
        if not line.strip():
            continue
        if line.lstrip().startswith("-"):
            raise PackageError(f"{line.strip()!r} names no package")
        try:
            wanted = Requirement(HASH.sub("", line).strip())
            (exact,) = wanted.specifier
            version = Version(exact.version)
        except (InvalidRequirement, InvalidVersion, ValueError):
            raise PackageError(f"{line.strip()!r} names no package in one version, as in six==1.17.0") from None
        if exact.operator != "==" or wanted.url is not None:
            raise PackageError(f"{wanted} does not say one version with ==")
        if applies(wanted, target):
            found.append(Pin(canonicalize_name(wanted.name), version, sha256_of(HASH.findall(line), str(wanted))))
    return tuple(found)


def applies(requirement: Requirement, target: Target, extra: str = "") -> bool:
    """Whether it is required there.  `extra`: one that was asked for.  Raises: `PackageError`."""
    try:
        return target.holds(requirement.marker, extra)
    except UNDEFINED as error:
        raise PackageError(f"{requirement}: {error}") from None


def sha256_of(given: list[str], name: str) -> frozenset[str]:
    """Digests.  Raises: `PackageError` without one."""
    found = frozenset(digest.removeprefix("sha256:").lower() for digest in given if digest.startswith("sha256:"))
    if not found or not all(map(SHA256.fullmatch, found)):
        raise PackageError(f"{name} has no digest (--hash=sha256:…)")
    return found


def of_pylock(path: Path, text: str, target: Target) -> tuple[Pin, ...]:
    """Of a `pylock.toml`.  Raises: `PackageError`."""
    try:
        lock = Pylock.from_dict(tomllib.loads(text))
        chosen = list(lock.select(environment=target.environment, tags=target.tags))
    except (tomllib.TOMLDecodeError, PylockValidationError, PylockSelectError, RecursionError, *UNDEFINED) as error:
        raise PackageError(str(error)) from None
    found = []
    for package, file in chosen:
        if not isinstance(file, PackageWheel) or package.version is None:
            raise PackageError(f"{package.name} has no pure wheel for Python {target.short}")
        digest = file.hashes.get("sha256", "")
        where = None if file.path is None else path.parent / Path(file.path)
        found.append(Pin(canonicalize_name(package.name), package.version, sha256_of([f"sha256:{digest}"], package.name), where))
    return tuple(found)
