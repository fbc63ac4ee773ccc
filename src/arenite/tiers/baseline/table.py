"""The table of stencils: machine code and holes of each, out of an object file of `emit.stencil`, and what the compiler asks about ops.

It is made once, and kept in the cache as the interpreter is.  Every hole is checked when it is made (`x86_64`, `aarch64`): that its field is wide
enough for all that may stand there, and extended as LLVM believes; or that the compiler finds out.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from arenite.bytecode.effects import effects
from arenite.bytecode.ops import TABLE
from arenite.bytecode.row import BRANCHES, Form
from arenite.emit.addressings import ADDRESSINGS
from arenite.emit.stencil import ACCUMULATORS, FLOATS, STUBS, WORDS, forgets, gives, stencils, takes, variants
from arenite.errors import InternalError
from arenite.layout.spaces import Space
from arenite.platform import llvm
from arenite.platform.architectures import AARCH64, X86_64
from arenite.tiers.baseline import aarch64, holes, x86_64
from arenite.tiers.baseline.blank import Draft
from arenite.tiers.baseline.stencil_table import StencilTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.bytecode.row import Operand, Row
    from arenite.platform.architectures import Architecture
    from arenite.tiers.baseline.blank import Blank
    from arenite.tiers.threaded.objects import Variant

FORMATS: Final = {X86_64.name: x86_64.FORMAT, AARCH64.name: aarch64.FORMAT}
"""By `Architecture.name`."""


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


def plan(row: Row | None, blank: Blank, routines: Routines) -> Iterator[int]:
    """A stencil's holes."""
    for place, field, target, added in blank.holes:
        kind, of = (holes.POOL, target) if isinstance(target, int) else _filling(row, target, routines)
        if kind == holes.POOL and field != holes.INSTRUCTION:  # there are more constants than `of` has room for
            yield hole_word(kind, field, place, 0, added + of)
        else:
            yield hole_word(kind, field, place, of, added)


PLAIN: Final = {"last": holes.LAST, "here": holes.HERE, "behind": holes.BEHIND, "next": holes.NEXT, "labels": holes.LABELS}


def _filling(row: Row | None, target: str, routines: Routines) -> tuple[int, int]:
    """What fills a hole, and what of."""
    if target in PLAIN:
        return PLAIN[target], 0
    if row is None and target in {"stop", "slot.any"}:
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
        | holes.WRITES_PAIR * (row.destination is not None and row.destination.type.is_vector)
        | holes.CALLS * ("call" in found.transfers)
        | holes.TAILS * ("tail call" in found.transfers)
        | holes.RESUMES * builtin
        | holes.LOOPS * (Form.LOOP in forms)
        | holes.SWITCHES * (Form.LABELS in forms)
        | holes.CLOBBERS * (Space.FRAME in found.writes or builtin or forgets(row))
    )


def _words(numbers: list[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}i", *numbers)


def table_of(variant: Variant, architecture: Architecture, cpu: str | None = None, *, plain: bool = False) -> StencilTable:
    """The table of a variant, made now: some seconds, or a tenth of that for `plain` stencils, which leave accumulators alone.

    `cpu`: as LLVM names it, by default what every CPU of the architecture is.
    """
    options = {"explicit_bounds": variant.explicit_bounds, "deterministic": variant.deterministic, "plain": plain}
    form, drafts = FORMATS[architecture.name], list[Draft]()
    for number in range(form.drafts):
        ir, spelling = stencils(ADDRESSINGS[variant.addressing], architecture, **options, draft=number)
        drafts.append(Draft(llvm.compile_object(ir, cpu=cpu, architecture=architecture), architecture.elf_machine, spelling))
    found, pool = form.blanks(drafts), drafts[0].pool
    routines = Routines()
    code, words, first_code, first_hole = bytearray(), list[int](), list[int](), list[int]()

    def add(row: Row | None, blank: Blank) -> None:
        first_code.append(len(code))
        first_hole.append(len(words))
        code.extend(blank.code)
        words.extend(plan(row, blank, routines))

    for name in STUBS:
        add(None, form.shortened(found[name]))
    ops, sources_of, pairs = list[int](), list[int](), list[int]()
    for row in TABLE:
        tokens = [] if plain else takes(row)
        numbers, ways = {v: n for n, v in enumerate(variants(row, plain=plain))}, 1 if plain else len(gives(row)) or 1
        places = {o.name: o.at for o in row.operands}
        destination = row.destination
        ops += [
            row.size,
            flags(row) & ~(holes.WRITES | holes.WRITES_F64) if plain else flags(row),
            _label(row),
            destination.at if destination else -1,
            len(first_code),
            len(tokens),
        ]
        ops += [len(sources_of), len(pairs)]
        for name, where in tokens:
            sources_of.append(places[name] | list(ACCUMULATORS).index(where) << 16)
        by_sources = {v.sources: n // ways for v, n in numbers.items()}
        pairs += [by_sources.get((a, b), -1) for a in tokens for b in tokens]
        for v in numbers:
            add(row, form.shortened(found[v.symbol(row)]))
    first_code.append(len(code))
    first_hole.append(len(words))
    routines.number("dispatch")
    holes_ = struct.pack(f"<{len(words)}Q", *words)
    pieces = (bytes(code), holes_, _words(first_code), _words(first_hole), _words(ops), _words(sources_of), _words(pairs), pool)
    return StencilTable(pieces, tuple(routines.names))
