"""In which stores a record is the same one: records are never freed, so what was made before a fork lies in it at the same place.

A line begins with a store; at a snapshot it divides.  `mark` is where the first record of the line's own lies: what lies below belongs
to the line it came from.
"""

from __future__ import annotations


class Lineage:
    """One line of stores."""

    __slots__ = ("mark", "parent")

    def __init__(self, parent: Lineage | None = None, mark: int = 0) -> None:
        self.parent = parent
        self.mark = mark

    def maker(self, at: int) -> Lineage:
        """The line in which the record at `at` was made, as seen from this one."""
        line = self
        while at < line.mark and line.parent is not None:
            line = line.parent
        return line

    def knows(self, other: Lineage, at: int) -> bool:
        """Whether the record that `other` has at `at` is the one that this line has there."""
        return self is other or self.maker(at) is other.maker(at)

    def divide(self, heap: int) -> Lineage:
        """The line to which forks of a store belong, whose next record will lie at `heap`."""
        if self.mark == heap and self.parent is not None:
            return self.parent  # nothing was made since the last time
        return self
