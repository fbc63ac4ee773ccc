"""Checks bytecode against the rules that every tier relies on: of each module before it is first used, and of what comes from outside.

What holds of code that was verified, of each function:

1. Its code is a sequence of whole ops, and the functions' codes follow each other without gaps.  Nothing that only the machine's thunks
   use occurs (`halt`, `call_host`).
2. It begins with an `enter`, which asks for the frame's size and, with the `zero16`s right behind it, zeroes the declared locals: these
   lie behind the header, inside the frame, and are what is zeroed first.
3. Its last op does not go on to what comes next; every op can be reached from its first one.
4. Every slot operand is a multiple of 8 and lies inside the frame, outside the header: nothing but a call writes a header.
   Of a v128 both slots do.
5. Every label is an op of the same function.  One of kind `loop` does not lie ahead and is a safepoint; one of kind `label` lies ahead.
6. A `call` leads to the first op of a function.  The callee's frame begins behind all of the caller's locals, its header behind its parameters and
   results and inside the caller's frame: no callee writes what is the caller's.
7. The frame's header stands behind parameters and results; a `return` names it.  So does a tail call, whose callee has our results: its header
   stands where its type says, inside this frame, and its arguments lie in the first slots.  If they would reach our header, a `carry` right before it, with
   nothing in between, brings both there, the arguments from behind that and all locals.
8. What names a place in the instance, a table, a segment, a function or a type names one that is there; what names a global as a v128
   names one that is.
9. The map of return points has exactly the ops behind calls.  Each of these is a safepoint; so is each target of a back-edge, and
   what comes behind an op that a run can stop in the middle of (in a wide function, behind the op that hands its result on).
   Safepoints are ops and in order.  They list operands alone, none that the callee has overwritten.
10. The module's list of places where types are named has exactly those, in order.
11. A slot that is read was written before on every path: since the function's beginning, and since the last safepoint that was passed,
    if that does not list it.  What a run relies on when it goes on at a safepoint is parameters, locals and the slots listed there.
12. Slots have types where it matters.  A reference is never made of a number, or of a reference of the other kind: in arguments and
    results, globals, tables, segments, declared locals, and wherever a safepoint lists a slot.  There, slots of i32, f32 and of references
    have an upper half of zero.  Elsewhere a number may be read as any number; a reference may be read as a number.

13. A throw is a safepoint, and its values lie in the frame as its tag says.  The section of handlers has its regions in order, each at a call or throw of a
    function, and no clause that none of them leads to.  A group that one names comes to an end; it goes on with lower numbers alone.  A handler begins at a
    safepoint of the function: ahead, or where a loop might begin.  It receives as many slots as the tag says, behind the locals.  What its safepoint lists
    is received, or lies in the frame, and not where the callee's does, at each call and throw where the handler is active.

Parameters have their types at safepoints; in between, results may be on their way to their slots.  A declared local always has its type.

What is not checked: what is computed, the offsets in the file that safepoints name, and that parts which travelled fit the module they
came with in more than the types of functions and parameters.

Raises: `InternalError`, with the op in its context; `Limit` when states of operands at branches take more than `ROOM` allows, or looking at
them more than `verifier.walk.WORK` words for each byte of bytecode.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from arenite.bytecode.encode import decode
from arenite.bytecode.module import FUNCTION
from arenite.bytecode.safepoints import HEAD
from arenite.bytecode.text import op_text
from arenite.bytecode.verifier import code, points
from arenite.bytecode.verifier.classes import CLASSES, FUNCTION_REFERENCE, UNWRITTEN
from arenite.bytecode.verifier.code import Broken
from arenite.bytecode.verifier.facts import SPACES, VECTOR, facts
from arenite.bytecode.verifier.rules import Rules
from arenite.bytecode.verifier.walk import Walk
from arenite.errors import InternalError
from arenite.layout.instance import WORD
from arenite.layout.records import GlobalRecord
from arenite.layout.types import V128, GlobalType, TableType, slots

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from arenite.bytecode.encode import Op
    from arenite.bytecode.module import FunctionCode, ModuleCode

CONTEXT: Final = 3  # ops shown before and behind the one that is wrong
ROOM: Final = 4  # bytes that the states at labels may take for each byte of the file …
ROOM_FREE: Final = 8 << 20  # … beyond these
SLOTS_IN_WORD: Final = 8
SPACE: Final = struct.Struct("<qqq")
assert (FUNCTION.size, HEAD.size) == (code.RECORD, points.HEAD)  # there, as the compiler wants them


def verify_module(module: ModuleCode, *, lenient: bool = False) -> None:
    """Check a module.

    `lenient`: it may come from an older version, whose safepoints say less exactly what is live where a loop begins behind a call, and
    none of which need stand behind an op that a run can stop in the middle of: there, it cannot.

    Raises: `InternalError`, `Limit`.
    """
    walker: Walk | None = None
    returns, tables = bytes(module.returns), (module.functions, module.safepoints, tuple(module.locals))
    try:
        walker = Walk(_rules(module), facts(), module.bytecode, returns, *tables, module.handlers, lenient)
        places = walker.module()
    except Broken as error:
        raise _failure(module, int(walker.index) if walker else 0, *error.args) from error
    end = module.function(module.function_count - 1).end if module.function_count else 0
    if end != len(module.bytecode):
        raise InternalError(f"bytecode of {len(module.bytecode)} bytes ends at {end:#x}")
    if int.from_bytes(module.returns, "little").bit_count() != walker.calls.points:
        raise InternalError("the map of return points is not that of the ops behind calls")
    if module.type_places != places:
        raise InternalError("the places where types are named are not those of the ops that name one")


def class_of(type_: int) -> int:
    """The class of a slot's type."""
    return CLASSES.get(type_, UNWRITTEN)


def classes_of(types: Iterable[int]) -> bytes:
    """The classes of slots' types."""
    return bytes(map(class_of, types))


def global_class(type_: int) -> int:
    """The class of the first slot of a global."""
    return class_of(type_) | VECTOR * (type_ == V128)


def _words(classes: bytes) -> bytes:
    """Classes as words of 8 slots; what is beyond them is not written."""
    return classes + b"\xff" * (-len(classes) % SLOTS_IN_WORD)


def _rules(module: ModuleCode) -> Rules:
    """What the module says, as the walk wants it."""
    params = [classes_of(slots(t.params)) for t in module.types]
    results = [classes_of(slots(t.results)) for t in module.types]
    spaces = _spaces(module)
    return Rules(
        list(module.function_types[module.imported_functions :]),
        params,
        results,
        [_words(classes) for classes in params],
        [_words(classes) for classes in results],
        [struct.pack(f"<{len(p)}I", *p) for p in (slots(t.params) for t in module.types)],
        b"".join(
            SPACE.pack(start, step.bit_length() - 1, len(classes)) for start, step, classes in map(spaces.__getitem__, SPACES)
        ),
        [spaces[name][2] for name in SPACES],
        module.layout.tag(0),
        [classes_of(slots(t.type.params)) for t in module.all_tags],
        ROOM * len(module.file) + ROOM_FREE,
    )


def _spaces(module: ModuleCode) -> dict[str, tuple[int, int, bytes]]:
    """What operands name, by their roles: where the first one is, how far apart they are, and the class of each (or of its elements)."""
    layout = module.layout
    imported = [i.type for i in module.imports]
    defined_globals = bytes([global_class(slot) for type_, _ in module.globals for slot in slots((type_.content,))])
    imported_globals = bytes([global_class(t.content) for t in imported if isinstance(t, GlobalType)])
    tables = classes_of(t.element for t in (*imported, *module.tables) if isinstance(t, TableType))
    functions = bytes([FUNCTION_REFERENCE])
    return {
        "defined_global": (layout.defined_global(0), GlobalRecord.size, defined_globals),
        "imported_global": (layout.imported_global(0), WORD, imported_globals),
        "table_index": (0, 1, tables),
        "table": (layout.table(0), WORD, tables),
        "memory": (layout.memory(0), WORD, bytes(layout.memories)),
        "memory_index": (0, 1, bytes(len(module.all_memories))),
        "defined_func": (0, 1, functions * module.function_count),
        "imported_func": (layout.function(0), WORD, functions * layout.imported_functions),
        "tag": (layout.tag(0), WORD, bytes(layout.tags)),
        "elem": (0, 1, classes_of(e.element_type for e in module.elements)),
        "data": (0, 1, bytes(len(module.data))),
    }


def _failure(module: ModuleCode, function: int, pc: int, message: str) -> InternalError:
    """The error about an op, with its neighbours."""
    f = module.function(function)
    lines = [f"function {function}: {message}"]
    if pc >= 0:
        listing = list(_readable(module, f))
        here = next((i for i, op in enumerate(listing) if op.pc == pc), len(listing))
        shown = listing[max(0, here - CONTEXT) : here + CONTEXT + 1]
        lines += [f"{'>' if op.pc == pc else ' '} .{op.pc - f.begin}: {op_text(op, f.begin)}" for op in shown]
    return InternalError("\n".join(lines))


def _readable(module: ModuleCode, f: FunctionCode) -> Iterator[Op]:
    """The ops of a function, as far as there are any."""
    pc = f.begin
    while pc < f.end:
        try:
            op = decode(module.bytecode, pc)
        except InternalError:
            return
        yield op
        pc = op.end
