"""Every op can be written, read back, and shown."""

from __future__ import annotations

import pytest

from arenite.bytecode.encode import Op, decode, encode, ops
from arenite.bytecode.ops import TABLE
from arenite.bytecode.row import BRANCHES, Form, Row
from arenite.bytecode.text import op_text
from arenite.errors import InternalError

PC = 640


def sample(row: Row) -> tuple[dict[str, int], tuple[int, ...]]:
    """A value for each operand, all different: the largest that fits, or near it."""
    values: dict[str, int] = {}
    targets: tuple[int, ...] = ()
    for i, operand in enumerate(row.encoded):
        size, letter = operand.size, operand.letter
        if operand.form is Form.LABELS:
            targets = (PC + 8, PC + 80, PC + 16)
        elif operand.form in BRANCHES:
            values[operand.name] = PC - 8 * (i + 1)
        elif operand.form is Form.SLOT:
            values[operand.name] = 65528 - 8 * i
        else:
            values[operand.name] = -(1 << 8 * size - 1) + i if letter.islower() else (1 << 8 * size) - 1 - i
    return values, targets


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_round_trip(row: Row) -> None:
    values, targets = sample(row)
    data = encode(row.name, PC, targets, **values)
    op = decode(bytes(PC) + data, PC)
    assert op.row is row
    assert op.targets == targets
    assert {name: op.values[name] for name in values} == values
    assert op.end == PC + len(data)
    assert op_text(op).count(row.name) == 1


def test_text_names_slots_and_labels() -> None:
    assert op_text(decode(encode("i32.add_imm", dst=24, a=8, b=-5))) == "r3 = i32.add_imm r1, -5"
    assert op_text(decode(encode("br_if i32.lt_s", to=40, a=0, b=8))) == "br_if i32.lt_s r0, r1, .40"
    assert op_text(decode(encode("br_table", 0, (24, 16), index=8))) == "br_table r1, [.24 .16]"
    assert op_text(decode(encode("store32 memory0", at=8, value=16, disp=4))) == "store32 memory0 r1, r2, 4"
    assert op_text(decode(encode("move", dst=4, a=0))) == "r?4 = move r0"


def test_ops_are_read_in_order() -> None:
    code = encode("i64.const", dst=0, n=1) + encode("unreachable")
    assert [op.pc for op in ops(code, 0, len(code))] == [0, 16]
    assert isinstance(decode(code), Op)


def test_what_is_no_op_is_refused() -> None:
    with pytest.raises(InternalError, match="no op"):
        decode(b"\xff\xff" + bytes(6))
    with pytest.raises(InternalError, match="no op"):
        decode(encode("i64.const", dst=0, n=1)[:8])
    with pytest.raises(InternalError, match="passes the end"):
        list(ops(encode("i64.const", dst=0, n=1), 0, 8))
    with pytest.raises(InternalError, match="no operand c"):
        encode("i32.add", dst=0, a=0, b=0, c=0)
