"""Python expressions as trees, built from patterns: `built("{0} + {1} & {2}", a, b, number(7))` is an `ast.expr` with the parentheses that it needs.

Names may hold braces, as places of a template: `ast.unparse` writes them as they are.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST: Final = 10  # places in a pattern
PLACES: Final = tuple(f"_{i}" for i in range(MOST))


@cache
def _parsed(pattern: str) -> ast.stmt:
    return ast.parse(pattern.format(*PLACES)).body[0]


def name(id_: str) -> ast.Name:
    """A name, or a place of a template."""
    return ast.Name(id_, ast.Load())


def number(value: float) -> ast.Constant:
    """A constant."""
    return ast.Constant(value)


def replaced(tree: ast.AST, names: Mapping[str, ast.expr]) -> ast.AST:
    """A copy of the tree with expressions for names.  (`copy.deepcopy` nests so deep in Python that guests could nest less in host functions.)"""
    if isinstance(tree, ast.Name):
        return names.get(tree.id, tree)
    fields: dict[str, object] = {}
    for field, value in ast.iter_fields(tree):
        new = value
        if isinstance(value, ast.AST):
            new = replaced(value, names)
        elif isinstance(value, list):
            new = [replaced(item, names) for item in value]
        fields[field] = new
    return ast.copy_location(type(tree)(**fields), tree)


def statement(pattern: str, *parts: ast.expr) -> ast.stmt:
    """A statement with expressions in its places `{0}` …"""
    found = replaced(_parsed(pattern), dict(zip(PLACES, parts, strict=False)))
    assert isinstance(found, ast.stmt)
    return found


def built(pattern: str, *parts: ast.expr) -> ast.expr:
    """An expression, likewise."""
    found = statement(pattern, *parts)
    assert isinstance(found, ast.Expr)
    return found.value


def uses(tree: ast.AST, id_: str) -> int:
    """How often the name occurs."""
    return sum(isinstance(node, ast.Name) and node.id == id_ for node in ast.walk(tree))


def argument_of(tree: ast.expr, function: str) -> ast.expr | None:
    """The argument, if the tree is a call of `function` with one."""
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == function and len(tree.args) == 1:
        return tree.args[0]
    return None
