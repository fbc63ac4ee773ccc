"""The steps in Python that a row becomes (`python_text`), and their template, which `tiers.safe` fills in."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from arenite.bytecode.protocol import I64, Type
from arenite.emit.python_tree import replaced, uses
from arenite.light import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Node:
    """One step, `depth` levels below the block's own.  `let`: the temporary that receives what it computes."""

    depth: int
    tree: ast.AST
    let: str = ""

    @cached_property
    def text(self) -> str:
        """The tree as Python, with places for operands."""
        text = ast.unparse(self.tree)
        return f"{self.let} = {text}" if self.let else text


class Do(Node):
    """A statement."""


class If(Node):
    """What follows, one level deeper, happens on a condition."""


@dataclass(frozen=True)
class Goto(Node):
    """Leave to the label that the operand `label` names."""

    label: str = ""


@dataclass(frozen=True)
class Branch(Node):
    """A jump on a condition: an `If` with nothing else in it."""

    label: str = ""


@dataclass(frozen=True)
class Write(Node):
    """A slot is set: the one that the operand `operand` names, or the one `disp` bytes behind the byte offset that it is."""

    type: Type = I64
    operand: str = ""
    disp: int = 0


class Template(NamedTuple):
    """A row's steps; `ends`: nothing goes on behind it; `early`: it writes its result before its last step."""

    steps: tuple[Node, ...]
    ends: bool
    early: bool


def inlined(steps: list[Node]) -> Iterator[Node]:
    """A temporary that is used once, in the very next step, moves there; so the order of effects is kept."""
    moving: dict[str, ast.expr] = {}
    for i, step in enumerate(steps):
        now = replace(step, tree=replaced(step.tree, moving)) if moving else step
        found = [uses(later.tree, step.let) for later in steps[i + 1 :]] if step.let else []
        moving = {}
        if isinstance(now.tree, ast.expr) and sum(found) == 1 == found[0]:
            moving = {step.let: now.tree}
        else:
            yield now
