"""Directories of one name, each in the one before: deeper than paths are long, so that they are made and removed step by step."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def make(root: Path, name: str, depth: int, file: str) -> None:
    """So many directories, and a file in the last."""
    fd = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=fd)
        below = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open(file, os.O_CREAT, dir_fd=fd))
    os.close(fd)


@contextmanager
def removed(root: Path, name: str) -> Iterator[None]:
    """Remove them after the block; nothing that deletes recursively gets so deep."""
    try:
        yield
    finally:
        first, rest = root / name, root / "rest"
        while first.exists():
            for file in first.iterdir():
                if file.name != name:
                    file.unlink()
            if (first / name).exists():
                (first / name).rename(rest)
            first.rmdir()
            if rest.exists():
                rest.rename(first)
