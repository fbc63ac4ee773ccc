r"""A program as code objects, inside a CPython guest: all but its last statement, and that, where it is an expression whose value is wanted.

Making a tree of Python objects and code of that takes three times as long as making code of the text.  So the text is parted where its last line begins that
could begin a statement: if what stands before it is a program by itself and what begins there an expression by itself, then it is the last statement.
Otherwise the tree says.

Example:  parted("x = 6\nx * 7", "<run 1>")
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import CodeType

    Parts = tuple[CodeType | None, CodeType | None]

BEGINNING: Final = re.compile(r"^[^\s#)\]},:]", re.MULTILINE)  # of a line that could begin a statement
ONLY_A_TREE: Final = 0x400  # `ast.PyCF_ONLY_AST`
AWAITING: Final = 0x2000  # `ast.PyCF_ALLOW_TOP_LEVEL_AWAIT`
OTHER: Final = re.compile(
    r"@|[\w.\[\], ]+=[^=]|"
    r"(?:import|from|def|class|for|while|if|elif|else|with|try|except|finally|return|del|pass|raise|assert|global|nonlocal|async|break|continue)\b"
)
"""Beginnings of what is no expression, so that trying is of no use.  What else is none is found by trying."""


def parted(code: str, name: str) -> Parts:
    """What is to be run, and what is to be evaluated then.  Raises: what compiling the program raises."""
    at = code.rfind("\n") + 1
    if at and not BEGINNING.match(code, at):
        at = max((found.start() for found in BEGINNING.finditer(code)), default=0)
    last = code[at:]
    if last and not OTHER.match(last) and "\\" not in last:  # a sequence that is none is warned of each time it is read
        try:
            value = compile("\n" * code.count("\n", 0, at) + last, name, "eval", dont_inherit=True)
            return compile(code[:at], name, "exec", dont_inherit=True) if at else None, value
        except (SyntaxError, ValueError):
            pass
    return by_tree(code, name)


def by_tree(code: str, name: str, flags: int = 0) -> Parts:
    """The same for any program.   `flags`: for the compiler; with `AWAITING` what awaits something gives a coroutine."""
    tree = compile(code, name, "exec", ONLY_A_TREE, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        return compile(tree if "\\" in code else code, name, "exec", flags, dont_inherit=True), None
    tree.body.pop()
    value = ast.Expression(last.value)
    return compile(tree, name, "exec", flags, dont_inherit=True), compile(value, name, "eval", flags, dont_inherit=True)
