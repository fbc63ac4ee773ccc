"""Misuse is told in words: what was expected, what was found."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from arenite import (
    AreniteError,
    Caller,
    Config,
    DecodeError,
    Engine,
    Func,
    FuncType,
    Global,
    GlobalType,
    Instance,
    Limits,
    Linker,
    LinkError,
    Memory,
    MemoryType,
    PauseReason,
    Snapshot,
    Store,
    Trap,
    ValType,
    WasiConfig,
)
from marks import EACH_TIER
from unit.machine.guests import F64, I32, engine, fresh, module

if TYPE_CHECKING:
    from collections.abc import Callable

WAT = """(module
  (import "h" "f" (func $f (param i32) (result i32)))
  (memory (export "memory") 1)
  (table (export "table") 2 funcref)
  (func (export "i32") (param i32) (result i32) (call $f (local.get 0)))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "ref") (param funcref) (result funcref) (local.get 0)))"""


def same(_caller: Any, n: int) -> int:
    """A host function."""
    return n


@EACH_TIER
def test_arguments(tier: str) -> None:
    store, e = fresh(WAT, ([I32], [I32], same), tier=tier)
    for name, args, kind, words in (
        ("i32", ("1",), TypeError, "expected an int for i32, found str"),
        ("i32", (1 << 32,), OverflowError, "4294967296 does not fit i32"),
        ("i32", (-(1 << 31) - 1,), OverflowError, "-2147483649 does not fit i32"),
        ("i32", (), TypeError, r"expected 1 values of type \(i32\), found 0"),
        ("f64", ("x",), TypeError, "expected a float for f64, found str"),
        ("ref", ("x",), TypeError, "expected a function or None for funcref, found str"),
    ):
        with pytest.raises(kind, match=words):
            e[name](store, *args)
    assert e["i32"](store, -1) == e["i32"](store, 0xFFFFFFFF) == -1
    store.close()


@EACH_TIER
@pytest.mark.parametrize(
    ("value", "words"), [("x", "expected an int for i32, found str"), ([1], "found list"), (None, "found NoneType")]
)
def test_results_of_host_functions(tier: str, value: object, words: str) -> None:
    store, e = fresh(WAT, ([I32], [I32], lambda _caller, _n: value), tier=tier)
    with pytest.raises(TypeError, match=words):
        e["i32"](store, 1)
    store.close()


@EACH_TIER
def test_things_of_another_store(tier: str) -> None:
    (store, e), (other, others) = (fresh(WAT, ([I32], [I32], same), tier=tier) for _ in range(2))
    uses: tuple[Callable[[], object], ...] = (
        lambda: e["i32"](other, 1),
        lambda: e["memory"].read(other),
        lambda: e["table"].get(other, 0),
        lambda: others["ref"](other, e["i32"]),
        lambda: others["table"].set(other, 0, e["i32"]),
        lambda: Linker(store.engine).define(other, "h", "f", e["i32"]),
    )
    for use in uses:
        with pytest.raises(AreniteError, match="belongs to another store"):
            use()
    with pytest.raises(LinkError, match="belongs to another store"):
        Instance(other, module(engine(tier=tier), '(module (import "a" "b" (memory 1)))'), [e["memory"]])


def test_links() -> None:
    of = engine()
    store = Store(of)
    linker = Linker(of)
    needs = module(of, '(module (import "m" "f" (func (param i32))))')
    with pytest.raises(LinkError, match="unknown import: 'm' 'f' has not been defined"):
        linker.instantiate(store, needs)
    linker.define(store, "m", "f", Func(store, FuncType([F64], []), lambda _x: None))
    with pytest.raises(LinkError, match=r"incompatible import type for 'm' 'f'"):
        linker.instantiate(store, needs)
    with pytest.raises(AreniteError, match="defined twice"):
        linker.define_func("m", "f", FuncType([I32], []), lambda _x: None)
    with pytest.raises(LinkError, match="now of size 0"):
        Instance(store, module(of, '(module (import "a" "b" (memory 1)))'), [Memory(store, MemoryType(Limits(0, None)))])
    linker.allow_shadowing = True
    linker.define_func("m", "f", FuncType([I32], []), lambda _x: None)
    linker.instantiate(store, needs)
    store.close()


def test_imports_of_wasi() -> None:
    of = engine()
    linker = Linker(of)
    linker.define_wasi()
    needs = module(of, '(module (import "wasi_snapshot_preview1" "fd_rite" (func)))')
    store = Store(of)
    with pytest.raises(LinkError, match="the store has no WASI"):
        linker.instantiate(store, needs)
    store.set_wasi(WasiConfig())
    with pytest.raises(LinkError, match=r"'fd_rite' has not been defined$"):
        linker.instantiate(store, needs)
    store.close()


def test_text_that_is_wrong_has_no_offset() -> None:
    with pytest.raises(DecodeError) as caught:
        module(engine(), "(module (func i32.const))")
    assert caught.value.offset is None
    assert "at byte" not in str(caught.value)


def test_a_pointer_lets_go_of_its_memory() -> None:
    store = Store(engine())
    memory = Memory(store, MemoryType(Limits(1, None)))
    pointer = memory.data_ptr(store)
    pointer[3] = 7
    assert memory.read(store, 3, 4) == b"\7"
    del pointer
    store.close()
    store = Store(engine())
    null = Memory(store, MemoryType(Limits(0, None))).data_ptr(store)
    with pytest.raises(ValueError, match="NULL"):
        null[0]
    store.close()


def test_host_functions_find_the_data_of_their_store() -> None:
    store = Store(engine(), 40)

    def add(caller: Caller, n: int) -> int:
        data = caller.data()
        assert isinstance(data, int)
        return data + n

    assert Func(store, FuncType([I32], [I32]), add, access_caller=True)(store, 2) == 42
    store.close()


def test_a_caller_ends_with_its_call() -> None:
    kept: list[Any] = []

    def keep(caller: Any, n: int) -> int:
        kept.append(caller)
        return n

    store, e = fresh(WAT, ([I32], [I32], keep))
    e["i32"](store, 1)
    uses: tuple[Callable[[], object], ...] = (
        lambda: kept[0]["memory"],
        lambda: e["memory"].read(kept[0]),
        lambda: e["i32"](kept[0], 1),
    )
    for use in uses:
        with pytest.raises(AreniteError, match="during its host function's call only"):
            use()
    store.close()


def test_wrong_configurations() -> None:
    for options, words in (
        ({"tier": "fast"}, "tier"),
        ({"memories": 0}, "memories"),
        ({"max_wasm_stack": -1}, "max_wasm_stack"),
    ):
        with pytest.raises(ValueError, match=words):
            Config(**options)
    with pytest.raises(AreniteError, match="stack"):
        Store(Engine(Config(max_wasm_stack=1 << 30)))
    with pytest.raises(AreniteError, match="fuel is not configured"):
        Store(engine()).set_fuel(1)


def test_references_keep_what_they_are() -> None:
    store = Store(engine())
    things = [object(), [], "text", 0, None]
    variable = Global(store, GlobalType(ValType.externref(), True), None)
    for thing in things:
        variable.set_value(store, thing)
        assert variable.value(store) is thing
    function = Func(store, FuncType([], [I32]), lambda: 3)
    pointer = Global(store, GlobalType(ValType.funcref(), True), function)
    assert pointer.value(store) == function
    assert pointer.value(store)(store) == 3
    pointer.set_value(store, None)
    assert pointer.value(store) is None
    store.close()


def test_a_damaged_reference_is_a_trap() -> None:
    store = Store(engine())
    thing = Global(store, GlobalType(ValType.externref(), True), "x")
    function = Global(store, GlobalType(ValType.funcref(), True), None)
    for variable, words in ((thing, (2, 0xFFFFFFFF)), (function, (0xFFFFFFFF, len(store.machine.cage.arena) - 8))):
        for word in words:
            store.machine.cage.arena[variable.addr.at : variable.addr.at + 4] = word.to_bytes(4, "little")
            with pytest.raises(Trap, match="the machine's records are damaged"):
                variable.value(store)
    store.close()


def test_names_to_pause_at_are_a_list() -> None:
    store, e = fresh(WAT, ([I32], [I32], same))
    execution = e["i32"].start(store, 1)
    with pytest.raises(TypeError, match=r"pause_at 'h\.f'; expected a list of names, found str"):
        execution.run(pause_at="h.f")
    assert execution.run(pause_at=["h.f"]).reason is PauseReason.CALL


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, pickle.dumps], ids=lambda f: f.__name__)
def test_what_belongs_to_a_process_says_so(how: Callable[[object], object]) -> None:
    store, e = fresh(WAT, ([I32], [I32], same))
    of = store.engine
    items = (of, module(of, WAT), store, store.instances[0], Linker(of), *e.values(), e["i32"].start(store, 1))
    for item in items:
        with pytest.raises(TypeError, match=rf"^{type(item).__name__} objects belong to one process.*store\.snapshot\(\)"):
            how(item)


def test_a_snapshot_s_guest_that_the_linker_gives_no_wasi() -> None:
    of = engine()
    store, linker = Store(of), Linker(of)
    linker.define_wasi()
    store.set_wasi(WasiConfig())
    text = '(module (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32))))'
    linker.instantiate(store, module(of, text))
    data = store.snapshot().dumps()
    with pytest.raises(LinkError, match=r"say what it goes on with: fork\(wasi=WasiConfig\(\)\)"):
        Snapshot.loads(data, of).fork()
    with pytest.raises(LinkError, match=r"the linker has no WASI: linker\.define_wasi\(\)"):
        Snapshot.loads(data, of).link(Linker(of), hosts={"wasi": WasiConfig()})


def test_a_snapshot_linked_before_it_is_forked_is_told_what_wasi_goes_on_with() -> None:
    of, outputs = engine(), [bytearray(), bytearray()]
    store, linker = Store(of), Linker(of)
    linker.define_wasi()
    store.set_wasi(WasiConfig())
    text = """(module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1) (data (i32.const 0) "\\08\\00\\00\\00\\01\\00\\00\\00x")
      (func (export "f") (result i32) (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))"""
    linker.instantiate(store, module(of, text))
    data = store.snapshot().dumps()
    with pytest.raises(LinkError, match=r"link\(linker, wasi=WasiConfig\(\)\)"):
        Snapshot.loads(data, of).link(linker)
    linked = Snapshot.loads(data, of).link(linker, wasi=WasiConfig(stdout=outputs[0]))
    for wasi in (None, WasiConfig(stdout=outputs[1])):
        fork = linked.fork(wasi=wasi)
        exports: Any = fork.instances[0].exports(fork)
        assert exports["f"](fork) == 0
    assert outputs == [b"x", b"x"]
