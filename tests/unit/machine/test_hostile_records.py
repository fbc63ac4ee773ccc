"""Known attacks on the records of a running guest end in a trap, in a process that lives on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from unit.machine.guests import TIERS
from unit.machine.hostile import CASES

ENDS = {
    "fill_after_another_area": {
        "trap MEMORY_OUT_OF_BOUNDS",
        "result None",
    },  # which memory it is now, the tiers may see at another time
    "copy_after_another_area": {"trap MEMORY_OUT_OF_BOUNDS", "result None"},
    "area_that_is_none": {"result 0"},  # area 0
    "area_one_too_far": {"result 0"},
    "init_in_an_area_one_too_far": {"result None"},
    "references_beyond_u32": {"result None"},  # the table holds what leads nowhere
    "wrong_type": {"trap BAD_SIGNATURE"},
    "handle_outside": {"trap BAD_SIGNATURE"},  # inside the window, where there is no function
    "element_outside": {"trap CORRUPT", "trap MEMORY_OUT_OF_BOUNDS"},
    "memory_record_nowhere": {"trap MEMORY_OUT_OF_BOUNDS"},
}


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("name", CASES)
def test_the_guest_traps(tier: str, name: str) -> None:
    program = Path(__file__).with_name("hostile.py")
    done = subprocess.run([sys.executable, program, tier, name], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ENDS.get(name, {"trap CORRUPT"})
