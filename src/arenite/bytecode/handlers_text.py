"""A section of handlers (`bytecode.handlers`) in words, for people.

Example:  handlers_of(module, f.begin, f.end, Names(module))[0] == {16: "tag 0 .64 r2 to r3, all .80 exception r4"}
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice
from typing import TYPE_CHECKING, Final

from arenite.bytecode.handlers import CLAUSE, REGION
from arenite.layout.frame import SLOT
from arenite.layout.handlers import BELOW, COUNT_SHIFT, END, LINK, WANTS_REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.bytecode.module import ModuleCode
    from arenite.bytecode.names import Names

MOST_SHOWN: Final = 8  # of the handlers that are active at a place


def handlers_of(module: ModuleCode, begin: int, end: int, names: Names) -> tuple[dict[int, str], set[int]]:
    """Of a function: where other handlers become active, and which these are; and where handlers begin.  It takes no longer than its own handlers are many."""
    words = memoryview(bytes(module.handlers)).cast("I")
    if not words:
        return {}, set()
    count, region, clause = words[0], REGION // 4, CLAUSE // 4
    groups = words[1 + region * count :]
    texts: dict[int, str] = {}
    targets: set[int] = set()
    seen: set[int] = set()

    def clauses(number: int) -> Iterator[tuple[int, int, int, int]]:
        """A group's, and of those around it."""
        while number:
            tag, target, values, flags = groups[clause * (number - 1) : clause * number]
            if flags & (LINK | END):
                number = target if flags & LINK else 0
            else:
                number += 1
                yield tag, target, values, flags

    def collect(number: int) -> None:
        """Where handlers begin that no group has which was seen before."""
        while number and number not in seen:
            seen.add(number)
            _, target, _, flags = groups[clause * (number - 1) : clause * number]
            if flags & (LINK | END):
                number = target if flags & LINK else 0
            else:
                number += 1
                targets.add(target)

    for index in range(bisect_left(range(count), begin, key=lambda index: words[1 + region * index]), count):
        pc, group = words[1 + region * index], words[2 + region * index]
        if pc >= end:
            break
        collect(group)
        said = [_words(names, begin, *each) for each in islice(clauses(group), MOST_SHOWN + 1)]
        texts[pc] = ", ".join([*said[:MOST_SHOWN], *("…" for _ in said[MOST_SHOWN:])]) or "none"
    return texts, targets


def _words(names: Names, begin: int, tag: int, target: int, values: int, flags: int) -> str:
    """A handler: what it catches, where it is, and what it receives in which slots."""
    slot, count = values // SLOT, flags >> COUNT_SHIFT
    receives = [f"r{slot}" if count == 1 else f"r{slot} to r{slot + count - 1}"] if count else []
    if flags & (BELOW | WANTS_REFERENCE):
        place = slot - 1 if flags & BELOW else slot + count
        receives.append(f"{'exception' if flags & WANTS_REFERENCE else 'null'} r{place}")
    what = names.text("tag", tag) if tag else None
    return " ".join([what or "all", f".{target - begin}", *receives])
