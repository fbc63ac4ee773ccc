"""What LLVM leaves for a loader to fill in: the relocations of position independent code of the small model, a row per type.

A relocation measures an address, and writes the number into a field: bits of a word of data or of an instruction.  A number that the
field cannot hold is an error, never cut off.

    row = LINKAGES[62].relocations[2]                  # R_X86_64_PC32
    word = row.field.fill(word, row.measure(address, here))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.light import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE: Final = 4096
"""What `adrp` counts in, whatever the size of the system's pages."""


class Field(NamedTuple):
    """Where a number is written."""

    size: int
    """Bytes of the word, of which the other bits stay."""
    places: tuple[tuple[int, int], ...]
    """Pieces of the number from its lowest bit on: how many bits, and where in the word."""
    signed: bool
    scale: int = 0
    """The number's lowest bits, which are not written and must be 0."""

    def written(self, word: bytes, number: int) -> bytes:
        """As `fill`, of bytes.  Most fields are words of data, of which nothing stays."""
        if self.places == ((8 * self.size, 0),):
            return number.to_bytes(self.size, "little", signed=self.signed)
        return self.fill(int.from_bytes(word, "little"), number).to_bytes(self.size, "little")

    def fill(self, word: int, number: int) -> int:
        """`word` with `number` in its place.  Raises: `OverflowError` when it does not fit."""
        bits = sum(count for count, _ in self.places)
        scaled, rest = number >> self.scale, number & ((1 << self.scale) - 1)
        low, high = (-(1 << (bits - 1)), 1 << (bits - 1)) if self.signed else (0, 1 << bits)
        if rest or not low <= scaled < high:
            raise OverflowError
        for count, at in self.places:
            mask = (1 << count) - 1
            word = word & ~(mask << at) | (scaled & mask) << at
            scaled >>= count
        return word


def absolute(address: int, _here: int) -> int:
    """The address."""
    return address


def relative(address: int, here: int) -> int:
    """The way from the field to the address."""
    return address - here


def page(address: int, here: int) -> int:
    """The way from the field's page to the address's, as `adrp` goes it."""
    return (address & -PAGE) - (here & -PAGE)


def in_page(address: int, _here: int) -> int:
    """The address within its page."""
    return address & (PAGE - 1)


class Relocation(NamedTuple):
    """How one type of relocation is worked out."""

    name: str
    field: Field
    measure: Callable[[int, int], int]
    through: str = ""
    """What an address is taken of: the symbol itself, its entry in the table of addresses (`got`), or a `stub` if it is elsewhere."""


class Linkage(NamedTuple):
    """What a loader knows of an architecture."""

    relocations: dict[int, Relocation]
    """By the type's number."""
    stub: bytes
    """A jump to the address that follows it."""


def whole(bits: int, *, signed: bool) -> Field:
    """A word of data, all of it."""
    return Field(bits // 8, ((bits, 0),), signed)


def immediate(bits: int, at: int, scale: int, *, signed: bool) -> Field:
    """Bits of an instruction of 32 bits."""
    return Field(4, ((bits, at),), signed, scale)


def offset(scale: int) -> Field:
    """The unsigned offset of `add`, `ldr` and `str`, in units of 2**`scale` bytes; the number is less than a page."""
    return immediate(12 - scale, 10, scale, signed=False)


LONG, WORD, SIGNED_WORD, SIGNED_LONG = (
    whole(64, signed=False),
    whole(32, signed=False),
    whole(32, signed=True),
    whole(64, signed=True),
)
BRANCH: Final = immediate(26, 0, 2, signed=True)
ADRP: Final = Field(4, ((2, 29), (19, 5)), signed=True, scale=12)

X86_64: Final = Linkage(
    {
        1: Relocation("R_X86_64_64", LONG, absolute),
        2: Relocation("R_X86_64_PC32", SIGNED_WORD, relative),
        4: Relocation("R_X86_64_PLT32", SIGNED_WORD, relative, through="stub"),
        9: Relocation("R_X86_64_GOTPCREL", SIGNED_WORD, relative, through="got"),
        10: Relocation("R_X86_64_32", WORD, absolute),
        11: Relocation("R_X86_64_32S", SIGNED_WORD, absolute),
        24: Relocation("R_X86_64_PC64", SIGNED_LONG, relative),
        41: Relocation("R_X86_64_GOTPCRELX", SIGNED_WORD, relative, through="got"),
        42: Relocation("R_X86_64_REX_GOTPCRELX", SIGNED_WORD, relative, through="got"),
    },
    stub=b"\xff\x25\0\0\0\0",  # jmp [rip+0]
)
AARCH64: Final = Linkage(
    {
        257: Relocation("R_AARCH64_ABS64", LONG, absolute),
        260: Relocation("R_AARCH64_PREL64", SIGNED_LONG, relative),
        261: Relocation("R_AARCH64_PREL32", SIGNED_WORD, relative),
        275: Relocation("R_AARCH64_ADR_PREL_PG_HI21", ADRP, page),
        277: Relocation("R_AARCH64_ADD_ABS_LO12_NC", offset(0), in_page),
        278: Relocation("R_AARCH64_LDST8_ABS_LO12_NC", offset(0), in_page),
        282: Relocation("R_AARCH64_JUMP26", BRANCH, relative, through="stub"),
        283: Relocation("R_AARCH64_CALL26", BRANCH, relative, through="stub"),
        284: Relocation("R_AARCH64_LDST16_ABS_LO12_NC", offset(1), in_page),
        285: Relocation("R_AARCH64_LDST32_ABS_LO12_NC", offset(2), in_page),
        286: Relocation("R_AARCH64_LDST64_ABS_LO12_NC", offset(3), in_page),
        299: Relocation("R_AARCH64_LDST128_ABS_LO12_NC", offset(4), in_page),
        311: Relocation("R_AARCH64_ADR_GOT_PAGE", ADRP, page, through="got"),
        312: Relocation("R_AARCH64_LD64_GOT_LO12_NC", offset(3), in_page, through="got"),
        314: Relocation("R_AARCH64_PLT32", SIGNED_WORD, relative, through="stub"),
    },
    stub=b"\x50\0\0\x58\0\x02\x1f\xd6",  # ldr x16, .+8; br x16
)
LINKAGES: Final = {62: X86_64, 183: AARCH64}
"""By `Architecture.elf_machine`."""
