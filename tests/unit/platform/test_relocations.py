"""Each relocation writes what an instruction of that CPU reads back, refuses what does not fit, and LLVM asks for no other."""

from __future__ import annotations

import random

import pytest

from arenite.platform import elf, fault_handler, llvm
from arenite.platform.architectures import AARCH64, MACHINES, Architecture
from arenite.platform.relocations import ADRP, LINKAGES, Relocation
from arenite.tiers.threaded.objects import Variant
from unit.platform.test_elf import WHOLE

each = pytest.mark.parametrize("architecture", [*dict.fromkeys(MACHINES.values())], ids=lambda a: a.name)
ROWS = [(linkage, row) for linkage in LINKAGES.values() for row in linkage.relocations.values()]
PAGE = 4096

KINDS = """
@bytes = internal constant [64 x i8] c"0123456789012345678901234567890123456789012345678901234567890123", align 16
@words = dso_local global [8 x i64] [i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7, i64 8], align 16
@elsewhere = external global i32
@away = constant i32 trunc (i64 sub (i64 ptrtoint (ptr @f1 to i64), i64 ptrtoint (ptr @away to i64)) to i32)
@by.stub = constant i32 trunc (i64 sub (i64 ptrtoint (ptr dso_local_equivalent @g to i64), i64 ptrtoint (ptr @by.stub to i64)) to i32)
@far.away = constant i64 sub (i64 ptrtoint (ptr @f1 to i64), i64 ptrtoint (ptr @far.away to i64))
declare void @g()
define i8 @f1() {
  %x = load i8, ptr getelementptr (i8, ptr @words, i64 3)
  ret i8 %x
}
define i16 @f2() {
  %x = load i16, ptr getelementptr (i8, ptr @words, i64 2)
  ret i16 %x
}
define i32 @f4() {
  %x = load i32, ptr getelementptr (i8, ptr @words, i64 4)
  ret i32 %x
}
define i64 @f8() {
  %x = load i64, ptr getelementptr (i8, ptr @words, i64 8)
  ret i64 %x
}
define <2 x i64> @f16() {
  %x = load <2 x i64>, ptr getelementptr (i8, ptr @words, i64 16)
  ret <2 x i64> %x
}
define ptr @address() {
  ret ptr @bytes
}
define i32 @foreign() {
  %x = load i32, ptr @elsewhere
  ret i32 %x
}
"""
"""What uses every way to reach data."""


def types(ir: str, architecture: Architecture) -> set[str]:
    """The relocations of an object; one without a row is an error."""
    file = elf.ObjectFile(llvm.compile_object(ir, architecture=architecture), architecture.elf_machine)
    return {fixup.how.name for fixup in file.fixups}


@each
@pytest.mark.parametrize("explicit_bounds", [False, True])
def test_the_interpreter_needs_no_other(architecture: Architecture, explicit_bounds: bool) -> None:  # noqa: FBT001 (pytest's)
    assert types(Variant(explicit_bounds=explicit_bounds).ir(architecture), architecture)


@each
def test_the_fault_handler_needs_no_other(architecture: Architecture) -> None:
    assert types(fault_handler.handler_ir(architecture), architecture)


@each
def test_other_code_needs_no_other(architecture: Architecture) -> None:
    """And it reaches data in more ways than our own code does: otherwise it would show nothing."""
    whole, kinds = types(WHOLE, architecture), types(KINDS, architecture)
    assert whole - kinds
    assert kinds - whole
    assert types(Variant().ir(architecture), architecture) < whole | kinds


def test_rows_of_aarch64_are_what_llvm_writes() -> None:
    written = types(WHOLE, AARCH64) | types(KINDS, AARCH64) | types(Variant().ir(AARCH64), AARCH64)
    rows = {row.name for row in LINKAGES[AARCH64.elf_machine].relocations.values()}
    assert rows == written


def row(name: str) -> Relocation:
    return next(row for _, row in ROWS if row.name == name)


@pytest.mark.parametrize(
    ("name", "instruction", "address", "here", "expected"),
    [  # as GNU as and objdump have them
        ("R_AARCH64_CALL26", 0x9400_0000, 0x1_0000, 0xFFF8, 0x9400_0002),  # bl .+8
        ("R_AARCH64_JUMP26", 0x1400_0000, 0x1000, 0x1004, 0x17FF_FFFF),  # b .-4
        ("R_AARCH64_ADR_PREL_PG_HI21", 0x9000_0008, 0x5123, 0x1FFC, 0x9000_0028),  # adrp x8, .+0x4000
        ("R_AARCH64_ADR_PREL_PG_HI21", 0x9000_0008, 0x0FFF, 0x1000, 0xF0FF_FFE8),  # adrp x8, .-0x1000
        ("R_AARCH64_ADD_ABS_LO12_NC", 0x9100_0108, 0x5123, 0, 0x9104_8D08),  # add x8, x8, #0x123
        ("R_AARCH64_LDST8_ABS_LO12_NC", 0x3940_0100, 0x5003, 0, 0x3940_0D00),  # ldrb w0, [x8, #3]
        ("R_AARCH64_LDST16_ABS_LO12_NC", 0x7940_0100, 0x5002, 0, 0x7940_0500),  # ldrh w0, [x8, #2]
        ("R_AARCH64_LDST32_ABS_LO12_NC", 0xB940_0100, 0x5004, 0, 0xB940_0500),  # ldr w0, [x8, #4]
        ("R_AARCH64_LDST64_ABS_LO12_NC", 0xF940_0100, 0x5008, 0, 0xF940_0500),  # ldr x0, [x8, #8]
        ("R_AARCH64_LDST128_ABS_LO12_NC", 0x3DC0_0100, 0x5010, 0, 0x3DC0_0500),  # ldr q0, [x8, #16]
        ("R_AARCH64_LD64_GOT_LO12_NC", 0xF940_0108, 0x5FF8, 0, 0xF947_FD08),  # ldr x8, [x8, #0xff8]
        ("R_AARCH64_PREL32", 0, 0x1000, 0x1004, 0xFFFF_FFFC),
        ("R_X86_64_PC32", 0, 0x1000, 0x1004, 0xFFFF_FFFC),
    ],
)
def test_fields(name: str, instruction: int, address: int, here: int, expected: int) -> None:
    how = row(name)
    filled = how.field.fill(instruction, how.measure(address, here))
    assert f"{filled:#x}" == f"{expected:#x}"
    written = how.field.written(instruction.to_bytes(how.field.size, "little"), how.measure(address, here))
    assert written == expected.to_bytes(how.field.size, "little")


@pytest.mark.parametrize(
    ("name", "address", "here"),
    [
        ("R_AARCH64_CALL26", 1 << 27, 0),
        ("R_AARCH64_CALL26", 0, (1 << 27) + 4),
        ("R_AARCH64_CALL26", 2, 0),
        ("R_AARCH64_LDST64_ABS_LO12_NC", 0x1004, 0),
        ("R_AARCH64_ADR_PREL_PG_HI21", 1 << 32, 0),
        ("R_AARCH64_ABS64", -1, 0),
        ("R_X86_64_PC32", 1 << 31, 0),
        ("R_X86_64_32", 1 << 32, 0),
    ],
)
def test_what_does_not_reach_is_refused(name: str, address: int, here: int) -> None:
    how = row(name)
    with pytest.raises(OverflowError):
        how.field.fill(0, how.measure(address, here))
    with pytest.raises(OverflowError):
        how.field.written(bytes(how.field.size), how.measure(address, here))


def test_a_page_and_the_place_in_it_make_the_address() -> None:
    choose = random.Random(1)
    low = row("R_AARCH64_ADD_ABS_LO12_NC")
    for _ in range(1000):
        here, address = choose.randrange(1 << 31) & -4, choose.randrange(1 << 31)
        adrp = ADRP.fill(0x9000_0008, row("R_AARCH64_ADR_PREL_PG_HI21").measure(address, here))
        add = low.field.fill(0x9100_0108, low.measure(address, here))
        pages = (adrp >> 5 & 0x7FFFF) << 2 | adrp >> 29 & 3
        pages -= (pages & 1 << 20) << 1
        assert (here & -PAGE) + pages * PAGE + (add >> 10 & 0xFFF) == address
        assert (adrp & 0x9F00_001F, add & 0xFFC0_03FF) == (0x9000_0008, 0x9100_0108)


@pytest.mark.parametrize("how", [row for _, row in ROWS], ids=lambda row: row.name)
def test_the_other_bits_stay(how: Relocation) -> None:
    full = (1 << 8 * how.field.size) - 1
    mask = sum(((1 << bits) - 1) << at for bits, at in how.field.places)
    assert how.field.fill(full, 0) == full & ~mask
    assert how.field.fill(0, 0) == 0
