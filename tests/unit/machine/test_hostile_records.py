"""Known attacks on the records of a running guest end in a trap, in a process that lives on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from arenite import Config, Engine, Instance, Module, Store, Table, Trap, TrapCode
from arenite.layout.cage import THUNKS
from arenite.layout.records import FuncRefRecord
from marks import EACH_TIER
from unit.machine.hostile import CASES

if TYPE_CHECKING:
    from arenite.config import TierName

ENDS = {
    "fill_after_another_area": {
        "trap MEMORY_OUT_OF_BOUNDS",
        "result None",
    },  # which memory it is now, the tiers may see at another time
    "copy_after_another_area": {"trap MEMORY_OUT_OF_BOUNDS", "result None"},
    "area_that_is_none": {"result 0"},  # area 0
    "area_one_too_far": {"result 0"},
    "return_between_ops": {"result 7"},
    "init_in_an_area_one_too_far": {"result None"},
    "references_beyond_u32": {"result None"},  # the table holds what leads nowhere
    "wrong_type": {"trap BAD_SIGNATURE"},
    "handle_outside": {"trap BAD_SIGNATURE"},  # inside the window, where there is no function
    "element_outside": {"trap CORRUPT", "trap MEMORY_OUT_OF_BOUNDS"},
    "memory_record_nowhere": {"trap MEMORY_OUT_OF_BOUNDS"},
}


@EACH_TIER
@pytest.mark.parametrize("name", CASES)
def test_the_guest_traps(tier: str, name: str) -> None:
    program = Path(__file__).with_name("hostile.py")
    done = subprocess.run([sys.executable, program, tier, name], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ENDS.get(name, {"trap CORRUPT"})


@pytest.mark.parametrize("handle", [0, 1, THUNKS - 1, THUNKS + 2])
@EACH_TIER
def test_a_reference_to_no_function_has_no_type(tier: TierName, handle: int) -> None:
    """A handle that the window has no function for, from the arena to the host's hand."""
    store = Store(Engine(Config(tier=tier)))  # others' thunks would be in its window
    wat = '(module (table (export "t") 1 funcref) (elem (i32.const 0) $f) (func $f) (func (param i32)))'
    table = Instance(store, Module(store.engine, wat), []).exports(store)["t"]
    assert isinstance(table, Table)
    reference = table.get(store, 0)
    FuncRefRecord.code.write(store.machine.cage.arena, reference.addr.at, handle)
    with pytest.raises(Trap) as trap:
        table.get(store, 0)
    assert trap.value.code is TrapCode.CORRUPT
