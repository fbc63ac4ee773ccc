"""Every option of an engine, once: name, type, default, meaning.  The command line, the cache's keys and the docs derive from it.

Example:  Engine(Config(tier="safe", consume_fuel=True))
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import wraps
from typing import Any, Final, Literal, TypeVar

from arenite.compat.wasmtime import OPTIONS as WASMTIME
from arenite.compat.wasmtime import check as check_wasmtime
from arenite.compat.wasmtime import check_type
from arenite.features import SUPPORTED, SWITCHES, Features

TIERS: Final = ("auto", "threaded", "baseline", "safe")
ADDRESSINGS: Final = ("single", "spaces")
MIB: Final = 1 << 20
T = TypeVar("T")

TierName = Literal["auto", "threaded", "baseline", "safe"]
AddressingName = Literal["single", "spaces"]


def option(default: Any, doc: str) -> Any:  # noqa: ANN401 (as dataclasses.field: the annotation beside it says the type)
    """A field with its default and its meaning."""
    return field(default=default, metadata={"doc": doc})


def explaining(cls: type[T]) -> type[T]:
    """Have a class say of a keyword that it does not take which one is meant."""
    plain = vars(cls)["__init__"]

    @wraps(plain)
    def init(self: T, *args: object, **named: object) -> None:
        for name in named:
            if name not in OPTIONS:
                raise TypeError(f"Config takes no {name!r}: {_meant(name)}")
        plain(self, *args, **named)

    setattr(cls, "__init__", init)  # noqa: B010 (mypy knows no other way)
    return cls


def _meant(name: str) -> str:
    """What somebody may have meant by the name of an option that there is not."""
    feature = SWITCHES.get(name)
    if feature is not None and not feature.supported:
        return f"arenite does not have {feature.name}, so there is nothing to switch"
    if feature is not None:
        return f"give features=, a set of names in which {feature.name!r} is or is not, or set config.{name} of the Config that is made"
    if name == "cranelift_nan_canonicalization":
        return "it is called deterministic here"
    if name in WASMTIME:
        return f"an option of the wasmtime package without effect here; leave it out, or set config.{name} of the Config that is made"
    import difflib  # noqa: PLC0415 (hardly anybody errs)

    close = difflib.get_close_matches(name, [*OPTIONS, *SWITCHES], n=1)
    return f"there is {close[0]}" if close else f"there are {', '.join(OPTIONS)}"


@explaining
@dataclass(slots=True)
class Config:
    """Options of an `Engine`, which keeps a copy: later changes have no effect.

    An unknown option is an `AttributeError`, a value of another type a `TypeError`, one that no engine could use a `ValueError`; it keeps
    its value then.  Those of `WASMTIME` may be set to what arenite does anyway; `cranelift_nan_canonicalization` is `deterministic`.
    `SWITCHES` change `features`: `config.wasm_simd = False`.
    """

    tier: TierName = option(
        "auto",
        "how guests run: `threaded` (a generated interpreter), `baseline` (machine code of every function), `auto` (the first until a function is "
        "called often or runs long, then the second), `safe` (pure Python, any platform)",
    )
    consume_fuel: bool = option(
        default=False,
        doc="guests run only as long as `Store.set_fuel` allows: a unit per call, loop round and piece of bulk work",
    )
    epoch_interruption: bool = option(default=False, doc="guests trap once `Engine.increment_epoch` reaches a store's deadline")
    deterministic: bool = option(default=False, doc="every NaN that arithmetic makes is the canonical one, on every CPU")
    max_wasm_stack: int = option(8 * MIB, "bytes of a store's stack of frames")
    max_memory: int = option(
        1 << 32, "bytes that one memory may have; with addresses of 64 bits, up to 1 << 33, which an area has room for"
    )
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
    max_snapshot_modules: int = option(512 * MIB, "bytes that the modules of a snapshot file may have together, unpacked")
    max_snapshot_manifest: int = option(16 * MIB, "bytes that the manifest of a snapshot file may have")
    cache: bool = option(
        default=True, doc="translations of modules are looked for in the user's cache, and kept there for the next process"
    )
    cache_dir: str = option("", "the folder of that cache; by default `$ARENITE_CACHE_DIR`, or where the user's caches lie")
    max_exception_memory: int = option(MIB, "bytes in which a store's guests may keep exceptions")
    memories: int = option(
        1,
        "memory areas, 1000 at most, that every store has room for; the first 256 stores of a process have more, and others move for more",
    )
    addressing: AddressingName = option("single", "how generated code forms addresses: one base, or a base per address space")
    explicit_bounds: bool = option(default=False, doc="compare addresses with lengths instead of relying on guard pages")
    features: Features = option(
        SUPPORTED,
        "names of the features of WebAssembly that modules may use; switches such as `wasm_memory64` put one in or take it out. "
        "An engine that has not all does not use the cache",
    )

    def __setattr__(self, name: str, value: object) -> None:
        """Set an option, or check one of the `wasmtime` package's."""
        if name in WASMTIME:
            check_wasmtime(name, value)
            if name != "cranelift_nan_canonicalization":
                return
            name = "deterministic"
        elif name in SWITCHES:
            name, value = "features", switched(self.features, name, value)
        elif name in OPTIONS:
            check(name, value)
        object.__setattr__(self, name, value)


OPTIONS: Final[dict[str, str]] = {f.name: f.metadata["doc"] for f in fields(Config)}
"""Option -> meaning."""
DEFAULTS: Final[dict[str, object]] = {f.name: f.default for f in fields(Config)}
WORDS: Final = {"tier": TIERS, "addressing": ADDRESSINGS}


def switched(features: Features, name: str, value: object) -> Features:
    """The features after a switch is set.  Raises: `TypeError`, `ValueError` naming the switch."""
    check_type(name, value, bool)
    feature = SWITCHES[name]
    if value and not feature.supported:
        raise ValueError(f"{name} is True: arenite does not have that")
    return features | {feature.name} if value else features - {feature.name}


def check(name: str, value: object) -> None:
    """Raises: `TypeError`, `ValueError` naming the option."""
    if name in WORDS:
        if value not in WORDS[name]:
            raise ValueError(f"{name} is {value!r}; expected {' or '.join(map(repr, WORDS[name]))}")
        return
    check_type(name, value, type(DEFAULTS[name]))
    if isinstance(value, frozenset) and not {"mvp"} <= value <= SUPPORTED:
        raise ValueError(f"features is {sorted(value)}; expected mvp, and others of {sorted(SUPPORTED)}")
    if isinstance(value, int) and not isinstance(value, bool) and not 0 < value < 1 << 64:
        raise ValueError(f"{name} is {value!r}; expected a positive int below 2**64")
