"""Reading a file, and what it is by its first bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.platform.reading import whole
from arenite.snapshot.magic import MAGIC

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["begins_snapshot", "is_snapshot", "whole"]  # the last for the command, which sees nothing of the system


def begins_snapshot(data: bytes) -> bool:
    """Whether these are the first bytes of a snapshot's file."""
    return data.startswith(MAGIC)


def is_snapshot(path: Path) -> bool:
    """Whether the file says that it is a snapshot.  Raises: `OSError`."""
    if path.exists() and not path.is_file():  # of a pipe nothing may be read before whoever wants all of it reads
        return False
    with path.open("rb") as file:
        return begins_snapshot(file.read(len(MAGIC)))
