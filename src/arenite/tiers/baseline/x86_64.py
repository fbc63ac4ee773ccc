"""Stencils of x86-64: a hole is a field of 4 or 8 bytes, to which LLVM left a relocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.emit.hole import HOLES
from arenite.tiers.baseline.blank import Blank, Format, Opening, expect
from arenite.tiers.baseline.holes import LONG, WAY, WORD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from arenite.tiers.baseline.blank import Draft, Reference

R_64, R_PC32, R_PLT32, R_32, R_32S = 1, 2, 4, 10, 11
FIELDS: Final = {R_64: LONG, R_PC32: WAY, R_PLT32: WAY, R_32: WORD, R_32S: WORD}
EXTENDED: Final = {R_64: (64, False), R_32: (32, False), R_32S: (32, True)}
JUMP: Final = 0xE9
REST: Final = -4  # a way is counted from the field's end


def blanks(drafts: Sequence[Draft]) -> dict[str, Blank]:
    """The stencils of the one draft."""
    (draft,) = drafts
    kinds = draft.spelling.holes
    return {name: Blank(code, list(openings(name, left, kinds))) for name, (code, left) in draft.pieces.items()}


def openings(name: str, left: Iterable[Reference], kinds: dict[str, str]) -> Iterator[Opening]:
    """The holes of a stencil, checked."""
    for place, type_, target, addend in left:
        if isinstance(target, int):
            expect(type_ == R_PC32, name, target)
            yield Opening(place, WAY, target + addend - REST, REST)
        elif type_ in EXTENDED:
            bits, signed = EXTENDED[type_]
            hole = HOLES[kinds[target]]
            fits = not hole.signed and (1 << hole.bits) + addend <= 1 << bits - signed and addend >= -(1 << bits - 1) * signed
            expect(fits or (hole.bits == bits and signed == hole.signed and not addend), name, target)
            yield Opening(place, FIELDS[type_], target, addend)
        else:
            # a function of the C library, which LLVM calls for what an old CPU has no instruction for, is neither
            expect(type_ in FIELDS and kinds.get(target) in {"code", "table"} and addend == REST, name, target)
            yield Opening(place, FIELDS[type_], target, addend)


def shortened(blank: Blank) -> Blank:
    """Without the jump to the next stencil, which follows; `jcc next; jmp to` as `jncc to`."""
    code, left = blank
    if not left or code[-5] != JUMP or left[-1].place != len(code) - 4:
        return blank
    last = left[-1]
    if last.target == "next":
        return Blank(code[:-5], left[:-1])
    if len(left) > 1 and left[-2].target == "next":
        place = left[-2].place
        if place == len(code) - 9 and code[place - 2] == 0x0F and code[place - 1] & 0xF0 == 0x80:
            inverted = bytearray(code[:-5])
            inverted[place - 1] ^= 1
            return Blank(bytes(inverted), [*left[:-2], last._replace(place=place)])
    return blank


FORMAT: Final = Format(1, blanks, shortened)
