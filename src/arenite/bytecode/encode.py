"""The encoding of ops, both ways, as their rows say: one op to bytes, and one op or a function from bytes.

Labels are written as displacements in units of 8 bytes from their op; here they are pcs, in bytes.  Slots are byte offsets from the frame.

Example:  decode(encode("i32.add", dst=0, a=8, b=16)).values == {"dst": 0, "a": 8, "b": 16}
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from arenite import bytecode  # whose table is made when somebody asks for an op
from arenite.bytecode.row import BRANCHES, Form
from arenite.errors import InternalError
from arenite.layout.cage import UNIT
from arenite.light import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.bytecode.row import Operand, Row

CODE: Final = struct.Struct("<H")
TARGET: Final = struct.Struct("<i")  # one label behind a `br_table`


class Op(NamedTuple):
    """A decoded op.  `values`: by the names of its encoded operands; `targets`: pcs of the labels that follow it (`br_table`)."""

    pc: int
    row: Row
    values: dict[str, int]
    targets: tuple[int, ...]

    @property
    def end(self) -> int:
        """Where the next op begins."""
        tail = TARGET.size * len(self.targets)
        return self.pc + self.row.size + -(-tail // UNIT) * UNIT

    @property
    def labels(self) -> tuple[int, ...]:
        """Every pc it may branch to, calls among them."""
        return tuple(self.values[o.name] for o in self.row.encoded if o.form in BRANCHES) + self.targets


def _letter(operand: Operand) -> str:
    return "<" + operand.letter


def encode(name: str, pc: int = 0, targets: tuple[int, ...] = (), **values: int) -> bytes:
    """The op `name` as it stands at `pc`; `values` by the names of its encoded operands, the count of `targets` not among them."""
    row = bytecode.ROWS[name]
    out = bytearray(row.size + -(-TARGET.size * len(targets) // UNIT) * UNIT)
    CODE.pack_into(out, 0, row.code)
    for operand in row.encoded:
        value = len(targets) if operand.form is Form.LABELS else values.pop(operand.name)
        if operand.form in BRANCHES:
            value = (value - pc) // UNIT
        struct.pack_into(_letter(operand), out, operand.at, value)
    for i, target in enumerate(targets):
        TARGET.pack_into(out, row.size + TARGET.size * i, (target - pc) // UNIT)
    if values:
        raise InternalError(f"{name} has no operand {', '.join(values)}")
    return bytes(out)


def decode(code: bytes | memoryview, pc: int = 0) -> Op:
    """The op at `pc`."""
    try:
        number: int = CODE.unpack_from(code, pc)[0]
        row = bytecode.TABLE[number]
        values: dict[str, int] = {}
        targets: tuple[int, ...] = ()
        for operand in row.encoded:
            value: int = struct.unpack_from(_letter(operand), code, pc + operand.at)[0]
            if operand.form in BRANCHES:
                value = pc + UNIT * value
            elif operand.form is Form.LABELS:
                targets = tuple(pc + UNIT * x for x in struct.unpack_from(f"<{value}i", code, pc + row.size))
            values[operand.name] = value
    except (struct.error, IndexError) as error:
        raise InternalError(f"no op at {pc:#x}") from error
    return Op(pc, row, values, targets)


def ops(code: bytes, begin: int, end: int) -> Iterator[Op]:
    """The ops of `code[begin:end]` in order."""
    pc = begin
    while pc < end:
        op = decode(code, pc)
        yield op
        pc = op.end
    if pc != end:
        raise InternalError(f"the op before {pc:#x} passes the end at {end:#x}")
