"""The `wasmtime` package: its options that say nothing here, and its names for things that have others.

`docs/wasmtime.md` says what is otherwise; `tests/unit/api/test_surface.py` holds it against the package itself.
"""

from __future__ import annotations

from typing import Final

from arenite.errors import Exit, Failure

ExitTrap = Exit
WasmtimeError = Failure

OPTIONS: Final[dict[str, bool | type | tuple[str, ...] | None]] = {
    # what it has not, beside the features of modules
    **dict.fromkeys(
        ("shared_memory", "gc_support", "wasm_component_model", "wasm_component_model_map", "wasm_component_model_implements"),
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
            "wasm_relaxed_simd_deterministic",  # it always is
        ),
        bool,
    ),
    **dict.fromkeys(("memory_guard_size", "memory_reservation", "memory_reservation_for_growth"), int),
    "cranelift_opt_level": ("none", "speed", "speed_and_size"),
    "profiler": ("none",),
    "strategy": ("auto", "cranelift"),
    # what has a meaning here
    "cranelift_nan_canonicalization": bool,
    "target": None,
}
"""Options that programs may set, without effect unless `Config` says so: to the only value that is true here,
to any value of a type, to one of some words, or (None) to what `Config` checks."""


def check(name: str, value: object) -> None:
    """See that an option may have a value.  Raises: `TypeError`, `ValueError` naming the option."""
    allowed = OPTIONS[name]
    if isinstance(allowed, bool):
        check_type(name, value, bool)
        if value is not allowed:
            raise ValueError(f"{name} is {value!r}: arenite does not have that")
    elif isinstance(allowed, type):
        check_type(name, value, allowed)
    elif isinstance(allowed, tuple):
        if value not in allowed:
            raise ValueError(f"{name} is {value!r}; expected {' or '.join(map(repr, allowed))}")
    else:
        check_type(name, value, str)
        import platform  # noqa: PLC0415 (hardly anybody says a target)

        architecture, _, rest = str(value).partition("-")
        if architecture != platform.machine() or platform.system().lower() not in rest.split("-"):
            raise ValueError(f"target is {value!r}: arenite runs guests where it is, on {platform.machine()} {platform.system()}")


def check_type(name: str, value: object, expected: type) -> None:
    """Raises: `TypeError` naming the option."""
    if type(value) is not expected:
        raise TypeError(f"{name} is {value!r}; expected {'an' if expected is int else 'a'} {expected.__name__}")
