"""The user's cache, looked at from outside: what lies there, how much, since when; and emptying it.

Nothing of an entry is believed: labels are for people, and may say anything.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from arenite.light import NamedTuple
from arenite.platform import cache_key
from arenite.platform.cache import Cache

if TYPE_CHECKING:
    from pathlib import Path


class Entry(NamedTuple):
    """`size`: bytes of its file; `age`: seconds since it was last used, as noted once an hour."""

    label: str
    size: int
    age: float


class CacheFacts(NamedTuple):
    """`state`, `key_state`: of the folder and of the key, in words; `most`: bytes that all may have; the entry used last comes first."""

    folder: Path
    state: str
    key: Path
    key_state: str
    most: int
    entries: list[Entry]


def look() -> CacheFacts:
    """What there is.  Raises: `OSError` for a folder that cannot be read."""
    cache, now = Cache.usual(), time.time()
    state = cache.state()
    try:
        listed = cache.listed()
    except FileNotFoundError:
        listed = []
    entries = [Entry(file.label, file.size, now - file.used) for file in reversed(listed)]
    return CacheFacts(cache.folder, state, cache_key.place(), cache.key_state(), cache.most, entries)


def clear() -> int:
    """Remove all entries; how many bytes they had.  Raises: `OSError`."""
    return Cache.usual().clear()
