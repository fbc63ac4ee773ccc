"""A kind of operand is one line: every reader of rows follows from it."""

from __future__ import annotations

import pytest

from arenite import bytecode
from arenite.bytecode import encode
from arenite.bytecode.effects import effects
from arenite.bytecode.memory import FIRST
from arenite.bytecode.ops import ROWS, TABLE, _joined
from arenite.bytecode.protocol import I32, I64
from arenite.bytecode.row import OPERAND_KINDS, Form, OperandKind, Row, fused, row, specialised
from arenite.bytecode.text import op_text
from arenite.emit.addressing import Single
from arenite.emit.handler import Handler
from arenite.emit.python_steps import Write
from arenite.emit.python_text import PythonText
from arenite.errors import InternalError
from arenite.platform.architectures import X86_64

NAME = "i64.add wide"


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> Row:
    """An op of a kind that there is not: a constant of 32 bits that is an i64."""
    monkeypatch.setitem(OPERAND_KINDS, "i64.imm32", OperandKind(Form.IMMEDIATE, I64, 4, "i"))
    new = row(NAME, "a:i64 b:i64.imm32 -> i64", lambda e, a, b: e.pure("add", a, b), "dst = a + b")
    new = new._replace(code=len(TABLE))
    monkeypatch.setitem(ROWS, NAME, new)
    monkeypatch.setattr(bytecode, "TABLE", (*TABLE, new))
    return new


def test_it_is_encoded_and_shown(wide: Row) -> None:
    data = encode.encode(NAME, dst=16, a=8, b=-5)
    assert len(data) == wide.size == 16
    op = encode.decode(data)
    assert op.values == {"dst": 16, "a": 8, "b": -5}
    assert op_text(op) == f"r2 = {NAME} r1, -5"


def test_meanings_receive_it(wide: Row) -> None:
    assert effects(wide).pure
    assert effects(wide).result is I64


def test_machine_code_widens_it(wide: Row) -> None:
    text = Handler(wide, Single(), X86_64, explicit_bounds=False, deterministic=False).text()
    assert "load i32" in text
    assert "sext i32" in text


def test_python_takes_it(wide: Row) -> None:
    (step,) = PythonText(wide, deterministic=False).template().steps
    assert isinstance(step, Write)
    assert (step.text, step.type, step.operand, step.disp) == ("{a} + {b} & 18446744073709551615", I64, "dst", 0)


def test_a_pair_that_cannot_be_joined_is_refused() -> None:
    """The first op must fill its unit, as the translator's writer takes for granted."""
    with pytest.raises(InternalError, match=r"i32.popcnt; i32.xor cannot be joined"):
        _joined(fused("i32.popcnt; i32.xor", ROWS["i32.popcnt"], ROWS["i32.xor"]))


ANY_MEMORY = row(
    "load32", "at:i32 disp:u16:offset memory:memory -> i32", lambda e, at, disp, memory: e.load(memory, I32, at, disp)
)


def test_an_op_for_memory_0_does_not_encode_it() -> None:
    assert [o.name for o in ANY_MEMORY.encoded] == ["dst", "at", "disp", "memory"]
    first = specialised(ANY_MEMORY, "load32 memory0", memory=FIRST)
    assert [o.name for o in first.encoded] == ["dst", "at", "disp"]
    assert (first.size, effects(first)) == (ROWS["load32 memory0"].size, effects(ROWS["load32 memory0"]))


def test_no_machine_code_takes_a_memory_that_was_not_looked_up_for_the_first() -> None:
    with pytest.raises(InternalError, match="a memory whose base no reader keeps"):
        Handler(ANY_MEMORY, Single(), X86_64, explicit_bounds=False, deterministic=False).text()


def test_constants_of_both_ops_of_a_pair_stay() -> None:
    first = specialised(ANY_MEMORY, "first", memory=0)
    pair = fused("pair", first, specialised(ANY_MEMORY, "second", memory=1))
    assert pair.fixed == {"memory": 0, "memory2": 1}
    assert [o.name for o in pair.encoded] == ["dst", "at", "disp", "disp2"]
