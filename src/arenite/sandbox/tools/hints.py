"""Whether a value is what an annotation says, where that is plain: of the types of plain data, unions, literals, lists, tuples and dicts of such.

What else an annotation says is the tool's own matter, and anything is right.

Example:  fits([1, 2], list[int])
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, Union, get_args, get_origin

PLAIN: Final = (bool, int, str, bytes, list, tuple, dict)
LISTS: Final[tuple[object, ...]] = (list, Sequence, Iterable)
DICTS: Final[tuple[object, ...]] = (dict, Mapping)


def fits(value: object, hint: object) -> bool:
    """Whether it does; an int is a float, too, and a bool an int, as for type checkers."""
    if hint is None or hint is type(None):
        return value is None
    if hint is float:
        return isinstance(value, (int, float))
    if isinstance(hint, type) and hint in PLAIN:
        return isinstance(value, hint)
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return any(fits(value, one) for one in inner)
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in inner)
    if origin is tuple:
        return isinstance(value, tuple) and _fits_tuple(value, inner)
    if origin in LISTS and inner:
        kinds = list if origin is list else (list, tuple)
        return isinstance(value, kinds) and all(fits(item, inner[0]) for item in value)
    if origin in DICTS and inner:
        return isinstance(value, dict) and all(fits(key, inner[0]) and fits(item, inner[1]) for key, item in value.items())
    return True


def _fits_tuple(value: tuple[object, ...], inner: tuple[object, ...]) -> bool:
    if len(inner) == 2 and inner[1] is ...:
        return all(fits(item, inner[0]) for item in value)
    return len(value) == len(inner) and all(map(fits, value, inner))


def kind(value: object) -> str:
    """What a value is, for a message."""
    return "None" if value is None else type(value).__name__
