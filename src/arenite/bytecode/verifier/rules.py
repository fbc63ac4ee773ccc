"""What the module says, in the form that the verifier's walk wants.

Compiled by mypyc; see `translate.writer` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64

from arenite.layout.raw import SIZE

TAG_SHIFT: Final[i64] = SIZE.bit_length() - 1


@final
class Rules:
    """What the module says.  By typeidx: classes of `params` and `results`, the same as words (`entry`, `leaving`), `packed` params.

    `spaces`: i64 start, shift, count of what each space names; `classes`: of the things named;
    `tags`: classes of the values of each tag's exceptions, the first of which has its word at `tags_at`; `room`: bytes that the walk may take.
    """

    def __init__(
        self,
        function_types: list[int],
        params: list[bytes],
        results: list[bytes],
        entry: list[bytes],
        leaving: list[bytes],
        packed: list[bytes],
        spaces: bytes,
        classes: list[bytes],
        tags_at: int,
        tags: list[bytes],
        room: int,
    ) -> None:
        self.function_types = function_types
        self.params = params
        self.results = results
        self.entry = entry
        self.leaving = leaving
        self.packed = packed
        self.spaces = spaces
        self.classes = classes
        self.tags_at: i64 = tags_at
        self.tags = tags
        self.room: i64 = room

    def tag_at(self, place: i64) -> bytes | None:
        """The classes of the values of exceptions of the tag whose word has a place in the instance; None: there is none."""
        n = (place - self.tags_at) >> TAG_SHIFT
        if not 0 <= n < i64(len(self.tags)) or self.tags_at + (n << TAG_SHIFT) != place:
            return None
        return self.tags[n]
