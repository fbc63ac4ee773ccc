"""Whatever takes a store says in words that something else is none; whatever else is asked for first is refused in words, too."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import pytest

from arenite import (
    Caller,
    Engine,
    Failure,
    Func,
    FuncType,
    Global,
    GlobalType,
    Instance,
    InstancePre,
    Limits,
    Linker,
    Memory,
    MemoryType,
    Module,
    Snapshot,
    Store,
    Table,
    TableType,
    ValType,
)
from marks import EACH_TIER
from unit.machine.guests import engine, fresh, module

I32, FUNCREF = ValType.i32(), ValType.funcref()
GIVEN: dict[str, Any] = {  # arguments behind the store, by their names
    "ty": None,
    "func": lambda: None,
    "init": None,
    "val": 1,
    "params": [],
    "delta": 0,
    "amt": 0,
    "idx": 0,
    "value": b"",
    "name": "f",
    "item": None,
    "imports": [],
}
TYPES: dict[type, Any] = {
    Func: FuncType([], []),
    Memory: MemoryType(Limits(1, None)),
    Table: TableType(FUNCREF, Limits(1, None)),
    Global: GlobalType(I32, mutable=True),
}
REST: dict[type, list[Any]] = {Func: [lambda: None], Memory: [], Table: [None], Global: [1]}
TAKERS = [
    (kind, name)
    for kind in (Func, Memory, Table, Global, Instance, Linker, InstancePre)
    for name, item in inspect.getmembers(kind, callable)
    if (not name.startswith("_") or name in {"__init__", "__call__"}) and not inspect.isclass(item)
    if "store" in inspect.signature(item).parameters
]


def taker(kind: type, name: str, of: Engine) -> Any:
    """The method of an object of the class."""
    store = fresh("(module)", tier=of.config.tier)[0]
    if kind in TYPES:
        owner = kind(store, TYPES[kind], *REST[kind])
    elif kind is Instance:
        owner = Instance(store, module(of, "(module)"), [])
    else:
        owner = Linker(of) if kind is Linker else Linker(of).instantiate_pre(module(of, "(module)"))
    return kind if name == "__init__" else getattr(owner, name)


def use(call: Any, arguments: list[Any]) -> None:
    """Call it, and begin what is to be awaited."""
    begun = call(*arguments)
    if inspect.iscoroutine(begun):
        begun.send(None)


@pytest.mark.parametrize("wrong", [None, "store", SimpleNamespace(machine=1)], ids=repr)
@pytest.mark.parametrize(("kind", "name"), TAKERS, ids=lambda item: getattr(item, "__name__", item))
@EACH_TIER
def test_no_store(tier: str, kind: type, name: str, wrong: Any) -> None:
    of = engine(tier=tier)
    call = taker(kind, name, of)
    more = {**GIVEN, "ty": TYPES.get(kind), "module": module(of, "(module)") if kind is Instance else "m"}
    if name in {"instantiate", "start"} or (kind is Linker and name not in {"define", "define_instance", "get"}):
        more["module"] = module(of, "(module)")
    if kind is Linker:
        store = fresh("(module)", tier=tier)[0]
        more |= {"item": Memory(store, TYPES[Memory]), "instance": Instance(store, module(of, "(module)"), [])}
    signature = inspect.signature(call)
    wanted = [
        wrong if p.name == "store" else more[p.name]
        for p in signature.parameters.values()
        if p.name == "store" or (p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD)
    ]
    with pytest.raises(TypeError, match=f"expected a Store, found {type(wrong).__name__}"):
        use(call, wanted)


def test_the_methods_that_take_a_store() -> None:
    names = {f"{kind.__name__}.{name}" for kind, name in TAKERS}
    assert len(names) > 40
    assert {
        "Func.__call__",
        "Memory.read",
        "Table.get",
        "Global.value",
        "Instance.exports",
        "Linker.get",
        "InstancePre.instantiate",
    } <= names


@EACH_TIER
def test_a_caller_that_has_left(tier: str) -> None:
    kept: list[Caller] = []
    store, exports = fresh('(module (import "h" "f" (func $f)) (func (export "f") (call $f)))', ([], [], kept.append), tier=tier)
    exports["f"](store)
    memory = Memory(store, TYPES[Memory])
    for call in (lambda: memory.read(kept[0]), lambda: exports["f"](kept[0]), lambda: Memory(kept[0], TYPES[Memory])):
        with pytest.raises(Failure, match="during its host function's call only"):
            call()


@EACH_TIER
def test_what_is_asked_for_in_words(tier: str) -> None:
    store, _ = fresh("(module)", tier=tier)
    text = """(module
  (import "a" "g" (global (mut i32)))
  (import "a" "m" (memory 2 3))
  (import "a" "t" (table 4 externref))
  (import "a" "f" (func (param i64))))"""
    of = module(store.engine, text)
    others: list[Any] = [
        Global(store, GlobalType(I32, mutable=False), 1),
        Memory(store, MemoryType(Limits(1, None))),
        Table(store, TableType(FUNCREF, Limits(1, 2)), None),
        Func(store, FuncType([I32], [I32]), lambda n: n),
    ]
    right: list[Any] = [
        Global(store, GlobalType(I32, mutable=True), 1),
        Memory(store, MemoryType(Limits(2, 3))),
        Table(store, TableType(ValType.externref(), Limits(4, None)), None),
    ]
    words = [
        "expected global mutable i32, found global i32",
        r"expected memory 2\.\.3, found memory 1\.\., now of size 1",
        r"expected table 4\.\. of externref, found table 1\.\.2 of funcref, now of size 1",
        r"expected func \(i64\) -> \(\), found func \(i32\) -> \(i32\)",
    ]
    for number, expected in enumerate(words):
        with pytest.raises(Failure, match=f"incompatible import type for 'a' '[gmtf]': {expected}"):
            Instance(store, of, right[:number] + others[number:])
    with pytest.raises(Failure, match=r"expected global mutable i32, found func \(i32\) -> \(i32\)"):
        Instance(store, of, others[::-1])


def test_a_component_is_called_one() -> None:
    for wasm, words in ((b"\0asm\x0d\0\1\0", "this is a component"), (b"\0asm\2\0\0\0", r"unknown binary version \(")):
        with pytest.raises(Failure, match=words):
            Module(engine(tier="safe"), wasm)


@pytest.mark.parametrize("kind", [Func, Memory, Table, Global])
@pytest.mark.parametrize("wrong", [None, 3, "i32", MemoryType(Limits(1, None)), GlobalType(I32, mutable=False)], ids=repr)
def test_another_type(kind: type, wrong: object) -> None:
    if isinstance(wrong, type(TYPES[kind])):
        return
    with pytest.raises(TypeError, match=f"expected a {type(TYPES[kind]).__name__}, found {type(wrong).__name__}"):
        kind(Store(engine(tier="safe")), wrong, *REST[kind])


@pytest.mark.parametrize("wrong", [3, "safe", Engine])
def test_no_engine_to_open_a_snapshot(wrong: Any) -> None:
    with pytest.raises(TypeError, match="expected an Engine, found"):
        Snapshot.loads(b"", wrong)
    with pytest.raises(TypeError, match="expected an Engine, found"):
        Snapshot.open("nothing", wrong)


@pytest.mark.parametrize("wrong", [None, 3, object()], ids=["None", "3", "object"])
def test_no_host_module(wrong: Any) -> None:
    store = Store(engine(tier="safe"))
    with pytest.raises(TypeError, match="expected the configuration of a host module, found"):
        store.set_wasi(wrong)
    with pytest.raises(TypeError, match="expected the configuration of a host module, found"):
        store.set_host("wasi", wrong)
