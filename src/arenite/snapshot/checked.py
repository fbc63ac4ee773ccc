"""Reading a manifest: values of JSON, each with its kind and range, or an error that names the place.

fields = Fields(manifest, "snapshot.arn: manifest")
heap = fields.integer("heap", 0, 1 << 30)
for item in fields.items("instances"):
    at = item.integer("at", ...)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.errors import SnapshotError
from arenite.snapshot.container import Section

if TYPE_CHECKING:
    from collections.abc import Iterator


class Fields:
    """An object of JSON; `where` names it in errors."""

    def __init__(self, value: object, where: str) -> None:
        self.where = where
        if not isinstance(value, dict):
            raise SnapshotError(f"{where} is no object")
        self.values: dict[str, object] = value

    def error(self, name: str, wanted: str) -> SnapshotError:
        """What to raise about a field."""
        return SnapshotError(f"{self.where}: {name} is {str(self.values.get(name, 'missing'))[:80]}; expected {wanted}")

    def integer(self, name: str, low: int, high: int) -> int:
        """An int from `low` to `high`."""
        value = self.values.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.error(name, f"{low} .. {high}")
        return value

    def optional(self, name: str, low: int, high: int) -> int | None:
        """An int or null."""
        return None if self.values.get(name) is None else self.integer(name, low, high)

    def text(self, name: str, longest: int | None = None) -> str:
        """A string; the whole manifest bounds what has no bound of its own, as names of modules and imports have none."""
        value = self.values.get(name)
        if not isinstance(value, str) or (longest is not None and len(value) > longest):
            raise self.error(name, "text")
        return value

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self.values.get(name)
        if not isinstance(value, bool):
            raise self.error(name, "true or false")
        return value

    def has(self, name: str) -> bool:
        """Whether there is something, null excepted."""
        return self.values.get(name) is not None

    def sequence(self, name: str, most: int = 1 << 20) -> list[object]:
        """A list."""
        value = self.values.get(name)
        if not isinstance(value, list) or len(value) > most:
            raise self.error(name, "a list")
        return value

    def integers(self, name: str, high: int) -> list[int]:
        """A list of ints from 0 to `high`."""
        found = self.sequence(name)
        if not all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n <= high for n in found):
            raise self.error(name, f"a list of 0 .. {high}")
        return [n for n in found if isinstance(n, int)]

    def items(self, name: str, most: int = 1 << 20) -> Iterator[Fields]:
        """A list of objects."""
        for number, value in enumerate(self.sequence(name, most)):
            yield Fields(value, f"{self.where}, {name} {number}")

    def fields(self, name: str) -> Fields:
        """An object."""
        return Fields(self.values.get(name), f"{self.where}, {name}")

    def section(self, name: str) -> Section:
        """Where bytes lie in the file."""
        found = self.fields(name)
        return Section(found.integer("offset", 0, 1 << 62), found.integer("size", 0, 1 << 62))
