"""What comes from a guest, as JSON that every client can read and a model can bear: valid, finite, not too long.

Text may have lone surrogates, of which there is no UTF-8; floats may be infinite; bytes and objects are no JSON.

Example:  shown_value(float("nan"), 1000)  # {"repr": "nan"}
"""

from __future__ import annotations

import base64
import json
import math
from typing import TypeAlias

from arenite.sandbox import Repr

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


def clean(text: str) -> str:
    """Text that can be written as UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def cut(text: str, most: int) -> str:
    """Clean text of about so many characters: its beginning and its end."""
    if len(text) > most:
        text = f"{text[: most // 2]}\n[... {len(text) - most} characters are left out ...]\n{text[len(text) - most // 2 :]}"
    return clean(text)


def shown_value(value: object, most: int) -> Json:
    """A value of a run.  `most`: characters of it as JSON, else it is only told of."""
    found = as_json(value)
    size = len(json.dumps(found))
    if size <= most:
        return found
    return {"left_out": f"a value of {size} characters as JSON; at most {most} are shown: print a part, or write it to a file"}


def as_json(value: object) -> Json:
    """Plain data as `Result.value` has it; what JSON has not is an object with one key that says what it is."""
    if isinstance(value, Repr):
        return {"repr": clean(value)}
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"repr": repr(value)}
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {clean(str(key)): as_json(item) for key, item in value.items()}
    raise AssertionError(f"a value of a run is plain data, not {type(value).__name__}")
