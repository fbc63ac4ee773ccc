"""Packages whose names are imported when they are first touched: what users, checkers and editors see of them is the same, and an import is cheap."""

from __future__ import annotations

import ast
import pickle
import subprocess
import sys
import typing
from importlib import import_module
from pathlib import Path

import pytest

import arenite

PACKAGES = ("arenite", "arenite.driver", "arenite.sandbox", "arenite.wasi")


def python(program: str) -> list[str]:
    """The lines that a program prints in a process of its own."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def declared(package: str) -> dict[str, str]:
    """What type checkers are told: names -> where each is from."""
    tree = ast.parse(Path(str(import_module(package).__file__)).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    found = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in block.body:  # a class that has another name outside
        if isinstance(node, ast.Assign):
            found[ast.unparse(node.targets[0])] = found.pop(ast.unparse(node.value))
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_the_table_is_what_type_checkers_are_told(package: str) -> None:
    assert vars(import_module(package))["HOMES"] == declared(package)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_is_there_whatever_is_touched_first(package: str) -> None:
    module = import_module(package)
    assert set(module.__all__) == set(declared(package))
    program = f"""
import os, {package} as package
for name in package.__all__:
    if (child := os.fork()) == 0:  # where nothing has been touched
        getattr(package, name)
        os._exit(name not in vars(package))
    print(name, os.waitpid(child, 0)[1])
"""
    assert python(program) == [f"{name} 0" for name in sorted(declared(package))]


@pytest.mark.parametrize("package", PACKAGES)
def test_untouched_names_are_listed_and_imported_with_a_star(package: str) -> None:
    names = set(declared(package))
    assert names <= set(python(f"import {package} as p; print(*dir(p), sep='\\n')"))
    assert names <= set(python(f"from {package} import *; print(*dir(), sep='\\n')"))


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_name_is_there(package: str) -> None:
    with pytest.raises(AttributeError, match=rf"^module '{package}' has no attribute 'Nothing'"):
        _ = import_module(package).Nothing


def test_help_tells_of_every_name() -> None:
    shown = "\n".join(python("import arenite; help(arenite)"))
    assert [name for name in declared("arenite") if name not in shown] == []


def test_pickles_find_a_class_that_nothing_has_touched() -> None:
    data = pickle.dumps(arenite.PauseReason.FUEL)
    assert python(f"import pickle; print(pickle.loads({data!r}).name)") == ["FUEL"]


@pytest.mark.parametrize("name", declared("arenite"))
def test_types_of_public_classes_can_be_asked_for(name: str) -> None:
    found = getattr(arenite, name)
    if isinstance(found, type):
        assert all(not isinstance(hint, str) for hint in typing.get_type_hints(found).values())
