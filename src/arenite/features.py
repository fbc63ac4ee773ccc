"""The proposals that make up WebAssembly, and which of them arenite has: one row each.

Whatever says something of features derives from the rows: what modules may use (`Config.features`) and the switches that change it, the
messages that refuse a module (`wasm.features`), the status table of the README.  What a module needs is seen in its code, never in what a
custom section says of it.  A row says by which bytes a module shows that it uses the feature; what shows in other ways is in `wasm.uses`,
and instructions that arenite has name their feature in `wasm.opcodes`.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from arenite.light import NamedTuple


class Feature(NamedTuple):
    """A proposal.  `standard`: the version of the standard that contains it, "" for none; `phase`: of the proposals process, 0 for what it gave up.

    `supported`: arenite accepts modules that use it, if it is not switched off.  What it adds to the format: `codes`: first and last byte that
    begin its instructions, if these have no rows in `opcodes`; `types`: bytes that begin its value, heap and composite types; `sections`: their
    ids; `externs`: kinds of imports and exports; `limits`: a bit of the flags of limits.
    """

    name: str
    standard: str
    phase: int
    supported: bool
    codes: tuple[tuple[int, int], ...] = ()
    types: tuple[int, ...] = ()
    sections: tuple[int, ...] = ()
    externs: tuple[int, ...] = ()
    limits: int = 0

    @property
    def switch(self) -> str:
        """The attribute of `Config` that switches it: as in the `wasmtime` package, where that has one."""
        return "wasm_" + self.name.replace("-", "_")


FEATURES: Final = (
    Feature("mvp", "1.0", 5, supported=True),
    Feature("mutable-globals", "1.0", 5, supported=True),
    Feature("sign-extension", "2.0", 5, supported=True),
    Feature("nontrapping-float-to-int", "2.0", 5, supported=True),
    Feature("multi-value", "2.0", 5, supported=True),
    Feature("reference-types", "2.0", 5, supported=True, types=(0x70, 0x6F)),
    Feature("bulk-memory", "2.0", 5, supported=True, sections=(12,)),
    Feature("simd", "2.0", 5, supported=True, types=(0x7B,)),
    Feature("extended-const", "3.0", 5, supported=True),
    Feature("branch-hinting", "3.0", 5, supported=True),
    Feature("tail-call", "3.0", 5, supported=True),
    Feature(
        "exceptions",
        "3.0",
        5,
        supported=True,
        types=(0x69,),
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
        types=(0x74, 0x73, 0x72, 0x71, 0x6E, 0x6D, 0x6C, 0x6B, 0x6A, 0x5F, 0x5E, 0x50, 0x4F, 0x4E),
    ),
    Feature("memory64", "3.0", 5, supported=True, limits=4),
    Feature("multi-memory", "3.0", 5, supported=True),
    Feature("relaxed-simd", "3.0", 5, supported=True),
    Feature("legacy-exceptions", "", 0, supported=True),
    Feature("threads", "", 4, supported=False, codes=((0xFE, 0xFE),), limits=2),
    Feature("custom-page-sizes", "", 3, supported=True, limits=8),
    Feature("stack-switching", "", 3, supported=False, codes=((0xE0, 0xE6),), types=(0x5D, 0x75, 0x68)),
    Feature("wide-arithmetic", "", 3, supported=True),
)

Features: TypeAlias = frozenset[str]
"""Names of those that a module may use."""

SUPPORTED: Final[Features] = frozenset(feature.name for feature in FEATURES if feature.supported)
"""All that arenite has: what modules may use if nothing is switched off."""

SWITCHES: Final = {feature.switch: feature for feature in FEATURES if feature.name != "mvp"}
"""Attribute of `Config` -> what it switches."""


def missing(name: str | None) -> str:
    """The end of a message about something that belongs to a feature which arenite does not have, or which is switched off; "" for none."""
    if name is None:
        return ""
    switch = next(switch for switch, feature in SWITCHES.items() if feature.name == name)
    return f": it needs {name}, which " + (f"is switched off ({switch})" if name in SUPPORTED else "arenite does not have")
