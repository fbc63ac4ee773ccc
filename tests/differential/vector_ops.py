"""One guest with a function for each vector instruction, which does it on many operands that lie in memory.

INSTRUCTIONS       the names of those that have operands
text(relaxed)      the module, for an engine that need not know the relaxed ones: their places take what they are documented to do
operands(n, seed)  n times three operands, 16 bytes each: some random, some edges of integers or floats
"""

from __future__ import annotations

import random
import struct
from typing import Final

from arenite.bytecode.vectors import RELAXED
from arenite.layout.types import type_name
from arenite.wasm.opcodes import BY_NAME, OPCODES, Opcode

INSTRUCTIONS: Final = tuple(o.name for o in OPCODES if o.chapter == "vector" and o.name != "v128.const")
MOST: Final = 1000
OPERANDS, OPERAND = 3, 16
RESULTS: Final = 1 << 16  # where results lie
INTEGER_EDGES: Final = (0, 1, -1, 0x7F, 0x80, 0x7FFF, 0x8000, 0x7FFFFFFF, 0x80000000, 1 << 63, (1 << 63) - 1)
F32_EDGES: Final = (
    0,
    0x80000000,
    0x7F800000,
    0xFF800000,
    0x7FC00000,
    0xFFC01234,
    0x7FA00001,
    0x4F000000,
    0xCF000000,
    0x4F800000,
    0x3F000000,
    1,
)
F64_FLOATS: Final = (0.0, -0.0, 1e999, -1e999, 2.0**31, -(2.0**31), 2.0**32, 0.5, 2.5, 5e-324)
F64_EDGES: Final = (
    *(struct.unpack("<Q", struct.pack("<d", x))[0] for x in F64_FLOATS),
    *(0x7FF8 << 48, 0xFFF8 << 48 | 7, 0x7FF4 << 48 | 1),
)

# what a relaxed instruction does that is no other instruction, in the words of others, of $a, $b and $c
WORDS: Final = {
    f"{shape}.relaxed_{name}": f"({shape}.{op} {'(local.get $c) ' * (op == 'sub')}({shape}.mul (local.get $a) (local.get $b)){' (local.get $c)' * (op == 'add')})"
    for shape in ("f32x4", "f64x2")
    for name, op in (("madd", "add"), ("nmadd", "sub"))
}
HALVES: Final = [f"(i16x8.extmul_{half}_i8x16_s (local.get $a) (local.get $b))" for half in ("low", "high")]
EVEN: Final = "0 1 4 5 8 9 12 13 16 17 20 21 24 25 28 29"
ODD: Final = "2 3 6 7 10 11 14 15 18 19 22 23 26 27 30 31"
DOT: Final = f"(i16x8.add (i8x16.shuffle {EVEN} {' '.join(HALVES)}) (i8x16.shuffle {ODD} {' '.join(HALVES)}))"
WORDS["i16x8.relaxed_dot_i8x16_i7x16_s"] = DOT
WORDS["i32x4.relaxed_dot_i8x16_i7x16_add_s"] = f"(i32x4.add (i32x4.extadd_pairwise_i16x8_s {DOT}) (local.get $c))"


def text(*, relaxed: bool) -> str:
    """The module, in the text format."""
    functions = "\n".join(_function(name, relaxed=relaxed) for name in INSTRUCTIONS)
    return f'(module (memory (export "memory") 2 2)\n{functions})'


def _function(name: str, *, relaxed: bool) -> str:
    opcode = BY_NAME[name]
    assert opcode.type is not None
    names = ("$a", "$b", "$c")
    types = [type_name(t) for t in opcode.type[0]]
    reads = "\n".join(
        f"(local.set {n} ({t}.load offset={OPERAND * i} (local.get $at)))"
        for i, (n, t) in enumerate(zip(names, types, strict=False))
    )
    declared = " ".join(f"(local {n} {t})" for n, t in zip(names, types, strict=False))
    done = _instruction(opcode, names[: len(types)], relaxed=relaxed)
    if opcode.type[1]:
        done = f"({type_name(opcode.type[1][0])}.store (local.get $to) {done})"
    return f"""(func (export "{name}") (param $n i32) (local $at i32) (local $to i32) {declared}
      (local.set $to (i32.const {RESULTS}))
      (loop $next
        {reads}
        {done}
        (local.set $at (i32.add (local.get $at) (i32.const {OPERANDS * OPERAND})))
        (local.set $to (i32.add (local.get $to) (i32.const {OPERAND})))
        (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))"""


def _instruction(opcode: Opcode, names: tuple[str, ...], *, relaxed: bool) -> str:
    values, name, random_ = [f"(local.get {n})" for n in names], opcode.name, random.Random(opcode.name)
    if opcode.feature == "relaxed-simd" and not relaxed:
        if name in WORDS:
            return WORDS[name]
        name = RELAXED[name]
    immediates = []
    for immediate in opcode.immediates:
        kind, _, count = immediate.partition(":")
        if kind == "memarg":
            immediates.append(f"offset={random_.randrange(4)} align=1")
            values[0] = "(local.get $to)" if not (opcode.type and opcode.type[1]) else f"(i32.and {values[0]} (i32.const 0x7fff))"
        elif kind == "laneidx":
            immediates.append(str(random_.randrange(int(count))))
        else:
            immediates += [str(random_.randrange(32)) for _ in range(OPERAND)]
    return f"({name} {' '.join([*immediates, *values])})"


def operands(count: int, seed: int) -> bytes:
    """Operands for so many rounds."""
    random_ = random.Random(seed)
    found = bytearray()
    for _ in range(OPERANDS * count):
        kind = random_.randrange(5)
        if kind == 0:
            size = random_.choice((1, 2, 4, 8))
            lanes = [
                random_.choice(INTEGER_EDGES) + random_.randrange(-1, 2) & (1 << 8 * size) - 1 for _ in range(OPERAND // size)
            ]
        elif kind == 1:
            size, lanes = 4, [random_.choice(F32_EDGES) + random_.randrange(2) for _ in range(4)]
        elif kind == 2:
            size, lanes = 8, [random_.choice(F64_EDGES) + random_.randrange(2) for _ in range(2)]
        elif kind == 3:
            size, lanes = 4, [struct.unpack("<I", struct.pack("<f", random_.uniform(-300, 300)))[0] for _ in range(4)]
        else:
            size, lanes = 1, list(random_.randbytes(OPERAND))
        found += b"".join(lane.to_bytes(size, "little") for lane in lanes)
    return bytes(found)
