"""The proposals that make up WebAssembly, and which of them arenite has: one row each.

Which of them a module may use is an argument of `decode`, and stays with the module: validation and translation go by it.  A module is
refused for what it uses, by the feature's name.
A row says by which bytes a module shows that it uses the feature; what shows in other ways is in `uses`, and instructions that arenite
has name their feature in `opcodes`.  From the rows come the status table of the README and the messages that name what a refused module
asks for.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias


class Feature(NamedTuple):
    """A proposal.  `standard`: the version of the standard that contains it, "" for none; `phase`: of the proposals process.

    `supported`: arenite accepts modules that use it.  What it adds to the format: `codes`: first and last byte that begin its instructions,
    if these have no rows in `opcodes`; `types`: bytes that begin its value, heap and composite types; `sections`: their ids; `externs`: kinds of
    imports and exports; `limits`: bits of the flags of limits.
    """

    name: str
    standard: str
    phase: int
    supported: bool
    codes: tuple[tuple[int, int], ...] = ()
    types: tuple[int, ...] = ()
    sections: tuple[int, ...] = ()
    externs: tuple[int, ...] = ()
    limits: tuple[int, ...] = ()


FEATURES: Final = (
    Feature("mvp", "1.0", 5, supported=True),
    Feature("mutable-globals", "1.0", 5, supported=True),
    Feature("sign-extension", "2.0", 5, supported=True),
    Feature("nontrapping-float-to-int", "2.0", 5, supported=True),
    Feature("multi-value", "2.0", 5, supported=True),
    Feature("reference-types", "2.0", 5, supported=True, types=(0x70, 0x6F)),
    Feature("bulk-memory", "2.0", 5, supported=True, sections=(12,)),
    Feature("simd", "2.0", 5, supported=False, codes=((0xFD, 0xFD),), types=(0x7B,)),
    Feature("extended-const", "3.0", 5, supported=True),
    Feature("branch-hinting", "3.0", 5, supported=True),
    Feature("tail-call", "3.0", 5, supported=False, codes=((0x12, 0x13),)),
    Feature(
        "exceptions",
        "3.0",
        5,
        supported=False,
        codes=((0x06, 0x0A), (0x18, 0x19), (0x1F, 0x1F)),
        types=(0x74, 0x69),
        sections=(13,),
        externs=(4,),
    ),
    Feature("function-references", "3.0", 5, supported=False, codes=((0x14, 0x15), (0xD4, 0xD6)), types=(0x64, 0x63)),
    Feature(
        "gc",
        "3.0",
        5,
        supported=False,
        codes=((0xD3, 0xD3), (0xFB, 0xFB)),
        types=(0x73, 0x72, 0x71, 0x6E, 0x6D, 0x6C, 0x6B, 0x6A, 0x5F, 0x5E, 0x50, 0x4F, 0x4E),
    ),
    Feature("memory64", "3.0", 5, supported=False, limits=(4,)),
    Feature("multi-memory", "3.0", 5, supported=False),
    Feature("relaxed-simd", "3.0", 5, supported=False),
    Feature("threads", "", 4, supported=False, codes=((0xFE, 0xFE),), limits=(2,)),
)

CODES: Final = {code: f.name for f in FEATURES for first, last in f.codes for code in range(first, last + 1)}
TYPES: Final = {type_: f.name for f in FEATURES for type_ in f.types}
SECTIONS: Final = {section: f.name for f in FEATURES for section in f.sections}
EXTERNS: Final = {kind: f.name for f in FEATURES for kind in f.externs}
LIMITS: Final = {bit: f.name for f in FEATURES for bit in f.limits}

Features: TypeAlias = frozenset[str]
"""Names of those that a module may use."""

SUPPORTED: Final[Features] = frozenset(feature.name for feature in FEATURES if feature.supported)
"""All that arenite has."""


def missing(name: str | None) -> str:
    """The end of a message about something that belongs to a feature which arenite does not have, or which is switched off; "" for none."""
    if name is None:
        return ""
    return f": it needs {name}, which {'is switched off' if name in SUPPORTED else 'arenite does not have'}"


def illegal(code: int) -> str:
    """The message about an instruction that has no row, by its first byte."""
    return f"illegal opcode {code:02x}" + missing(CODES.get(code))


def limits_flags(flags: int) -> str:
    """The message about flags of limits of which arenite knows no more than the lowest bit."""
    rest, needed = flags & ~1, None
    for bit, name in LIMITS.items():
        if rest & bit:
            rest, needed = rest & ~bit, needed or name
    return "malformed limits flags" + missing(None if rest else needed)


def heap_type(index: int) -> str:
    """The message about a heap type that is the index of a type, or (below 0) one that arenite does not know."""
    return "malformed reference type" + missing("function-references") if index >= 0 else malformed("reference", index & 0x7F)


def malformed(what: str, byte: int) -> str:
    """The message about a `what` type that begins with a byte arenite does not know."""
    if byte >= 0x80:
        return f"integer representation too long: {what} type {byte:02x}"
    name = TYPES.get(byte)
    return f"malformed {what} type" + (f" {byte:02x}" if name is None or name in SUPPORTED else missing(name))
