"""Requests and answers of guests that speak JSON: plain data in it is `packed`.

    6{"code": "6 * 7", "inputs": ["d"], "seed": null}      the request's length in digits, a newline, and the request
    {…, "tools": [["search", "(query: str)", "Find."]]}    a request that says which tools there are from now on
    {"value": 42, "error": null}                           an answer

Example:  decode(b'{"value": 42, "error": null}')
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Final

from arenite.sandbox.guests.guest import AnswerError
from arenite.sandbox.plain import packed, unpacked
from arenite.sandbox.unfit import unfit

if TYPE_CHECKING:
    from arenite.sandbox.guests.guest import Request

PROMPT: Final = "answer"


def encode(request: Request) -> bytes:
    """What a guest reads.  Raises: `TypeError` for inputs that are no plain data."""
    if request.inputs == {} and request.seed is None and request.tools is None:  # most: this is what a short line waits for
        return framed(f'{{"code": {encode_basestring_ascii(request.code)}, "inputs": ["d"], "seed": null}}')
    if not isinstance(request.inputs, Mapping):
        raise TypeError(f"inputs are a dict of names and values, not a {type(request.inputs).__name__}")
    for name in request.inputs:
        if not isinstance(name, str):
            raise TypeError(f"names of inputs are strings, not {name!r}")
    inputs = packed(dict(request.inputs), refused)
    asked = {"code": request.code, "inputs": inputs, "seed": request.seed}
    return framed(json.dumps(asked if request.tools is None else {**asked, "tools": request.tools}))


def framed(text: str) -> bytes:
    """A request behind its length."""
    body = text.encode()
    return b"%d\n%b" % (len(body), body)


def decode(answer: bytes) -> tuple[object, str | None]:
    """Value and error.  Raises: `AnswerError`."""
    try:
        found = json.loads(answer.decode())
        value, error = unpacked(found["value"]), found["error"]
    except (KeyError, TypeError, ValueError, RecursionError):
        raise AnswerError("the code has damaged the program that runs it: its answer is none") from None
    if error is not None and not isinstance(error, str):
        raise AnswerError("the code has damaged the program that runs it: its error is no text")
    return value, error


def refused(value: object) -> str:
    """Raises: `TypeError`."""
    raise TypeError(f"inputs are plain data, as arenite.sandbox.Result says, not {unfit(value)}")
