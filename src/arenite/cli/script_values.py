"""Values in scripts: from the suite's json to bits, and whether a result is what a script expects.

A value crosses to an engine as *bits*: an unsigned int for a number or a vector, None for a null reference, any other
object for a reference (a host's is the n of `ref.extern n`, a function's is the engine's own).  So every comparison is
bit for bit, and a NaN keeps its payload.

    bits({"type": "f32", "value": "2143289344"})                                          # 0x7FC00000
    matches({"type": "f32", "value": "nan:canonical"}, 0xFFC00000)                        # True
"""

from __future__ import annotations

from typing import TypedDict

LANES = {"i8": 8, "i16": 16, "i32": 32, "i64": 64, "f32": 32, "f64": 64}
MANTISSA = {"f32": 23, "f64": 52}
NULLS = frozenset({"refnull", "nullref", "nullfuncref", "nullexternref", "nullexnref"})


class ScriptValue(TypedDict, total=False):
    """An argument, or the pattern of a result, as it stands in the json."""

    type: str
    value: str | list[str] | dict[str, int]
    lane_type: str
    values: list[ScriptValue]


def bits(value: ScriptValue) -> object:
    """What is handed to the engine for an argument."""
    match value["type"], value.get("value"):
        case "v128", list(lanes):
            width = LANES[value["lane_type"]]
            return sum((int(lane) % (1 << width)) << i * width for i, lane in enumerate(lanes))
        case ("i32" | "i64" | "f32" | "f64") as type_, str(number):
            return int(number) % (1 << LANES[type_])
        case _, "null":
            return None
        case "externref" | "anyref", str(number):
            return int(number)
    raise ValueError(f"no argument: {value}")


def matches(expected: ScriptValue, actual: object) -> bool:
    """Whether a result is as expected; a pattern may allow several.

    Spec: the interpreter's README, "Scripts" (result patterns).
    """
    type_, value = expected["type"], expected.get("value")
    if type_ == "either":
        return any(matches(choice, actual) for choice in expected["values"])
    if isinstance(value, list):
        lane_type = expected["lane_type"]
        width = LANES[lane_type]
        return isinstance(actual, int) and all(
            lane_matches(lane_type, lane, actual >> i * width & (1 << width) - 1) for i, lane in enumerate(value)
        )
    if type_ in LANES and isinstance(value, str):
        return isinstance(actual, int) and lane_matches(type_, value, actual)
    if value == "null" or type_ in NULLS:
        return actual is None
    if value is None or isinstance(value, dict):  # any reference of that type; an engine's do not tell the index in their module
        return actual is not None
    return actual == int(value)


def lane_matches(type_: str, pattern: str, actual: int) -> bool:
    """Whether a number's bits are as expected.  Spec: syntax-nan (canonical and arithmetic NaNs)."""
    if not pattern.startswith("nan:"):
        return actual == int(pattern) % (1 << LANES[type_])
    mantissa = MANTISSA[type_]
    quiet = 1 << mantissa - 1
    exponent = (1 << LANES[type_] - 1) - (1 << mantissa)
    magnitude = actual & (1 << LANES[type_] - 1) - 1
    if pattern == "nan:canonical":
        return magnitude == exponent | quiet
    return magnitude & (exponent | quiet) == exponent | quiet
