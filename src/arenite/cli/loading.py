"""From a file to a module: reading, text to binary, and errors that name the file.

Example:  module = load(engine, Path("hello.wat"))
"""

from __future__ import annotations

import sys
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from rich.console import Console

from arenite.api import Module
from arenite.cli.ending import Refused
from arenite.cli.script import wasm_tools
from arenite.errors import DecodeError, Limit, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from arenite.api import Engine

LONG = 4 << 20  # bytes of a module that take long enough to say so


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turn what is wrong with the file at `path` into `Refused`, with the file's name before the reason."""
    try:
        yield
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from error
    except (DecodeError, ValidationError, Limit) as error:
        raise Refused(f"{path}: {error}") from error


def read(path: Path) -> bytes:
    """The binary module in the file, which may hold it as text (`.wat`).  Raises: Refused."""
    with refusing(path):
        data = path.read_bytes()
        return wasm_tools("parse", path) if path.suffix == ".wat" else data


def load(engine: Engine, path: Path) -> Module:
    """The module in the file at `path`, ready to be instantiated.  Raises: Refused."""
    code = read(path)
    with refusing(path), progress(f"translating {path.name} ({len(code) >> 20} MiB)", size=len(code)):
        return Module(engine, code)


def progress(message: str, *, size: int) -> AbstractContextManager[object]:
    """Say on a terminal what takes so long, and take it away again when it is done."""
    if size < LONG or not sys.stderr.isatty():
        return nullcontext()
    return Console(stderr=True).status(message)
