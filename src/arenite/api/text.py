"""The text format, through wasm-tools (extra `wat`)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from arenite.errors import DecodeError, Failure


def wasm_tools(*args: str | Path, stdin: bytes = b"") -> bytes:
    """Run wasm-tools; its standard output.  Raises: `Failure` when it is not there, `DecodeError` with what it complains of."""
    beside = Path(sys.executable).parent
    program = shutil.which("wasm-tools", path=str(beside)) or shutil.which("wasm-tools")
    if program is None:
        raise Failure("modules in text form need wasm-tools: pip install 'arenite[wat]'")
    done = subprocess.run([program, *map(str, args)], input=stdin, capture_output=True, check=False)  # noqa: S603 (our own arguments)
    if done.returncode:
        raise DecodeError(done.stderr.decode(errors="replace").strip(), None)
    return done.stdout


def wat2wasm(text: str | bytes) -> bytes:
    """The binary form of a module in text form.  Raises: `DecodeError`, `Failure`."""
    return wasm_tools("parse", "-", stdin=text.encode() if isinstance(text, str) else text)
