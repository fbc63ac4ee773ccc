"""What a snapshot's file begins with: who asks this of any file needs nothing else of snapshots."""

from __future__ import annotations

from typing import Final

MAGIC: Final = b"\x7fARENITE"
