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


WASMTIME: Final[dict[str, bool | None]] = {
    # what arenite always has
    **dict.fromkeys(("wasm_multi_value", "wasm_reference_types", "wasm_bulk_memory"), True),
    # what it has not; modules that need it are refused with its name
    **dict.fromkeys(
        (
            "wasm_simd",
            "wasm_relaxed_simd",
            "wasm_relaxed_simd_deterministic",
            "wasm_threads",
            "shared_memory",
            "wasm_tail_call",
            "wasm_multi_memory",
            "wasm_memory64",
            "wasm_exceptions",
            "wasm_gc",
            "gc_support",
            "wasm_function_references",
            "wasm_wide_arithmetic",
            "wasm_custom_page_sizes",
            "wasm_stack_switching",
            "wasm_component_model",
            "wasm_component_model_map",
            "wasm_component_model_implements",
        ),
        False,
    ),
    # what is about another engine's compiler and memory; for canonical NaNs there is `deterministic`
    **dict.fromkeys(
        (
            "cache",
            "cranelift_debug_verifier",
            "cranelift_nan_canonicalization",
            "cranelift_opt_level",
            "debug_info",
            "macos_use_mach_ports",
            "memory_guard_size",
            "memory_init_cow",
            "memory_may_move",
            "memory_reservation",
            "memory_reservation_for_growth",
            "native_unwind_info",
            "parallel_compilation",
            "profiler",
            "signals_based_traps",
            "strategy",
            "target",
        )
    ),
}
"""Options of the `wasmtime` package that programs may set: to what they are here, or (None) to anything, without effect."""


@dataclass(slots=True)
class Config:
    """Options of an `Engine`, which keeps a copy: later changes have no effect.

    An unknown option is an `AttributeError`.  Those of `WASMTIME` may be set to what arenite does anyway; otherwise: `ValueError`.
    """

    tier: TierName = option("threaded", "how guests run: `threaded` (generated interpreter), `safe` (pure Python, any platform)")
    consume_fuel: bool = option(
        default=False,
        doc="guests run only as long as `Store.set_fuel` allows: a unit per call, loop round and piece of bulk work",
    )
    epoch_interruption: bool = option(default=False, doc="guests trap once `Engine.increment_epoch` reaches a store's deadline")
    deterministic: bool = option(default=False, doc="every NaN that arithmetic makes is the canonical one, on every CPU")
    max_wasm_stack: int = option(8 * MIB, "bytes of a store's stack of frames")
    max_memory: int = option(1 << 32, "bytes that one memory may have")
    max_store_memory: int = option(1 << 36, "bytes that all memories of a store may have together")
    max_table_elements: int = option(10_000_000, "elements that all tables of a store may have together")
    max_tables: int = option(10_000, "tables that a store may have")
    max_instances: int = option(10_000, "instances that a store may have")
    max_snapshot_memory: int = option(
        1 << 30, "bytes of memory that the pages of a snapshot file may take where they are not mapped"
    )
    max_snapshot_modules: int = option(128 * MIB, "bytes that the modules of a snapshot file may have together, unpacked")
    max_snapshot_manifest: int = option(16 * MIB, "bytes that the manifest of a snapshot file may have")
    memories: int = option(
        1,
        "memory areas, 1000 at most, that every store has room for; the first 256 stores of a process have more, and others move for more",
    )
    addressing: AddressingName = option("single", "how generated code forms addresses: one base, or a base per address space")
    explicit_bounds: bool = option(default=False, doc="compare addresses with lengths instead of relying on guard pages")

    def __setattr__(self, name: str, value: object) -> None:
        """Set an option, or check one of the `wasmtime` package's."""
        if name not in WASMTIME:
            object.__setattr__(self, name, value)
        elif WASMTIME[name] not in (None, value):
            raise ValueError(f"{name} is {value!r}: arenite {'always has' if WASMTIME[name] else 'does not have'} that")

    def __post_init__(self) -> None:
        """Refuse values that no engine could use.  Raises: `ValueError`."""
        self.check()

    def check(self) -> None:
        """Raises: `ValueError` naming the option."""
        for name, allowed in (("tier", TIERS), ("addressing", ADDRESSINGS)):
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"{name} is {value!r}; expected {' or '.join(map(repr, allowed))}")
        for one in fields(self):
            value = getattr(self, one.name)
            if type(one.default) is int and (type(value) is not int or not 0 < value < 1 << 64):
                raise ValueError(f"{one.name} is {value!r}; expected a positive int below 2**64")


OPTIONS: Final[dict[str, str]] = {f.name: f.metadata["doc"] for f in fields(Config)}
"""Option -> meaning."""
