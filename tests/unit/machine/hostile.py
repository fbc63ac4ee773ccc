"""Damage with a known victim: `python hostile.py TIER CASE` does it and says how the guest ended.

Each case writes into the arena what only an attacker would, from a host function in the middle of a run.
"""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING, Any

from arenite import Config, Engine, Func, FuncType, Global, GlobalType, Instance, Module, Store, Trap, ValType
from arenite.layout.cage import WINDOW_AT
from arenite.layout.records import (
    FrameHeader,
    FuncRefRecord,
    InstanceRecord,
    MemoryRecord,
    StoreContext,
    TableRecord,
    WindowEntry,
)

if TYPE_CHECKING:
    from collections.abc import Callable

WAT = """(module
  (import "host" "f" (func $f))
  (import "host" "g" (global $g (mut i64)))
  (memory 1)
  (table 2 funcref)
  (data $data "abc")
  (elem $elem func 1)
  (func (export "go") (call $inner))
  (func $inner (call $f))
  (func (export "fill") (call $f) (global.set $g (i64.const 1))
    (memory.fill (i32.const 0x20000) (i32.const 7) (i32.const 0x8000)))
  (func (export "copy") (call $f) (global.set $g (i64.const 1))
    (memory.copy (i32.const 0x20000) (i32.const 0x30000) (i32.const 0x8000)))
  (func (export "load") (result i32) (call $f) (i32.load (i32.const 0)))
  (func (export "init") (call $f) (memory.init $data (i32.const 0) (i32.const 0) (i32.const 3)))
  (func (export "table") (call $f) (table.init $elem (i32.const 0) (i32.const 0) (i32.const 1)))
  (func (export "indirect") (call $f) (call_indirect (i32.const 0)))
  (func (export "drop") (call $f) (data.drop $data)))"""
FUEL = 100_000
OTHER = '(module (memory (export "memory") 16) (func (export "nothing")))'


class Victim:
    """A store with two instances, each with a memory, and where their records lie."""

    def __init__(self, tier: Any) -> None:
        engine = Engine(Config(tier=tier, consume_fuel=True, max_wasm_stack=1 << 16, memories=2))
        self.store = Store(engine)
        self.store.set_fuel(FUEL)
        self.attack: Callable[[], None] = lambda: None
        host = Func(self.store, FuncType([], []), self.attacked)
        variable = Global(self.store, GlobalType(ValType.i64(), True), 0)
        self.instance = Instance(self.store, Module(engine, WAT), [host, variable])
        self.other = Instance(self.store, Module(engine, OTHER), [])
        self.machine = self.store.machine
        self.at = self.instance.addr.at
        self.exports = self.instance.exports(self.store)

    def attacked(self) -> None:
        """The host function."""
        self.attack()

    @property
    def arena(self) -> memoryview:
        return self.machine.cage.arena

    def poke(self, at: int, value: int) -> None:
        """Write a u32."""
        struct.pack_into("<I", self.arena, at, value)


CASES: dict[str, tuple[str, Callable[[Victim], None]]] = {}


def case(function: str) -> Callable[[Callable[[Victim], None]], Callable[[Victim], None]]:
    """An attack from the host function that `function` calls first."""

    def note(attack: Callable[[Victim], None]) -> Callable[[Victim], None]:
        CASES[attack.__name__] = function, attack
        return attack

    return note


@case("go")
def return_to_itself(v: Victim) -> None:
    """A frame whose header says that it called itself."""
    page = v.machine.cage.store_page
    thunk = StoreContext.sp.read(page, 0)
    inner = FrameHeader.caller_sp.read(v.arena, thunk)
    v.poke(inner + FrameHeader.caller_sp.offset, inner)
    v.poke(inner + FrameHeader.return_pc.offset, FrameHeader.return_pc.read(v.arena, thunk))


@case("go")
def return_into_records(v: Victim) -> None:
    """A frame whose caller's frame lies behind the stack."""
    thunk = StoreContext.sp.read(v.machine.cage.store_page, 0)
    inner = FrameHeader.caller_sp.read(v.arena, thunk)
    v.poke(inner + FrameHeader.caller_sp.offset, v.at)


@case("load")
def return_between_ops(v: Victim) -> None:
    """A return point, but for the bits that a pc does not have.  The op behind it is looked up without them, so it must be the next one."""
    v.machine.cage.memory(0)[0] = 7
    thunk = StoreContext.sp.read(v.machine.cage.store_page, 0)
    v.poke(thunk + FrameHeader.return_pc.offset, FrameHeader.return_pc.read(v.arena, thunk) + 4)


@case("load")
def memory_record_nowhere(v: Victim) -> None:
    """The instance's memory record lies where nothing is committed."""
    v.poke(v.at + InstanceRecord.memory.offset, 0x3000_0000)


def _other_area(v: Victim) -> None:
    record = InstanceRecord.memory.read(v.arena, v.at)
    v.poke(v.at + v.instance.addr.code.layout.imported_global(0), record + MemoryRecord.area.offset)


@case("fill")
def fill_after_another_area(v: Victim) -> None:
    """The guest itself makes its memory another one, longer, right before a fill."""
    _other_area(v)


@case("copy")
def copy_after_another_area(v: Victim) -> None:
    """As before a copy."""
    _other_area(v)


@case("load")
def area_that_is_none(v: Victim) -> None:
    """The memory's record names an area that the cage has not."""
    v.poke(InstanceRecord.memory.read(v.arena, v.at) + MemoryRecord.area.offset, 0xFFFF_FFFF)


@case("load")
def area_one_too_far(v: Victim) -> None:
    """The area right behind the last one of the cage."""
    v.poke(InstanceRecord.memory.read(v.arena, v.at) + MemoryRecord.area.offset, 2)


@case("init")
def init_in_an_area_one_too_far(v: Victim) -> None:
    """As the machine finds it."""
    area_one_too_far(v)


def _return_to_other_instance(v: Victim) -> None:
    thunk = StoreContext.sp.read(v.machine.cage.store_page, 0)
    v.poke(thunk + FrameHeader.caller_vmctx.offset, v.other.addr.at)
    v.poke(v.other.addr.at + InstanceRecord.dropped.offset, 0)  # where zeros are: nothing was dropped


@case("init")
def data_of_another_instance(v: Victim) -> None:
    """memory.init in an instance whose module has no such segment."""
    _return_to_other_instance(v)


@case("table")
def elements_of_another_instance(v: Victim) -> None:
    """table.init likewise."""
    _return_to_other_instance(v)


@case("table")
def references_beyond_u32(v: Victim) -> None:
    """table.init of references that begin at the end of the arena's offsets."""
    v.poke(v.at + InstanceRecord.funcrefs.offset, 0xFFFF_FFF0)


@case("drop")
def dropped_at_the_end(v: Victim) -> None:
    """The word that says whether a segment was dropped lies half outside."""
    v.poke(v.at + InstanceRecord.dropped.offset, len(v.arena) - 2)


@case("indirect")
def element_outside(v: Victim) -> None:
    """A table whose elements lie outside the arena."""
    record = struct.unpack_from("<I", v.arena, v.at + v.instance.addr.code.layout.table(0))[0]
    v.poke(record + TableRecord.elements.offset, 0xFFFF_FFFC)


@case("indirect")
def wrong_type(v: Victim) -> None:
    """A table whose element is a function of another type."""
    record = struct.unpack_from("<I", v.arena, v.at + v.instance.addr.code.layout.table(0))[0]
    reference = InstanceRecord.funcrefs.read(v.arena, v.at)
    v.poke(TableRecord.elements.read(v.arena, record), reference)
    v.poke(reference + FuncRefRecord.code.offset, FuncRefRecord.code.read(v.arena, reference) + 4)  # load: () -> (i32)


@case("indirect")
def handle_outside(v: Victim) -> None:
    """A reference whose handle leads past the window to an entry that the attacker has written."""
    window, victim = v.machine.window, v.other.addr.code
    handle = window.modules[1].handle + victim.imported_functions
    pc, frame_size, type_id = window.entry(handle)
    forged = v.machine.allocate(WindowEntry.size)
    struct.pack_into("<IIII", v.arena, forged, pc, frame_size, type_id, 0)
    reference = v.machine.allocate(FuncRefRecord.size)
    struct.pack_into("<IIII", v.arena, reference, 0, (forged - WINDOW_AT) // WindowEntry.size, v.other.addr.at, 0)
    record = struct.unpack_from("<I", v.arena, v.at + v.instance.addr.code.layout.table(0))[0]
    v.poke(TableRecord.elements.read(v.arena, record), reference)


def main(tier: str, name: str) -> None:
    """Do it, and say how the call ended; the store must be of use afterwards."""
    function, attack = CASES[name]
    victim = Victim(tier)
    victim.attack = lambda: attack(victim)
    try:
        print("result", victim.instance.call(victim.store, function))
    except Trap as trap:
        print("trap", trap.code.name if trap.code else None)
    assert 0 <= victim.store.get_fuel() <= FUEL
    victim.other.call(victim.store, "nothing")
    victim.store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
