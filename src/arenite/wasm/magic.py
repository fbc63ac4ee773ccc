"""How a binary module begins; by itself, for what is in the cache is not decoded."""

from __future__ import annotations

from typing import Final

MAGIC: Final = b"\0asm"
