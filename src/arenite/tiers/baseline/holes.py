"""What fills the holes of stencils: the words that the table of stencils and the compiler share.

A hole is a word of 64 bits: what fills it (6 bits), its field (2), where the field is (12: bytes from the stencil's beginning), what of
(12: the place of an operand in the op, the number of a routine, a place among the constants), and what is added (32, signed).

Compiled by mypyc.
"""

from __future__ import annotations

from typing import Final

# what fills it
U16: Final = 0  # a u16 of the op
U30: Final = 1  # a u32 of the op; a function with one that is not below 2**30 is not compiled
U32: Final = 2  # a u32 of the op
S16: Final = 3  # an i16 of the op
I64: Final = 4  # an i64 of the op
TYPE: Final = 5  # the id of the type whose index is a u32 of the op
LAST: Final = 6  # how many labels follow the op, less one
HERE: Final = 7  # this op's pc
BEHIND: Final = 8  # the next op's pc
NEXT: Final = 9  # the code of the next op
TO: Final = 10  # the code of the op's label
ROUTINE: Final = 11  # a routine of the interpreter
POOL: Final = 12  # a constant of the stencils
# those from here on are filled when the function has been copied
LABELS: Final = 13  # the table of the labels that follow the op
CALLEE: Final = 14  # the code of the function at the op's label
STOP: Final = 15  # code that sets the pc to this op's and goes to a routine
STOP_TO: Final = 16  # the same with the pc of the op's label

# fields
WORD: Final = 0  # 32 bits
LONG: Final = 1  # 64 bits
WAY: Final = 2  # 32 bits: from the field to an address
INSTRUCTION: Final = 3  # an instruction of 32 bits of aarch64, which says itself where the number goes

# what is true of an op
CALLS: Final = 1  # a frame may return behind it
RESUMES: Final = 2  # the machine may go on behind it
LOOPS: Final = 4  # its label is the head of a loop
SWITCHES: Final = 8  # labels follow it
CLOBBERS: Final = 16  # it writes slots beside its destination, or accumulators hold nothing behind it
WRITES_F64: Final = 32  # its result goes to `facc0`, beside its slot
WRITES: Final = 64  # its result goes to `acc0` or `acc1`, beside its slot
TAILS: Final = 128  # its label is a function that it does not come back from
WRITES_PAIR: Final = 256  # its result goes to two slots, and to no accumulator
