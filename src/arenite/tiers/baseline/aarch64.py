"""Stencils of aarch64: a hole is in an instruction, which says itself where the number goes (`compiler.filled`).

Operands' holes are found by comparing two drafts, which have other numbers there and are alike beyond that.  Each hole is checked: that its pieces of 16
bits are all there, and that a slot stands where the compiler can refuse one out of reach.

A way out is a `b`, which reaches all code, or, where it leads no farther than the function's end, a conditional branch, which reaches 1 MiB.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from arenite.emit.hole import SLOT, Constants
from arenite.errors import InternalError
from arenite.light import NamedTuple
from arenite.tiers.baseline.blank import Blank, Format, Opening, expect
from arenite.tiers.baseline.holes import INSTRUCTION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.tiers.baseline.blank import Draft, Reference

PAGE, ADD, JUMP = 275, 277, 282  # types of relocations
LOADS: Final = {278, 284, 285, 286, 299}
SIZE: Final = 4
PIECE: Final = 16
ADRP: Final = 1 << 31  # the bit in which it differs from `adr`
WIDE: Final = 1 << 31  # of a move: to all 64 bits


class Shown(NamedTuple):
    """What an instruction has where a hole may be.  `shift`: of a moved piece; -1: a load's or a store's displacement."""

    number: int
    shift: int = -1


def shown(word: int) -> Shown | None:
    """What an instruction has there, if it is one that can have a hole."""
    if word & 0x5F800000 == 0x52800000:  # movz, movk
        return Shown(word >> 5 & 0xFFFF, PIECE * (word >> 21 & 3))
    if word & 0x3B000000 == 0x39000000 and word & 0x04800000 != 0x04800000:  # ldr, str; not of 16 bytes
        return Shown((word >> 10 & 0xFFF) << (word >> 30))
    return None


def shown_by(number: int, kind: str) -> list[Shown]:
    """What instructions have of a hole's number; of a slot's one of these, for loads that splat have no displacement."""
    if kind == SLOT:
        return [Shown(number), Shown(number, 0)]
    return [Shown(number >> shift & 0xFFFF, shift) for shift in range(0, PIECE * Constants.pieces(kind), PIECE)]


def blanks(drafts: Sequence[Draft]) -> dict[str, Blank]:
    """The stencils."""
    one, two = drafts
    first, second = one.spelling, two.spelling
    assert isinstance(first, Constants)
    assert isinstance(second, Constants)
    expect(one.pool == two.pool and one.pieces.keys() == two.pieces.keys(), "of any name", "anything")
    known: dict[tuple[Shown, Shown], str] = {}
    for hole, kind in first.holes.items():
        if kind not in {"code", "table"}:
            for pair in zip(shown_by(first.value(hole), kind), shown_by(second.value(hole), kind), strict=True):
                expect(pair not in known and pair[0] != pair[1], "of any name", hole)
                known[pair] = hole
    return {name: _blank(name, one, two, known) for name in one.pieces}


def _blank(name: str, one: Draft, two: Draft, known: dict[tuple[Shown, Shown], str]) -> Blank:
    """A stencil, with all its holes."""
    (code, left), (other, left_there) = one.pieces[name], two.pieces[name]
    expect(len(code) == len(other) and left == left_there, name, "anything")
    words, kinds = _words(code), one.spelling.holes
    holes = [opening for reference in left if (opening := _led(name, words, reference)) is not None]
    moved: dict[str, set[int]] = {}
    for at, (a, b) in enumerate(zip(_words(code), _words(other), strict=True)):
        expect(a & 0x3B000000 != 0x18000000 and a & 0x9F000000 != 0x10000000, name, f"{a:#x}")  # what is near, by ldr or adr
        if a == b:
            continue
        here, there = shown(a), shown(b)
        hole = known.get((here, there)) if here is not None and there is not None else None
        if here is None or hole is None:
            raise InternalError(f"stencil {name}: {a:#x} and {b:#x} differ and hold nothing that is known")
        moved.setdefault(hole, set()).add(here.shift)
        words[at] |= WIDE * (kinds[hole] == "s32")
        holes.append(Opening(SIZE * at, INSTRUCTION, hole, 0))
    for hole, shifts in moved.items():
        pieces = {piece.shift for piece in shown_by(0, kinds[hole])}
        expect(shifts == pieces or (kinds[hole] == SLOT and shifts <= pieces), name, hole)
    return Blank(_code(words), sorted(holes, key=lambda opening: opening.place))


def _led(name: str, words: list[int], reference: Reference) -> Opening | None:
    """The hole of a reference.  A table of labels lies near: its page becomes itself, and the place in the page nothing."""
    place, type_, target, addend = reference
    if isinstance(target, int):
        expect(type_ in {PAGE, ADD, *LOADS}, name, target)
        return Opening(place, INSTRUCTION, target + addend, 0)
    expect(not addend, name, target)
    if target == "labels":
        expect(type_ in {PAGE, ADD}, name, target)
        words[place // SIZE] &= ~(ADRP * (type_ == PAGE))
        return Opening(place, INSTRUCTION, target, 0) if type_ == PAGE else None
    expect(type_ == JUMP, name, target)
    return Opening(place, INSTRUCTION, target, 0)


def _words(code: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(code) // SIZE}I", code))


def _code(words: list[int]) -> bytes:
    return struct.pack(f"<{len(words)}I", *words)


# branches
def is_jump(word: int) -> bool:
    """`b`."""
    return word & 0xFC000000 == 0x14000000


def is_conditional(word: int) -> bool:
    """`b.cond`, `cbz`, `cbnz`: they reach 1 MiB."""
    return word & 0xFF000010 == 0x54000000 or word & 0x7E000000 == 0x34000000


def is_test(word: int) -> bool:
    """`tbz`, `tbnz`."""
    return word & 0x7E000000 == 0x36000000


def ends(word: int) -> bool:
    """Whether control never gets behind the instruction."""
    return is_jump(word) or word & 0xFFFFFC1F == 0xD61F0000


def displacement(word: int) -> tuple[int, int]:
    """Where a branch has the way, in instructions: bits and place."""
    return (26, 0) if is_jump(word) else (14, 5) if is_test(word) else (19, 5)


class _Code:
    """A stencil while it is made shorter: no number of an instruction is kept anywhere else."""

    def __init__(self, blank: Blank) -> None:
        self.words = _words(blank.code)
        self.holes: list[list[Opening]] = [[] for _ in self.words]
        for hole in blank.holes:
            self.holes[hole.place // SIZE].append(hole)
        self.local: dict[int, int] = {}  # branches to instructions of the stencil
        for at, word in enumerate(self.words):
            if not self.holes[at] and (is_jump(word) or is_conditional(word) or is_test(word)):
                bits, low = displacement(word)
                way = word >> low & (1 << bits) - 1
                self.local[at] = at + way - (way >> bits - 1 << bits)

    def leaves(self, at: int) -> str | None:
        """Where an unconditional jump out of the stencil leads."""
        for hole in self.holes[at]:
            if is_jump(self.words[at]) and isinstance(hole.target, str):
                return hole.target
        return None

    def drop(self, at: int) -> None:
        """Take an instruction away, to which nothing leads."""
        del self.words[at], self.holes[at]
        self.local = {k - (k > at): to - (to > at) for k, to in self.local.items() if k != at}

    def lead(self, at: int, hole: Opening) -> None:
        """Let a branch lead out."""
        self.holes[at].append(hole)
        del self.local[at]

    def blank(self) -> Blank:
        """The result."""
        for at, to in self.local.items():
            bits, low = displacement(self.words[at])
            mask = (1 << bits) - 1 << low
            self.words[at] = self.words[at] & ~mask | (to - at << low & mask)
        holes = [hole._replace(place=SIZE * at) for at, found in enumerate(self.holes) for hole in found]
        return Blank(_code(self.words), holes)


def is_near(target: str | None) -> bool:
    """Whether it is in the function, or a stub at its end."""
    return target is not None and (target in {"to", "this"} or target.startswith("stop_"))


def shortened(blank: Blank) -> Blank:
    """Without the jump to the next stencil, which follows; conditional branches to jumps and around jumps lead where those do."""
    code = _Code(blank)
    at = 0
    while at + 2 < len(code.words):
        target = code.leaves(at + 1)
        around = code.local.get(at) == at + 2 and is_conditional(code.words[at])
        if around and is_near(target) and at + 1 not in code.local.values():
            code.words[at] ^= 1 if code.words[at] >> 24 == 0x54 else 1 << 24
            code.lead(at, code.holes[at + 1][0])
            code.drop(at + 1)
        at += 1
    while len(code.words) > 1:
        last = len(code.words) - 1
        target = code.leaves(last)
        if target == "next":
            code.drop(last)
            break
        coming = [k for k, to in code.local.items() if to == last]
        if not (is_near(target) and coming and ends(code.words[-2]) and all(is_conditional(code.words[k]) for k in coming)):
            break
        for k in coming:
            code.lead(k, code.holes[last][0])
        code.drop(last)
    return code.blank()


FORMAT: Final = Format(2, blanks, shortened)
