"""Stencils as they come out of object files: machine code and holes.  What differs between architectures is a `Format` of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.errors import InternalError
from arenite.light import NamedTuple
from arenite.platform.elf import ObjectFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arenite.emit.hole import Spelling

POOL_ALIGN: Final = 32


class Opening(NamedTuple):
    """A hole: where its field begins, which of the fields of `holes` it is, what belongs there (a symbol, or a place in the pool), what is added."""

    place: int
    field: int
    target: str | int
    added: int


class Blank(NamedTuple):
    """A stencil.  `holes`: ascending."""

    code: bytes
    holes: list[Opening]


class Reference(NamedTuple):
    """What LLVM left: the relocation's type, a symbol or a place in the pool, its addend."""

    place: int
    type: int
    target: str | int
    addend: int


class Draft:
    """An object file.  `pieces`: code and references of each stencil; `pool`: the constants that they refer to."""

    def __init__(self, data: bytes, machine: int, spelling: Spelling) -> None:
        self.spelling = spelling
        file = ObjectFile(data, machine)
        numbers = {id(how): number for number, how in file.linkage.relocations.items()}
        text = next(i for i, section in enumerate(file.sections) if section.name == ".text")
        code = file.bytes_of(file.sections[text])
        pool, places = bytearray(), dict[int, int]()
        for index, section in enumerate(file.sections):
            if section.segment == 1:
                pool += bytes(-len(pool) % POOL_ALIGN)
                places[index] = len(pool)
                pool += file.bytes_of(section)
        fixups = iter(sorted((f for f in file.fixups if f.section == text), key=lambda f: f.offset))
        fixup = next(fixups, None)
        self.pool = bytes(pool)
        self.pieces: dict[str, tuple[bytes, list[Reference]]] = {}
        for begin, size, name in sorted((s.value, s.size, s.name) for s in file.symbols if s.section == text and s.size):
            left: list[Reference] = []
            while fixup is not None and fixup.offset < begin + size:
                target = file.symbols[fixup.symbol]
                where: str | int = target.name
                if target.section in places:
                    where = places[target.section] + target.value
                elif target.section:
                    raise InternalError(f"stencil {name} refers to {target.name}")
                left.append(Reference(fixup.offset - begin, numbers[id(fixup.how)], where, fixup.addend))
                fixup = next(fixups, None)
            self.pieces[name] = (code[begin : begin + size], left)


class Format(NamedTuple):
    """How stencils of an architecture are read."""

    drafts: int
    """How many object files that takes."""
    blanks: Callable[[Sequence[Draft]], dict[str, Blank]]
    """The stencils.  Raises: `InternalError` for a hole that does not hold what may come."""
    shortened: Callable[[Blank], Blank]
    """Without the jump to the next stencil, which follows, and jumps around jumps."""


def expect(holds: bool, name: str, target: object) -> None:  # noqa: FBT001
    """Raises: `InternalError`."""
    if not holds:
        raise InternalError(f"stencil {name}: the field of {target} does not hold what may come")
