"""Every option of an engine, once: name, type, default, meaning.  The command line, the cache's keys and the docs derive from it.

Example:  Engine(Config(tier="safe", consume_fuel=True))
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal

TIERS: Final = ("threaded", "safe")
ADDRESSINGS: Final = ("single", "spaces")
MIB: Final = 1 << 20

TierName = Literal["threaded", "safe"]
AddressingName = Literal["single", "spaces"]


def option(default: Any, doc: str) -> Any:  # noqa: ANN401 (as dataclasses.field: the annotation beside it says the type)
    """A field with its default and its meaning."""
    return field(default=default, metadata={"doc": doc})


@dataclass(slots=True)
class Config:
    """Options of an `Engine`, which keeps a copy: later changes have no effect.  An unknown option is an `AttributeError`."""

    tier: TierName = option("threaded", "how guests run: `threaded` (generated interpreter), `safe` (pure Python, any platform)")
    consume_fuel: bool = option(
        default=False, doc="guests run only as long as `Store.set_fuel` allows: a unit per call and loop round"
    )
    epoch_interruption: bool = option(default=False, doc="guests trap once `Engine.increment_epoch` reaches a store's deadline")
    deterministic: bool = option(default=False, doc="every NaN that arithmetic makes is the canonical one, on every CPU")
    max_wasm_stack: int = option(8 * MIB, "bytes of a store's stack of frames")
    max_memory: int = option(1 << 32, "bytes that one memory may have")
    max_table_elements: int = option(10_000_000, "elements that one table may have")
    memories: int = option(1, "memory areas reserved at first; a store makes room for more when it needs them")
    addressing: AddressingName = option("single", "how generated code forms addresses: one base, or a base per address space")
    explicit_bounds: bool = option(default=False, doc="compare addresses with lengths instead of relying on guard pages")
    verify: bool = option(default=False, doc="check the invariants of all bytecode after translation")

    def __post_init__(self) -> None:
        """Refuse values that no engine could use.  Raises: `ValueError`."""
        self.check()

    def check(self) -> None:
        """Raises: `ValueError` naming the option."""
        for name, allowed in (("tier", TIERS), ("addressing", ADDRESSINGS)):
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"{name} is {value!r}; expected {' or '.join(map(repr, allowed))}")
        for name in ("max_wasm_stack", "max_memory", "max_table_elements", "memories"):
            value = getattr(self, name)
            if not isinstance(value, int) or value <= 0:
                raise ValueError(f"{name} is {value!r}; expected a positive int")


OPTIONS: Final[dict[str, str]] = {f.name: f.metadata["doc"] for f in fields(Config)}
"""Option -> meaning."""
