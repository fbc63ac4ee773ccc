"""Names come from files that nobody vouches for, and terminals obey some characters."""

from __future__ import annotations


def visible(text: str) -> str:
    """A text on one line, with what is not printable escaped."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
