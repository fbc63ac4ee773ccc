"""The bytes that records are made of.

Example:  dict(pages_of_records(survey, 512))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.layout.cage import HOST_PAGE, STACK_AT, STORE_AT
from arenite.layout.records import SIZES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.inspect.records import RecordRow, Survey


def size_of(row: RecordRow) -> int:
    """Bytes of a number of a record; 0 for what is none."""
    return SIZES.get(row.type, (0, ""))[0]


def pages_of_records(survey: Survey, most: int) -> Iterator[tuple[int, bytes]]:
    """The pages of the arena that hold records and are not empty, by number from the store page on; the first `most` of those that hold any."""
    wanted: set[int] = set()
    for record in survey.records:
        last = min(record.end, survey.arena.size) - 1
        if (record.at >= STACK_AT or record.at == STORE_AT) and last >= record.at:
            wanted.update(range((record.at - STORE_AT) // HOST_PAGE, (last - STORE_AT) // HOST_PAGE + 1))
        if len(wanted) > most:
            break
    for number in sorted(wanted)[:most]:
        content = survey.arena.bytes(number * HOST_PAGE + STORE_AT, HOST_PAGE)
        if content.strip(b"\0"):
            yield number, content
