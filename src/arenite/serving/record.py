"""Ids of work, and answers that are given again: whoever has lost an answer may ask once more, with the same key, and nothing is done twice.

- What is done in one execution is counted: (execution, sequence) names a piece of work for good.
- A key is the caller's own.  Its answer is given again for as long as it is kept; with another request it is refused.
- What was asked and not answered, because the caller went or the process was killed, is not in the record: it may be asked again with its key.
- A record asks for turns: who looks a key up and who keeps its answer must not be interrupted by another with the same key.

    record = Record[str]("a1b2")
    record.find("key-1", request) or record.keep("key-1", request, do_it(record.next()), size=12)
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from arenite.errors import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

Answer = TypeVar("Answer")
MOST_ANSWERS: Final = 256
MOST_BYTES: Final = 4 << 20


class KeyUsedError(Failure):
    """A key came with another request before."""


@dataclass(frozen=True)
class Work:
    """The id of a piece of work.  `execution`: of what it was done in; `sequence`: the how manyth there, from 1."""

    execution: str
    sequence: int


@dataclass(frozen=True)
class Kept(Generic[Answer]):
    """An answer in the record."""

    request: bytes
    answer: Answer
    size: int


class Record(Generic[Answer]):
    """What was done in one execution, and the last answers that have keys."""

    def __init__(self, execution: str, *, answers: int = MOST_ANSWERS, size: int = MOST_BYTES) -> None:
        self._execution = execution
        self._answers, self._size = answers, size
        self._kept = OrderedDict[str, Kept[Answer]]()
        self._bytes = 0
        self._sequence = 0

    def next(self) -> Work:
        """The id of what is now to be done."""
        self._sequence += 1
        return Work(self._execution, self._sequence)

    def find(self, key: str, request: bytes) -> Answer | None:
        """The answer that is kept for the key, if there is one.  Raises: `KeyUsedError`."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.request != request:
            raise KeyUsedError(f"{key!r} was the key of another request")
        return kept.answer

    def keep(self, key: str, request: bytes, answer: Answer, *, size: int) -> Answer:
        """Keep an answer; older ones go where there is no room.  `size`: bytes that it takes."""
        self._kept[key] = Kept(request, answer, size)
        self._bytes += size
        while len(self._kept) > self._answers or self._bytes > self._size:
            _, old = self._kept.popitem(last=False)
            self._bytes -= old.size
        return answer


def digest(name: str, arguments: Mapping[str, object]) -> bytes:
    """What stands for a request in a record.  `arguments`: as JSON has them."""
    return hashlib.sha256(json.dumps([name, arguments], sort_keys=True).encode()).digest()
