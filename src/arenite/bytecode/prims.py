"""Pure primitives: the only facts written once per target, side by side in one row, and tested against each other.

In the LLVM spelling `{t}` is the operand's type, `{r}` the result's, `{f}` its name in an intrinsic (`i32`, `f64`).  In the Python
spelling an i32 or i64 is an int in [0, 2**bits), a float is a float; `{m}` is the operand's mask, `{s}` its sign bit, `{w}` its
width - 1, `{rm}` and `{rs}` the result's mask and sign bit, `{n}` the operand's bits, `{rn}` the result's.  Capitals are functions of `emit.numerics`.

A primitive's domain is the meaning's affair: `div_s` is never reached with a zero divisor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from arenite.light import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ResultRule = Literal["same", "i1", "last", "to"]


class Prim(NamedTuple):
    """`result`: the type of the first operand, i1, that of the last operand, or the one the meaning names."""

    name: str
    result: ResultRule
    llvm: str
    python: str


_TABLE = """
add       | same | add {t} {0}, {1}                                | {0} + {1} & {m}
sub       | same | sub {t} {0}, {1}                                | {0} - {1} & {m}
mul       | same | mul {t} {0}, {1}                                | {0} * {1} & {m}
and       | same | and {t} {0}, {1}                                | {0} & {1}
or        | same | or {t} {0}, {1}                                 | {0} | {1}
xor       | same | xor {t} {0}, {1}                                | {0} ^ {1}
shl       | same | shl {t} {0}, {1}                                | {0} << {1} & {m}
shr_u     | same | lshr {t} {0}, {1}                               | {0} >> {1}
shr_s     | same | ashr {t} {0}, {1}                               | ({0} ^ {s}) - {s} >> {1} & {m}
rotl      | same | call {t} @llvm.fshl.{t}({t} {0}, {t} {0}, {t} {1}) | ({0} << {1} | {0} >> {n} - {1}) & {m}
rotr      | same | call {t} @llvm.fshr.{t}({t} {0}, {t} {0}, {t} {1}) | ({0} >> {1} | {0} << {n} - {1}) & {m}
div_s     | same | sdiv {t} {0}, {1}                               | DIV_S({0}, {1}, {s}) & {m}
div_u     | same | udiv {t} {0}, {1}                               | {0} // {1}
rem_s     | same | srem {t} {0}, {1}                               | REM_S({0}, {1}, {s}) & {m}
rem_u     | same | urem {t} {0}, {1}                               | {0} % {1}
clz       | same | call {t} @llvm.ctlz.{t}({t} {0}, i1 false)      | {n} - {0}.bit_length()
ctz       | same | call {t} @llvm.cttz.{t}({t} {0}, i1 false)      | CTZ({0}, {n})
popcnt    | same | call {t} @llvm.ctpop.{f}({t} {0})               | {0}.bit_count()
eq        | i1   | icmp eq {t} {0}, {1}                            | {0} == {1}
ne        | i1   | icmp ne {t} {0}, {1}                            | {0} != {1}
lt_u      | i1   | icmp ult {t} {0}, {1}                           | {0} < {1}
gt_u      | i1   | icmp ugt {t} {0}, {1}                           | {0} > {1}
le_u      | i1   | icmp ule {t} {0}, {1}                           | {0} <= {1}
ge_u      | i1   | icmp uge {t} {0}, {1}                           | {0} >= {1}
lt_s      | i1   | icmp slt {t} {0}, {1}                           | {0} ^ {s} < {1} ^ {s}
gt_s      | i1   | icmp sgt {t} {0}, {1}                           | {0} ^ {s} > {1} ^ {s}
le_s      | i1   | icmp sle {t} {0}, {1}                           | {0} ^ {s} <= {1} ^ {s}
ge_s      | i1   | icmp sge {t} {0}, {1}                           | {0} ^ {s} >= {1} ^ {s}
both      | i1   | and i1 {0}, {1}                                 | {0} and {1}
not       | i1   | xor i1 {0}, true                                | not {0}
select    | last | select i1 {0}, {r} {1}, {r} {2}                 | {1} if {0} else {2}
wrap      | to   | trunc {t} {0} to {r}                            | {0} & {rm}
extend_u  | to   | zext {t} {0} to {r}                             | {0}
extend_s  | to   | sext {t} {0} to {r}                             | ({0} ^ {s}) - {s} & {rm}
fadd      | same | fadd {t} {0}, {1}                               | {round}({0} + {1})
fsub      | same | fsub {t} {0}, {1}                               | {round}({0} - {1})
fmul      | same | fmul {t} {0}, {1}                               | {round}({0} * {1})
fdiv      | same | fdiv {t} {0}, {1}                               | {round}(FDIV({0}, {1}))
fsqrt     | same | call {t} @llvm.sqrt.{f}({t} {0})                | {round}(FSQRT({0}))
fceil     | same | call {t} @llvm.ceil.{f}({t} {0})                | FCEIL({0})
ffloor    | same | call {t} @llvm.floor.{f}({t} {0})               | FFLOOR({0})
ftrunc    | same | call {t} @llvm.trunc.{f}({t} {0})               | FTRUNC({0})
fnearest  | same | call {t} @llvm.roundeven.{f}({t} {0})           | FNEAREST({0})
feq       | i1   | fcmp oeq {t} {0}, {1}                           | {0} == {1}
fne       | i1   | fcmp une {t} {0}, {1}                           | {0} != {1}
flt       | i1   | fcmp olt {t} {0}, {1}                           | {0} < {1}
fgt       | i1   | fcmp ogt {t} {0}, {1}                           | {0} > {1}
fle       | i1   | fcmp ole {t} {0}, {1}                           | {0} <= {1}
fge       | i1   | fcmp oge {t} {0}, {1}                           | {0} >= {1}
fuo       | i1   | fcmp uno {t} {0}, {1}                           | ({0} != {0} or {1} != {1})
from_s    | to   | sitofp {t} {0} to {r}                           | {from_int}(({0} ^ {s}) - {s})
from_u    | to   | uitofp {t} {0} to {r}                           | {from_int}({0})
trunc_s   | to   | fptosi {t} {0} to {r}                           | int({0}) & {rm}
trunc_u   | to   | fptoui {t} {0} to {r}                           | int({0}) & {rm}
sat_s     | to   | call {r} @llvm.fptosi.sat.{r}.{f}({t} {0})      | SAT({0}, -{rs}, {rs} - 1) & {rm}
sat_u     | to   | call {r} @llvm.fptoui.sat.{r}.{f}({t} {0})      | SAT({0}, 0, {rm})
demote    | to   | fptrunc {t} {0} to {r}                          | ROUND32({0})
promote   | to   | fpext {t} {0} to {r}                            | {0}
bits      | to   | bitcast {t} {0} to {r}                          | {bits}({0})
"""


def table(text: str) -> Iterator[Prim]:
    """Rows from their text."""
    rules: dict[str, ResultRule] = {"same": "same", "i1": "i1", "last": "last", "to": "to"}
    for line in text.strip().splitlines():
        name, rule, llvm, python = (cell.strip() for cell in line.split(" | ", 3))
        yield Prim(name, rules[rule], llvm, python)


PRIMS: Final = {prim.name: prim for prim in table(_TABLE)}
