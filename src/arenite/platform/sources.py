"""Which version of the package this is: digests of its sources, for the names of what is made from them and kept.

Example:  digest("bytecode/*.py", "layout/**/*.py", "traps.py")
"""

from __future__ import annotations

import functools
import hashlib
import io
import os
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parent.parent


@functools.cache
def digest(*patterns: str) -> str:
    """Digest of some files: of one, of those in a folder, or (`**`) also of those in the folders below.  Raises: `OSError`."""
    files = sorted({file for pattern in patterns for file in _matching(pattern)})
    return hashlib.blake2b(b"".join(map(_content, files)), digest_size=20).hexdigest()


def _matching(pattern: str) -> list[str]:
    """The files that a pattern names.  `Path.glob` takes several times as long, and every start waits for this."""
    folder, _, name = pattern.rpartition("/")
    if name != "*.py":
        return [pattern]
    folders, found = [folder.removesuffix("/**")], list[str]()
    for at in folders:
        with os.scandir(PACKAGE / at) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    found.append(f"{at}/{entry.name}")
                elif folder.endswith("/**") and entry.name != "__pycache__" and entry.is_dir():
                    folders.append(f"{at}/{entry.name}")
    return found


@functools.cache
def _content(file: str) -> bytes:
    """Digest of a file's name and content."""
    with io.FileIO(f"{PACKAGE}/{file}") as opened:
        return hashlib.blake2b(file.encode() + b"\0" + opened.readall(), digest_size=20).digest()
