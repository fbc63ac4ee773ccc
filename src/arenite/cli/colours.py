"""How kinds of things are shown: a colour that can be read on black and on white, and a letter where there are no colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from arenite.inspect import kinds

if TYPE_CHECKING:
    from arenite.inspect.kinds import RecordKind


class Look(NamedTuple):
    """`letter`: stands for the kind where there are no colours."""

    letter: str
    colour: str


LOOKS: Final[dict[RecordKind, Look]] = {
    kinds.CONTEXT: Look("X", "#64748b"),
    kinds.NULL: Look("N", "#94a3b8"),
    kinds.FRAMES: Look("F", "#e4572e"),
    kinds.UNUSED: Look("U", "#b08968"),
    kinds.INSTANCES: Look("I", "#2f7ed8"),
    kinds.FUNCTIONS: Look("R", "#0f9d8a"),
    kinds.FUNCTION: Look("R", "#0f9d8a"),
    kinds.HOSTS: Look("H", "#6ba32d"),
    kinds.TABLES: Look("T", "#7c3aed"),
    kinds.ELEMENTS: Look("E", "#b57bee"),
    kinds.MEMORIES: Look("M", "#d6409f"),
    kinds.GLOBALS: Look("G", "#d99a00"),
    kinds.DROPPED: Look("D", "#9a6b4f"),
    kinds.LOST: Look("L", "#737f8f"),
    kinds.FREE: Look("O", "#94a3b8"),
    kinds.BYTES: Look("B", "#3f8fc0"),
}
