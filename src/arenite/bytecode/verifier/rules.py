"""What the module says, in the form that the verifier's walk wants.

Compiled by mypyc; see `translate.writer` for what that forbids.
"""

from __future__ import annotations

from typing import final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)


@final
class Rules:
    """What the module says.  By typeidx: classes of `params` and `results`, the same as words (`entry`, `leaving`), `packed` params.

    `spaces`: i64 start, shift, count of what each space names; `classes`: of the things named;
    `room`: bytes that the walk may take.
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
        self.room: i64 = room
