"""The same calls on arenite and on the `wasmtime` package give the same values and fail alike.

Errors are compared by kind: an engine's own error, a trap, or which of Python's.  `DIFFERENT` lists where they are meant to differ.
"""

from __future__ import annotations

import importlib
from array import array
from typing import TYPE_CHECKING, Any

import pytest

from marks import EACH_TIER

if TYPE_CHECKING:
    from collections.abc import Callable

WAT = """(module
  (import "h" "add" (func $add (param i32 i64) (result i64)))
  (memory (export "memory") 1 3)
  (table (export "table") 3 5 funcref)
  (table (export "things") 2 externref)
  (global (export "i32") (mut i32) (i32.const -7))
  (global (export "i64") (mut i64) (i64.const -8))
  (global (export "f32") (mut f32) (f32.const 1.5))
  (global (export "f64") (mut f64) (f64.const 2.5))
  (global (export "fixed") i32 (i32.const 3))
  (global (export "ref") (mut externref) (ref.null extern))
  (elem (i32.const 1) $one)
  (func $one (export "one") (result i32) (i32.const 1))
  (func (export "none"))
  (func (export "two") (result i32 i64) (i32.const -1) (i64.const -2))
  (func (export "add") (param i32 i64) (result i64) (call $add (local.get 0) (local.get 1)))
  (func (export "id32") (param i32) (result i32) (local.get 0))
  (func (export "id64") (param i64) (result i64) (local.get 0))
  (func (export "idf32") (param f32) (result f32) (local.get 0))
  (func (export "idf64") (param f64) (result f64) (local.get 0))
  (func (export "thing") (param externref) (result externref) (local.get 0))
  (func (export "func") (param funcref) (result funcref) (local.get 0))
  (func (export "div") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "trap") (unreachable)))"""

THING = object()


class Side:
    """One of the two packages with an instance."""

    def __init__(self, package: str, tier: str | None = None) -> None:
        self.api: Any = importlib.import_module(package)
        self.engine = self.api.Engine(self.api.Config(tier=tier) if tier else None)
        api = self.api
        self.store = api.Store(self.engine)
        i32, i64 = api.ValType.i32(), api.ValType.i64()
        self.add = api.Func(self.store, api.FuncType([i32, i64], [i64]), lambda a, b: a + b)
        self.module = api.Module(self.engine, WAT)
        self.instance = api.Instance(self.store, self.module, [self.add])
        self.e = self.instance.exports(self.store)

    def host(self, value: object, *results: str) -> object:
        """Call a host function that returns `value`."""
        kinds = [getattr(self.api.ValType, name)() for name in results]
        return self.api.Func(self.store, self.api.FuncType([], kinds), lambda: value)(self.store)

    def val(self, name: str) -> Any:
        """A `Val` of some type."""
        value = {"i32": 1, "i64": 1 << 40, "f32": 1.5, "f64": 0.1, "externref": THING, "funcref": self.e["one"]}[name]
        return getattr(self.api.Val, name)(value)

    def linker(self) -> Any:
        linker = self.api.Linker(self.engine)
        linker.define(self.store, "h", "add", self.add)
        return linker

    def frames(self, text: str) -> object:
        """What the frames say of a module whose start traps."""
        try:
            self.api.Instance(self.store, self.api.Module(self.engine, text), [])
        except self.api.Trap as trap:
            return [repr((f.func_index, f.func_name, f.module_name, f.module_offset, f.func_offset)) for f in trap.frames]
        return None

    def why(self, name: str, *args: object) -> str:
        """The name of the trap that a call ends with."""
        try:
            self.e[name](self.store, *args)
        except self.api.Trap as trap:
            return str(trap.trap_code.name)
        return "none"

    def commanded(self) -> Any:
        """A linker with a program in it."""
        linker = self.linker()
        linker.define_module(self.store, "program", self.api.Module(self.engine, '(module (func (export "_start")))'))
        return linker

    def lenient(self) -> Any:
        """An instance one of whose imports is nowhere."""
        text = '(module (import "no" "where" (func $f)) (func (export "f") (call $f)) (func (export "g")))'
        module, linker = self.api.Module(self.engine, text), self.linker()
        linker.define_unknown_imports_as_traps(module)
        return linker.instantiate(self.store, module).exports(self.store)

    def limits(self, low: int, high: int | None) -> Any:
        return self.api.MemoryType(self.api.Limits(low, high))

    def outcome(self, call: Callable[[Side], object]) -> str:
        """A value, or the kind of an error."""
        try:
            return f"value {self.shown(call(self))}"
        except Exception as error:  # noqa: BLE001 (compared)
            own = getattr(self.api, "WasmtimeError", None) or self.api.AreniteError
            for kind in (self.api.Trap, own):
                if isinstance(error, kind):
                    return "trap" if kind is self.api.Trap else "error"
            return type(error).__name__

    def shown(self, value: object) -> str:
        value = value.value if isinstance(value, self.api.Val) else value  # wasmtime has an object for null
        if value is THING:
            return "thing"
        if isinstance(value, (self.api.Func, self.api.Instance, self.api.Memory, self.api.Table, self.api.Global)):
            return type(value).__name__
        if isinstance(value, (list, tuple)):
            return repr([self.shown(item) for item in value])
        return repr(bytes(value) if isinstance(value, bytearray) else value)


def given_for(given: str, wanted: str) -> Callable[[Side], object]:
    """A call of a function with a `Val`."""
    return lambda s: s.e[wanted](s.store, s.val(given))


CALLS: dict[str, Callable[[Side], object]] = {
    # memories
    "read": lambda s: s.e["memory"].read(s.store, 0, 4),
    "read to the end": lambda s: len(s.e["memory"].read(s.store)),
    "read from": lambda s: len(s.e["memory"].read(s.store, 65530)),
    "read beyond": lambda s: s.e["memory"].read(s.store, 65534, 70000),
    "read behind": lambda s: s.e["memory"].read(s.store, 70000, 70004),
    "read negative": lambda s: len(s.e["memory"].read(s.store, -4)),
    "read backwards": lambda s: s.e["memory"].read(s.store, 8, 4),
    "write": lambda s: (s.e["memory"].write(s.store, b"abc", 5), s.e["memory"].read(s.store, 4, 9)),
    "write at the start": lambda s: (s.e["memory"].write(s.store, b"xy"), s.e["memory"].read(s.store, 0, 3)),
    "write to the end": lambda s: (s.e["memory"].write(s.store, b"end", 65533), s.e["memory"].read(s.store, -3)),
    "write negative": lambda s: (s.e["memory"].write(s.store, b"end", -3), s.e["memory"].read(s.store, -3)),
    "write over the end": lambda s: s.e["memory"].write(s.store, b"end", 65534),
    "write behind": lambda s: s.e["memory"].write(s.store, b"end", 70000),
    "write numbers": lambda s: (s.e["memory"].write(s.store, [1, 2, 255], 1), s.e["memory"].read(s.store, 0, 5)),
    "write too large a number": lambda s: s.e["memory"].write(s.store, [1, 256], 1),
    "write words": lambda s: (s.e["memory"].write(s.store, array("I", [1, 1 << 30]), 1), s.e["memory"].read(s.store, 0, 10)),
    "write words of a view": lambda s: (
        s.e["memory"].write(s.store, memoryview(array("H", [1, 2, 3, 4]))[::2], 0),
        s.e["memory"].read(s.store, 0, 5),
    ),
    "write words over the end": lambda s: s.e["memory"].write(s.store, array("I", [1, 2]), 65532),
    "write nothing": lambda s: s.e["memory"].write(s.store, [], 3),
    "write an object": lambda s: s.e["memory"].write(s.store, THING, 3),
    "page size": lambda s: (s.e["memory"].page_size(s.store), s.e["memory"].page_size_log2(s.store)),
    "write text": lambda s: s.e["memory"].write(s.store, "text", 0),
    "size": lambda s: (s.e["memory"].size(s.store), s.e["memory"].data_len(s.store)),
    "grow": lambda s: (s.e["memory"].grow(s.store, 1), s.e["memory"].grow(s.store, 0), s.e["memory"].size(s.store)),
    "grow too far": lambda s: s.e["memory"].grow(s.store, 3),
    "grow negative": lambda s: s.e["memory"].grow(s.store, -1),
    "memory pointer": lambda s: (s.e["memory"].write(s.store, b"p"), s.e["memory"].data_ptr(s.store)[0]),
    "memory type": lambda s: (s.e["memory"].type(s.store).limits.min, s.e["memory"].type(s.store).limits.max),
    "more of a memory's type": lambda s: [
        getattr(s.e["memory"].type(s.store), name) for name in ("is_64", "is_shared", "page_size", "page_size_log2")
    ],
    "no limits": lambda s: s.api.MemoryType((1, 2)),
    "new memory": lambda s: s.api.Memory(s.store, s.limits(2, 3)).size(s.store),
    "limits crossed": lambda s: s.api.Memory(s.store, s.limits(3, 2)),
    # tables
    "table get": lambda s: [s.e["table"].get(s.store, i) for i in range(3)],
    "table get beyond": lambda s: s.e["table"].get(s.store, 3),
    "table set": lambda s: (s.e["table"].set(s.store, 0, s.e["one"]), s.e["table"].get(s.store, 0)(s.store)),
    "table set null": lambda s: (s.e["table"].set(s.store, 1, None), s.e["table"].get(s.store, 1)),
    "table set beyond": lambda s: s.e["table"].set(s.store, 3, None),
    "table set a number": lambda s: s.e["table"].set(s.store, 0, 5),
    "table grow": lambda s: (s.e["table"].grow(s.store, 2, s.e["one"]), s.e["table"].size(s.store), s.e["table"].get(s.store, 4)),
    "table grow too far": lambda s: s.e["table"].grow(s.store, 3, None),
    "things": lambda s: (s.e["things"].set(s.store, 0, THING), s.e["things"].get(s.store, 0), s.e["things"].get(s.store, 1)),
    "things grow": lambda s: (s.e["things"].grow(s.store, 1, THING), s.e["things"].get(s.store, 2)),
    "element type": lambda s: str(s.e["table"].type(s.store).element),
    # globals
    "globals": lambda s: [s.e[name].value(s.store) for name in ("i32", "i64", "f32", "f64", "fixed", "ref")],
    "set i32": lambda s: (s.e["i32"].set_value(s.store, -5), s.e["i32"].value(s.store)),
    "set i64": lambda s: (s.e["i64"].set_value(s.store, -(1 << 63)), s.e["i64"].value(s.store)),
    "set f32": lambda s: (s.e["f32"].set_value(s.store, 0.1), s.e["f32"].value(s.store)),
    "set ref": lambda s: (s.e["ref"].set_value(s.store, THING), s.e["ref"].value(s.store)),
    "set fixed": lambda s: s.e["fixed"].set_value(s.store, 1),
    "set i32 to text": lambda s: s.e["i32"].set_value(s.store, "1"),
    "set i32 to a float": lambda s: s.e["i32"].set_value(s.store, 1.5),
    "set f64 to an int": lambda s: (s.e["f64"].set_value(s.store, 3), s.e["f64"].value(s.store)),
    "mutable": lambda s: (s.e["i32"].type(s.store).mutable, s.e["fixed"].type(s.store).mutable),
    "set i32 by a Val": lambda s: (s.e["i32"].set_value(s.store, s.api.Val.i32(-3)), s.e["i32"].value(s.store)),
    "set i32 by another Val": lambda s: s.e["i32"].set_value(s.store, s.api.Val.i64(1)),
    "set ref by a null": lambda s: (s.e["ref"].set_value(s.store, s.api.Val.ref_null(s.api.ValType.externref())),),
    "new global by another Val": lambda s: s.api.Global(s.store, s.e["i32"].type(s.store), s.api.Val.f64(1.0)),
    "table set by a Val": lambda s: s.e["table"].set(s.store, 0, s.api.Val.funcref(s.e["one"])),
    "table set by another Val": lambda s: s.e["table"].set(s.store, 0, s.api.Val.externref(THING)),
    "things grow by another Val": lambda s: s.e["things"].grow(s.store, 1, s.api.Val.i32(1)),
    # calls
    "no result": lambda s: s.e["none"](s.store),
    "one": lambda s: s.e["one"](s.store),
    "two": lambda s: s.e["two"](s.store),
    "add": lambda s: s.e["add"](s.store, 2, 1 << 40),
    "trap": lambda s: s.e["trap"](s.store),
    "trap codes": lambda s: [s.why("trap"), s.why("div", 1, 0), s.why("div", -(1 << 31), -1)],
    "too few": lambda s: s.e["add"](s.store, 2),
    "too many": lambda s: s.e["one"](s.store, 2),
    "signed": lambda s: s.e["id32"](s.store, -1),
    "unsigned": lambda s: s.e["id32"](s.store, 0xFFFFFFFF),
    "i64 unsigned": lambda s: s.e["id64"](s.store, (1 << 64) - 1),
    "a bool": lambda s: s.e["id32"](s.store, True),
    "a float for i32": lambda s: s.e["id32"](s.store, 1.0),
    "text for i32": lambda s: s.e["id32"](s.store, "1"),
    "None for i32": lambda s: s.e["id32"](s.store, None),
    "an int for f64": lambda s: s.e["idf64"](s.store, 2),
    "text for f64": lambda s: s.e["idf64"](s.store, "2"),
    "infinite": lambda s: [s.e["idf32"](s.store, float("inf")), s.e["idf64"](s.store, -0.0)],
    "rounded": lambda s: s.e["idf32"](s.store, 0.1),
    "too large for f32": lambda s: [s.e["idf32"](s.store, 1e99), s.e["idf32"](s.store, -1e99)],
    "a thing": lambda s: [s.e["thing"](s.store, THING), s.e["thing"](s.store, None), s.e["thing"](s.store, 5)],
    "a function": lambda s: s.e["func"](s.store, s.e["one"])(s.store),
    "a null function": lambda s: s.e["func"](s.store, None),
    "a thing for a function": lambda s: s.e["func"](s.store, THING),
    "Vals": lambda s: s.e["add"](s.store, s.api.Val.i32(2), s.api.Val.i64(3)),
    "a Val of f32": lambda s: s.e["idf32"](s.store, s.api.Val.f32(0.1)),
    **{
        f"a Val of {given} for {wanted}": given_for(given, wanted)
        for wanted in ("id32", "id64", "idf32", "idf64", "thing", "func")
        for given in ("i32", "i64", "f32", "f64", "externref", "funcref")
    },
    "values of Vals": lambda s: [s.val(name).value for name in ("i32", "i64", "f32", "f64")],
    "a Val unsigned": lambda s: [s.api.Val.i32(2**32 - 1).value, s.api.Val.i64(2**64 - 1).value],
    "a Val of text": lambda s: s.api.Val.i32("1"),
    "a Val of a float": lambda s: s.api.Val.i64(1.0),
    "a Val rounded": lambda s: s.api.Val.f32(0.1).value,
    "Vals compared": lambda s: [s.val("i32") == s.val("i32"), s.val("i32") == 1, s.val("i32") == s.api.Val.i64(1)],
    "Vals asked": lambda s: [
        getattr(s.val(name), f"as_{kind}")()
        for name in ("i32", "i64", "f32", "f64", "externref")
        for kind in ("i32", "i64", "f32", "f64", "externref", "funcref")
    ],
    "a function in a Val": lambda s: s.val("funcref").as_funcref()(s.store),
    "types of Vals": lambda s: [str(s.val(name).type) for name in ("i32", "i64", "f32", "f64", "funcref")],
    "null of what is no reference": lambda s: s.api.Val.ref_null(s.api.ValType.i32()),
    # host functions
    "host value": lambda s: s.host(5, "i32"),
    "host values": lambda s: s.host([5, 2.5], "i32", "f64"),
    "host tuple": lambda s: s.host((5, 2.5), "i32", "f64"),
    "host none": lambda s: s.host(None),
    "host thing": lambda s: s.host(THING, "externref"),
    "host Val": lambda s: s.host(s.api.Val.i32(7), "i32"),
    "host Vals": lambda s: s.host([s.api.Val.i32(7), s.api.Val.f64(1.5)], "i32", "f64"),
    "host another Val": lambda s: s.host(s.api.Val.i64(7), "i32"),
    "host another Val among two": lambda s: s.host([s.api.Val.i32(7), s.api.Val.f32(1.5)], "i32", "f64"),
    "host another Val for a reference": lambda s: s.host(s.api.Val.i32(7), "externref"),
    "host too few": lambda s: s.host([5], "i32", "f64"),
    "host text": lambda s: s.host("5", "i32"),
    "host surplus": lambda s: s.host(5),
    "host too large for f32": lambda s: [s.host(1e99, "f32"), s.host([-1e99, 1e99], "f32", "f64")],
    "host raises": lambda s: s.api.Func(s.store, s.api.FuncType([], []), lambda: 1 / 0)(s.store),
    # linkers, instances
    "link": lambda s: s.linker().instantiate(s.store, s.module).exports(s.store)["add"](s.store, 1, 2),
    "a module's start": lambda s: s.commanded().get_default(s.store, "program")(s.store),
    "an unknown import that traps": lambda s: s.lenient()["f"](s.store),
    "beside an unknown import": lambda s: s.lenient()["g"](s.store),
    "unknown import": lambda s: s.api.Linker(s.engine).instantiate(s.store, s.module),
    "defined twice": lambda s: s.linker().define(s.store, "h", "add", s.add),
    "too few imports": lambda s: s.api.Instance(s.store, s.module, []),
    "wrong import": lambda s: s.api.Instance(s.store, s.module, [s.e["one"]]),
    "wrong kind of import": lambda s: s.api.Instance(s.store, s.module, [s.e["memory"]]),
    "a number as import": lambda s: s.api.Instance(s.store, s.module, [5]),
    "no such export": lambda s: s.e["nobody"],
    "export by index": lambda s: s.e.by_index[0].size(s.store) if hasattr(s.e, "by_index") else s.e[0].size(s.store),
    "export names": lambda s: list(s.e)[:3],
    "start traps": lambda s: s.api.Instance(s.store, s.api.Module(s.engine, "(module (func unreachable) (start 0))"), []),
    "bad text": lambda s: s.api.Module(s.engine, "(module (func"),
    "bad bytes": lambda s: s.api.Module(s.engine, b"\0asm\1\0\0\0\1"),
    "invalid": lambda s: s.api.Module(s.engine, "(module (func (result i32)))"),
    "imports": lambda s: [(i.module, i.name) for i in s.module.imports],
    "exports": lambda s: [e.name for e in s.module.exports],
    "data": lambda s: [s.store.data(), s.api.Store(s.engine, THING).data()],
    "no fuel": lambda s: s.store.set_fuel(5),
    "not a store": lambda s: s.api.Func("store", s.api.FuncType([], []), lambda: None),
    "not a type": lambda s: s.api.Func(s.store, "type", lambda: None),
    "validate a module": lambda s: s.api.Module.validate(s.engine, s.api.wat2wasm(WAT)),
    "validate bytes": lambda s: s.api.Module.validate(s.engine, b"none"),
    "validate a number": lambda s: s.api.Module.validate(s.engine, 10**9),
    "validate text": lambda s: s.api.Module.validate(s.engine, WAT),
    "not an engine": lambda s: s.api.Module("engine", WAT),
    "not a list of types": lambda s: s.api.FuncType([5], []),
    "names of frames": lambda s: s.frames("(module (func unreachable) (func (call 0)) (start 1))"),
    "names of frames that have some": lambda s: s.frames("(module $m (func $a unreachable) (func $b (call 0)) (start 1))"),
}

DIFFERENT = {  # call -> (wasmtime's outcome, arenite's): Python's own errors for misuse from Python; an int is a number
    "limits crossed": ("error", "ValueError"),
    "too few": ("error", "TypeError"),
    "too many": ("error", "TypeError"),
    "host too few": ("error", "TypeError"),
    "host surplus": ("error", "TypeError"),
    "an int for f64": ("TypeError", "value 2.0"),
    "set f64 to an int": ("TypeError", "value ['None', '3.0']"),
}


@EACH_TIER
@pytest.mark.parametrize("name", CALLS)
def test_like_wasmtime(name: str, tier: str) -> None:
    theirs, ours = (side.outcome(CALLS[name]) for side in (Side("wasmtime"), Side("arenite", tier)))
    assert (theirs, ours) == DIFFERENT.get(name, (theirs, theirs))


def test_every_difference_is_one() -> None:
    assert set(DIFFERENT) <= set(CALLS)
    assert all(theirs != ours for theirs, ours in DIFFERENT.values())
