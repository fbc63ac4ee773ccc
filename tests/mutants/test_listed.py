"""The list of mutants fits the sources: every one can still be made, and the tests that it names are there."""

from __future__ import annotations

import ast
import functools

import pytest

from mutants.listed import ROOT, Mutant, Stale, mutants


@functools.cache
def functions(path: str) -> frozenset[str]:
    """Names of the functions of a file of tests."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_it_can_be_made_and_its_tests_are_there(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text("utf-8")
    assert mutant.of(source) != source
    for test in mutant.tests:
        path, _, name = test.partition("::")
        assert name.partition("[")[0] in functions(path), f"there is no test {test}"


def test_what_does_not_fit_is_named() -> None:
    (first, *_) = mutants()
    for text, message in (("", "stands 0 times"), (2 * first.before, "stands 2 times")):
        with pytest.raises(Stale, match=message):
            first.of(text)
