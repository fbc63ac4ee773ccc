"""Plain data as what JSON can carry, and back.  Host and guest run this same file; what comes from the guest is not believed.

    None, True, 1, 1.5, "text"    themselves
    ["f", "nan"]                  floats that JSON has not
    ["i", "9007199254740993"]     ints that are no floats as well, for not every guest has others
    ["b", "aGk="]                 bytes
    ["l", …] ["t", …]             a list, a tuple
    ["d", key, value, …]          a dict; its keys are strings, for whoever makes keys of another type chooses their hashes
    ["r", "<object …>"]           anything else, by its repr

Example:  unpacked(packed({"a": [1, b"x"]}, repr))
"""

from __future__ import annotations

import binascii
import math
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Packed: TypeAlias = "str | int | float | bool | list[Packed] | None"

DEEPEST: Final = 50  # lists in lists
LARGEST: Final = 8192  # bits of an int: so few that Python writes and reads its digits
DIGITS: Final = 2500  # that such an int may have
EXACT: Final = 53  # bits of an int that are those of a float, too
ODD_FLOATS: Final = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Repr(str):
    """What stands for a value that is no plain data: its repr."""

    __slots__ = ()


def packed(value: object, other: Callable[[object], str], depth: int = 0) -> Packed:
    """As what JSON can carry.  `other`: says or refuses what is no plain data, or lies too deep."""
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value  # type: ignore[return-value]  # one of these
    if isinstance(value, int) and kind is int and value.bit_length() <= LARGEST:
        return value if value.bit_length() <= EXACT else ["i", str(value)]
    if isinstance(value, float) and kind is float:
        return value if math.isfinite(value) else ["f", repr(value)]
    if isinstance(value, bytes) and kind is bytes:
        return ["b", binascii.b2a_base64(value, newline=False).decode()]
    if depth < DEEPEST:
        if isinstance(value, (list, tuple)) and kind in {list, tuple}:
            return ["l" if kind is list else "t", *[packed(item, other, depth + 1) for item in value]]
        if isinstance(value, dict) and kind is dict and all(type(key) is str for key in value):
            parts: list[Packed] = ["d"]
            for key, item in value.items():
                parts += [key, packed(item, other, depth + 1)]
            return parts
    return ["r", other(value)]


def unpacked(given: object, depth: int = 0, *, reprs: bool = True) -> object:
    """The value; it could be packed again.  `reprs`: also of what is no plain data.  Raises: `ValueError` for what nothing is packed as."""
    if not isinstance(given, list):
        if given is None or isinstance(given, (str, float)) or (isinstance(given, int) and given.bit_length() <= LARGEST):
            return given
        raise ValueError("no packed value")
    if not given or not isinstance(given[0], str):
        raise ValueError("no packed value")
    tag, items = given[0], given[1:]
    if tag in {"l", "t", "d"} and depth >= DEEPEST:
        raise ValueError("no packed value, for it is too deep")
    if tag in {"l", "t"}:
        found = [unpacked(item, depth + 1, reprs=reprs) for item in items]
        return found if tag == "l" else tuple(found)
    if tag == "d" and len(items) % 2 == 0 and all(isinstance(key, str) for key in items[::2]):
        return dict(zip(items[::2], [unpacked(item, depth + 1, reprs=reprs) for item in items[1::2]], strict=True))
    if len(items) == 1 and isinstance(items[0], str):
        if tag == "r" and reprs:
            return Repr(items[0])
        if tag == "b":
            return binascii.a2b_base64(items[0].encode(), strict_mode=True)
        if tag == "i" and len(items[0]) <= DIGITS and items[0].removeprefix("-").isdecimal():
            return unpacked(int(items[0]))
        if tag == "f" and items[0] in ODD_FLOATS:
            return ODD_FLOATS[items[0]]
    raise ValueError("no packed value")
