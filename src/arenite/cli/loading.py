"""From a file to a module: reading, text to binary, and errors that name the file.

Example:  module = load(engine, Path("hello.wat"))
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from arenite import Module, wat2wasm
from arenite.cli.ending import Refused
from arenite.cli.progress import progress
from arenite.errors import DecodeError, Limit, LinkError, SnapshotError, ValidationError
from arenite.inspect.files import begins_snapshot, whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from arenite import Engine


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turn what is wrong with the file at `path` into `Refused`, with the file's name before the reason."""
    try:
        yield
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from error
    except (DecodeError, ValidationError, Limit, LinkError, SnapshotError) as error:
        named = str(path) in str(error)  # errors of snapshot files tell which one
        raise Refused(str(error) if named else f"{path}: {error}") from error


def read(path: Path) -> bytes:
    """The binary module in the file, which may hold it as text (`.wat`).  Raises: Refused."""
    with refusing(path):
        data = whole(path)
        if begins_snapshot(data):
            raise Refused(f"{path} is a snapshot: `arenite resume` goes on with it, `arenite inspect` shows it")
        return wat2wasm(data) if path.suffix == ".wat" else data


def load(engine: Engine, path: Path) -> Module:
    """The module in the file at `path`, ready to be instantiated; a long translation shows on a terminal.  Raises: Refused."""
    code = read(path)
    with refusing(path), progress(f"translating {path.name}") as advance:
        return Module(engine, code, progress=advance)
