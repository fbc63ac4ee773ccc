"""The two stacks of the validator: types of operands, and open blocks.

- A type is an int; BOTTOM is that of an operand which unreachable code made: it matches every type.
- Below the innermost block's own operands nothing is popped.
- Depth is paid for (`budget`) when it is reached for the first time; blocks have no other limit, as they have none elsewhere.

Compiled by mypyc; see `reader` for what that forbids.

Spec: algo-valid.
"""

from __future__ import annotations

from typing import Final, final

from librt.vecs import append, vec
from mypy_extensions import i64

from arenite.errors import Limit, ValidationError
from arenite.layout.types import BOTTOM, match, type_name
from arenite.wasm import opcodes
from arenite.wasm.budget import BLOCK, OPERAND, Budget

MAX_OPERANDS: Final = 1_000_000  # on the stack at the same time
LOOP: Final[i64] = opcodes.code("loop")
LONG: Final = 8  # lists of types of up to so many are part of what a byte costs


@final
class ControlFrame:
    """An open block.  `op`: what opened it; `height`: of the operand stack below its parameters; `live`: it is reported.

    `dead`: the rest of the block, as far as its `else` or `end`, cannot be reached.
    """

    def __init__(self, op: i64, params: tuple[int, ...], results: tuple[int, ...], height: i64, *, live: bool) -> None:
        self.op: i64 = op
        self.params = params
        self.results = results
        self.height: i64 = height
        self.live = live
        self.dead = False

    def label(self) -> tuple[int, ...]:
        """The types a branch to this block takes with it."""
        return self.params if self.op == LOOP else self.results


@final
class Stacks:
    """The state of the walk over one body.  `at`: offset of the instruction being checked, in function `func`."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.deepest: i64 = 0  # so many open blocks have been paid for
        self.func: i64 = 0
        self.at: i64 = 0
        self.operands: vec[i64] = vec[i64]()
        self.top: i64 = 0  # operands on the stack
        self.frames: list[ControlFrame] = []
        self.height: i64 = 0  # this and the next: of the innermost block
        self.dead = False
        self.live = True  # the instruction at hand is reported

    def begin(self, func: i64, at: i64) -> None:
        """Begin with the body of another function."""
        self.func = func
        self.at = at
        self.top = 0
        self.frames = []
        self.live = True

    def fail(self, message: str) -> ValidationError:
        """The error to raise about the instruction being checked."""
        return ValidationError(message, int(self.at), int(self.func))

    # operands

    def push(self, type_: i64) -> None:
        """Push an operand."""
        if self.top < len(self.operands):
            self.operands[self.top] = type_
        else:
            self.grow(type_)
        self.top += 1

    def grow(self, type_: i64) -> None:
        """Push an operand where none has been before.  Raises: `Limit`."""
        if self.top >= MAX_OPERANDS:
            raise Limit(f"function {self.func} has more than {MAX_OPERANDS:,} operands on its stack")
        self.budget.pay(OPERAND)
        self.operands = append(self.operands, type_)

    def pop(self, expected: i64) -> i64:
        """Pop an operand of a type; its type, which is BOTTOM when unreachable code made it."""
        if self.top == self.height:
            if self.dead:
                return BOTTOM
            raise self.fail("type mismatch: an operand is missing" + self.wanted(expected))
        self.top -= 1
        actual = self.operands[self.top]
        if actual != expected != BOTTOM and not match(actual, expected):
            raise self.fail(f"type mismatch: {type_name(actual)} found" + self.wanted(expected))
        return actual

    def wanted(self, type_: i64) -> str:
        """The part of a message that names the expected type."""
        return f", {type_name(type_)} expected" if type_ else ""

    def pushes(self, types_: tuple[int, ...]) -> None:
        """Push operands, the last ends on top."""
        if len(types_) > LONG:
            self.budget.look(len(types_))
        for type_ in types_:
            self.push(type_)

    def pops(self, types_: tuple[int, ...]) -> None:
        """Pop operands, the last from the top."""
        left: i64 = len(types_)
        if left > LONG:
            self.budget.look(left)
        while left > 0:
            left -= 1
            self.pop(types_[left])

    def peeks(self, types_: tuple[int, ...]) -> None:
        """Check the operands on top and leave them there."""
        left: i64 = len(types_)
        if left > LONG:
            self.budget.look(left)
        at = self.top
        while left > 0:
            left -= 1
            if at == self.height:
                if self.dead:
                    return
                raise self.fail("type mismatch: an operand is missing" + self.wanted(types_[left]))
            at -= 1
            actual = self.operands[at]
            if actual != types_[left] and not match(actual, types_[left]):
                raise self.fail(f"type mismatch: {type_name(actual)} found" + self.wanted(types_[left]))

    # blocks

    def enter(self, op: i64, params: tuple[int, ...], results: tuple[int, ...]) -> None:
        """Open a block."""
        if len(self.frames) >= self.deepest:
            self.budget.pay(BLOCK)
            self.deepest += 1
        self.pops(params)
        self.frames.append(ControlFrame(op, params, results, self.top, live=self.live))
        self.height = self.top
        self.dead = False
        self.pushes(params)

    def leave(self) -> ControlFrame:
        """Check that the innermost block may end here."""
        frame = self.frames[-1]
        self.pops(frame.results)
        if self.top != frame.height:
            raise self.fail("type mismatch: values remaining on stack at end of block")
        return frame

    def close(self, frame: ControlFrame) -> None:
        """Go on behind the innermost block, `frame`, which has been left."""
        self.frames.pop()
        self.live = frame.live
        if len(self.frames) > 0:
            outer = self.frames[-1]
            self.height = outer.height
            self.dead = outer.dead
            self.pushes(frame.results)

    def unreachable(self) -> None:
        """The rest of the innermost block cannot be reached."""
        self.top = self.height
        self.dead = True
        self.live = False
        self.frames[-1].dead = True

    def frame(self, depth: i64) -> ControlFrame:
        """The block that a label names."""
        count: i64 = len(self.frames)
        if depth >= count:
            raise self.fail(f"unknown label {depth}")
        return self.frames[count - 1 - depth]
