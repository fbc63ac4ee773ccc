"""What a snapshot needs where it is opened, and what cannot travel: modules, imports, host functions and objects, bytecode."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from arenite import (
    Config,
    Engine,
    Finished,
    Func,
    FuncType,
    Instance,
    Limits,
    Linker,
    LinkError,
    Module,
    Snapshot,
    SnapshotError,
    Store,
    Table,
    TableType,
    ValType,
)
from arenite.bytecode.encode import ops
from arenite.bytecode.module import FUNCTION
from arenite.bytecode.ops import TABLE
from arenite.snapshot.code import compressed_file
from fuzz.frozen import Document, repacked
from marks import EACH_TIER
from unit.snapshot.counting import I32, RESULT, WAT, ended, linker, module, of, paused
from unit.snapshot.surveyed import altered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from arenite.config import TierName


def fresh(tier: TierName = "threaded") -> Engine:
    """An engine that knows no modules."""
    return Engine(Config(tier=tier, consume_fuel=True))


# modules
@EACH_TIER
def test_modules_travel_along(tmp_path: Path, tier: TierName) -> None:
    paused().snapshot().save(tmp_path / "s.arn")
    assert ended(Snapshot.open(tmp_path / "s.arn", fresh(tier))) == RESULT


def test_without_them_they_must_be_given_or_known(tmp_path: Path) -> None:
    path = tmp_path / "s.arn"
    paused().snapshot().save(path, embed=False)
    assert ended(Snapshot.open(path, of())) == RESULT
    engine = fresh()
    with pytest.raises(LinkError, match=r"module 'counting' .* is neither in the snapshot nor among the modules given"):
        Snapshot.open(path, engine).link(linker(engine))
    other = Module(fresh(), "(module)")
    with pytest.raises(LinkError, match="neither"):
        Snapshot.open(path, engine).link(linker(engine), modules=[other])
    opened = Snapshot.open(path, engine).link(linker(engine), modules=[Module(fresh(), WAT)])
    with opened.fork() as fork:
        assert fork.execution is not None
        assert fork.execution.run() == Finished((RESULT,))
    small, large = path.stat().st_size, tmp_path / "l.arn"
    paused().snapshot().save(large)
    assert large.stat().st_size >= small + 8192


def test_another_module_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "s.arn"
    paused().snapshot().save(path)
    document = Document(path.read_bytes())
    document.manifest["modules"][0]["wasm"] = document.put(compressed_file(Module(of(), "(module)").code))
    path.write_bytes(document.whole())
    engine = fresh()
    with pytest.raises(SnapshotError, match="is damaged"):
        Snapshot.open(path, engine).link(linker(engine))


# imports
def test_imports_are_found_before_anything_runs(tmp_path: Path) -> None:
    path = tmp_path / "s.arn"
    paused().snapshot().save(path)
    called = []
    with pytest.raises(LinkError, match="unknown import: 'host' 'add'"):
        Snapshot.open(path, of()).fork()
    with pytest.raises(LinkError, match="unknown import: 'host' 'add'"):
        Snapshot.open(path, of()).link(linker(of(), other=lambda *_: called.append(1)))
    found = Linker(of())
    found.define_func("host", "add", FuncType([I32], [I32]), called.append)
    with pytest.raises(LinkError, match="incompatible import type for 'host' 'add'"):
        Snapshot.open(path, of()).link(found)
    assert not called


def test_the_fork_calls_what_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "s.arn"
    paused(300).snapshot().save(path)
    snapshot = Snapshot.open(path, of()).link(linker(of(), add=lambda *_: 0))
    with snapshot.fork() as fork:
        assert fork.execution is not None
        assert fork.execution.run() == Finished((0,))


def test_a_function_without_a_name_is_refused(tmp_path: Path) -> None:
    """One that the guest got as a value was never imported; the error says which it is."""
    store = Store(of())
    type_ = FuncType([I32], [])
    Table(store, TableType(ValType.funcref(), Limits(1, 1)), Func(store, type_, print))
    with pytest.raises(SnapshotError, match=r"host function 0, 'print' of type \(i32\) -> \(\), was never imported under a name"):
        store.snapshot().save(tmp_path / "s.arn")
    assert not list(tmp_path.iterdir())


def test_two_functions_under_one_name_are_refused(tmp_path: Path) -> None:
    store, type_ = Store(of()), FuncType([], [I32])
    code = Module(of(), '(module (import "host" "f" (func)) (import "host" "f" (func)))'.replace("(func)", "(func (result i32))"))
    first, second = Func(store, type_, lambda: 1), Func(store, type_, lambda: 2)
    Instance(store, code, [first, second])
    with pytest.raises(SnapshotError, match="two different host functions were imported as 'host' 'f'"):
        store.snapshot().save(tmp_path / "s.arn")
    assert not list(tmp_path.iterdir())
    other = Store(of())
    same = Func(other, type_, lambda: 1)
    Instance(other, code, [same, same])
    other.snapshot().save(tmp_path / "s.arn")


# objects
def test_objects_of_the_host(tmp_path: Path) -> None:
    path, store = tmp_path / "s.arn", paused()
    keep = store.instances[0].exports(store)["keep"]
    assert isinstance(keep, Func)
    keep(store, 0, ("an", "object"))
    keep(store, 1, ("an", "object", 2))
    snapshot = store.snapshot()
    with pytest.raises(SnapshotError, match="holds an object of the host's, number 0, of type tuple"):
        snapshot.save(path)
    assert not path.exists()
    snapshot.save(path, dump=lambda value: repr(value).encode())
    with pytest.raises(LinkError, match="holds an object of the host's, number 0"):
        Snapshot.open(path, of()).link(linker(of()))
    loaded: list[bytes] = []

    def load(data: bytes) -> object:
        loaded.append(data)
        return [data]

    opened = Snapshot.open(path, of(), load=load).link(linker(of()))
    with opened.fork() as fork:
        things = fork.instances[0].exports(fork)["things"]
        assert isinstance(things, Table)
        assert things.get(fork, 0) == [b"('an', 'object')"]
        assert things.get(fork, 1) == [b"('an', 'object', 2)"]
    assert len(loaded) == 2


# types
@pytest.mark.parametrize("place", ["params", "results"])
def test_a_type_that_no_slot_holds_is_refused(tmp_path: Path, place: str) -> None:
    paused().snapshot().save(tmp_path / "s.arn")

    def change(manifest: Any) -> None:
        manifest["executions"][0]["type"][place] = ["i31ref"]

    opened = Snapshot.open(altered(tmp_path / "s.arn", change), of())
    with pytest.raises(SnapshotError, match=rf"{place} is \['i31ref'\]; expected value types"):
        opened.link(linker(of()))


# bytecode
def renumbered(head: dict[str, Any], parts: list[bytearray]) -> None:
    """As another version would number its ops."""
    order = list(range(len(TABLE)))
    random.Random(1).shuffle(order)
    head["ops"] = [head["ops"][number] for number in order]
    there = {number: at for at, number in enumerate(order)}
    code = bytes(parts[0])
    for begin, end, *_ in FUNCTION.iter_unpack(bytes(parts[2])):
        for op in ops(code, begin, end):
            parts[0][op.pc : op.pc + 2] = there[op.row.code].to_bytes(2, "little")


def with_bytecode(path: Path, change: Any) -> None:
    """Let the bytecode that travels along be another, and be taken."""
    document = Document(path.read_bytes())
    entry = document.manifest["modules"][0]
    entry["carried"] = document.put(repacked(document.get(entry["carried"]), change))
    entry["bytecode"] = "that of another version"
    path.write_bytes(document.whole())


@EACH_TIER
def test_bytecode_with_other_numbers_goes_on(tmp_path: Path, tier: TierName) -> None:
    path = tmp_path / "s.arn"
    paused().snapshot().save(path)
    with_bytecode(path, renumbered)
    opened = Snapshot.open(path, of(tier))
    assert ended(opened) == RESULT
    assert opened.frozen().modules[0] is not module(of()).code
    opened.save(tmp_path / "again.arn")
    assert ended(Snapshot.open(tmp_path / "again.arn", of(tier))) == RESULT


@pytest.mark.parametrize(
    ("sizes", "wrong"),
    [
        ([1 << 40], "a part of 1099511627776 bytes"),
        ([1 << 16, -(1 << 16)] * 3, "a part of -65536 bytes"),  # the same bytes again and again
        ([1 << 16] * 3, "a part of 65536 bytes"),
    ],
)
def test_parts_of_bytecode_are_no_longer_than_all_of_it(tmp_path: Path, sizes: list[int], wrong: str) -> None:
    path = tmp_path / "s.arn"
    paused().snapshot().save(path)

    def change(head: dict[str, Any], parts: list[bytearray]) -> None:
        parts[0] += bytes((1 << 17) - sum(map(len, parts)))
        head["sizes"] = sizes

    with_bytecode(path, change)
    with pytest.raises(SnapshotError, match=f"{wrong}; [0-9]+ are left"):
        Snapshot.open(path, of()).link(linker(of()))


def test_a_list_of_ops_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "s.arn"
    paused().snapshot().save(path)
    with_bytecode(path, lambda head, _: head["ops"].extend([[]] * (1 << 16)))
    with pytest.raises(SnapshotError, match=r"a list of ops of [0-9]+ bytes; expected at most 262144"):
        Snapshot.open(path, of()).link(linker(of()))


@pytest.mark.parametrize("name", [5, None, True, ["i32.add"], {}])
def test_an_op_whose_name_is_no_text(tmp_path: Path, name: object) -> None:
    path = tmp_path / "s.arn"
    paused().snapshot().save(path)
    with_bytecode(path, lambda head, _: head["ops"].__setitem__(3, name))
    with pytest.raises(SnapshotError, match="a list of ops whose names are not all text"):
        Snapshot.open(path, of()).link(linker(of()))


def test_an_op_that_is_no_more(tmp_path: Path) -> None:
    path = tmp_path / "s.arn"
    paused().snapshot().save(path)
    used = next(op.row for op in ops(module(of()).code.bytecode, 0, len(module(of()).code.bytecode)))

    def change(head: dict[str, Any], _parts: list[bytearray]) -> None:
        head["ops"][used.code] = "i32.frobnicate(dst:slot@2)"

    with_bytecode(path, change)
    with pytest.raises(SnapshotError, match=r"uses the op 'i32\.frobnicate"):
        Snapshot.open(path, of()).link(linker(of()))


def test_an_op_that_is_no_more_and_was_not_used(tmp_path: Path) -> None:
    path = tmp_path / "s.arn"
    paused().snapshot().save(path)
    code = module(of()).code
    used = {op.row.code for op in ops(code.bytecode, 0, len(code.bytecode))}
    unused = next(row for row in TABLE if row.code not in used)
    with_bytecode(path, lambda head, _parts: head["ops"].__setitem__(unused.code, "i32.frobnicate()"))
    assert ended(Snapshot.open(path, of())) == RESULT


def test_bytecode_that_breaks_a_rule(tmp_path: Path) -> None:
    path = tmp_path / "s.arn"
    paused().snapshot().save(path)
    good = path.read_bytes()
    changes: tuple[Callable[[Any, list[bytearray]], object], ...] = (
        lambda _head, parts: parts[0].__setitem__(slice(0, 2), b"\xff\xff"),
        lambda _head, parts: parts[1].__setitem__(0, parts[1][0] ^ 2),
        lambda _head, parts: parts[2].__setitem__(slice(8, 12), bytes(4)),
        lambda _head, parts: parts[3].__setitem__(slice(0, 4), b"\1\0\0\0"),
        lambda _head, parts: parts[4].clear(),
        lambda head, _parts: head.pop("sizes"),
        lambda head, _parts: head.update(sizes=None, ops=7),
        lambda head, _parts: head["sizes"].__setitem__(0, 1 << 60),
    )
    for change in changes:
        path.write_bytes(good)
        with_bytecode(path, change)
        with pytest.raises(SnapshotError, match="bytecode that travels along"):
            Snapshot.open(path, of()).link(linker(of()))


def test_a_function_has_as_many_locals_as_parameters_at_least(tmp_path: Path) -> None:
    """What its frames hold is told by the list of its locals, of which its parameters are the first."""
    path = tmp_path / "s.arn"
    paused().snapshot().save(path)

    def change(head: dict[str, Any], parts: list[bytearray]) -> None:
        size = int.from_bytes(parts[4][:4], "little")
        assert size == 8, "two parameters, and nothing else"
        parts[4][:12] = (4).to_bytes(4, "little") + parts[4][4:8]
        head["sizes"][4] -= 4

    with_bytecode(path, change)
    with pytest.raises(SnapshotError, match="a function that cannot be"):
        Snapshot.open(path, of()).link(linker(of()))


def test_bytecode_is_wanted_and_did_not_travel(tmp_path: Path) -> None:
    path = tmp_path / "s.arn"
    paused().snapshot().save(path, embed=False)
    document = Document(path.read_bytes())
    document.manifest["modules"][0]["bytecode"] = "that of another version"
    path.write_bytes(document.whole())
    with pytest.raises(SnapshotError, match=r"translates the module 'counting' .* otherwise"):
        Snapshot.open(path, of()).link(linker(of()))


def test_names_of_any_length(tmp_path: Path) -> None:
    """WebAssembly says no bound, so a snapshot has none of its own."""
    long, engine = "long" * 20_000, of()
    wat = f'(module ${long} (import "{long}" "f" (func)))'
    host = Linker(engine)
    host.define_func(long, "f", FuncType([], []), lambda: None)
    store = Store(engine)
    host.instantiate(store, Module(engine, wat))
    store.snapshot().save(tmp_path / "s.arn")
    opened = Snapshot.open(tmp_path / "s.arn", engine).link(host)
    assert len(opened.fork().instances) == 1
