"""Words of four bytes, low byte first, in what is still being written.

Compiled by mypyc.
"""

from __future__ import annotations

from librt.strings import BytesWriter  # noqa: TC002 (compiled code checks its arguments at run time)
from mypy_extensions import i64, u8


def patch(out: BytesWriter, at: i64, value: i64) -> None:
    """Overwrite one."""
    out[at] = u8(value & 0xFF)
    out[at + 1] = u8(value >> 8 & 0xFF)
    out[at + 2] = u8(value >> 16 & 0xFF)
    out[at + 3] = u8(value >> 24 & 0xFF)


def word_at(out: BytesWriter, at: i64) -> i64:
    """Read one."""
    return i64(out[at]) | i64(out[at + 1]) << 8 | i64(out[at + 2]) << 16 | i64(out[at + 3]) << 24
