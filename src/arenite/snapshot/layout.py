"""The layout of records that a snapshot's arena is written in.

A change of these records, of the stack or of a page's size makes another layout; `older` then says how one becomes the other.  The
snapshots kept in tests/snapshots notice.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Final

from arenite.layout.cage import HOST_PAGE, MODULE_GRAIN, STACK_AT, THUNKS, UNIT
from arenite.layout.records import RECORDS, StoreContext, WindowEntry

# A store context is written anew, never read, and windows do not travel.
TRAVELLING: Final = tuple(record for record in RECORDS if record not in (StoreContext, WindowEntry))


@functools.cache
def layout_digest() -> str:
    """What the layout is known by."""
    lines = [f"page {HOST_PAGE} stack {STACK_AT} unit {UNIT} grain {MODULE_GRAIN} thunks {THUNKS}"]
    for record in TRAVELLING:
        fields = " ".join(f"{f.name}:{f.kind}x{f.count}@{f.offset}" for f in record.fields)
        lines.append(f"{record.__name__} {record.size} {fields}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
