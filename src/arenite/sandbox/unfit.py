"""What is the matter with a value that is no plain data, in words: for inputs, and for results of tools.

Example:  unfit({1: 2})
"""

from __future__ import annotations

from arenite.sandbox.plain import DEEPEST, LARGEST


def unfit(value: object) -> str:
    """What is the matter with what is no plain data."""
    odd = next((key for key in value if type(key) is not str), None) if type(value) is dict else None
    if odd is not None:
        return f"a dict with the key {odd!r:.40}, for keys are strings"
    if type(value) in {list, tuple, dict}:
        return f"what lies more than {DEEPEST} deep"
    return f"an int of more than {LARGEST} bits" if type(value) is int else f"a value of type {type(value).__name__}"
