"""The `wasmtime` package as a player of scripts: the engine that arenite is compared with.

Results are compared bit for bit, so it is asked for the raw values of its C interface: a Python float cannot carry a
signalling NaN.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import wasmtime
from wasmtime import _ffi as ffi
from wasmtime._value import Val

from arenite.cli.script import UNCAUGHT
from arenite.errors import LinkError, Trap, ValidationError
from arenite.traps import Cause, TrapCode

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

SPECTEST = """(module
  (func (export "print")) (func (export "print_i32") (param i32)) (func (export "print_i64") (param i64))
  (func (export "print_f32") (param f32)) (func (export "print_f64") (param f64))
  (func (export "print_i32_f32") (param i32 f32)) (func (export "print_f64_f64") (param f64 f64))
  (global (export "global_i32") i32 (i32.const 666)) (global (export "global_i64") i64 (i64.const 666))
  (global (export "global_f32") f32 (f32.const 666.6)) (global (export "global_f64") f64 (f64.const 666.6))
  (table (export "table") 10 20 funcref) (table (export "table64") i64 10 20 funcref) (memory (export "memory") 1 2))"""

UNSPEAKABLE = ("wasm_relaxed_simd", "wasm_simd", "wasm_gc", "wasm_function_references", "wasm_exceptions")
"""Features on whose types wasmtime's C interface aborts the process."""

PROPOSED = ("wasm_wide_arithmetic", "wasm_custom_page_sizes", "wasm_memory64", "wasm_multi_memory")  # off at first there
FIELDS = {"i32": "i32", "f32": "i32", "i64": "i64", "f64": "i64"}  # where the bits of a number lie in a raw value
KINDS = {"i32": ffi.WASMTIME_I32, "i64": ffi.WASMTIME_I64, "f32": ffi.WASMTIME_F32, "f64": ffi.WASMTIME_F64}
WIDTHS = {"i32": 32, "f32": 32, "i64": 64, "f64": 64}


@dataclass(frozen=True)
class Live:
    """An instance, with its exports by name: asking for them is slow."""

    instance: wasmtime.Instance
    exports: dict[str, Any]


class WasmtimeEngine:
    """The `wasmtime` package, with one store."""

    name = "wasmtime"
    speaks_spec = False

    def __init__(self, inside: Container[str] = ()) -> None:
        """`inside`: features among `UNSPEAKABLE` that guests use, but not in the types of what they export."""
        config = wasmtime.Config()
        for feature in UNSPEAKABLE:
            setattr(config, feature, feature in inside)
        for feature in PROPOSED:
            setattr(config, feature, True)
        config.max_wasm_stack = 512 * 1024  # deep recursion ends soon
        self.engine = wasmtime.Engine(config)
        self.store = wasmtime.Store(self.engine)
        self.linker = wasmtime.Linker(self.engine)
        self.linker.allow_shadowing = True
        spectest = wasmtime.Instance(self.store, wasmtime.Module(self.engine, SPECTEST), [])
        self.linker.define_instance(self.store, "spectest", spectest)

    def compile(self, wasm: bytes) -> wasmtime.Module:
        try:
            return wasmtime.Module(self.engine, wasm)
        except wasmtime.WasmtimeError as error:
            raise ValidationError(str(error).splitlines()[-1].strip(), 0) from None

    def instantiate(self, module: wasmtime.Module) -> Live:
        try:
            instance = self.linker.instantiate(self.store, module)
        except wasmtime.WasmtimeError as error:
            raise LinkError(str(error)) from None
        except wasmtime.Trap as trap:
            raise translate(trap) from None
        return Live(instance, dict(instance.exports(self.store)))

    def register(self, name: str, instance: Live) -> None:
        self.linker.define_instance(self.store, name, instance.instance)

    def invoke(self, instance: Live, field: str, args: Sequence[object]) -> list[object]:
        func = instance.exports[field]
        assert isinstance(func, wasmtime.Func)
        type_ = func.type(self.store)
        params, results = list(map(str, type_.params)), list(map(str, type_.results))
        raw_args = (ffi.wasmtime_val_t * len(params))(*map(self._raw, params, args))
        raw_results = (ffi.wasmtime_val_t * len(results))()
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_func_call(
            self.store._context(), ctypes.byref(func._func), raw_args, len(params), raw_results, len(results), ctypes.byref(trap)
        )
        if bool(error):  # not a null pointer
            raise wasmtime.WasmtimeError._from_ptr(error)
        if bool(trap):
            raise translate(wasmtime.Trap._from_ptr(trap))
        return [self._bits(type_, raw) for type_, raw in zip(results, raw_results, strict=True)]

    def get(self, instance: Live, field: str) -> object:
        global_ = instance.exports[field]
        assert isinstance(global_, wasmtime.Global)
        raw = ffi.wasmtime_val_t()
        ffi.wasmtime_global_get(self.store._context(), ctypes.byref(global_._global), ctypes.byref(raw))
        return self._bits(str(global_.type(self.store).content), raw)

    def exports(self, instance: Live) -> dict[str, Any]:
        return instance.exports

    def close(self) -> None:
        self.store.close()

    def _raw(self, type_: str, value: Any) -> ffi.wasmtime_val_t:
        if type_ in FIELDS:
            raw = ffi.wasmtime_val_t(kind=KINDS[type_])
            setattr(raw.of, FIELDS[type_], value)
            return raw
        return (Val.funcref(value) if type_ == "funcref" else Val.externref(value))._new_raw(self.store)

    def _bits(self, type_: str, raw: ffi.wasmtime_val_t) -> object:
        if type_ in FIELDS:
            return getattr(raw.of, FIELDS[type_]) % 2 ** WIDTHS[type_]
        return Val._from_raw(self.store, raw).value


def translate(trap: wasmtime.Trap) -> Trap:
    """wasmtime's trap as ours."""
    if trap.trap_code is None:
        return Trap(UNCAUGHT, TrapCode.UNCAUGHT_EXCEPTION) if "thrown Wasm exception" in trap.message else Trap(trap.message)
    cause = next((cause for cause in Cause if cause.code.name == trap.trap_code.name), None)
    return Trap(trap.message) if cause is None else Trap(cause.message, cause.code)
