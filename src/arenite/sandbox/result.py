"""What has come of some code that ran in a sandbox.

Example:  box.run("x = 6; x * 7").value
"""

from __future__ import annotations

import contextlib
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from arenite.light import dataclass
from arenite.world.stat import FileType

if TYPE_CHECKING:
    from arenite.world.memory.fs import MemoryFS
    from arenite.world.stat import Stat

DEEPEST: Final = 200  # directories in directories that are looked at


@dataclass(frozen=True)
class Result:
    """What one run printed and gave.

    `stdout`, `stderr`: what it wrote, as text; what is no UTF-8 is replaced.   `value`: of its last statement, where that is an expression:
    plain data (None, bool, int, float, str, bytes; lists, tuples and dicts with strings as keys, of such), else a `Repr`.
    `error`: None, the guest's traceback, or why it ended or stopped.   `limit`: "time", "fuel" or "output" where the run stopped at one.
    `duration`: seconds.   `fuel`: units, see `Store.set_fuel`.
    """

    stdout: str
    stderr: str
    value: object
    error: str | None
    limit: str | None
    duration: float
    fuel: int
    _before: MemoryFS = field(repr=False, compare=False)
    _after: MemoryFS = field(repr=False, compare=False)

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Paths of files that the run made, changed or removed, in order; worked out when they are asked for."""
        before, after = known(self._before), known(self._after)
        return tuple(sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path)))


def known(files: MemoryFS) -> dict[str, Stat]:
    """What is known of each file.  A guest's directories may be deep: what no path leads to, or lies below `DEEPEST`, is left out."""
    found, todo = dict[str, "Stat"](), [("", 0)]
    while todo:
        folder, depth = todo.pop()
        with contextlib.suppress(OSError):
            for name in files.listdir(folder or "."):
                path = f"{folder}/{name}"
                stat = files.stat(path, follow=False)
                if stat.type is FileType.REGULAR_FILE:
                    found[path] = stat
                elif stat.type is FileType.DIRECTORY and depth < DEEPEST:
                    todo.append((path, depth + 1))
    return found
