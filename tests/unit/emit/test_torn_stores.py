"""A store that faults has written nothing, also where the CPU could have written a part of it."""

from __future__ import annotations

import pytest

from arenite.bytecode.ops import ROWS
from arenite.emit.addressings import ADDRESSINGS
from arenite.emit.interpreter import Interpreter
from arenite.platform.architectures import AARCH64, X86_64, Architecture


def probes(row: str, architecture: Architecture, *, explicit_bounds: bool = False) -> int:
    interpreter = Interpreter(ADDRESSINGS["single"], architecture, explicit_bounds=explicit_bounds, deterministic=False)
    return interpreter.handler(ROWS[row]).text().count("load volatile i8, ")


@pytest.mark.parametrize("row", ["store16 memory0", "store32 memory0", "store64 memory0", "v128.store memory0"])
def test_the_last_byte_is_asked_for_first(row: str) -> None:
    assert [probes(row, cpu) for cpu in (AARCH64, X86_64)] == [1, 0]
    assert probes(row, AARCH64, explicit_bounds=True) == 0  # which has been compared


def test_a_byte_is_written_or_not() -> None:
    assert probes("store8 memory0", AARCH64) == 0
