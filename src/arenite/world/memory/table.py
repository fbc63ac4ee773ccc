"""A table by number whose copies share what neither has changed.

- It is made of pages, and whoever owns a table owns only the pages that it has copied since; others' are never written.
- `of` gives a table that may be written, at the cost of a copy of the list of pages; reading needs none.
- Only pages with something in them are there, so numbers may be far apart.

    mine = table.of(owner)
    mine.put(7, "seven")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

BITS: Final = 6

Value = TypeVar("Value")


class Table(Generic[Value]):
    """Values by number.  `owner`: who may write it; what else has been made of the same pages does not see that."""

    __slots__ = ("_own", "owner", "pages")

    def __init__(self, owner: object, pages: dict[int, dict[int, Value]] | None = None) -> None:
        self.owner = owner
        self.pages = {} if pages is None else pages
        self._own: set[int] = set()

    def of(self, owner: object) -> Table[Value]:
        """This one, or a copy, for `owner` to write."""
        return self if self.owner is owner else Table(owner, dict(self.pages))

    def get(self, number: int) -> Value | None:
        """What has that number."""
        page = self.pages.get(number >> BITS)
        return None if page is None else page.get(number)

    def _page(self, number: int) -> dict[int, Value]:
        """The page of a number, to be written."""
        at = number >> BITS
        if at in self._own:
            return self.pages[at]
        page = self.pages[at] = dict(self.pages.get(at, ()))
        self._own.add(at)
        return page

    def put(self, number: int, value: Value) -> None:
        """Give something a number."""
        self._page(number)[number] = value

    def remove(self, number: int) -> None:
        """Forget what has that number, which there is."""
        page = self._page(number)
        del page[number]
        if not page:
            del self.pages[number >> BITS]
            self._own.discard(number >> BITS)

    def since(self, start: int) -> Iterator[tuple[int, Value]]:
        """(number, value) from `start` on, ascending.  The table may change meanwhile: what is there all the time is found once."""
        for at in sorted(at for at in self.pages if at >= start >> BITS):
            page = self.pages.get(at, {})
            for number in sorted(page):
                if number >= start and number in page:
                    yield number, page[number]
