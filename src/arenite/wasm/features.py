"""The proposals that make up WebAssembly, and which of them arenite has: one row each.

Which of them a module may use is an argument of `decode`, and stays with the module: validation and translation go by it.  A module is
refused for what it uses, by the feature's name.
From the rows come the status table of the README and the messages that name what a refused module asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True)
class Feature:
    """A proposal.  `standard`: the version of the standard that contains it, "" for none; `phase`: of the proposals process.

    `default`: arenite accepts modules that use it.  For those it does not have, `codes`: first and last byte that begin the
    instructions a feature adds; `types`: bytes that begin its types.
    """

    name: str
    standard: str
    phase: int
    default: bool
    codes: tuple[tuple[int, int], ...] = ()
    types: tuple[int, ...] = ()


FEATURES: tuple[Feature, ...] = (
    Feature("mvp", "1.0", 5, default=True),
    Feature("mutable-globals", "1.0", 5, default=True),
    Feature("sign-extension", "2.0", 5, default=True),
    Feature("nontrapping-float-to-int", "2.0", 5, default=True),
    Feature("multi-value", "2.0", 5, default=True),
    Feature("reference-types", "2.0", 5, default=True),
    Feature("bulk-memory", "2.0", 5, default=True),
    Feature("simd", "2.0", 5, default=False, codes=((0xFD, 0xFD),), types=(0x7B,)),
    Feature("extended-const", "3.0", 5, default=True),
    Feature("branch-hinting", "3.0", 5, default=True),
    Feature("tail-call", "3.0", 5, default=False, codes=((0x12, 0x13),)),
    Feature("exceptions", "3.0", 5, default=False, codes=((0x06, 0x0A), (0x18, 0x19), (0x1F, 0x1F)), types=(0x74, 0x69)),
    Feature("function-references", "3.0", 5, default=False, codes=((0x14, 0x15), (0xD4, 0xD6)), types=(0x64, 0x63)),
    Feature(
        "gc",
        "3.0",
        5,
        default=False,
        codes=((0xD3, 0xD3), (0xFB, 0xFB)),
        types=(0x73, 0x72, 0x71, 0x6E, 0x6D, 0x6C, 0x6B, 0x6A, 0x5F, 0x5E, 0x50, 0x4F, 0x4E),
    ),
    Feature("memory64", "3.0", 5, default=False),
    Feature("multi-memory", "3.0", 5, default=False),
    Feature("relaxed-simd", "3.0", 5, default=False),
    Feature("threads", "", 4, default=False, codes=((0xFE, 0xFE),)),
)


Features: TypeAlias = frozenset[str]
"""Names of those that a module may use."""

DEFAULT: Final[Features] = frozenset(feature.name for feature in FEATURES if feature.default)
"""All that arenite has."""


def missing(name: str) -> str:
    """The end of a message about something that belongs to a feature which arenite does not have, or which is switched off."""
    return f": it needs {name}, which {'is switched off' if name in DEFAULT else 'arenite does not have'}"


def illegal(code: int) -> str:
    """The message about an instruction that has no row, by its first byte."""
    for feature in FEATURES:
        if any(first <= code <= last for first, last in feature.codes):
            return f"illegal opcode {code:02x}" + missing(feature.name)
    return f"illegal opcode {code:02x}"


def heap_type(index: int) -> str:
    """The message about a heap type that is the index of a type, or (below 0) one that arenite does not know."""
    return "malformed reference type" + missing("function-references") if index >= 0 else malformed("reference", index & 0x7F)


def malformed(what: str, byte: int) -> str:
    """The message about a `what` type that begins with a byte arenite does not know."""
    if byte >= 0x80:
        return f"integer representation too long: {what} type {byte:02x}"
    for feature in FEATURES:
        if byte in feature.types:
            return f"malformed {what} type" + missing(feature.name)
    return f"malformed {what} type {byte:02x}"
