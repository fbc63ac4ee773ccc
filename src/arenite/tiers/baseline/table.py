"""The table of stencils: machine code and holes of each, out of an object file of `emit.stencil`, and what the compiler asks about ops.

It is made once, and kept in the cache as the interpreter is.  Every hole is checked when it is made: that its field is wide enough for all that
may stand there, and extended as LLVM believes.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from arenite.bytecode.effects import effects
from arenite.bytecode.ops import TABLE
from arenite.bytecode.row import BRANCHES, Form
from arenite.emit.addressing import ADDRESSINGS
from arenite.emit.stencil import ACCUMULATORS, FLOATS, HOLES, STUBS, WORDS, gives, stencils, takes, variants
from arenite.errors import InternalError
from arenite.layout.spaces import Space
from arenite.platform import llvm
from arenite.platform.elf import ObjectFile
from arenite.tiers.baseline import holes
from arenite.tiers.baseline.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.bytecode.row import Operand, Row
    from arenite.platform.architectures import Architecture
    from arenite.tiers.threaded.objects import Variant

R_64, R_PC32, R_PLT32, R_32, R_32S = 1, 2, 4, 10, 11
FIELDS: Final = {R_64: holes.LONG, R_PC32: holes.WAY, R_PLT32: holes.WAY, R_32: holes.WORD, R_32S: holes.WORD}
EXTENDED: Final = {R_64: (64, False), R_32: (32, False), R_32S: (32, True)}
JUMP: Final = 0xE9
POOL_ALIGN: Final = 32


class Blank(NamedTuple):
    """A stencil as it came: `holes`: (offset, type of relocation, symbol or place in the pool, addend)."""

    code: bytes
    holes: list[tuple[int, int, str | int, int]]


def blanks(data: bytes, machine: int) -> tuple[dict[str, Blank], bytes]:
    """The stencils of an object file, and the constants that they refer to."""
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
    found = {}
    for begin, size, name in sorted((s.value, s.size, s.name) for s in file.symbols if s.section == text and s.size):
        left: list[tuple[int, int, str | int, int]] = []
        while fixup is not None and fixup.offset < begin + size:
            target = file.symbols[fixup.symbol]
            where: str | int = target.name
            addend = fixup.addend
            if target.section in places:
                where = places[target.section] + target.value
            elif target.section:
                raise InternalError(f"stencil {name} refers to {target.name}")
            left.append((fixup.offset - begin, numbers[id(fixup.how)], where, addend))
            fixup = next(fixups, None)
        found[name] = Blank(code[begin : begin + size], left)
    return found, bytes(pool)


def shortened(blank: Blank) -> Blank:
    """Without the jump to the next stencil, which follows; `jcc next; jmp to` as `jncc to`."""
    code, left = blank
    if not left or code[-5] != JUMP or left[-1][0] != len(code) - 4:
        return blank
    _, type_, target, addend = left[-1]
    if target == "next":
        return Blank(code[:-5], left[:-1])
    if len(left) > 1 and left[-2][2] == "next":
        place = left[-2][0]
        if place == len(code) - 9 and code[place - 2] == 0x0F and code[place - 1] & 0xF0 == 0x80:
            inverted = bytearray(code[:-5])
            inverted[place - 1] ^= 1
            return Blank(bytes(inverted), [*left[:-2], (place, type_, target, addend)])
    return blank


class Routines:
    """Routines of the interpreter that stencils leave to, numbered as they are met."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def number(self, name: str) -> int:
        """Its number."""
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


def hole_word(kind: int, field: int, place: int, of: int, added: int) -> int:
    """A hole as the compiler reads it."""
    if not (0 <= place < 1 << 12 and 0 <= of < 1 << 12 and -(1 << 31) <= added < 1 << 31):
        raise InternalError("a stencil or the constants of all are too long")
    return kind | field << 6 | place << 8 | of << 20 | (added & 0xFFFFFFFF) << 32


def plan(row: Row | None, blank: Blank, kinds: dict[str, str], routines: Routines) -> Iterator[int]:
    """A stencil's holes.  Raises: `InternalError` for one that cannot hold what may come."""
    for place, type_, target, addend in blank.holes:
        field = FIELDS[type_]
        if isinstance(target, int):
            _expect(type_ == R_PC32, row, target)
            yield hole_word(holes.POOL, field, place, target + addend + 4, 0)
            continue
        kind, of = _filling(row, target, routines)
        if type_ in EXTENDED:
            bits, signed = EXTENDED[type_]
            hole = HOLES[kinds[target]]
            fits = not hole.signed and (1 << hole.bits) + addend <= 1 << bits - signed and addend >= -(1 << bits - 1) * signed
            _expect(fits or (hole.bits == bits and signed == hole.signed and not addend), row, target)
        else:
            _expect(kinds[target] in {"code", "table"} and addend == -4, row, target)
        yield hole_word(kind, field, place, of, addend if type_ in EXTENDED else 0)


def _expect(holds: bool, row: Row | None, target: object) -> None:  # noqa: FBT001
    if not holds:
        raise InternalError(f"a stencil of {row.name if row else 'no op'}: the field of {target} does not hold what may come")


PLAIN: Final = {"last": holes.LAST, "here": holes.HERE, "behind": holes.BEHIND, "next": holes.NEXT, "labels": holes.LABELS}


def _filling(row: Row | None, target: str, routines: Routines) -> tuple[int, int]:
    """What fills a hole, and what of."""
    if target in PLAIN:
        return PLAIN[target], 0
    if row is None and target in {"stop", "slot"}:
        return (holes.STOP if target == "stop" else holes.U16), 0
    head, name, *_ = [*target.split("."), ""]
    if head in {"slot", "number"}:
        assert row is not None
        operand = next(o for o in row.encoded if o.name == name) if name != "dst" or not row.tied else row.destination
        assert operand is not None
        return _number(operand), operand.at
    if target in {"to", "callee"}:
        assert row is not None
        return (holes.TO if target == "to" else holes.CALLEE), _label(row)
    if target == "this":
        assert row is not None
        return holes.STOP, routines.number(f"op {row.name}")
    if head.startswith("stop_"):
        return (holes.STOP_TO if name else holes.STOP), routines.number(head)
    return holes.ROUTINE, routines.number(target)


def _number(operand: Operand) -> int:
    if operand.form is Form.TYPE:
        return holes.TYPE
    if operand.form is Form.IMMEDIATE:
        return {2: holes.S16, 4: holes.U32, 8: holes.I64}[operand.size]
    if operand.size == 2:
        return holes.U16
    return holes.U32 if operand.role == "offset" else holes.U30


def _label(row: Row) -> int:
    """Where the op's label, or the count of its labels, stands; -1 without."""
    return next((o.at for o in row.operands if o.form in (*BRANCHES, Form.LABELS)), -1)


def flags(row: Row) -> int:
    """What is true of the op."""
    found, forms = effects(row), {o.form for o in row.operands}
    result = {(): 0, WORDS: holes.WRITES, FLOATS: holes.WRITES_F64}[gives(row)]
    builtin = found.builtin is not None
    return (
        result
        | holes.CALLS * ("call" in found.transfers)
        | holes.RESUMES * builtin
        | holes.LOOPS * (Form.LOOP in forms)
        | holes.SWITCHES * (Form.LABELS in forms)
        | holes.CLOBBERS * (Space.FRAME in found.writes or builtin)
    )


def _words(numbers: list[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}i", *numbers)


def made(variant: Variant, architecture: Architecture) -> Sheet:
    """The table of a variant, made now: some seconds."""
    options = {"explicit_bounds": variant.explicit_bounds, "deterministic": variant.deterministic}
    ir, kinds = stencils(ADDRESSINGS[variant.addressing], architecture, **options)
    found, pool = blanks(llvm.compile_object(ir), architecture.elf_machine)
    routines = Routines()
    code, words, first_code, first_hole = bytearray(), list[int](), list[int](), list[int]()

    def add(row: Row | None, blank: Blank) -> None:
        first_code.append(len(code))
        first_hole.append(len(words))
        code.extend(blank.code)
        words.extend(plan(row, blank, kinds, routines))

    for name in STUBS:
        add(None, shortened(found[name]))
    ops, sources_of, pairs = list[int](), list[int](), list[int]()
    for row in TABLE:
        tokens = takes(row)
        numbers, ways = {v: n for n, v in enumerate(variants(row))}, len(gives(row)) or 1
        places = {o.name: o.at for o in row.operands}
        destination = row.destination
        ops += [row.size, flags(row), _label(row), destination.at if destination else -1, len(first_code), len(tokens)]
        ops += [len(sources_of), len(pairs)]
        for name, where in tokens:
            sources_of.append(places[name] | list(ACCUMULATORS).index(where) << 16)
        by_sources = {v.sources: n // ways for v, n in numbers.items()}
        pairs += [by_sources.get((a, b), -1) for a in tokens for b in tokens]
        for v in numbers:
            add(row, shortened(found[v.symbol(row)]))
    first_code.append(len(code))
    first_hole.append(len(words))
    routines.number("dispatch")
    holes_ = struct.pack(f"<{len(words)}Q", *words)
    pieces = (bytes(code), holes_, _words(first_code), _words(first_hole), _words(ops), _words(sources_of), _words(pairs), pool)
    return Sheet(pieces, tuple(routines.names))
