"""Tables of the functions of a module: the records that the layout says, whatever the numbers are."""

from __future__ import annotations

import random
import struct
from array import array

import pytest

from arenite.bytecode.module import FUNCTION
from arenite.bytecode.words import entry_table, exchange_entries, reference_table

HIGHEST = (1 << 32) - 1


def functions(begins: list[int], frame_size: int = 64) -> bytes:
    """Records of functions that begin so many bytes behind their module's beginning."""
    return b"".join(FUNCTION.pack(begin, begin + 16, frame_size + i, 8, 1, 2, 3) for i, begin in enumerate(begins))


def test_entries_are_pc_frame_size_and_the_windows_id() -> None:
    choose = random.Random(1)
    begins = [0, 16, 32, 1 << 30]
    for origin in (0, 1 << 16, HIGHEST - (1 << 30)):
        ids = [choose.randrange(1 << 32) for _ in range(3)]
        table = entry_table(functions(begins), FUNCTION.size, (2, 0, 1, 2), struct.pack("<3I", *ids), origin)
        rows = [
            (origin + begin, 64 + i, ids[type_], 0) for i, (begin, type_) in enumerate(zip(begins, (2, 0, 1, 2), strict=True))
        ]
        assert list(struct.iter_unpack("<4I", table)) == rows


def test_no_functions_have_no_entries() -> None:
    assert entry_table(b"", FUNCTION.size, (), b"", 0) == reference_table(0, 1, 2, 3) == b""


@pytest.mark.parametrize(("types", "count"), [((0, 0), 1), ((1,), 1), ((-1,), 1)], ids=["more types", "no such type", "negative"])
def test_tables_that_do_not_fit_are_refused(types: tuple[int, ...], count: int) -> None:
    with pytest.raises((IndexError, ValueError)):
        entry_table(functions([0] * count), FUNCTION.size, types, bytes(4), 0)


def test_references_ascend() -> None:
    table = reference_table(3, 4096, HIGHEST, 7)
    assert list(struct.iter_unpack("<4I", table)) == [(0, 4096 + i, HIGHEST, 7 + i) for i in range(3)]


def test_first_opcodes_are_exchanged_once() -> None:
    code, table = array("H", range(100, 164)), array("I", bytes(64))
    records = functions([0, 24, 32])
    for _ in range(2):  # the second time there is nothing to do
        exchange_entries(memoryview(code), memoryview(table), records, FUNCTION.size, 64, 9, 5 << 16)
        changed = {at: opcode for at, opcode in enumerate(code) if opcode != 100 + at}
        assert changed == {32: 9, 44: 9, 48: 9}
        assert {at: word for at, word in enumerate(table) if word} == {8: 132 | 5 << 16, 11: 144 | 5 << 16, 12: 148 | 5 << 16}
