"""Classes of slots: what the verifier knows of a slot's bits.

The *class* of a slot says what its bits cannot be used as, so that what two paths bring is the union of their classes, and a class
fits a place if it lacks what the place asks for:

    1 no funcref    2 no externref    4 the upper half may be something else than 0    8 no exnref    16 not written

0 is what zero is: a number, and null of every type.

Compiled by mypyc, so that tables are found without a look into a module's names.
"""

from __future__ import annotations

from typing import Final

from arenite.layout.types import EXNREF, EXTERNREF, F32, F64, FUNCREF, I32, I64, UPPER, V128

UNWRITTEN: Final = 31
NUMBER: Final = 11  # of 32 bits
WIDE: Final = 15
FUNCTION_REFERENCE: Final = 10
EXCEPTION: Final = 3
CLASSES: Final[dict[int, int]] = {
    **dict.fromkeys((I32, F32), NUMBER),
    **dict.fromkeys((I64, F64, V128, UPPER), WIDE),
    FUNCREF: FUNCTION_REFERENCE,
    EXTERNREF: 9,
    EXNREF: EXCEPTION,
}
"""Type of a slot -> the class of what is in it."""
CLASS_OF: Final = bytes(CLASSES.get(type_, UNWRITTEN) for type_ in range(256))
"""`CLASSES` as a table; `UNWRITTEN` where there is no such type."""
