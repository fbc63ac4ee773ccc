"""The text of a manifest: JSON in one form, looked at before anything is made of it.

A value takes up to 100 bytes of memory for each byte of its text, and nesting takes the C stack, so both are counted in the text first.

Example:  parsed(text, DEFAULT, "booted.arn") == manifest
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from arenite.snapshot.limits import FEWEST

if TYPE_CHECKING:
    from arenite.snapshot.limits import FileLimits

DEEPEST: Final = 72  # objects and lists in each other; a host module's state may have `values.DEEPEST` of them
LONGEST: Final = 4300  # digits of a number: Python's own limit, which a program may have lifted
SHORT: Final = min(LONGEST, FEWEST)  # a text in which neither a number can be too long, nor there be too many values
# each begins where nothing was tried before and gives nothing back, so time grows with the text alone
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.?)*+"?', re.DOTALL)
_LONG: Final = re.compile(rb"(?<![0-9])[0-9]{%d}" % (LONGEST + 1))
_ALL_BUT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


def canonical(manifest: dict[str, Any]) -> bytes:
    """JSON in the one form that equal manifests have."""
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def check(text: bytes, limits: FileLimits, name: str) -> None:
    """Refuse a text of too many values, of deep nesting or long numbers.  It need be no JSON.  Raises: `Limit`, `ValueError`."""
    limits.check_manifest(name, len(text))
    if len(text) < SHORT and text.count(b"[") + text.count(b"{") <= DEEPEST:
        return  # there is no room for more than is allowed
    bare = _STRING.sub(b'""', text)
    limits.check_values(name, bare.count(b",") + bare.count(b"[") + bare.count(b"{"))
    if _LONG.search(bare):
        raise ValueError(f"a number of more than {LONGEST} digits")
    brackets = bare.translate(None, _ALL_BUT_BRACKETS)
    for _ in range(DEEPEST):  # each time the innermost go, at least
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not brackets:
            return
    if brackets:
        raise ValueError(f"it is nested more than {DEEPEST} deep, or what is opened is not closed")


def parsed(text: bytes, limits: FileLimits, name: str) -> Any:  # noqa: ANN401 (JSON)
    """The value.  Raises: `Limit`, `ValueError`, `RecursionError`."""
    check(text, limits, name)
    value = json.loads(text)
    if canonical(value) != text:
        raise ValueError("it is not in the form that arenite writes")
    return value
