"""Primitives on vectors of 16 bytes.  What those on numbers (`prims`) say is true of each lane; the rows here are what vectors have beside.

A comparison of vectors gives an integer vector: all bits of a lane where it holds, none elsewhere.

In the LLVM spelling there may be several lines, divided by semicolons, of which `{_}` is the one before.  `{t}` is the operand's type, `{r}`
the result's, `{f}` the operand's name in an intrinsic (`v16i8`), `{n}` how many lanes it has, `{mask}` a bit for each, `{low}` `{high}` `{even}`
lanes to choose from two operands.  In the Python spelling a vector is an int in [0, 2**128).  A spelling of `LANEWISE` is that of one
lane, as in `prims`; lanes that the operand has more are left out, those that it has less are zero.  One of `WHOLE` is that of the vector; `{size}`
is bytes of a lane of the operand, `{rsize}` of the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.bytecode.prims import PRIMS, ResultRule, table
from arenite.bytecode.protocol import F32, F32X4, F64, F64X2, I1, I8X16, I16X8, I32X4, I64X2, LANES, Type
from arenite.light import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.bytecode.protocol import Value

LANEWISE: Final = """
add_sat_s    | same | call {t} @llvm.sadd.sat.{f}({t} {0}, {t} {1}) | min(max(({0} ^ {s}) + ({1} ^ {s}) - 2 * {s}, -{s}), {s} - 1) & {m}
add_sat_u    | same | call {t} @llvm.uadd.sat.{f}({t} {0}, {t} {1}) | min({0} + {1}, {m})
sub_sat_s    | same | call {t} @llvm.ssub.sat.{f}({t} {0}, {t} {1}) | min(max(({0} ^ {s}) - ({1} ^ {s}), -{s}), {s} - 1) & {m}
sub_sat_u    | same | call {t} @llvm.usub.sat.{f}({t} {0}, {t} {1}) | max({0} - {1}, 0)
min_s        | same | call {t} @llvm.smin.{f}({t} {0}, {t} {1})     | min({0} ^ {s}, {1} ^ {s}) ^ {s}
min_u        | same | call {t} @llvm.umin.{f}({t} {0}, {t} {1})     | min({0}, {1})
max_s        | same | call {t} @llvm.smax.{f}({t} {0}, {t} {1})     | max({0} ^ {s}, {1} ^ {s}) ^ {s}
max_u        | same | call {t} @llvm.umax.{f}({t} {0}, {t} {1})     | max({0}, {1})
abs          | same | call {t} @llvm.abs.{f}({t} {0}, i1 false)     | ({0} if {0} < {s} else -{0} & {m})
promote_low  | to   | shufflevector {t} {0}, {t} poison, <2 x i32> <i32 0, i32 1> ; fpext <2 x float> {_} to {r} | {0}
from_low_s   | to   | shufflevector {t} {0}, {t} poison, <2 x i32> <i32 0, i32 1> ; sitofp <2 x i32> {_} to {r} | float(({0} ^ {s}) - {s})
from_low_u   | to   | shufflevector {t} {0}, {t} poison, <2 x i32> <i32 0, i32 1> ; uitofp <2 x i32> {_} to {r} | float({0})
demote_zero  | to   | fptrunc {t} {0} to <2 x float> ; shufflevector <2 x float> {_}, <2 x float> zeroinitializer, {four} | ROUND32({0})
trunc_zero_s | to   | fptosi {t} {0} to <2 x i32> ; shufflevector <2 x i32> {_}, <2 x i32> zeroinitializer, {four} | int({0}) & {rm}
trunc_zero_u | to   | fptoui {t} {0} to <2 x i32> ; shufflevector <2 x i32> {_}, <2 x i32> zeroinitializer, {four} | int({0}) & {rm}
"""
WHOLE: Final = """
splat           | to   | insertelement {r} poison, {t} {0}, i32 0 ; shufflevector {r} {_}, {r} poison, <{rn} x i32> zeroinitializer | SPLAT({0}, {rsize})
alone           | to   | insertelement {r} zeroinitializer, {t} {0}, i32 0 | {0}
pair            | to   | insertelement {r} poison, {t} {0}, i32 0 ; insertelement {r} {_}, {t} {1}, i32 1 | {0} | {1} << 64
interleave_low  | same | shufflevector {t} {0}, {t} {1}, {low}  | INTERLEAVE({0}, {1}, {size}, 0)
interleave_high | same | shufflevector {t} {0}, {t} {1}, {high} | INTERLEAVE({0}, {1}, {size}, 8)
even            | same | shufflevector {t} {0}, {t} {1}, {even} | EVEN({0}, {1}, {size})
swizzle         | same | call {t} @swizzle({t} {0}, {t} {1})    | SWIZZLE({0}, {1})
bitmask         | to   | icmp slt {t} {0}, zeroinitializer ; bitcast {mask} {_} to i{n} ; zext i{n} {_} to {r} | BITMASK({0}, {size})
all_true        | i1   | icmp ne {t} {0}, zeroinitializer ; bitcast {mask} {_} to i{n} ; icmp eq i{n} {_}, -1 | ALL_TRUE({0}, {size})
any_true        | i1   | bitcast {t} {0} to i128 ; icmp ne i128 {_}, 0 | {0} != 0
"""
"""`splat`: a number to all lanes; `alone`: to the first one, the others are zero; `pair`: both halves; `interleave_low`: the lower lanes of both
operands in turn; `even`: every other lane of the one, then of the other; `swizzle`: the bytes of the one that those of the other name."""


class VectorPrim(NamedTuple):
    """As a `Prim`; `lanewise`: its Python spelling is that of one lane."""

    name: str
    result: ResultRule
    llvm: tuple[str, ...]
    python: str
    lanewise: bool


def _rows() -> dict[str, VectorPrim]:
    rows = {}
    for p in PRIMS.values():
        if p.result == "i1":  # a bit for each lane becomes all bits of it
            rows[p.name] = VectorPrim(
                p.name, p.result, (p.llvm, "sext {mask} {_} to {i}"), f"-({p.python}) & {{m}}", lanewise=True
            )
        else:
            rows[p.name] = VectorPrim(p.name, p.result, (p.llvm,), p.python, lanewise=True)
    for text, lanewise in ((LANEWISE, True), (WHOLE, False)):
        for name, rule, llvm, python in table(text):
            rows[name] = VectorPrim(name, rule, tuple(line.strip() for line in llvm.split(" ; ")), python, lanewise)
    return rows


VECTOR_PRIMS: Final = _rows()
INTEGERS: Final = {I8X16: I8X16, I16X8: I16X8, I32X4: I32X4, I64X2: I64X2, F32X4: I32X4, F64X2: I64X2}
"""Type of a vector -> that of integers as wide as its lanes."""


def is_vector(args: Sequence[Value], to: Type | None) -> bool:
    """Whether a primitive is one on vectors."""
    return args[0].type.is_vector or (to is not None and to.is_vector)


def result_of(p: VectorPrim, args: Sequence[Value], to: Type | None) -> Type:
    """The type of the result."""
    if to is not None:
        return to
    t = args[0].type
    return t if p.result == "same" else INTEGERS[t] if p.lanewise else I1


def lanes(type_: Type) -> int:
    """How many there are; of a number one."""
    return type_.size // LANES[type_].size if type_.is_vector else 1


def intrinsic(type_: Type) -> str:
    """What a vector's type is called in the names of LLVM's intrinsics."""
    lane = LANES[type_]
    return f"v{lanes(type_)}" + {F32: "f32", F64: "f64"}.get(lane, lane.llvm)


def _choice(numbers: Sequence[int]) -> str:
    return f"<{len(numbers)} x i32> <{', '.join(f'i32 {n}' for n in numbers)}>"


def llvm_facts(t: Type, r: Type) -> dict[str, object]:
    """What the LLVM spelling of a primitive may mention; of both types one is a vector's."""
    facts: dict[str, object] = {"t": t.llvm, "r": r.llvm, "rn": lanes(r), "four": _choice(range(4))}
    if t.is_vector:
        n = lanes(t)
        turns = [lane for i in range(n) for lane in (i, n + i)]
        choices = {"low": turns[:n], "high": turns[n:], "even": range(0, 2 * n, 2)}
        facts |= {"f": intrinsic(t), "n": n, "mask": f"<{n} x i1>", "i": INTEGERS[t].llvm}
        facts |= {name: _choice(chosen) for name, chosen in choices.items()}
    return facts


def declarations() -> str:
    """Every intrinsic that a primitive on vectors may call."""
    lines = []
    for t in (I8X16, I16X8):
        names = [f"{sign}{op}.sat" for sign in "su" for op in ("add", "sub")]
        lines += [f"declare {t.llvm} @llvm.{name}.{intrinsic(t)}({t.llvm}, {t.llvm})" for name in names]
    for t in (I8X16, I16X8, I32X4, I64X2):
        names = [f"{sign}{op}" for sign in "su" for op in ("min", "max")]
        lines += [f"declare {t.llvm} @llvm.{name}.{intrinsic(t)}({t.llvm}, {t.llvm})" for name in names]
        lines += [
            f"declare {t.llvm} @llvm.abs.{intrinsic(t)}({t.llvm}, i1)",
            f"declare {t.llvm} @llvm.ctpop.{intrinsic(t)}({t.llvm})",
        ]
    for t in (F32X4, F64X2):
        names = ["sqrt", "ceil", "floor", "trunc", "roundeven"]
        lines += [f"declare {t.llvm} @llvm.{name}.{intrinsic(t)}({t.llvm})" for name in names]
    return "\n".join(lines) + "\n"
