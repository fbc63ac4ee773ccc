"""How a hole of a stencil is spelled in LLVM IR, so that it can be found in the machine code: a way for each architecture.

- `Symbols` (x86-64): the address of an external symbol whose range is known.  LLVM puts it into an instruction's field and leaves a
  relocation.  A pointer is never made of a hole; a hole is cast to an integer in a constant expression, nothing else is cast.
- `Constants` (aarch64, where an address is worked out by several instructions, and symbols go through a table): a number that is nowhere else.
  All is compiled twice, with other numbers; the instructions that differ hold them.  LLVM must not see what they are, for it would
  calculate with them: numbers pass through an empty piece of assembly, and slots are volatile, lest two that differ here be taken for two.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from arenite.bytecode.protocol import I64, Type
from arenite.platform.architectures import AARCH64, X86_64

if TYPE_CHECKING:
    from arenite.emit.addressing import Line


@dataclass(frozen=True)
class Hole:
    """What may stand in a hole.  `bits`: the number is below 2**bits, and its field holds it zero-extended; `signed`: or sign-extended."""

    bits: int
    signed: bool = False


HOLES: Final[dict[str, Hole]] = {
    "u16": Hole(16),
    "u30": Hole(30),
    "u32": Hole(32),
    "i16": Hole(32),
    "i32": Hole(32),
    "s32": Hole(32, signed=True),
    "i64": Hole(64),
}
"""`u30`: a u32 that a frame's or an instance's size bounds.  LLVM takes every symbol of the small code model for less than 2**31, so what may be
more never meets a 64-bit operation but through an instruction of its own.  `i16`, `s32`: an i16, sign-extended to 32 bits, to 64."""

SLOT: Final = "slot"
"""A slot's distance from the frame: a u16 in a load's or a store's own field."""


class Symbols:
    """Holes of one module are symbols.  `holes`: their names, and of code and tables that it leads to: which of `HOLES`, "code" or "table"."""

    drafts = 1
    volatile = ""

    def __init__(self, draft: int = 0) -> None:
        del draft
        self.holes: dict[str, str] = {}
        self.numbers = {kind: 200 + i for i, kind in enumerate(HOLES)}

    def number(self, line: Line, name: str, kind: str, type_: Type = I64) -> str:
        """A constant expression for what belongs there."""
        del line
        self.holes[name] = kind
        return f"ptrtoint (ptr @{name} to {type_.llvm})"

    def opaque(self, line: Line, name: str, kind: str, type_: Type = I64) -> str:
        """A number that a hole will have, by an instruction of which LLVM knows nothing."""
        self.holes[name] = kind
        move = {"s32": "movq $$HOLE, ${0:q}", "i64": "movabsq $$HOLE, ${0:q}"}.get(kind, "movl $$HOLE, ${0:k}")
        return line(f'call {type_.llvm} asm "{move.replace("HOLE", name)}", "=r"()')

    def slot(self, line: Line, name: str) -> str:
        """A slot's distance from the frame."""
        return self.number(line, f"slot.{name}", "u16")

    pair = slot

    def declarations(self) -> str:
        """What holes are."""
        ranges = [f"!{self.numbers[k]} = !{{i64 0, i64 {1 << min(h.bits, 32)}}}\n" for k, h in HOLES.items()]
        symbols = [
            f"@{name} = external global i8, !absolute_symbol !{self.numbers[kind]}\n"
            for name, kind in sorted(self.holes.items())
            if kind in HOLES
        ]
        return "".join(ranges + symbols)


class Constants:
    """Holes of one of two modules are numbers; the same of `draft` 0 and 1, but for those.  `holes`: as of `Symbols`, or `SLOT`."""

    drafts = 2
    volatile = "volatile "

    def __init__(self, draft: int = 0) -> None:
        self.draft = draft
        self.holes: dict[str, str] = {}

    def value(self, name: str) -> int:
        """What stands there: it depends on the name alone.  Pieces of 16 bits, as the CPU moves them."""
        kind = self.holes[name]
        digest = hashlib.blake2b(f"{self.draft} {name}".encode(), digest_size=8).digest()
        if kind == SLOT:
            return 8 * (128 + int.from_bytes(digest, "little") % 1919)  # within the reach of 4 bytes
        return int.from_bytes(digest[: 2 * self.pieces(kind)], "little")

    @staticmethod
    def pieces(kind: str) -> int:
        """How many there are."""
        return {"u16": 1, "i16": 1, "s32": 1, "i64": 4}.get(kind, 2)

    def number(self, line: Line, name: str, kind: str, type_: Type = I64) -> str:
        """A number that a hole will have, by instructions of which LLVM knows nothing."""
        return self.opaque(line, name, kind, type_)

    def opaque(self, line: Line, name: str, kind: str, type_: Type = I64) -> str:
        """A number that LLVM has not seen; it need not extend it."""
        self.holes[name] = kind
        word = line(f'call i64 asm "", "=r,0"(i64 {self.value(name)}) nounwind willreturn memory(none)')
        return word if type_ is I64 else line(f"trunc i64 {word} to {type_.llvm}")

    def slot(self, line: Line, name: str) -> str:
        """A slot's distance from the frame."""
        del line
        self.holes[f"slot.{name}"] = SLOT
        return str(self.value(f"slot.{name}"))

    def pair(self, line: Line, name: str) -> str:
        """That of the first of two, which an access of 16 bytes has no field for: it takes multiples of 16."""
        return self.opaque(line, f"slot.{name}.u16", "u16")

    def declarations(self) -> str:
        """None are needed."""
        return ""


Spelling = Symbols | Constants
SPELLINGS: Final[dict[str, type[Spelling]]] = {X86_64.name: Symbols, AARCH64.name: Constants}
"""By `Architecture.name`."""
