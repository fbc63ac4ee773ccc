"""What a survey consists of: records, their rows, all of them by place, and the bytes that they are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from arenite.inspect.kinds import FUNCTION, HOSTS, RecordKind
from arenite.layout.cage import HOST_PAGE, STACK_AT, STORE_AT
from arenite.layout.records import SIZES
from arenite.light import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from arenite.bytecode.module import ModuleCode
    from arenite.inspect.arena import Arena
    from arenite.inspect.roots import Roots
    from arenite.snapshot.file import Opened
MOST_ROWS: Final = 1 << 12  # of one record
MOST_ROWS_IN_ALL: Final = 1 << 18  # of lists; thousands of records may say that theirs is the same long one
MOST_COUNTED: Final = 1 << 26  # elements of tables


class RecordRow(NamedTuple):
    """One number of a record.

    `at`: where it stands; `type`: `u32`, `i64`, …; `text`: what it means; `link`: the arena offset that it is, if it leads somewhere;
    `to`: to what kind of record.
    """

    at: int
    type: str
    name: str
    doc: str
    value: int
    text: str = ""
    link: int | None = None
    to: RecordKind | None = None


@dataclass(frozen=True)
class Record:
    """A record, or a list of equal things.  `more`: rows that are left out; `damage`: what is wrong with it."""

    at: int
    size: int
    kind: RecordKind
    title: str
    rows: Sequence[RecordRow] = ()
    more: int = 0
    damage: str = ""

    @property
    def end(self) -> int:
        """Where the next thing may begin."""
        return self.at + self.size


@dataclass
class Survey:
    """Everything found.  `modules`: those that were, the others None; `rows`, `counted`: how many more may be made, looked at."""

    opened: Opened
    modules: tuple[ModuleCode | None, ...]
    roots: Roots
    arena: Arena
    records: list[Record] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    rows: int = MOST_ROWS_IN_ALL
    counted: int = MOST_COUNTED
    states: dict[int, bytearray] = field(default_factory=dict)  # of pages, by region: what `picture` has found

    def some(self, count: int) -> int:
        """How many rows of a list there may be."""
        found = min(count, MOST_ROWS, self.rows)
        self.rows -= found
        return found

    @cached_property
    def places(self) -> dict[tuple[int, RecordKind | None], Record]:
        """The innermost record that begins at an offset, of each kind and of all."""
        found: dict[tuple[int, RecordKind | None], Record] = {}
        for record in self.records:
            found[record.at, None] = found[record.at, record.kind] = record
            if record.kind is HOSTS:
                found[record.at, FUNCTION] = record
        return found

    def at(self, at: int, kind: RecordKind | None = None) -> Record | None:
        """The record that begins at an offset, of a kind if one is asked for; of several, the innermost."""
        return self.places.get((at, kind))

    def leads(self, row: RecordRow) -> bool:
        """Whether a row that should lead to a record does."""
        return row.link is None or self.at(row.link, row.to) is not None


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
