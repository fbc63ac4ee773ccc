"""The house: no file that is too long, no circle of files.  Which package may import which, says `pyproject.toml` (`lint-imports`)."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

import arenite
import testdata

SOURCE = Path(arenite.__file__).parent
LONGEST = 450  # lines of a file that is no table
TABLES: dict[str, str] = {}
"""Files that may be longer, and of what they are tables."""


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_a_file_can_be_read_in_one_go() -> None:
    sizes = {path.relative_to(SOURCE).as_posix(): lines(path) for path in testdata.files(SOURCE, "**/*.py")}
    assert {name: size for name, size in sizes.items() if size > LONGEST and name not in TABLES} == {}


def test_only_long_files_are_excused() -> None:
    assert all(lines(SOURCE / name) > LONGEST for name in TABLES)


def test_imports_make_no_circle() -> None:
    """Those of types alone are left out; those inside functions count."""
    graph = grimp.build_graph("arenite", exclude_type_checking_imports=True)
    order = TopologicalSorter({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})
    try:
        order.prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
