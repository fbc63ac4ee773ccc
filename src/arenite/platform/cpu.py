"""What the CPU can do, as the system says it.

Example:  "sha_ni" in features()
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Final

SHA: Final = {"sha_ni", "sha2"}
"""Instructions for SHA-256, on x86-64 and on aarch64: with them it takes half as long as blake2b does, without them twice as long."""


@functools.cache
def features() -> frozenset[str]:
    """Their names, which every architecture has its own of; none where the system does not say."""
    try:
        found = re.search(r"^(?:flags|Features)\s*:(.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return frozenset(found[1].split() if found else ())
