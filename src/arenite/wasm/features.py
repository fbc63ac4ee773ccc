"""By which bytes a module shows that it uses a feature of WebAssembly, and what is said of one that may not.

Which features a module may use is an argument of `decode`, and stays with the module: validation and translation go by it.  A module is
refused for what it uses, by the feature's name.  The features stand in `arenite.features`.
"""

from __future__ import annotations

from typing import Final

from arenite.features import FEATURES, SUPPORTED, Features, missing

CODES: Final = {code: f.name for f in FEATURES for first, last in f.codes for code in range(first, last + 1)}
TYPES: Final = {type_: f.name for f in FEATURES for type_ in f.types}
SECTIONS: Final = {section: f.name for f in FEATURES for section in f.sections}
EXTERNS: Final = {kind: f.name for f in FEATURES for kind in f.externs}
LIMITS: Final = {f.name: f.limits for f in FEATURES if f.limits}
HAS_MAXIMUM: Final = 1  # of the flags of limits; every other belongs to a feature


def illegal(code: int) -> str:
    """The message about an instruction that has no row, by its first byte."""
    return f"illegal opcode {code:02x}" + missing(CODES.get(code))


def limits_flags(flags: int, features: Features) -> str:
    """The message about flags of limits; "" where there is nothing to say: each says that there is a maximum or belongs to features that are there."""
    rest, needed = flags & ~HAS_MAXIMUM, None
    for name, bit in LIMITS.items():
        if rest & bit:
            rest, needed = rest & ~bit, needed if name in features else needed or name
    return "malformed limits flags" + missing(None if rest else needed) if rest or needed else ""


def heap_type(index: int) -> str:
    """The message about a heap type that is the index of a type, or (below 0) one that arenite does not know."""
    return "malformed reference type" + missing("function-references") if index >= 0 else malformed("reference", index & 0x7F)


def malformed(what: str, byte: int) -> str:
    """The message about a `what` type that begins with a byte arenite does not know."""
    if byte >= 0x80:
        return f"integer representation too long: {what} type {byte:02x}"
    name = TYPES.get(byte)
    return f"malformed {what} type" + (f" {byte:02x}" if name is None or name in SUPPORTED else missing(name))
