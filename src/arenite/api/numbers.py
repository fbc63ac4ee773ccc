"""What users give: objects of a class, integers in a range, spans of time; what is something else is refused before it does harm."""

from __future__ import annotations

import math
import operator

from arenite.layout.types import MAX_U64


def expect(value: object, type_: type) -> None:
    """See that a value is of a class of ours.  Raises: `TypeError`."""
    if not isinstance(value, type_):
        name = type_.__name__
        raise TypeError(f"expected {'an' if name[0] in 'EI' else 'a'} {name}, found {type(value).__name__}")


def integer(name: str, value: object, low: int | None = None, high: int | None = None) -> int:
    """An integer, or what says that it is one (`__index__`).  Raises: `TypeError`; `ValueError` outside of the range."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # that is the question
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"{name} {value!r}; expected an int, found {type(value).__name__}")
    if (low is not None and number < low) or (high is not None and number > high):
        raise ValueError(f"{name} {number}; expected {f'at least {low}' if high is None else f'{low} .. {high}'}")
    return number


def flag(name: str, value: object) -> bool:
    """True or false.  Raises: `TypeError`: what is neither is a mistake about what comes in which order."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} {value!r}; expected a bool, found {type(value).__name__}")
    return value


def seconds(name: str, value: float) -> float:
    """A span of time; infinity is one.  Raises: `TypeError`; `ValueError` for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} {value!r}; expected seconds, found {type(value).__name__}")
    if value != value:  # noqa: PLR0124 (not a number; `isnan` refuses integers that are too large for a float)
        raise ValueError(f"{name} {value!r}; expected seconds")
    return float(value) if abs(value) < MAX_U64 else math.inf if value > 0 else -math.inf
