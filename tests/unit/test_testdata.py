"""Tests of nothing fail: folders without files, parametrisations without parameters, what is missing where nothing may be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import testdata

if TYPE_CHECKING:
    from pathlib import Path

TESTS = testdata.ROOT / "tests"


def test_no_files_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "folder.wat").mkdir()
    with pytest.raises(FileNotFoundError, match=r"there is no \*\.wat in"):
        testdata.files(tmp_path, "*.wat")
    for name in "ba":
        (tmp_path / f"{name}.wat").touch()
    assert [path.name for path in testdata.files(tmp_path, "*.wat")] == ["a.wat", "b.wat"]


def end_of_a_test_that_lacks_something() -> type[BaseException]:
    """What `absent` raises; `pytest.raises` would let a skip through."""
    try:
        testdata.absent("no such thing")
    except (pytest.fail.Exception, pytest.skip.Exception) as end:
        return type(end)


def test_what_is_absent_is_a_failure_where_tests_are_counted_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for counted_on, raised in ((True, pytest.fail.Exception), (False, pytest.skip.Exception)):
        monkeypatch.setattr(testdata, "CI", counted_on)
        assert end_of_a_test_that_lacks_something() is raised


def test_no_parameters_are_an_error(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.getini("empty_parameter_set_mark") == "fail_at_collect"


def test_nobody_looks_for_inputs_in_another_way() -> None:
    """A loop over a pattern that nothing fits any more would pass for ever."""
    alone = re.compile(r"""glob\(f?["'][^"']*\.(wat|wast|wasm|py|md|toml|json)["']""")
    found = {path.name for path in testdata.files(TESTS, "**/*.py") if alone.search(path.read_text("utf-8"))}
    assert found == {"listed.py"}, "which looks itself whether there are any"
