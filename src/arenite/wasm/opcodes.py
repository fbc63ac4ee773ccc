"""Every instruction arenite knows, one row each; those on vectors stand in `vector_opcodes`.

    code | name | immediates | operands -> results | feature | label of the specification

Rows stand under the chapter of the standard that they belong to; the walk over bodies has a file for each.  A star for the type says
that it depends on context: the validator knows.  `memarg:4` is a memarg of an access that is 4 bytes wide; its natural alignment follows.
Immediates are named after what they index (`labelidx`, `memidx`, …) or what they are (`i32`, `blocktype`, `valtypes`, `heaptype`);
`labelidxs` is a vector of labels and the default label, `catches` one of tags and labels.  Names in braces have codes one after the other.

Example:  BY_NAME["i32.load8_u"].width == 1
"""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING, Final, NamedTuple

from arenite.layout.types import NAMES
from arenite.wasm.codes import CODES, code_of, encoding
from arenite.wasm.vector_opcodes import VECTOR_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# chapters, as `CHAPTER` has them; 0: no instruction begins so
PREFIX: Final = 1  # the byte is a prefix
CONTROL: Final = 2
PARAMETRIC: Final = 3
VARIABLE: Final = 4
TABLE: Final = 5
MEMORY: Final = 6
NUMERIC: Final = 7
REFERENCE: Final = 8
VECTOR: Final = 9
EXCEPTION: Final = 10
CHAPTERS: Final = {
    "control": CONTROL,
    "parametric": PARAMETRIC,
    "variable": VARIABLE,
    "table": TABLE,
    "memory": MEMORY,
    "numeric": NUMERIC,
    "reference": REFERENCE,
    "vector": VECTOR,
    "exception": EXCEPTION,
}

ROWS = """
control
00    | unreachable         |                   | *                | mvp                      | exec-unreachable
01    | nop                 |                   | ->               | mvp                      | exec-nop
02    | block               | blocktype         | *                | mvp                      | exec-block
03    | loop                | blocktype         | *                | mvp                      | exec-loop
04    | if                  | blocktype         | *                | mvp                      | exec-if
05    | else                |                   | *                | mvp                      | exec-if
0B    | end                 |                   | *                | mvp                      | exec-instr-seq-exit
0C    | br                  | labelidx          | *                | mvp                      | exec-br
0D    | br_if               | labelidx          | *                | mvp                      | exec-br_if
0E    | br_table            | labelidxs         | *                | mvp                      | exec-br_table
0F    | return              |                   | *                | mvp                      | exec-return
10    | call                | funcidx           | *                | mvp                      | exec-call
11    | call_indirect       | typeidx tableidx  | *                | mvp                      | exec-call_indirect
12    | return_call         | funcidx           | *                | tail-call                | exec-return_call
13    | return_call_indirect | typeidx tableidx | *                | tail-call                | exec-return_call_indirect
exception
06    | try                 | blocktype         | *                | legacy-exceptions        | exec-try
07    | catch               | tagidx            | *                | legacy-exceptions        | exec-try
08    | throw               | tagidx            | *                | exceptions               | exec-throw
09    | rethrow             | labelidx          | *                | legacy-exceptions        | exec-rethrow
0A    | throw_ref           |                   | *                | exceptions               | exec-throw_ref
18    | delegate            | labelidx          | *                | legacy-exceptions        | exec-try
19    | catch_all           |                   | *                | legacy-exceptions        | exec-try
1F    | try_table           | blocktype catches | *                | exceptions               | exec-try_table
parametric
1A    | drop                |                   | *                | mvp                      | exec-drop
1B    | select              |                   | *                | mvp                      | exec-select
1C    | select t            | valtypes          | *                | reference-types          | exec-select
variable
20    | local.get           | localidx          | *                | mvp                      | exec-local.get
21    | local.set           | localidx          | *                | mvp                      | exec-local.set
22    | local.tee           | localidx          | *                | mvp                      | exec-local.tee
23    | global.get          | globalidx         | *                | mvp                      | exec-global.get
24    | global.set          | globalidx         | *                | mvp                      | exec-global.set
table
25    | table.get           | tableidx          | *                | reference-types          | exec-table.get
26    | table.set           | tableidx          | *                | reference-types          | exec-table.set
memory
28    | i32.load            | memarg:4          | i32 -> i32       | mvp                      | exec-load-val
29    | i64.load            | memarg:8          | i32 -> i64       | mvp                      | exec-load-val
2A    | f32.load            | memarg:4          | i32 -> f32       | mvp                      | exec-load-val
2B    | f64.load            | memarg:8          | i32 -> f64       | mvp                      | exec-load-val
2C    | i32.load8_s         | memarg:1          | i32 -> i32       | mvp                      | exec-load-pack
2D    | i32.load8_u         | memarg:1          | i32 -> i32       | mvp                      | exec-load-pack
2E    | i32.load16_s        | memarg:2          | i32 -> i32       | mvp                      | exec-load-pack
2F    | i32.load16_u        | memarg:2          | i32 -> i32       | mvp                      | exec-load-pack
30    | i64.load8_s         | memarg:1          | i32 -> i64       | mvp                      | exec-load-pack
31    | i64.load8_u         | memarg:1          | i32 -> i64       | mvp                      | exec-load-pack
32    | i64.load16_s        | memarg:2          | i32 -> i64       | mvp                      | exec-load-pack
33    | i64.load16_u        | memarg:2          | i32 -> i64       | mvp                      | exec-load-pack
34    | i64.load32_s        | memarg:4          | i32 -> i64       | mvp                      | exec-load-pack
35    | i64.load32_u        | memarg:4          | i32 -> i64       | mvp                      | exec-load-pack
36    | i32.store           | memarg:4          | i32 i32 ->       | mvp                      | exec-store-val
37    | i64.store           | memarg:8          | i32 i64 ->       | mvp                      | exec-store-val
38    | f32.store           | memarg:4          | i32 f32 ->       | mvp                      | exec-store-val
39    | f64.store           | memarg:8          | i32 f64 ->       | mvp                      | exec-store-val
3A    | i32.store8          | memarg:1          | i32 i32 ->       | mvp                      | exec-store-pack
3B    | i32.store16         | memarg:2          | i32 i32 ->       | mvp                      | exec-store-pack
3C    | i64.store8          | memarg:1          | i32 i64 ->       | mvp                      | exec-store-pack
3D    | i64.store16         | memarg:2          | i32 i64 ->       | mvp                      | exec-store-pack
3E    | i64.store32         | memarg:4          | i32 i64 ->       | mvp                      | exec-store-pack
3F    | memory.size         | memidx            | -> i32           | mvp                      | exec-memory.size
40    | memory.grow         | memidx            | i32 -> i32       | mvp                      | exec-memory.grow
numeric
41    | i32.const           | i32               | -> i32           | mvp                      | exec-const
42    | i64.const           | i64               | -> i64           | mvp                      | exec-const
43    | f32.const           | f32               | -> f32           | mvp                      | exec-const
44    | f64.const           | f64               | -> f64           | mvp                      | exec-const
45    | i32.eqz             |                   | i32 -> i32       | mvp                      | op-ieqz
46    | i32.eq              |                   | i32 i32 -> i32   | mvp                      | op-ieq
47    | i32.ne              |                   | i32 i32 -> i32   | mvp                      | op-ine
48    | i32.lt_s            |                   | i32 i32 -> i32   | mvp                      | op-ilt_s
49    | i32.lt_u            |                   | i32 i32 -> i32   | mvp                      | op-ilt_u
4A    | i32.gt_s            |                   | i32 i32 -> i32   | mvp                      | op-igt_s
4B    | i32.gt_u            |                   | i32 i32 -> i32   | mvp                      | op-igt_u
4C    | i32.le_s            |                   | i32 i32 -> i32   | mvp                      | op-ile_s
4D    | i32.le_u            |                   | i32 i32 -> i32   | mvp                      | op-ile_u
4E    | i32.ge_s            |                   | i32 i32 -> i32   | mvp                      | op-ige_s
4F    | i32.ge_u            |                   | i32 i32 -> i32   | mvp                      | op-ige_u
50    | i64.eqz             |                   | i64 -> i32       | mvp                      | op-ieqz
51    | i64.eq              |                   | i64 i64 -> i32   | mvp                      | op-ieq
52    | i64.ne              |                   | i64 i64 -> i32   | mvp                      | op-ine
53    | i64.lt_s            |                   | i64 i64 -> i32   | mvp                      | op-ilt_s
54    | i64.lt_u            |                   | i64 i64 -> i32   | mvp                      | op-ilt_u
55    | i64.gt_s            |                   | i64 i64 -> i32   | mvp                      | op-igt_s
56    | i64.gt_u            |                   | i64 i64 -> i32   | mvp                      | op-igt_u
57    | i64.le_s            |                   | i64 i64 -> i32   | mvp                      | op-ile_s
58    | i64.le_u            |                   | i64 i64 -> i32   | mvp                      | op-ile_u
59    | i64.ge_s            |                   | i64 i64 -> i32   | mvp                      | op-ige_s
5A    | i64.ge_u            |                   | i64 i64 -> i32   | mvp                      | op-ige_u
5B    | f32.eq              |                   | f32 f32 -> i32   | mvp                      | op-feq
5C    | f32.ne              |                   | f32 f32 -> i32   | mvp                      | op-fne
5D    | f32.lt              |                   | f32 f32 -> i32   | mvp                      | op-flt
5E    | f32.gt              |                   | f32 f32 -> i32   | mvp                      | op-fgt
5F    | f32.le              |                   | f32 f32 -> i32   | mvp                      | op-fle
60    | f32.ge              |                   | f32 f32 -> i32   | mvp                      | op-fge
61    | f64.eq              |                   | f64 f64 -> i32   | mvp                      | op-feq
62    | f64.ne              |                   | f64 f64 -> i32   | mvp                      | op-fne
63    | f64.lt              |                   | f64 f64 -> i32   | mvp                      | op-flt
64    | f64.gt              |                   | f64 f64 -> i32   | mvp                      | op-fgt
65    | f64.le              |                   | f64 f64 -> i32   | mvp                      | op-fle
66    | f64.ge              |                   | f64 f64 -> i32   | mvp                      | op-fge
67    | i32.clz             |                   | i32 -> i32       | mvp                      | op-iclz
68    | i32.ctz             |                   | i32 -> i32       | mvp                      | op-ictz
69    | i32.popcnt          |                   | i32 -> i32       | mvp                      | op-ipopcnt
6A    | i32.add             |                   | i32 i32 -> i32   | mvp                      | op-iadd
6B    | i32.sub             |                   | i32 i32 -> i32   | mvp                      | op-isub
6C    | i32.mul             |                   | i32 i32 -> i32   | mvp                      | op-imul
6D    | i32.div_s           |                   | i32 i32 -> i32   | mvp                      | op-idiv_s
6E    | i32.div_u           |                   | i32 i32 -> i32   | mvp                      | op-idiv_u
6F    | i32.rem_s           |                   | i32 i32 -> i32   | mvp                      | op-irem_s
70    | i32.rem_u           |                   | i32 i32 -> i32   | mvp                      | op-irem_u
71    | i32.and             |                   | i32 i32 -> i32   | mvp                      | op-iand
72    | i32.or              |                   | i32 i32 -> i32   | mvp                      | op-ior
73    | i32.xor             |                   | i32 i32 -> i32   | mvp                      | op-ixor
74    | i32.shl             |                   | i32 i32 -> i32   | mvp                      | op-ishl
75    | i32.shr_s           |                   | i32 i32 -> i32   | mvp                      | op-ishr_s
76    | i32.shr_u           |                   | i32 i32 -> i32   | mvp                      | op-ishr_u
77    | i32.rotl            |                   | i32 i32 -> i32   | mvp                      | op-irotl
78    | i32.rotr            |                   | i32 i32 -> i32   | mvp                      | op-irotr
79    | i64.clz             |                   | i64 -> i64       | mvp                      | op-iclz
7A    | i64.ctz             |                   | i64 -> i64       | mvp                      | op-ictz
7B    | i64.popcnt          |                   | i64 -> i64       | mvp                      | op-ipopcnt
7C    | i64.add             |                   | i64 i64 -> i64   | mvp                      | op-iadd
7D    | i64.sub             |                   | i64 i64 -> i64   | mvp                      | op-isub
7E    | i64.mul             |                   | i64 i64 -> i64   | mvp                      | op-imul
7F    | i64.div_s           |                   | i64 i64 -> i64   | mvp                      | op-idiv_s
80    | i64.div_u           |                   | i64 i64 -> i64   | mvp                      | op-idiv_u
81    | i64.rem_s           |                   | i64 i64 -> i64   | mvp                      | op-irem_s
82    | i64.rem_u           |                   | i64 i64 -> i64   | mvp                      | op-irem_u
83    | i64.and             |                   | i64 i64 -> i64   | mvp                      | op-iand
84    | i64.or              |                   | i64 i64 -> i64   | mvp                      | op-ior
85    | i64.xor             |                   | i64 i64 -> i64   | mvp                      | op-ixor
86    | i64.shl             |                   | i64 i64 -> i64   | mvp                      | op-ishl
87    | i64.shr_s           |                   | i64 i64 -> i64   | mvp                      | op-ishr_s
88    | i64.shr_u           |                   | i64 i64 -> i64   | mvp                      | op-ishr_u
89    | i64.rotl            |                   | i64 i64 -> i64   | mvp                      | op-irotl
8A    | i64.rotr            |                   | i64 i64 -> i64   | mvp                      | op-irotr
8B    | f32.abs             |                   | f32 -> f32       | mvp                      | op-fabs
8C    | f32.neg             |                   | f32 -> f32       | mvp                      | op-fneg
8D    | f32.ceil            |                   | f32 -> f32       | mvp                      | op-fceil
8E    | f32.floor           |                   | f32 -> f32       | mvp                      | op-ffloor
8F    | f32.trunc           |                   | f32 -> f32       | mvp                      | op-ftrunc
90    | f32.nearest         |                   | f32 -> f32       | mvp                      | op-fnearest
91    | f32.sqrt            |                   | f32 -> f32       | mvp                      | op-fsqrt
92    | f32.add             |                   | f32 f32 -> f32   | mvp                      | op-fadd
93    | f32.sub             |                   | f32 f32 -> f32   | mvp                      | op-fsub
94    | f32.mul             |                   | f32 f32 -> f32   | mvp                      | op-fmul
95    | f32.div             |                   | f32 f32 -> f32   | mvp                      | op-fdiv
96    | f32.min             |                   | f32 f32 -> f32   | mvp                      | op-fmin
97    | f32.max             |                   | f32 f32 -> f32   | mvp                      | op-fmax
98    | f32.copysign        |                   | f32 f32 -> f32   | mvp                      | op-fcopysign
99    | f64.abs             |                   | f64 -> f64       | mvp                      | op-fabs
9A    | f64.neg             |                   | f64 -> f64       | mvp                      | op-fneg
9B    | f64.ceil            |                   | f64 -> f64       | mvp                      | op-fceil
9C    | f64.floor           |                   | f64 -> f64       | mvp                      | op-ffloor
9D    | f64.trunc           |                   | f64 -> f64       | mvp                      | op-ftrunc
9E    | f64.nearest         |                   | f64 -> f64       | mvp                      | op-fnearest
9F    | f64.sqrt            |                   | f64 -> f64       | mvp                      | op-fsqrt
A0    | f64.add             |                   | f64 f64 -> f64   | mvp                      | op-fadd
A1    | f64.sub             |                   | f64 f64 -> f64   | mvp                      | op-fsub
A2    | f64.mul             |                   | f64 f64 -> f64   | mvp                      | op-fmul
A3    | f64.div             |                   | f64 f64 -> f64   | mvp                      | op-fdiv
A4    | f64.min             |                   | f64 f64 -> f64   | mvp                      | op-fmin
A5    | f64.max             |                   | f64 f64 -> f64   | mvp                      | op-fmax
A6    | f64.copysign        |                   | f64 f64 -> f64   | mvp                      | op-fcopysign
A7    | i32.wrap_i64        |                   | i64 -> i32       | mvp                      | op-wrap
A8    | i32.trunc_f32_s     |                   | f32 -> i32       | mvp                      | op-trunc_s
A9    | i32.trunc_f32_u     |                   | f32 -> i32       | mvp                      | op-trunc_u
AA    | i32.trunc_f64_s     |                   | f64 -> i32       | mvp                      | op-trunc_s
AB    | i32.trunc_f64_u     |                   | f64 -> i32       | mvp                      | op-trunc_u
AC    | i64.extend_i32_s    |                   | i32 -> i64       | mvp                      | op-extend_s
AD    | i64.extend_i32_u    |                   | i32 -> i64       | mvp                      | op-extend_u
AE    | i64.trunc_f32_s     |                   | f32 -> i64       | mvp                      | op-trunc_s
AF    | i64.trunc_f32_u     |                   | f32 -> i64       | mvp                      | op-trunc_u
B0    | i64.trunc_f64_s     |                   | f64 -> i64       | mvp                      | op-trunc_s
B1    | i64.trunc_f64_u     |                   | f64 -> i64       | mvp                      | op-trunc_u
B2    | f32.convert_i32_s   |                   | i32 -> f32       | mvp                      | op-convert_s
B3    | f32.convert_i32_u   |                   | i32 -> f32       | mvp                      | op-convert_u
B4    | f32.convert_i64_s   |                   | i64 -> f32       | mvp                      | op-convert_s
B5    | f32.convert_i64_u   |                   | i64 -> f32       | mvp                      | op-convert_u
B6    | f32.demote_f64      |                   | f64 -> f32       | mvp                      | op-demote
B7    | f64.convert_i32_s   |                   | i32 -> f64       | mvp                      | op-convert_s
B8    | f64.convert_i32_u   |                   | i32 -> f64       | mvp                      | op-convert_u
B9    | f64.convert_i64_s   |                   | i64 -> f64       | mvp                      | op-convert_s
BA    | f64.convert_i64_u   |                   | i64 -> f64       | mvp                      | op-convert_u
BB    | f64.promote_f32     |                   | f32 -> f64       | mvp                      | op-promote
BC    | i32.reinterpret_f32 |                   | f32 -> i32       | mvp                      | op-reinterpret
BD    | i64.reinterpret_f64 |                   | f64 -> i64       | mvp                      | op-reinterpret
BE    | f32.reinterpret_i32 |                   | i32 -> f32       | mvp                      | op-reinterpret
BF    | f64.reinterpret_i64 |                   | i64 -> f64       | mvp                      | op-reinterpret
C0    | i32.extend8_s       |                   | i32 -> i32       | sign-extension           | op-iextendn_s
C1    | i32.extend16_s      |                   | i32 -> i32       | sign-extension           | op-iextendn_s
C2    | i64.extend8_s       |                   | i64 -> i64       | sign-extension           | op-iextendn_s
C3    | i64.extend16_s      |                   | i64 -> i64       | sign-extension           | op-iextendn_s
C4    | i64.extend32_s      |                   | i64 -> i64       | sign-extension           | op-iextendn_s
reference
D0    | ref.null            | heaptype          | *                | reference-types          | exec-ref.null
D1    | ref.is_null         |                   | *                | reference-types          | exec-ref.is_null
D2    | ref.func            | funcidx           | -> funcref       | reference-types          | exec-ref.func
numeric
FC 00 | i32.trunc_sat_f32_s |                   | f32 -> i32       | nontrapping-float-to-int | op-trunc_sat_s
FC 01 | i32.trunc_sat_f32_u |                   | f32 -> i32       | nontrapping-float-to-int | op-trunc_sat_u
FC 02 | i32.trunc_sat_f64_s |                   | f64 -> i32       | nontrapping-float-to-int | op-trunc_sat_s
FC 03 | i32.trunc_sat_f64_u |                   | f64 -> i32       | nontrapping-float-to-int | op-trunc_sat_u
FC 04 | i64.trunc_sat_f32_s |                   | f32 -> i64       | nontrapping-float-to-int | op-trunc_sat_s
FC 05 | i64.trunc_sat_f32_u |                   | f32 -> i64       | nontrapping-float-to-int | op-trunc_sat_u
FC 06 | i64.trunc_sat_f64_s |                   | f64 -> i64       | nontrapping-float-to-int | op-trunc_sat_s
FC 07 | i64.trunc_sat_f64_u |                   | f64 -> i64       | nontrapping-float-to-int | op-trunc_sat_u
FC 13 | i64.add128          |                   | *                | wide-arithmetic          | exec-binop
FC 14 | i64.sub128          |                   | *                | wide-arithmetic          | exec-binop
FC 15 | i64.mul_wide_s      |                   | *                | wide-arithmetic          | exec-binop
FC 16 | i64.mul_wide_u      |                   | *                | wide-arithmetic          | exec-binop
memory
FC 08 | memory.init         | dataidx memidx    | i32 i32 i32 ->   | bulk-memory              | exec-memory.init
FC 09 | data.drop           | dataidx           | ->               | bulk-memory              | exec-data.drop
FC 0A | memory.copy         | memidx memidx     | i32 i32 i32 ->   | bulk-memory              | exec-memory.copy
FC 0B | memory.fill         | memidx            | i32 i32 i32 ->   | bulk-memory              | exec-memory.fill
table
FC 0C | table.init          | elemidx tableidx  | i32 i32 i32 ->   | bulk-memory              | exec-table.init
FC 0D | elem.drop           | elemidx           | ->               | bulk-memory              | exec-elem.drop
FC 0E | table.copy          | tableidx tableidx | i32 i32 i32 ->   | bulk-memory              | exec-table.copy
FC 0F | table.grow          | tableidx          | *                | reference-types          | exec-table.grow
FC 10 | table.size          | tableidx          | -> i32           | reference-types          | exec-table.size
FC 11 | table.fill          | tableidx          | *                | reference-types          | exec-table.fill
"""


class Opcode(NamedTuple):
    """One row.  `code`: see `codes`.  `type` is (operands, results) as value types, or None when it depends on context."""

    code: int
    name: str
    immediates: tuple[str, ...]
    type: tuple[tuple[int, ...], tuple[int, ...]] | None
    feature: str
    label: str
    chapter: str

    @property
    def encoding(self) -> bytes:
        """The bytes that begin it."""
        return encoding(self.code)

    @property
    def width(self) -> int:
        """Bytes of memory a load or store accesses; 0 for all others."""
        name, _, width = self.immediates[0].partition(":") if self.immediates else ("", "", "")
        return int(width) if name == "memarg" else 0

    @property
    def lanes(self) -> int:
        """How many lanes there are to choose one from; 0 where none is chosen."""
        name, _, count = self.immediates[-1].partition(":") if self.immediates else ("", "", "")
        return int(count) if name == "laneidx" else 0

    @property
    def computes(self) -> bool:
        """Whether it makes a number of numbers, and does nothing else."""
        return self.chapter == "numeric" and self.type is not None and not self.immediates


def parse(row: str, chapter: str) -> Iterator[Opcode]:
    """The opcodes of a row: one, or as many as names stand in braces, one code after the other."""
    code, name, immediates, type_, feature, label = (column.strip() for column in row.split("|"))
    *prefixes, number = (int(word, 16) for word in code.split())
    for prefix in prefixes:
        number = code_of(prefix, number)
    codes = {name: value for value, name in NAMES.items()}
    sides = None
    if type_ != "*":
        operands, results = (tuple(codes[t] for t in side.split()) for side in type_.split("->"))
        sides = operands, results
    before, _, rest = name.partition("{")
    several, _, behind = rest.partition("}")
    for i, one in enumerate(several.split() or [""]):
        yield Opcode(number + i, before + one + behind, tuple(immediates.split()), sides, feature, label, chapter)


def _opcodes() -> Iterator[Opcode]:
    chapter = ""
    for line in (ROWS.strip() + VECTOR_ROWS.rstrip()).splitlines():
        if "|" in line:
            yield from parse(line, chapter)
        else:
            chapter = line


OPCODES: Final = tuple(_opcodes())
BY_CODE: Final = {opcode.code: opcode for opcode in OPCODES}
BY_NAME: Final = {opcode.name: opcode for opcode in OPCODES}


def code(name: str) -> int:
    """The code of an instruction."""
    return BY_NAME[name].code


def lookup(value: Callable[[Opcode], int]) -> bytearray:
    """An array of `value(opcode)`, by code."""
    table = bytearray(CODES)
    for opcode in OPCODES:
        table[opcode.code] = value(opcode)
    return table


def _chapters() -> bytes:
    table = lookup(lambda opcode: CHAPTERS[opcode.chapter])
    for opcode in OPCODES:
        if len(opcode.encoding) > 1:
            table[opcode.encoding[0]] = PREFIX
    return bytes(table)


# What the validator looks up; value types are 0 for "none", ALIGN is the logarithm of the natural alignment.
CHAPTER: Final = _chapters()
FIRST: Final = bytes(lookup(lambda opcode: opcode.type[0][0] if opcode.type and opcode.type[0] else 0))
THIRD: Final = bytes(lookup(lambda opcode: opcode.type[0][2] if opcode.type and len(opcode.type[0]) > 2 else 0))
SECOND: Final = bytes(lookup(lambda opcode: opcode.type[0][1] if opcode.type and len(opcode.type[0]) > 1 else 0))
RESULT: Final = bytes(lookup(lambda opcode: opcode.type[1][0] if opcode.type and opcode.type[1] else 0))
LANES: Final = bytes(lookup(lambda opcode: opcode.lanes))
ACCESSES: Final = bytes(lookup(lambda opcode: opcode.width != 0))
ALIGN: Final = bytes(lookup(lambda opcode: int(log2(opcode.width)) if opcode.width else 0))
