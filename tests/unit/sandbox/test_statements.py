"""A program and its last expression: parted by its text, they are what its tree says."""

from __future__ import annotations

import ast
import warnings

import pytest

from arenite.sandbox.guests.inside.statements import by_tree, parted
from arenite.sandbox.sandbox import Sandbox

PROGRAMS = [
    "",
    "\n",
    "# nothing",
    "6 * 7",
    "6 * 7\n",
    "6 * 7  # seven",
    "x = 6\nx * 7",
    "x = 6\n\n\nx * 7\n\n# the end\n",
    "x = 6; x * 7",
    "x = [\n1,\n]\nlen(\n    x\n)",
    "x = [\n1,\n2]",
    "x = '''\nx * 7'''",
    "'''\nx * 7\n'''",
    "f('''\nx * 7\n''')",
    "x = 1 + \\\n2",
    "x = 6\\\n* 7\nx",
    "if x:\n    y\nelse:\n    z",
    "if x:\n    y",
    "if x: y\nz",
    "for x in y:\n    z\nz",
    "def f():\n    return 1\nf()",
    "@f\ndef g(): pass",
    "@f\nclass A:\n    x: int\nA",
    "x == 7",
    "x: int = 7",
    "x: int",
    "x = y = 7",
    "x += 7",
    "x[0] = 7",
    "x[0].y = 7",
    "x, y = 7, 8",
    "(x, y) = 7, 8",
    "x.y(z=7)",
    "(x := 7)",
    "lambda: 7",
    "not x",
    "await_",
    "{\n'x': 7,\n}",
    "f(x)[\n0]",
    "import os\nos.sep",
    "from __future__ import annotations\ndef f(x: int): pass\nf",
    "match x:\n    case 1:\n        pass",
    "match(x)",
    "print\n(x)",
    "x = 1\r\nx",
    "x = 1\rx",
    "\fx",
    "é = 1\né",
    "'\\d'",
    "x is 1",
    "type(x)",
    "[x for x in y]\n[z\nfor z in y]",
]


@pytest.mark.parametrize("code", PROGRAMS)
def test_the_text_says_what_the_tree_says(code: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program, last = parted(code, "<run 1>")
        other, expected = by_tree(code, "<run 1>")
    assert last == expected
    assert (program or compile("", "<run 1>", "exec")).co_code == other.co_code if other else program is None
    assert program is None or program == other


@pytest.mark.parametrize(
    "code", ["(", "x = ", " x", "x\n y", "x = '''\nx", "x\n)", "return 1", "x\nyield y", "x = 1 +\n2", "a b", "x\0"]
)
def test_errors_are_those_of_the_program(code: str) -> None:
    with pytest.raises((SyntaxError, ValueError)) as expected:
        by_tree(code, "<run 1>")
    with pytest.raises(expected.type) as found:
        parted(code, "<run 1>")
    assert found.value.args == expected.value.args


def test_what_is_usual_needs_no_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ast, "Expression", None)
    for code in ("print(6 * 7)", "x = 6\nprint(x)", "def f():\n    pass\n\nf(\n    1,\n)"):
        assert parted(code, "<run 1>")[1] is not None


def test_a_sequence_that_is_none_is_warned_of_once() -> None:
    with Sandbox.python() as box:
        assert box.run("f = {}\nf['\\d'] = 1").stderr.count("invalid escape") == 1
        assert box.run("'\\d'").stderr.count("invalid escape") == 1


def test_programs_do_not_inherit_what_the_runner_imports_of_the_future() -> None:
    with Sandbox.python() as box:
        assert box.run("def f(x: int): pass\nf.__annotations__['x'] is int").value is True
        assert box.run("def f(x: int): pass\nf; f.__annotations__['x'] is int").value is True


def test_where_an_error_was_is_told() -> None:
    with Sandbox.python() as box:
        assert 'File "<run 1>", line 3' in str(box.run("x = 1\n\n1 / 0").error)
        assert "    1 / 0\n    ~~^~~" in str(box.run("x = 1\n1 / 0\n").error)
