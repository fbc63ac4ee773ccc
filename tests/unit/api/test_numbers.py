"""Numbers that users give: what is no integer is refused before anything has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arenite import Config, Engine, Limits, Memory, MemoryType, Store, Table, TableType, ValType
from marks import EACH_TIER
from unit.machine.guests import World, engine

if TYPE_CHECKING:
    from collections.abc import Callable


class Counted(World):
    """A store with all that takes numbers."""

    def __init__(self, tier: str) -> None:
        super().__init__('(module (func (export "f")))', fuel=10, tier=tier, epoch_interruption=True)
        self.store.set_epoch_deadline(1)
        self.memory = Memory(self.store, MemoryType(Limits(1, 3)))
        self.table = Table(self.store, TableType(ValType.funcref(), Limits(2, 9)), None)
        self.execution = self.start("f")

    def state(self) -> object:
        table = [self.table.get(self.store, n) for n in range(self.table.size(self.store))]
        return self.store.get_fuel(), self.memory.size(self.store), table, self.execution.over


TAKERS: dict[str, Callable[[Counted, Any], object]] = {
    "fuel": lambda w, n: w.store.set_fuel(n),
    "ticks": lambda w, n: w.store.set_epoch_deadline(n),
    "fuel of a run": lambda w, n: w.execution.run(fuel=n),
    "pages": lambda w, n: w.memory.grow(w.store, n),
    "elements": lambda w, n: w.table.grow(w.store, n, None),
    "index to get": lambda w, n: w.table.get(w.store, n),
    "index to set": lambda w, n: w.table.set(w.store, n, None),
    "minimum of a memory": lambda w, n: Memory(w.store, MemoryType(Limits(n, None))),
    "maximum of a memory": lambda w, n: Memory(w.store, MemoryType(Limits(0, n))),
    "size of a page": lambda w, n: Memory(w.store, MemoryType(Limits(0, 1), page_size_log2=n)),
    "minimum of a table": lambda w, n: Table(w.store, TableType(ValType.funcref(), Limits(n, None)), None),
}


@pytest.mark.parametrize("value", [1.5, 1.0, True, "1", b"1", [1]], ids=repr)
@pytest.mark.parametrize("taker", TAKERS)
@EACH_TIER
def test_no_integer(tier: str, taker: str, value: object) -> None:
    world = Counted(tier)
    before = world.state()
    with pytest.raises(TypeError, match="expected an int, found"):
        TAKERS[taker](world, value)
    assert world.state() == before


FUNCREF = ValType.funcref()
OUT_OF_RANGE: dict[str, tuple[Callable[[], object], str]] = {
    "memory": (lambda: MemoryType(Limits(0, 65537)), "memory size must be at most 65536 pages"),
    "memory of bytes": (
        lambda: MemoryType(Limits(1 << 32, None), page_size_log2=0),
        "memory size must be at most 4294967295 pages",
    ),
    "wide memory": (
        lambda: MemoryType(Limits(0, (1 << 48) + 1), is_64=True),
        "memory size must be at most 281474976710656 pages",
    ),
    "table": (lambda: TableType(FUNCREF, Limits(0, 1 << 32)), "table size must be at most 4294967295 elements"),
    "least table": (lambda: TableType(FUNCREF, Limits(1 << 32, None)), "table size must be at most 4294967295 elements"),
    "wide table": (
        lambda: TableType(FUNCREF, Limits(0, 1 << 64), is_64=True),
        "size must be at most 18446744073709551615 elements",
    ),
}


@pytest.mark.parametrize("kind", OUT_OF_RANGE)
def test_limits_beyond_what_an_index_reaches(kind: str) -> None:
    make, message = OUT_OF_RANGE[kind]
    with pytest.raises(ValueError, match=message):
        make()


def test_limits_as_far_as_an_index_reaches() -> None:
    for narrow, wide, most in (
        (MemoryType(Limits(0, 1 << 16)), MemoryType(Limits(0, 1 << 48), is_64=True), (1 << 16, 1 << 48)),
        (
            TableType(FUNCREF, Limits(0, (1 << 32) - 1)),
            TableType(FUNCREF, Limits(0, (1 << 64) - 1), is_64=True),
            (2**32 - 1, 2**64 - 1),
        ),
    ):
        assert (narrow.limits.max, wide.limits.max) == most
        assert (narrow.is_64, wide.is_64) == (False, True)


@pytest.mark.parametrize("value", ["x", None, 1, 0], ids=repr)
def test_what_is_neither_true_nor_false(value: Any) -> None:
    """A size in the place of a switch, most likely."""
    for make in (
        lambda: MemoryType(Limits(1, 2), value),
        lambda: MemoryType(Limits(1, 2), shared=value),
        lambda: TableType(FUNCREF, Limits(1, 2), value),
    ):
        with pytest.raises(TypeError, match=f"{value!r}; expected a bool, found"):
            make()


BIT_WIDTHS = {"i32": 32, "f32": 32, "i64": 64, "f64": 64, "v128": 128}


@EACH_TIER
def test_bits_that_are_none(tier: str) -> None:
    texts = [f'(func (export "{type_}") (param {type_}) (result {type_}) (local.get 0))' for type_ in BIT_WIDTHS]
    world = World(f"(module {' '.join(texts)})", tier=tier)
    for type_, width in BIT_WIDTHS.items():
        function = world.exports[type_]
        for value in (0, 1, (1 << width) - 1):
            assert function.call_bits(world.store, [value]) == [value]
        for outside in (-1, 1 << width):
            with pytest.raises(OverflowError, match=f"is no {width} bits of {type_}"):
                function.call_bits(world.store, [outside])
        for wrong in ("1", 1.0, None, b"1"):
            with pytest.raises(TypeError, match=f"expected an int, the bits of {type_}, found {type(wrong).__name__}"):
                function.call_bits(world.store, [wrong])
        for count in (0, 2):
            with pytest.raises(TypeError, match=f"expected 1 values of type .{type_}., found {count}"):
                function.call_bits(world.store, [1] * count)


class Three:
    def __index__(self) -> int:
        return 3


def test_what_says_that_it_is_an_integer() -> None:
    world = Counted("safe")
    world.store.set_fuel(Three())  # type: ignore[arg-type]  # the type says int, as everybody's does
    assert world.store.get_fuel() == 3


@EACH_TIER
def test_sizes_that_are_numbers_of_another_kind(tier: str) -> None:
    """Numbers of fixed width would wrap in sums, and stay in what the store knows of its sizes."""
    store = Store(engine(tier=tier))
    memory = Memory(store, MemoryType(Limits(1, None)))
    assert memory.grow(store, Three()) == 1  # type: ignore[arg-type]  # the type says int, as everybody's does
    assert (memory.size(store), type(memory.grow(store, 0))) == (4, int)
    table = Table(store, TableType(ValType.funcref(), Limits(1, None)), None)
    assert table.grow(store, Three(), None) == 1  # type: ignore[arg-type]
    assert table.get(store, Three()) is None  # type: ignore[arg-type]
    table.set(store, Three(), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("units", [-1, 1 << 64])
def test_fuel_beyond_its_range(units: int) -> None:
    with pytest.raises(ValueError, match=f"fuel {units}; expected 0 .. "):
        Counted("safe").store.set_fuel(units)


@pytest.mark.parametrize("value", ["soon", True, float("nan")], ids=repr)
def test_no_deadline(value: Any) -> None:
    world = Counted("safe")
    with pytest.raises((TypeError, ValueError), match="expected seconds"):
        world.execution.run(deadline=value)
    assert not world.execution.over


@pytest.mark.parametrize("deadline", [1e300, 10**400, float("inf")])
def test_a_deadline_that_never_comes(deadline: float) -> None:
    world = Counted("safe")
    world.execution.run(deadline=deadline)
    assert world.execution.over


@pytest.mark.parametrize("value", [True, 0, -1, 1.0, 1 << 64, "1"], ids=repr)
def test_options(value: Any) -> None:
    with pytest.raises(ValueError if type(value) is int else TypeError, match=r"max_memory is .*expected an? (positive )?int"):
        Engine(Config(max_memory=value))
