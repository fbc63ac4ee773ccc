"""THE table of ops, in order; an op's code is its place.  Everything about an op derives from its row.

The base rows come from the chapters (`CHAPTERS`); the rest are made from them here, by the algebra of `row`: immediate forms,
compare-and-branch, and the superinstructions that were found to pay.

Example:  ROWS["i32.add"].code;  TABLE[code].name
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.bytecode import (
    calls,
    control,
    exceptions,
    floats,
    integers,
    memories,
    memory,
    references,
    vector_memory,
    vectors,
    wide,
)
from arenite.bytecode.row import Row, fused, immediate, looping, tied
from arenite.errors import InternalError
from arenite.layout.cage import UNIT

if TYPE_CHECKING:
    from collections.abc import Iterator

CHAPTERS: Final = (
    control,
    calls,
    integers,
    floats,
    memory,
    references,
    wide,
    vectors,
    vector_memory,
    memories,
    exceptions,
)
"""Each has `rows()`; a new one comes last."""

IMMEDIATE: Final = (*integers.ARITHMETIC, *integers.SHIFTS)
# first op -> what may follow on its result, each pair one superinstruction "first; second"
PAIRS: Final[tuple[tuple[str, str], ...]] = (
    *(
        (first, f"{load} memory0")
        for first in ("i32.add", "i32.add_imm", "i32.shl_imm")
        for load in ("load8_u", "load16_u", "load32", "load64")
    ),
    *((first, "i32.add") for first in ("i32.shl_imm", "i32.mul", "i32.mul_imm", "load32 memory0", "load8_u memory0", "i32.add")),
    *((first, "i32.add_imm") for first in ("load32 memory0", "load8_u memory0")),
    *((first, "i32.and_imm") for first in ("load32 memory0", "load8_u memory0", "i32.shr_u_imm", "i32.add", "i32.add_imm")),
    *(
        (first, "i32.xor")
        for first in ("load8_u memory0", "load32 memory0", "i32.shl_imm", "i32.shr_u_imm", "i32.and_imm", "i32.rotl_imm")
    ),
    *((first, "i32.or") for first in ("load8_u memory0", "i32.shl_imm", "i32.shr_u_imm", "i32.and_imm")),
    *((first, "i64.add") for first in ("load64 memory0", "i64.mul", "i64.shr_u_imm", "i64.add")),
    *((first, "i64.xor") for first in ("load64 memory0", "i64.shl_imm", "i64.shr_u_imm", "i64.rotl_imm")),
    *((f"load64 memory0", f"f64.{second}") for second in ("add", "sub", "mul", "div")),  # noqa: F541
    *(("f64.mul", f"f64.{second}") for second in ("add", "sub", "mul")),
    *(
        (first, second)
        for first in ("i32.shl_imm", "i32.and_imm", "i32.shr_u_imm")
        for second in ("i32.shl_imm", "i32.shr_s_imm")
    ),
    ("i32.shl_imm", "i32.shr_u_imm"),
    ("load32 memory0 i64", "i32.add"),
    ("load64 memory0 i64", "i64.add"),
    ("i32.const", "load32 memory0"),
    ("global.get", "i32.add_imm"),
)
# first op -> what has no result and may follow on the first's, which is written all the same: "first; second".  Only one of the two
# may trap, or nobody would know which did.
KEPT: Final[tuple[tuple[str, str], ...]] = (
    ("i32.add_imm", "store32 memory0"),
    ("i32.add_imm", "global.set"),
    ("global.get; i32.add_imm", "global.set"),
    *(
        (first, second)
        for first in ("load32 memory0", "load8_u memory0", "load8_u memory0 i64", "i32.add_imm", "i32.and_imm")
        for second in ("br_if", "br_unless", "loop_br_if", "loop_br_unless")
    ),
)
COMMUTATIVE: Final = frozenset(f"{t}.{name}" for t in ("i32", "i64") for name in ("add", "mul", "and", "or", "xor")) | {
    f"{t}.{name}" for t in ("f32", "f64") for name in ("add", "mul")
}
COUNTING: Final = {  # comparisons that end counted loops
    "i32": ("ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u", "eq"),
    "i64": ("ne", "lt_s", "lt_u"),
}
BRANCHES: Final = ("br_if", "br_unless")


def _compare_and_branch(rows: dict[str, Row]) -> Iterator[Row]:
    """`br_if i32.lt_s` and `loop_br_if i32.lt_s_imm`; for floats `br_unless f64.lt` too (the negation is another comparison)."""
    for t in ("i32", "i64"):
        for name in integers.COMPARISONS:
            for first in (rows[f"{t}.{name}"], immediate(rows[f"{t}.{name}"])):
                forward = fused(f"br_if {first.name}", first, rows["br_if"])
                yield from (forward, looping(forward))
    for t in ("f32", "f64"):
        for name in floats.COMPARISONS:
            for branch in BRANCHES:
                forward = fused(f"{branch} {t}.{name}", rows[f"{t}.{name}"], rows[branch])
                yield from (forward, looping(forward))


def _counting(rows: dict[str, Row]) -> Iterator[Row]:
    """`a += n` (or `a += step`), then a back-edge while `a` compares: the end of a counted loop."""
    for t, names in COUNTING.items():
        for add, word in ((tied(immediate(rows[f"{t}.add"]), "a"), "inc"), (tied(rows[f"{t}.add"], "a"), "add")):
            for name in names:
                for compare in (rows[f"{t}.{name}"], immediate(rows[f"{t}.{name}"])):
                    branch = fused("", compare, rows["loop_br_if"])
                    ending = fused(f"{word}_br_if {compare.name}", add, branch, keep=True)
                    yield ending._replace(derivation=(f"{word}_br_if", compare.name))


def _pairs(rows: dict[str, Row]) -> Iterator[Row]:
    for first, second in PAIRS:
        yield _joined(fused(f"{first}; {second}", rows[first], rows[second]))
        if second in ("f64.sub", "f64.div"):
            yield _joined(fused(f"{first}; {second} right", rows[first], rows[second], operand=1))


def _joined(pair: Row) -> Row:
    """A pair as the translator's writer makes it: the first op as it stands, and the second's other operand in a unit behind it."""
    if pair.encoded[-1].at != UNIT:
        raise InternalError(f"{pair.name} cannot be joined: the first op does not fill its {UNIT} bytes")
    return pair


def _kept(rows: dict[str, Row]) -> Iterator[Row]:
    for first, second in KEPT:
        value = next(i for i, o in enumerate(rows[second].operands) if o.name in ("value", "c"))
        yield fused(f"{first}; {second}", rows[first], rows[second], keep=True, operand=value)


def _table() -> tuple[Row, ...]:
    rows: dict[str, Row] = {}

    def add(more: Iterator[Row]) -> None:
        for new in more:
            assert new.name not in rows, new.name
            rows[new.name] = new._replace(code=len(rows))

    for chapter in CHAPTERS:
        add(chapter.rows())
    add(immediate(rows[f"{t}.{name}"]) for t in ("i32", "i64") for name in (*IMMEDIATE, *integers.COMPARISONS))
    add(immediate(rows[f"{name} {of}"], "value") for of in ("memory0", "memory0 i64") for name, *_ in memory.STORES)
    add(_compare_and_branch(rows))
    add(_counting(rows))
    add(_pairs(rows))
    add(_kept(rows))
    return tuple(rows.values())


TABLE: Final = _table()
ROWS: Final = {row.name: row for row in TABLE}
BY_DERIVATION: Final = {row.derivation: row for row in TABLE if row.derivation}
MIRRORED: Final = {name: name for name in COMMUTATIVE} | {
    f"{t}.{name}": f"{t}.{other}"
    for types, mirror in ((("i32", "i64"), integers.MIRROR), (("f32", "f64"), floats.MIRROR))
    for t in types
    for name, other in mirror.items()
}
"""Op -> the one that gives the same with its operands exchanged."""

INVERSE: Final = {
    ROWS[f"{t}.{name}{form}"].name: ROWS[f"{t}.{other}{form}"].name
    for t in ("i32", "i64")
    for name, other in integers.INVERSE.items()
    for form in ("", "_imm")
}
"""Comparison of integers -> the one that holds when this one does not."""
