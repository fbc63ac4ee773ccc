"""Loading a file takes 16 times its size and 32 MiB at the most, whatever is in it; what would take more is refused."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from arenite.errors import Limit
from arenite.translate.module import translate
from arenite.wasm.budget import BLOCK
from arenite.wasm.decode import decode
from arenite.wasm.validate import validate
from differential.binary import MAGIC
from unit.wasm.costly import EMPTY, SHAPES

MIB = 1 << 20
# how many of each: as many as are loaded, and so many that they are refused
COUNTS = {
    "locals": (50, 20_000),
    "different locals": (40, 2000),
    "calls of many arguments": (500, 100_000),
    "branches with many results": (500, 50_000),
    "branches past operands": (500, 50_000),
    "blocks of many results": (40_000, 150_000),
    "open blocks": (80_000, 150_000),
    "operands": (600_000, 1_200_000),
    "results on the stack": (50, 1200),
    "labels": (3, 300),
    "operands that wait": (1000, 60_000),
    "operands below calls": (1000, 60_000),
    "operands at open labels": (1100, 30_000),
    "operands at many labels": (8000, 60_000),
    "operands at many back-edges": (3000, 20_000),
    "tags": (40_000, 600_000),
    "catches": (40_000, 800_000),
    "blocks that catch": (20_000, 200_000),
    "older blocks that catch": (20_000, 200_000),
    "types": (40_000, 150_000),
    "imports": (20_000, 100_000),
    "functions": (30_000, 120_000),
    "globals": (30_000, 100_000),
    "tables": (30_000, 100_000),
    "exports": (30_000, 150_000),
    "element segments": (30_000, 100_000),
    "elements": (1_000_000, 2_000_000),
    "data segments": (40_000, 120_000),
    "a constant expression": (40_000, 400_000),
    "custom sections": (40_000, 400_000),
    "names": (100_000, 400_000),
}
NEVER_REFUSED = {"names", "elements"}  # what is too much of them is left out; they are small


@cache
def loaded() -> dict[tuple[str, int], tuple[int, int, str]]:
    """For each shape and count: the file's size, the memory that loading it took, and how that ended."""
    program = Path(__file__).with_name("costly.py")
    jobs = [f"{shape}={count}" for shape, counts in COUNTS.items() for count in counts]
    done = subprocess.run([sys.executable, str(program), *jobs], capture_output=True, text=True, check=True)
    rows = [line.split(",") for line in done.stdout.splitlines()]
    return {(shape, int(count)): (int(size), int(taken), outcome) for shape, count, size, taken, outcome in rows}


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the most memory that a process has had")
@pytest.mark.parametrize("large", [False, True], ids=["loaded", "refused"])
@pytest.mark.parametrize("shape", SHAPES)
def test_memory(shape: str, large: bool) -> None:  # noqa: FBT001 (a parameter of pytest)
    size, taken, outcome = loaded()[shape, COUNTS[shape][large]]
    assert outcome == ("Limit" if large and shape not in NEVER_REFUSED else "loaded")
    assert taken <= 16 * size + 32 * MIB, f"{taken / MIB:.0f} MiB for {size} bytes"


def test_the_message_says_what_the_bound_is() -> None:
    with pytest.raises(Limit, match="16 times its size and 32 MiB"):
        translate(MAGIC + SHAPES["locals"](20_000))


def test_validation_alone_takes_no_longer_than_its_file_allows() -> None:
    with pytest.raises(Limit, match="too long for its size: its functions have too many locals"):
        validate(decode(MAGIC + SHAPES["locals"](20_000)))


def test_names_that_cost_too_much_are_left_out() -> None:
    module = decode(MAGIC + SHAPES["names"](400_000))
    assert 0 < len(module.names.funcs) < 400_000
    assert decode(MAGIC + EMPTY).names.funcs == {}


def test_each_open_block_is_paid_for() -> None:
    spent = []
    for count in (100, 1100):
        module = decode(MAGIC + SHAPES["open blocks"](count))
        left = module.budget.left
        validate(module)
        spent.append(left - module.budget.left)
    assert spent[1] - spent[0] >= 1000 * BLOCK
