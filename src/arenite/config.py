"""Every option of an engine, once: name, type, default, meaning.  The command line, the cache's keys and the docs derive from it.

Example:  Engine(Config(tier="safe", consume_fuel=True))
"""

from __future__ import annotations

import platform
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


WASMTIME: Final[dict[str, bool | type | tuple[str, ...] | None]] = {
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
    # what is about another engine's compiler and memory
    **dict.fromkeys(
        (
            "cranelift_debug_verifier",
            "debug_info",
            "macos_use_mach_ports",
            "memory_init_cow",
            "memory_may_move",
            "native_unwind_info",
            "parallel_compilation",
            "signals_based_traps",
        ),
        bool,
    ),
    **dict.fromkeys(("memory_guard_size", "memory_reservation", "memory_reservation_for_growth"), int),
    "cranelift_opt_level": ("none", "speed", "speed_and_size"),
    "profiler": ("none",),
    "strategy": ("auto", "cranelift"),
    # what has a meaning here
    "cache": None,
    "cranelift_nan_canonicalization": bool,
    "target": None,
}
"""Options of the `wasmtime` package that programs may set, without effect unless `Config` says so: to the only value that is true here,
to any value of a type, to one of some words, or (None) to what `Config` checks."""


@dataclass(slots=True)
class Config:
    """Options of an `Engine`, which keeps a copy: later changes have no effect.

    An unknown option is an `AttributeError`, a value of another type a `TypeError`, one that no engine could use a `ValueError`; it keeps
    its value then.  Those of `WASMTIME` may be set to what arenite does anyway; `cranelift_nan_canonicalization` is `deterministic`.
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
    max_nesting: int = option(
        200, "calls of guests inside host functions that guests call, and so on; each takes four frames of Python's own stack"
    )
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
        if name in WASMTIME:
            check_foreign(name, value)
            if name != "cranelift_nan_canonicalization":
                return
            name = "deterministic"
        elif name in OPTIONS:
            check(name, value)
        object.__setattr__(self, name, value)


OPTIONS: Final[dict[str, str]] = {f.name: f.metadata["doc"] for f in fields(Config)}
"""Option -> meaning."""
DEFAULTS: Final[dict[str, object]] = {f.name: f.default for f in fields(Config)}
WORDS: Final = {"tier": TIERS, "addressing": ADDRESSINGS}


def check(name: str, value: object) -> None:
    """Raises: `TypeError`, `ValueError` naming the option."""
    if name in WORDS:
        if value not in WORDS[name]:
            raise ValueError(f"{name} is {value!r}; expected {' or '.join(map(repr, WORDS[name]))}")
        return
    _check_type(name, value, type(DEFAULTS[name]))
    if isinstance(value, int) and not isinstance(value, bool) and not 0 < value < 1 << 64:
        raise ValueError(f"{name} is {value!r}; expected a positive int below 2**64")


def check_foreign(name: str, value: object) -> None:
    """The same of an option of the `wasmtime` package's."""
    allowed = WASMTIME[name]
    if isinstance(allowed, bool):
        _check_type(name, value, bool)
        if value is not allowed:
            raise ValueError(f"{name} is {value!r}: arenite {'always has' if allowed else 'does not have'} that")
    elif isinstance(allowed, type):
        _check_type(name, value, allowed)
    elif isinstance(allowed, tuple):
        if value not in allowed:
            raise ValueError(f"{name} is {value!r}; expected {' or '.join(map(repr, allowed))}")
    elif name == "cache":
        _check_type(name, value, str if isinstance(value, str) else bool)
        if value is not True:
            raise ValueError(
                f"cache is {value!r}: arenite reads no configuration of a cache, and has one that cannot be turned off"
            )
    else:
        _check_type(name, value, str)
        architecture, _, rest = str(value).partition("-")
        if architecture != platform.machine() or platform.system().lower() not in rest.split("-"):
            raise ValueError(f"target is {value!r}: arenite runs guests where it is, on {platform.machine()} {platform.system()}")


def _check_type(name: str, value: object, expected: type) -> None:
    if type(value) is not expected:
        raise TypeError(f"{name} is {value!r}; expected {'an' if expected is int else 'a'} {expected.__name__}")
