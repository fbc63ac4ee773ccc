"""What loading a module may cost: memory and time that grow no faster than its file.

A module's budget is `PER_BYTE` bytes for each byte of its file, and `CONSTANT` for all.  Whatever decoding, validation and translation
make of the file is paid for before it is made, at the prices of this table: what CPython and the compiled modules take for it at
the most, temporary copies among it.  A module that would cost more is refused.

Most bytes of a file take a few steps each.  Those that take many are counted (`look`): declarations of locals, a few bytes of which declare
thousands; lists of parameters and results; instructions that look at operands below their own.  A file may take `STEPS` for each of its bytes,
or of those that it was unpacked from, and `FREE_STEPS` besides.

So a hostile file costs what an honest one of its size may: real programs take a seventh of their budget.

Compiled by mypyc; see `reader` for what that forbids.

Example:  Budget(len(data), len(data)).pay(FUNCTION)
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.errors import Limit

PER_BYTE: Final = 16
CONSTANT: Final = 32 << 20
RESERVED: Final = 4  # one part in so many is the verifier's
STEPS: Final = 1000
FREE_STEPS: Final = 1 << 27

# prices, in bytes: entries of the decoded module, and what translation keeps of them
TYPE: Final = 280
VALUE_TYPE: Final = 32  # one of a type's parameters and results
IMPORT: Final = 400
EXPORT: Final = 320
FUNCTION: Final = 80
BODY: Final = 200
GLOBAL: Final = 340
TAG: Final = 160
LIMITED: Final = 400  # a table or a memory
SEGMENT: Final = 330
ITEM: Final = 24  # of an element segment
CONSTANT_OP: Final = 150  # an instruction of a constant expression
CUSTOM: Final = 150
NAME: Final = 150
CHARACTER: Final = 4  # a byte of a name

# prices of what a body needs while it is translated; used again for the next
OPERAND: Final = 40  # the greatest height of the operand stack
LOCAL: Final = 32
BLOCK: Final = 300  # the greatest depth of blocks
LABEL: Final = 16
CATCH: Final = 120  # the longest list of catches
TRYING: Final = 220  # the most blocks of a function that catch
CLAUSE: Final = 150  # … and their catches
LABEL_USE: Final = 40

# prices of what translation writes
WRITTEN: Final = 2  # a byte: where it is written, and the copy that is kept
CHUNK: Final = 1 << 16  # writers buy room in pieces of so many bytes


@final
class Budget:
    """What is left for a file of `size` bytes; `paid`: bytes that it was unpacked from, or as many."""

    def __init__(self, size: i64, paid: i64) -> None:
        whole = PER_BYTE * size + CONSTANT
        self.left: i64 = whole - whole // RESERVED
        self.steps: i64 = STEPS * paid + FREE_STEPS

    def pay(self, price: i64) -> None:
        """Take so many bytes.  Raises: `Limit`."""
        self.left -= price
        if self.left < 0:
            raise Limit(f"loading the module takes more memory than {PER_BYTE} times its size and {CONSTANT >> 20} MiB")

    def look(self, steps: i64) -> None:
        """Take the time to look at so many locals, types or operands.  Raises: `Limit`."""
        self.steps -= steps
        if self.steps < 0:
            raise Limit(
                "loading the module takes too long for its size: its functions have too many locals, parameters or results, or operands "
                "that wait on the stack"
            )

    def affords(self, price: i64) -> bool:
        """Take so many bytes if they are left; whether they were."""
        if price > self.left:
            return False
        self.left -= price
        return True

    def room(self, have: i64, size: i64) -> i64:
        """A writer that has bought room for `have` bytes is to hold `size`: what it then has room for."""
        while have < size:
            self.pay(WRITTEN * CHUNK)
            have += CHUNK
        return have
