"""Requests and answers of guests that speak JSON: plain data in it is `packed`.

    6{"code": "6 * 7", "inputs": ["d"], "seed": null}      the request's length in digits, a newline, and the request
    {…, "tools": [["search", "(query: str)", "Find."]]}    a request that says which tools there are from now on
    +5
    6 * 7                                                  code, and nothing beside it but a seed behind its length: `encode_plainly`
    {"value": 42, "error": null}                           an answer

Example:  decode(b'{"value": 42, "error": null}')
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from arenite.sandbox.guests.guest import AnswerError
from arenite.sandbox.plain import packed, unpacked
from arenite.sandbox.unfit import unfit

if TYPE_CHECKING:
    from arenite.sandbox.guests.guest import Request

PROMPT: Final = "answer"


def encode(request: Request) -> bytes:
    """What a guest reads.  Raises: `TypeError` for inputs that are no plain data."""
    if not isinstance(request.inputs, Mapping):
        raise TypeError(f"inputs are a dict of names and values, not a {type(request.inputs).__name__}")
    for name in request.inputs:
        if not isinstance(name, str):
            raise TypeError(f"names of inputs are strings, not {name!r}")
    inputs = packed(dict(request.inputs), refused)
    asked = {"code": request.code, "inputs": inputs, "seed": request.seed}
    body = json.dumps(asked if request.tools is None else {**asked, "tools": request.tools}).encode()
    return b"%d\n%b" % (len(body), body)


def encode_plainly(request: Request) -> bytes:
    """The same for guests that also take code by itself, which are spared JSON where there is nothing beside it but a seed."""
    if type(request.inputs) is dict and not request.inputs and request.tools is None:
        try:
            body = request.code.encode()
        except UnicodeEncodeError:  # halves of characters, which JSON can say
            return encode(request)
        if request.seed is not None:
            return b"+%d %b\n%b" % (len(body), request.seed.encode(), body)
        return b"+%d\n%b" % (len(body), body)
    return encode(request)


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
