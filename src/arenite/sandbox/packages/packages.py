"""`Packages`: what a guest can import beside its own library, laid out in memory when an image is made, and shared by all boxes of it.

Example:  Sandbox.python(packages="wheels/", lock="requirements.lock")
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packaging.utils import canonicalize_name
from packaging.version import Version

from arenite import MemoryFS
from arenite.sandbox.packages.fetching import fetched
from arenite.sandbox.packages.lock import Pin, applies, pins
from arenite.sandbox.packages.wheel import MOST_BYTES, MOST_FILES, PackageError, Unpacked, Wheel

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from arenite.sandbox.packages.target import Target

SHOWN: Final = 10  # packages that are missing, in a message


@dataclass(frozen=True)
class Packages:
    """`wheels`: those that are used.   `missing`: pins whose wheels are fetched when they are needed."""

    target: Target
    wheels: tuple[Wheel, ...]
    missing: tuple[Pin, ...] = ()

    @property
    def digest(self) -> str:
        """Of all that is in them."""
        fetched_later = [f"{pin} {sorted(pin.sha256)}" for pin in self.missing]
        parts = [repr(self.target), *sorted(wheel.sha256 for wheel in self.wheels), *sorted(fetched_later)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def files(self) -> MemoryFS:
        """All of them, unpacked.  Raises: `PackageError` naming what is refused, or missing."""
        with ExitStack() as stack:
            wheels = [*self.wheels]
            if self.missing:
                folder = stack.enter_context(fetched(self.missing, self.target))
                wheels += of_folder(folder, self.missing)
            unpacked, size = dict[Wheel, Unpacked](), 0
            for wheel in sorted(wheels, key=lambda wheel: wheel.name):
                unpacked[wheel] = known = wheel.open(self.target)
                size += sum(map(len, known.files.values()))
                if size > MOST_BYTES:
                    raise PackageError(f"the packages take more than {MOST_BYTES} bytes")
        check_complete(unpacked, self.target)
        return together(unpacked)


def packages(folder: str | os.PathLike[str] | None, lock: str | os.PathLike[str] | None, target: Target) -> Packages:
    """Those in a folder; of those, the ones that a lock file names; or those of a lock file, wherever they are.  Raises: `PackageError`, OSError."""
    if lock is None:
        assert folder is not None
        chosen = Packages(target, tuple(alone(wheels_in(Path(folder)))))
    else:
        wanted = pins(Path(lock), target)
        if folder is not None:
            chosen = Packages(target, tuple(of_folder(Path(folder), wanted)))
        else:
            here = [of_pin(pin, [Wheel.at(pin.path)]) for pin in wanted if pin.path is not None and pin.path.is_file()]
            names = {wheel.name for wheel in here}
            chosen = Packages(target, tuple(here), tuple(pin for pin in wanted if pin.name not in names))
    for wheel in chosen.wheels:
        wheel.check_tags(target)
    return chosen


def wheels_in(folder: Path) -> list[Wheel]:
    """The wheels of a folder.  Raises: `PackageError` when there is none, OSError."""
    if not folder.is_dir():
        raise PackageError(
            f"there is no folder {str(folder)!r}: packages is a folder of wheels, which pip download makes, no package's name"
        )
    found = [Wheel.at(path) for path in sorted(folder.iterdir()) if path.suffix == ".whl"]
    if not found:
        raise PackageError(f"there is no wheel in {folder}")
    return found


def alone(wheels: list[Wheel]) -> list[Wheel]:
    """The same.  Raises: `PackageError` where two are of one package."""
    known: dict[str, Wheel] = {}
    for wheel in wheels:
        other = known.setdefault(wheel.name, wheel)
        if other is not wheel:
            raise PackageError(f"{other.path.name} and {wheel.path.name} are of one package: which is meant?")
    return wheels


def of_folder(folder: Path, wanted: Iterable[Pin]) -> list[Wheel]:
    """The wheels of a folder that are named.  Raises: `PackageError`."""
    there = wheels_in(folder)
    return [of_pin(pin, [wheel for wheel in there if (wheel.name, wheel.version) == (pin.name, pin.version)]) for pin in wanted]


def of_pin(pin: Pin, wheels: list[Wheel]) -> Wheel:
    """The one that is named.  Raises: `PackageError`."""
    if not wheels:
        raise PackageError(f"{pin} of the lock file has no wheel there")
    for wheel in wheels:
        if wheel.sha256 in pin.sha256:
            return wheel
    raise PackageError(
        f"{wheels[0].path.name} has the SHA-256 {wheels[0].sha256}, which is none that the lock file has for {pin}"
    )


def check_complete(unpacked: Mapping[Wheel, Unpacked], target: Target) -> None:
    """Raises: `PackageError` that names what is required and not there."""
    there = {name: Version(version) for name, version in target.provided} | {wheel.name: wheel.version for wheel in unpacked}
    wants = {wheel.name: known.requires for wheel, known in unpacked.items()}
    todo = [(name, "") for name in wants]
    seen, missing = set(todo), set[str]()
    while todo:
        name, extra = todo.pop()
        for requirement in wants.get(name, ()):
            if not applies(requirement, target, extra):
                continue
            required = canonicalize_name(requirement.name)
            found = there.get(required)
            if found is None:
                missing.add(f"{name} requires {requirement}, which is not there")
            elif not requirement.specifier.contains(found, prereleases=True):
                missing.add(f"{name} requires {requirement}, and {found} is there")
            new = {(required, inner) for inner in requirement.extras} - seen
            todo += new
            seen |= new
    if missing:
        more = f" (and {len(missing) - SHOWN} more)" if len(missing) > SHOWN else ""
        raise PackageError("; ".join(sorted(missing)[:SHOWN]) + more)


def together(unpacked: Mapping[Wheel, Unpacked]) -> MemoryFS:
    """All files.  Raises: `PackageError` where two packages have one file, or there are too many."""
    found: dict[str, tuple[bytes, Wheel]] = {}
    for wheel, known in unpacked.items():
        for path, data in known.files.items():
            before, other = found.setdefault(path, (data, wheel))
            if before != data:
                raise PackageError(f"{other.path.name} and {wheel.path.name} both have a file {path}")
    try:
        files = MemoryFS(max_bytes=2 * MOST_BYTES, max_entries=2 * MOST_FILES)  # with what it is compiled to
        for path, (data, _) in found.items():
            files[path] = data
    except OSError as error:
        raise PackageError(f"the packages cannot be laid out together: {error}") from None
    return files
