"""The list of mutants: small faults that somebody could make, each with the tests that notice it.

A file `*.toml` of this folder has those of one part of the project; a table is one mutant:

    [table-get-below-zero]
    wrong = "an element below 0 is taken from the table's end"
    file = "api/table.py"                                             # in src/arenite
    before = "if not 0 <= integer(\"index\", idx) < len(elements):"     # stands exactly once there
    after = "if integer(\"index\", idx) >= len(elements):"
    tests = ["unit/api/test_tables.py::test_indexes_below_zero"]        # in tests; each of them must fail

Longer texts stand between ''' and '''.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent.parent
FIELDS: Final = {"wrong", "file", "before", "after", "tests"}


class Stale(Exception):  # noqa: N818 (what the list is, not a mistake of the program)
    """The list does not fit the sources any more; the message says where."""


@dataclass(frozen=True)
class Mutant:
    """`file`: in a checkout; `before` becomes `after`; `tests`: node ids of pytest's, from a checkout's root."""

    name: str
    wrong: str
    file: Path
    before: str
    after: str
    tests: tuple[str, ...]

    def of(self, text: str) -> str:
        """The file's text with the fault.  Raises: `Stale`."""
        count = text.count(self.before)
        if count != 1:
            raise Stale(f"{self.name}: the text to replace stands {count} times in {self.file}, not once")
        changed = text.replace(self.before, self.after)
        try:
            compile(changed, self.file.name, "exec")
        except SyntaxError as error:
            raise Stale(f"{self.name}: {self.file} is no Python with it: {error}") from error
        return changed


def mutants() -> list[Mutant]:
    """All of them, by part.  Raises: `Stale` for a table that is none."""
    found: dict[str, Mutant] = {}
    for path in sorted(HERE.glob("*.toml")):
        for name, table in tomllib.loads(path.read_text("utf-8")).items():
            if name in found:
                raise Stale(f"{path.name}: there are two mutants named {name}")
            if set(table) != FIELDS or not table["tests"]:
                raise Stale(f"{path.name}: {name} has {', '.join(table)}; a mutant has {', '.join(sorted(FIELDS))}")
            tests = tuple(f"tests/{test}" for test in table["tests"])
            found[name] = Mutant(
                name, table["wrong"], Path("src/arenite") / table["file"], table["before"], table["after"], tests
            )
    if not found:
        raise Stale("the list of mutants is empty")
    return list(found.values())
