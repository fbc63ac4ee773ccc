"""What the baseline compiler knows of stencils and ops.

Compiled by mypyc.
"""

from __future__ import annotations

from typing import final

from librt.strings import read_i64_le

from arenite.tiers.baseline.holes import INSTRUCTION


@final
class Tables:
    """What the compiler knows of stencils and ops; `table.table_of` says how it comes about.

    `code`, `holes`: of all stencils; `first_code`, `first_hole`: i32, where each one's begin, and where the last one's end.
    `ops`: of each op eight i32: bytes, flags, places of its label and of its destination or -1, number of its first stencil, how many of its
    operands may come in accumulators, and where those, and the numbers of variants for pairs of them, begin in `sources` and `pairs`.
    `sources`: i32, an operand's place, and from bit 16 on the number of an accumulator in `emit.stencil.ACCUMULATORS`.
    `pairs`: i32, of each two sources of an op, the set of sources that both make, or -1.  `pool`: constants that stencils refer to.
    `instructions`: whether fields are instructions (of aarch64).
    """

    def __init__(
        self,
        code: bytes,
        holes: bytes,
        first_code: bytes,
        first_hole: bytes,
        ops: bytes,
        sources: bytes,
        pairs: bytes,
        pool: bytes,
    ) -> None:
        self.instructions = read_i64_le(holes, 0) & 0xC0 == INSTRUCTION << 6
        self.code = code
        self.holes = holes
        self.first_code = first_code
        self.first_hole = first_hole
        self.ops = ops
        self.sources = sources
        self.pairs = pairs
        self.pool = pool
