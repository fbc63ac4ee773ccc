"""What the validator says of a function body while it checks it: one method per kind of instruction.

The validator (`body/`) is the only walk over instructions in arenite.  Whoever wants something from a body
(translation, statistics) passes a `Sink` and receives the *validated* instructions in order, each exactly once:

- dead code is never reported: from an instruction that ends its block (`br`, `return`, `unreachable`, …) until that
  block's `else_` or `end`, nothing arrives, and a block that begins inside dead code is not reported at all;
- every index has been checked, every type agrees; operands are implied (a stack machine: a sink keeps a stack of its own);
- `at` is the byte offset, in the module, of the instruction being reported.

`op` is the instruction's code (see `codes`).  Arguments are i64, for the compiler's sake.
A sink overrides what it wants; each method here does nothing, so plain validation is `Sink()`.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

CATCH, CATCH_REF, CATCH_ALL, CATCH_ALL_REF = range(
    4
)  # kinds of catches; those with REF push the exception, after what it carries
REFS: Final = (CATCH_REF, CATCH_ALL_REF)


@mypyc_attr(allow_interpreted_subclasses=True)
class Sink:
    """Receives a validated function body."""

    def __init__(self) -> None:
        self.at: i64 = 0

    # a body
    def begin(self, func: i64, params: tuple[int, ...], results: tuple[int, ...], locals_: list[int], size: i64) -> None:
        """A body begins.  `func`: funcidx; `locals_`: types of the declared locals, parameters not among them; `size`: its bytes."""

    def finish(self) -> None:
        """The body's last `end` has been reported."""

    # plain instructions
    def const(self, type_: i64, bits: i64) -> None:
        """`t.const`; `bits`: the value's bit pattern, i32 and f32 zero-extended, as a signed i64."""

    def numeric(self, op: i64, operands: i64, result: i64) -> None:
        """One of the instructions that only compute; pops 1 or 2 `operands`, pushes one `result` type."""

    def wide(self, op: i64) -> None:
        """One of wide arithmetic: pops lower and upper halves of two numbers, or two factors, pushes lower and upper half of the result."""

    def load(self, op: i64, type_: i64, offset: i64, memory: i64) -> None:
        """Pops an address, pushes a value of `type_`.  `offset`: the static offset, at most 2**63 - 1, which stands for all beyond."""

    def store(self, op: i64, type_: i64, offset: i64, memory: i64) -> None:
        """Pops a value of `type_`, then an address."""

    # vectors
    def const128(self, low: i64, high: i64) -> None:
        """`v128.const`, by its halves."""

    def vector(self, op: i64) -> None:
        """One that only computes: pops and pushes what its row says."""

    def shuffle(self, low: i64, high: i64) -> None:
        """`i8x16.shuffle`, its 16 lanes by halves."""

    def lane(self, op: i64, lane: i64) -> None:
        """`extract_lane` or `replace_lane`."""

    def access_lane(self, op: i64, lane: i64, offset: i64, memory: i64) -> None:
        """`v128.load8_lane` and its kind: pops an address and a vector, and pushes one, or stores a lane."""

    # operands of any type
    def drop(self) -> None:
        """Pops one operand."""

    def select(self, type_: i64) -> None:
        """Pops a condition and two operands of `type_`, pushes one."""

    def local_get(self, local: i64) -> None:
        """Pushes a local (parameters first)."""

    def local_set(self, local: i64) -> None:
        """Pops into a local."""

    def local_tee(self, local: i64) -> None:
        """Copies the top operand into a local."""

    def global_get(self, index: i64, type_: i64) -> None:
        """Pushes a global."""

    def global_set(self, index: i64, type_: i64) -> None:
        """Pops into a global."""

    def ref_null(self, type_: i64) -> None:
        """Pushes null."""

    def ref_is_null(self) -> None:
        """Pops a reference, pushes an i32."""

    def ref_func(self, func: i64) -> None:
        """Pushes a reference to a function."""

    def table_get(self, table: i64, type_: i64) -> None:
        """Pops an index, pushes the element."""

    def table_set(self, table: i64) -> None:
        """Pops an element, then an index."""

    def bulk(self, op: i64, x: i64, y: i64, operands: i64, result: i64) -> None:
        """What works on a whole memory, table or segment; pops `operands` integers or references, pushes `result` (0: nothing).

        memory.size (x), memory.grow (x), memory.init (x: data, y: memory), data.drop (x), memory.copy (x: to, y: from), memory.fill (x), table.init
        (x: table, y: elem), elem.drop (x), table.copy (x: to, y: from), table.grow (x), table.size (x), table.fill (x).
        """

    # control
    def block(self, params: tuple[int, ...], results: tuple[int, ...]) -> None:
        """A block with parameters (already on the stack) and results of these types begins."""

    def loop(self, params: tuple[int, ...], results: tuple[int, ...]) -> None:
        """A loop begins."""

    def if_(self, params: tuple[int, ...], results: tuple[int, ...]) -> None:
        """Pops the condition; a conditional block begins."""

    def else_(self, live: bool) -> None:
        """The other arm of the innermost `if_`; `live`: the end of the first arm can be reached."""

    def end(self, live: bool) -> None:
        """The innermost reported block ends; `live`: control reaches this point from the instruction before it.

        After it the stack is what the block found below its parameters, and its results.  The last `end` is the function's.
        """

    def br(self, depth: i64) -> None:
        """Branch; 0 is the innermost reported block (dead ones have none, so depths are those of live code)."""

    def br_if(self, depth: i64) -> None:
        """Pops the condition."""

    def br_table(self, depths: list[int]) -> None:
        """Pops the index; the last depth is the default."""

    def return_(self) -> None:
        """Return with the function's results."""

    def unreachable(self) -> None:
        """Trap."""

    def call(self, func: i64, params: i64, results: i64) -> None:
        """Call a function of the module's index space."""

    def call_indirect(self, type_: i64, table: i64, params: i64, results: i64) -> None:
        """Pops an index into `table`, then arguments.  `type_`: typeidx."""

    def return_call(self, func: i64, params: i64, results: i64) -> None:
        """Call a function in this one's place; the results are those of the function at hand."""

    def return_call_indirect(self, type_: i64, table: i64, params: i64, results: i64) -> None:
        """Call through a table in this one's place; as `call_indirect`."""

    # exceptions
    def throw(self, tag: i64) -> None:
        """Pops what an exception of the tag carries and throws it."""

    def throw_ref(self) -> None:
        """Pops an exception and throws it."""

    def try_table(self, params: tuple[int, ...], results: tuple[int, ...], catches: list[tuple[int, int, int]]) -> None:
        """A block begins whose catches, in this order, ask for an exception: kind, tag or -1, depth.

        0 is the block around it: it does not count itself.
        """

    def try_(self, params: tuple[int, ...], results: tuple[int, ...]) -> None:
        """The older form: a block begins that has catches, each up to the next or the `end`, or ends in `delegate`."""

    def catch(self, tag: i64, live: bool) -> None:
        """A catch of the innermost `try_` begins, with what the exception carries on the stack; `live`: as of `else_`."""

    def catch_all(self, live: bool) -> None:
        """The last one begins, for any exception, with nothing."""

    def delegate(self, depth: i64, live: bool) -> None:
        """The innermost `try_` ends as with `end`; exceptions in it are as if thrown by an instruction of the block named.

        0 is the block around it; if it is a `try_`, its catches count if the `delegate` is not in one of them.
        """

    def rethrow(self, depth: i64) -> None:
        """Throws the exception of the catch named again."""
