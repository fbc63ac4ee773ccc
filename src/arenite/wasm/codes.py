r"""The code of an instruction: one int, by which every table about instructions is indexed.

    00 … FF           an instruction of one byte is that byte
    200 … BFF         one behind a prefix: each prefix has a page of 512 codes, FB from 200 on, FC from 400 on, and so forth

Compiled by mypyc; see `reader` for what that forbids.

Example:  code_of(0xFC, 0x0A) == 0x40A;  encoding(0x40A) == b"\xfc\x0a"
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

FIRST_PREFIX: Final = 0xFB
PAGE: Final = 0x200  # more than any prefix has instructions
CODES: Final = 6 * PAGE  # a table about instructions has so many entries


def code_of(prefix: i64, number: i64) -> i64:
    """The code of an instruction behind a prefix; its number is less than `PAGE`."""
    return (prefix - FIRST_PREFIX + 1) * PAGE + number


def encoding(code: i64) -> bytes:
    """The bytes that begin an instruction."""
    if code < PAGE:
        return bytes([int(code)])
    prefix, number = FIRST_PREFIX - 1 + code // PAGE, code % PAGE
    return bytes([int(prefix), int(number)] if number < 0x80 else [int(prefix), int(number & 0x7F | 0x80), int(number >> 7)])
