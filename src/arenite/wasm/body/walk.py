"""The one walk over a function body: decodes its instructions and leads each to its chapter, which checks and reports it.

It is the algorithm of the standard's appendix.  Unreachable code is checked as the standard asks and never reported.  What
is malformed inside a body is found here too.  A body is read from the file as if its size were unknown, which is compared
afterwards.  Counts are compared with the bytes left in it, and what a body needs is paid for (`budget`).

Compiled by mypyc; see `reader` for what that forbids.

Example:  BodyValidator(module, Sink()).body(0)

Spec: algo-valid.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.errors import DecodeError
from arenite.wasm import opcodes
from arenite.wasm.body.context import NOTHING, Context
from arenite.wasm.body.control import Control
from arenite.wasm.body.exceptions import Exceptions
from arenite.wasm.body.memory import Memory
from arenite.wasm.body.numeric import Numeric
from arenite.wasm.body.tables import Tables
from arenite.wasm.body.variables import Variables
from arenite.wasm.body.vectors import Vectors
from arenite.wasm.budget import LOCAL
from arenite.wasm.codes import PAGE, code_of
from arenite.wasm.features import illegal
from arenite.wasm.module import Module  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.wasm.opcodes import CONTROL, EXCEPTION, MEMORY, NUMERIC, PARAMETRIC, PREFIX, REFERENCE, TABLE, VARIABLE, VECTOR
from arenite.wasm.sink import Sink  # noqa: TC001 (as above)

CHAPTER: Final[bytes] = opcodes.CHAPTER
BLOCK: Final[i64] = opcodes.code("block")

MAX_LOCALS: Final = 50_000  # of a function, parameters among them


@final
class BodyValidator:
    """Checks the bodies of one module, whose `validate_module` has passed, and reports them to `sink`."""

    def __init__(self, module: Module, sink: Sink) -> None:
        self.context = Context(module, sink)
        self.control = Control(self.context)
        self.exceptions = Exceptions(self.context)
        self.variables = Variables(self.context)
        self.tables = Tables(self.context)
        self.memory = Memory(self.context)
        self.numeric = Numeric(self.context)
        self.vectors = Vectors(self.context, self.memory)
        self.sink = sink
        self.s = self.context.s
        self.r = self.context.r
        self.restricted = self.context.restricted
        self.bodies = module.bodies
        self.budget = module.budget
        self.most_locals: i64 = 0  # so many have been paid for

    def body(self, index: i64) -> None:
        """Check the body of the `index`-th function that the module defines.

        Raises: `ValidationError`, and `DecodeError` for what is malformed.
        """
        start, end = self.bodies[index]
        c, r, s, sink = self.context, self.r, self.s, self.sink
        func = c.imported + index
        type_ = c.funcs[func]
        params, results = c.params[type_], c.results[type_]
        r.pos = start
        s.begin(func, start)
        declared = self.declarations(len(params))
        c.locals = [*params, *declared]
        sink.at = start
        sink.begin(func, params, results, declared, end - start)
        s.enter(BLOCK, NOTHING, results)
        while s.frames:
            self.instruction()
        if r.pos != end:
            raise r.fail("section size mismatch")
        sink.finish()

    def declarations(self, params: i64) -> list[int]:
        """The types of the declared locals.  Spec: binary-local."""
        r = self.r
        declared: list[int] = []
        total = params
        groups = r.count()
        while groups > 0:
            groups -= 1
            count = r.u32()
            type_ = self.context.valtype()
            total += count
            if total > MAX_LOCALS:
                raise r.fail("too many locals")
            if total > self.most_locals:
                self.budget.pay(LOCAL * (total - self.most_locals))
                self.most_locals = total
            self.budget.look(count)
            declared.extend([int(type_)] * count)
        return declared

    def instruction(self) -> None:
        """Check and report one instruction."""
        r = self.r
        self.s.at = r.pos
        self.sink.at = r.pos
        op = r.byte()
        chapter: i64 = CHAPTER[op]
        if chapter == PREFIX:
            op = self.prefixed(op)
            chapter = CHAPTER[op]
        if self.restricted:
            self.context.instruction(op)
        if chapter == VARIABLE:
            self.variables.instruction(op)
        elif chapter == NUMERIC:
            self.numeric.instruction(op)
        elif chapter == MEMORY:
            self.memory.instruction(op)
        elif chapter == VECTOR:
            self.vectors.instruction(op)
        elif chapter == CONTROL:
            self.control.instruction(op)
        elif chapter == PARAMETRIC:
            self.variables.parametric(op)
        elif chapter == TABLE:
            self.tables.instruction(op)
        elif chapter == REFERENCE:
            self.tables.reference(op)
        elif chapter == EXCEPTION:
            self.exceptions.instruction(op)
        else:
            raise DecodeError(illegal(op), int(self.s.at))

    def prefixed(self, prefix: i64) -> i64:
        """The code of an instruction whose prefix has been read."""
        number = self.r.u32()
        if number >= PAGE or CHAPTER[code_of(prefix, number)] == 0:
            raise DecodeError(f"illegal opcode {prefix:02x} {number:02x}", int(self.s.at))
        return code_of(prefix, number)
