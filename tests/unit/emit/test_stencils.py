"""What the baseline tier relies on, read off the IR and the machine code of the stencils; and that every row has them.

A fault sends a stencil to the interpreter with its registers as they are, as it does a handler; a hole is a number and never a pointer.
"""

from __future__ import annotations

import functools
import itertools
import re
from typing import TYPE_CHECKING

import pytest

from arenite.bytecode.ops import ROWS, TABLE
from arenite.emit.addressings import ADDRESSINGS
from arenite.emit.hole import HOLES
from arenite.emit.routine import CONVENTION
from arenite.emit.stencil import STUBS, stencils, takes, variants
from arenite.platform.architectures import X86_64
from unit.emit.test_handlers_closed import STACK, WRITES_BASE, functions
from unit.platform import machine_code

if TYPE_CHECKING:
    from arenite.bytecode.row import Row

VARIANTS = [
    *itertools.product(ADDRESSINGS, (False, True), (False,)),
    ("single", False, True),
]  # as of handlers; few, since all take long
EACH = pytest.mark.parametrize("variant", VARIANTS, ids=str)
FILLED = re.compile(r"ptrtoint \(ptr @([\w.]+) to i(32|64)\)")
MOVED = re.compile(r'call i64 asm "(\w+) \$\$([\w.]+), \$\{0:[kq]\}", "=r"\(\)')
MOVES = {
    "u32": "movl",
    "i16": "movl",
    "i32": "movl",
    "s32": "movq",
    "i64": "movabsq",
}  # and how they extend, which LLVM does not know


@functools.cache
def generated(variant: tuple[str, bool, bool]) -> tuple[str, dict[str, str]]:
    """The IR, and its holes."""
    addressing, explicit, deterministic = variant
    text, spelling = stencils(ADDRESSINGS[addressing], X86_64, explicit_bounds=explicit, deterministic=deterministic)
    return text, spelling.holes


def symbols(row: Row) -> list[str]:
    return [variant.symbol(row) for variant in variants(row)]


@EACH
def test_a_hole_is_a_number_and_nothing_else_is_cast(variant: tuple[str, bool, bool]) -> None:
    text, kinds = generated(variant)
    assert "inttoptr" not in text
    assert not re.search(r"\b(nuw|nsw|inbounds|exact|addrspacecast)\b", text)
    cast = FILLED.findall(text)
    assert text.count("ptrtoint") == len(cast) > 0  # each in a constant expression, of a symbol
    assert {kinds[name] for name, _ in cast} <= HOLES.keys()
    for name, bits in cast:
        assert HOLES[kinds[name]].bits <= 30 or bits == "32", f"{name}: LLVM believes that it is below 2**31"


@EACH
def test_what_may_be_large_comes_by_an_instruction_of_its_own(variant: tuple[str, bool, bool]) -> None:
    text, kinds = generated(variant)
    moved = MOVED.findall(text)
    assert text.count(" asm ") == len(moved) + text.count('asm sideeffect ""')  # those pin registers
    assert moved
    assert {(MOVES[kinds[name]], name) for _, name in moved} == set(moved)


@EACH
def test_a_hole_is_declared_with_its_range(variant: tuple[str, bool, bool]) -> None:
    text, kinds = generated(variant)
    ranges = dict(re.findall(r"^!(\d+) = !\{i64 0, i64 (\d+)\}$", text, re.MULTILINE))
    declared = dict(re.findall(r"^@([\w.]+) = external global i8, !absolute_symbol !(\d+)$", text, re.MULTILINE))
    assert declared.keys() == {name for name, kind in kinds.items() if kind in HOLES}
    for name, number in declared.items():
        assert int(ranges[number]) == 1 << min(HOLES[kinds[name]].bits, 32)
    code = {name for name, kind in kinds.items() if kind == "code"}
    assert code <= set(re.findall(r"^declare preserve_nonecc void @([\w.]+)\(", text, re.MULTILINE))


def test_every_row_has_a_stencil_of_each_variant() -> None:
    """One without accumulators, and one for each and for each two operands that may come in them."""
    names = set(re.findall(r'^define .*@"([^"]+)"\(', generated(VARIANTS[0])[0], re.MULTILINE))
    expected = [*STUBS, *itertools.chain.from_iterable(map(symbols, TABLE))]
    assert len(expected) == len(set(expected))
    assert names == set(expected)
    for row in TABLE:
        sources = [v.sources for v in variants(row)]
        assert sources[0] == ()
        assert {one for (one,) in (s for s in sources if len(s) == 1)} == set(takes(row))


@pytest.mark.parametrize("name", ["i32.add", "f64.mul", "load32 memory0", "br_if"])
def test_what_is_read_from_accumulators_is_not_read_from_slots(name: str) -> None:
    """It is the stencil's purpose; and the result goes to the slot all the same."""
    row, text = ROWS[name], generated(VARIANTS[0])[0]
    for variant in variants(row):
        body = text[text.index(f'@"{variant.symbol(row)}"(') :].split("\n}\n", 1)[0]
        for operand, where in variant.sources:
            assert f"@slot.{operand} " not in body or operand == "dst"
            assert f"%{where}" in body.split("\n", 1)[1]
        if row.destination is not None:
            assert f"@slot.{row.destination.name} " in body


def test_the_same_text_every_time() -> None:
    before = generated(VARIANTS[0])
    generated.cache_clear()
    assert generated(VARIANTS[0]) == before


def test_stencils_leave_stack_and_base_alone() -> None:
    """Those that have most in accumulators: all of them take minutes, and none has less room than these."""
    text, _ = generated(VARIANTS[0])
    fullest = {symbols(row)[-1] for row in TABLE}
    head, *bodies = re.split(rf"(?m)^(?=define {CONVENTION} )", text)
    bodies = [body for body in bodies if body.split('"', 2)[1] in fullest]
    found = dict(functions(machine_code.assembly(head + "".join(bodies), X86_64, "x86-64-v2")))
    assert set(found) == fullest
    for name, lines in found.items():
        for line in lines:
            assert not STACK[X86_64].search(line), f"{name}: {line}"
            assert not WRITES_BASE[X86_64].search(line), f"{name}: {line}"
