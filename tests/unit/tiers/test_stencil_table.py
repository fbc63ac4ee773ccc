"""The table of stencils: every row and every kind of hole is in it, and what does not fit is refused when it is made."""

from __future__ import annotations

import struct
from typing import Final

import pytest

from arenite.bytecode.ops import ROWS, TABLE
from arenite.emit.hole import Symbols
from arenite.emit.stencil import STUBS, variants
from arenite.errors import InternalError, Limit
from arenite.platform import HAS_OBJECTS, cache, llvm
from arenite.platform.architectures import X86_64, host
from arenite.tiers.baseline import holes, stencil_table, x86_64
from arenite.tiers.baseline.blank import Blank, Draft, Opening, Reference
from arenite.tiers.baseline.compiler import OP_SIZE
from arenite.tiers.baseline.stencil_table import StencilTable, stencils_of
from arenite.tiers.baseline.table import Routines, flags, plan, table_of
from arenite.tiers.threaded import ThreadedTier
from arenite.tiers.threaded.objects import USUAL

pytestmark = [
    pytest.mark.skipif(not HAS_OBJECTS, reason="the baseline tier needs machine code"),
    pytest.mark.skipif(HAS_OBJECTS and host() is not X86_64, reason="fields of instructions are those of x86-64"),
]
KINDS: Final = {value: name for name, value in vars(holes).items() if name.isupper()}
FILLINGS: Final = range(holes.U16, holes.STOP_TO + 1)


def words() -> list[int]:
    pieces = stencils_of(USUAL).tables()
    return list(struct.unpack(f"<{len(pieces.holes) // 8}Q", pieces.holes))


def test_every_row_has_its_stencils() -> None:
    tables = stencils_of(USUAL).tables()
    ops = struct.iter_unpack("<8i", tables.ops)
    firsts = [op[4] for op in ops]
    assert len(tables.ops) == OP_SIZE * len(TABLE)
    assert len(tables.first_code) == len(tables.first_hole)
    count = len(STUBS)
    for row, first in zip(TABLE, firsts, strict=True):
        assert first == count, row.name
        count += len(list(variants(row)))
    begins = struct.unpack(f"<{count + 1}i", tables.first_code)  # and where the last one ends
    assert list(begins) == sorted(begins)
    assert (begins[0], begins[-1]) == (0, len(tables.code))
    begins = struct.unpack(f"<{count + 1}i", tables.first_hole)
    assert list(begins) == sorted(begins)
    assert (begins[0], 8 * begins[-1]) == (0, len(tables.holes))


def test_what_is_true_of_an_op_has_a_bit_of_its_own() -> None:
    names = [name for name in vars(holes) if name.isupper()]
    bits = [vars(holes)[name] for name in names[names.index("CALLS") :]]  # the last ones of the file, in order
    assert bits == [1 << number for number in range(len(bits))]


def test_the_table_keeps_all_that_is_true_of_an_op() -> None:
    kept = [op[1] for op in struct.iter_unpack("<8i", stencils_of(USUAL).tables().ops)]
    assert kept == [flags(row) for row in TABLE]
    assert max(kept) >= holes.WRITES_PAIR


def test_every_kind_of_hole_is_there_and_lies_in_its_stencil() -> None:
    tables, found = stencils_of(USUAL).tables(), words()
    assert {word & 0x3F for word in found} == set(FILLINGS)
    code = struct.unpack(f"<{len(tables.first_code) // 4}i", tables.first_code)
    first = struct.unpack(f"<{len(tables.first_hole) // 4}i", tables.first_hole)
    for number in range(len(first) - 1):
        size = code[number + 1] - code[number]
        fields = []
        for word in found[first[number] : first[number + 1]]:
            place, wide = word >> 8 & 0xFFF, 8 if word >> 6 & 3 == holes.LONG else 4
            assert place + wide <= size
            fields.append(range(place, place + wide))
        covered = [at for field in fields for at in field]
        assert len(covered) == len(set(covered))  # no hole is filled twice


def test_what_stencils_leave_to_are_routines_of_the_interpreter() -> None:
    found = stencils_of(USUAL)
    symbols = ThreadedTier()._handlers.symbols
    assert set(found.routines) <= symbols.keys()
    used = {word >> 20 & 0xFFF for word in words() if word & 0x3F in {holes.ROUTINE, holes.STOP, holes.STOP_TO}}
    assert used == set(range(len(found.routines))) | used
    assert max(used) < len(found.routines)


def test_it_is_kept_and_read_back() -> None:
    found = stencils_of(USUAL)
    assert StencilTable.unpack(found.pack()) == found


ADD, CONSTANT = ROWS["i32.add"], ROWS["i64.const"]
A = f"slot.{ADD.encoded[1].name}"


def hole(kind: str, type_: int, target: str = A, addend: int = 0) -> list[int]:
    """The plan of a stencil of `i32.add` with one hole of this kind, in a field that a relocation of this type describes."""
    openings = x86_64.openings("i32.add", [Reference(4, type_, target, addend)], {target: kind})
    return list(plan(ADD, Blank(bytes(16), list(openings)), Routines()))


@pytest.mark.parametrize(
    ("kind", "type_", "addend"),
    [
        ("u16", x86_64.R_32, 0),
        ("u16", x86_64.R_32S, 8),
        ("u30", x86_64.R_32S, 0),
        ("u32", x86_64.R_32, 0),
        ("u32", x86_64.R_64, 0),
        ("s32", x86_64.R_32S, 0),
        ("i64", x86_64.R_64, 0),
    ],
)
def test_what_fits_is_taken(kind: str, type_: int, addend: int) -> None:
    (word,) = hole(kind, type_, addend=addend)
    assert (word & 0x3F, word >> 8 & 0xFFF, word >> 20 & 0xFFF, word >> 32) == (holes.U16, 4, ADD.encoded[1].at, addend)
    assert word >> 6 & 3 == (holes.LONG if type_ == x86_64.R_64 else holes.WORD)


@pytest.mark.parametrize(
    ("kind", "type_", "addend"),
    [
        ("u32", x86_64.R_32S, 0),  # the CPU would extend its sign
        ("i32", x86_64.R_32S, 0),
        ("s32", x86_64.R_32, 0),  # it would not
        ("i64", x86_64.R_32, 0),
        ("i64", x86_64.R_32S, 0),
        ("u32", x86_64.R_32, 1),  # a sum of more than 32 bits
        ("u16", x86_64.R_32, -1),  # one below 0
        ("u30", x86_64.R_32S, (1 << 31) - 1),
        ("u16", x86_64.R_PC32, -4),  # a number is no address
        ("u16", x86_64.R_PLT32, -4),
        ("code", x86_64.R_PLT32, 0),  # an address that is not that of the routine
    ],
)
def test_what_does_not_hold_all_that_may_come_is_refused(kind: str, type_: int, addend: int) -> None:
    with pytest.raises(InternalError, match=r"stencil i32\.add: the field of .* does not hold what may come"):
        hole(kind, type_, "next" if kind == "code" else A, addend)


def test_fields_that_are_too_far_are_refused() -> None:
    with pytest.raises(InternalError, match="too long"):
        list(plan(ADD, Blank(bytes(1 << 13), [Opening(1 << 12, holes.WORD, A, 0)]), Routines()))


OBJECT = """target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"
@HOLE = external global i8, !absolute_symbol !0
!0 = !{i64 0, i64 4294967296}
define i64 @stencil(i64 %x) { %y = add i64 %x, ptrtoint (ptr @HOLE to i64)
  ret i64 %y }
"""


@pytest.mark.parametrize(("kind", "fits"), [("u16", True), ("u30", True), ("u32", False), ("i32", False)])
def test_a_number_of_32_bits_in_an_addition_of_64_is_refused(kind: str, fits: bool) -> None:  # noqa: FBT001 (a table's column)
    """LLVM takes a symbol for less than 2**31, and uses a field whose sign is extended."""
    spelling = Symbols()
    spelling.holes[A] = kind
    draft = Draft(llvm.compile_object(OBJECT.replace("HOLE", A)), X86_64.elf_machine, spelling)
    ((_, (reference,)),) = draft.pieces.values()
    assert reference.type == x86_64.R_32S
    if fits:
        assert x86_64.blanks([draft])["stencil"].holes
    else:
        with pytest.raises(InternalError, match="does not hold"):
            x86_64.blanks([draft])


def test_an_old_cpu_for_which_llvm_calls_the_library_has_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InternalError, match="ceil"):
        table_of(USUAL, X86_64, X86_64.baseline, plain=True)
    monkeypatch.setattr(cache, "get", lambda _key: None)
    monkeypatch.setattr(llvm, "host_cpu", lambda: X86_64.baseline)
    monkeypatch.setattr(stencil_table, "HOST", X86_64)
    with pytest.raises(Limit, match="no table of stencils"):
        stencil_table.kept(USUAL, plain=True)
