"""A call of a tool as data: what a guest writes to its device, and what it reads there.

    {"tool": "search", "args": ["l", "x"], "kwargs": ["d", "limit", 3]}
    {"value": ["l"]}                         what it gave
    {"raises": ["KeyError", ["l", "x"], "'x'"]}      the exception's class, its arguments, its text

What a guest writes is hostile: it is bounded in bytes by the device and in depth by who reads it, and is a `Call` or a `RequestError`.

Example:  read(b'{"tool": …}', "5f3c…-1")
"""

from __future__ import annotations

import json
from dataclasses import field
from typing import TYPE_CHECKING, Final

from arenite.errors import Failure
from arenite.light import dataclass
from arenite.sandbox.plain import packed, unpacked
from arenite.sandbox.unfit import unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_RESULT: Final = 1 << 23  # bytes
LONGEST_TEXT: Final = 1 << 16  # characters of what an exception says


@dataclass(frozen=True)
class Call:
    """Of a tool, by code in a box.

    `args`, `kwargs`: plain data, as the code gave them.   `id`: of this call alone: its box, and the how many-th it is there.  A box that goes on
    from the same bytes again gives its calls the same ids, forks give others.
    """

    tool: str
    args: tuple[object, ...]
    kwargs: Mapping[str, object] = field(default_factory=dict)
    id: str = ""


class RequestError(Failure):
    """What a guest has written is no call."""


def read(request: bytes, name: str) -> Call:
    """What a guest asks.  `name`: the call's id.  Raises: `RequestError`."""
    try:
        found = json.loads(request)
        tool, args, kwargs = found["tool"], unpacked(found["args"], reprs=False), unpacked(found["kwargs"], reprs=False)
        whole = len(found) == 3
    except (KeyError, TypeError, ValueError, RecursionError):
        raise RequestError("what was asked is no call of a tool") from None
    if not whole or not isinstance(tool, str) or not isinstance(args, list) or not isinstance(kwargs, dict):
        raise RequestError("what was asked is no call of a tool")
    return Call(tool, tuple(args), kwargs, name)


def given(tool: str, value: object) -> bytes:
    """What a tool gave.  Raises: `TypeError` for what is no plain data."""

    def refused(odd: object) -> str:
        raise TypeError(f"the tool {tool!r} gave {unfit(odd)}: results are plain data, as of arenite.sandbox.Result")

    reply = json.dumps({"value": packed(value, refused)}).encode()
    if len(reply) > MOST_RESULT:
        return raised(ValueError(f"the result of {tool} takes {len(reply)} bytes; at most {MOST_RESULT} are handed over"))
    return reply


def raised(error: Exception) -> bytes:
    """What a tool raised."""
    try:
        text = str(error)[:LONGEST_TEXT]
    except Exception:  # noqa: BLE001 (its own method)
        text = ""

    def refused(odd: object) -> str:
        raise TypeError(odd)

    try:
        args = packed(list(error.args), refused)
        reply = json.dumps({"raises": [type(error).__name__, args, text]}).encode()
    except (TypeError, ValueError):
        reply = b""
    if not reply or len(reply) > MOST_RESULT:
        reply = json.dumps({"raises": [type(error).__name__, ["l", text], text]}).encode()
    return reply
