"""From a file to a module: reading, text to binary, and errors that name the file.

Example:  module = load(engine, Path("hello.wat"))
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from arenite.api import Module, wat2wasm
from arenite.cli.ending import Refused
from arenite.errors import DecodeError, Limit, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator
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
        return wat2wasm(data) if path.suffix == ".wat" else data


def load(engine: Engine, path: Path) -> Module:
    """The module in the file at `path`, ready to be instantiated; a long translation shows on a terminal.  Raises: Refused."""
    code = read(path)
    silent = len(code) < LONG or not sys.stderr.isatty()
    with refusing(path), Progress(console=Console(stderr=True), transient=True, disable=silent) as progress:
        task = progress.add_task(f"translating {path.name}", total=None)

        def advance(done: int, whole: int) -> None:
            progress.update(task, completed=done, total=whole)

        return Module(engine, code, progress=None if silent else advance)
