"""The text form of bytecode, for people and golden tests; it is not read back.

r3 = i32.add_imm r1, 5
  br_if i32.lt_s r3, r1, .40        the label's pc, in bytes from the function's first op
  r2 = load32 memory0 r1, 16
  handlers: tag 0 .64 r2 to r3, all .80 r4        from the next op on: where the exception's handler is, and what it receives in which slots

What ops name is shown as the standard numbers it, imported things first, and by its name.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from arenite.bytecode.encode import ops
from arenite.bytecode.handlers_text import handlers_of
from arenite.bytecode.names import Names
from arenite.bytecode.row import BRANCHES, Form
from arenite.layout.frame import SLOT
from arenite.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from arenite.bytecode.encode import Op
    from arenite.bytecode.module import ModuleCode
    from arenite.bytecode.row import Operand

NOTES: Final = 60  # column of notes
NONE: Final[Mapping[int, str]] = MappingProxyType({})


def operand_text(op: Op, operand: Operand, begin: int, names: Names | None = None) -> str:
    """One operand: `r3` is the slot at byte 24, `.40` the op at byte 40 of the function, `tag 1` what the module's `names` know."""
    value = op.values[operand.name]
    known = names.text(operand.role, value) if names is not None and operand.role else None
    if known is not None:
        return known
    if operand.form is Form.SLOT:
        return f"r{value // SLOT}" if value % SLOT == 0 else f"r?{value}"
    if operand.form in BRANCHES:
        return f".{value - begin}"
    if operand.form is Form.LABELS:
        return "[" + " ".join(f".{target - begin}" for target in op.targets) + "]"
    return str(value)


def op_text(op: Op, begin: int = 0, names: Names | None = None) -> str:
    """One op; `begin`: where its function begins; `names`: of the things of its module, whose places are shown otherwise."""
    operands = [operand_text(op, o, begin, names) for o in op.row.encoded]
    result = f"{operands.pop(0)} = " if "dst" in op.values else ""
    return f"{result}{op.row.name} {', '.join(operands)}".rstrip()


def function_lines(module: ModuleCode, number: int, notes: Mapping[int, str] = NONE, names: Names | None = None) -> Iterator[str]:
    """A function, by its number among those that the module defines: a line with its index, name, type and frame, then its ops, those that are
    branched to behind their labels.

    `notes`: what is said of ops, by their place in the function.  `names`: for whoever has them; of the module.
    """
    f, names = module.function(number), names or Names(module)
    index = module.imported_functions + number
    name = visible(module.function_name(index))
    yield f"function {index} {name} {module.types[f.type_index]}  frame {f.frame_size // SLOT}"
    listing = list(ops(module.bytecode, f.begin, f.end))
    labels = {label for op in listing for label in op.labels if f.begin <= label < f.end and not _enters(op)}
    handlers, targets = handlers_of(module, f.begin, f.end, names)
    labels |= targets
    for op in listing:
        if op.pc in handlers:
            yield f"{'':>8} handlers: {handlers[op.pc]}"
        label = f".{op.pc - f.begin}:" if op.pc in labels else ""
        text = f"{label:>8} {call_text(module, op, names) or op_text(op, f.begin, names)}"
        note = notes.get(op.pc - f.begin)
        yield f"{text:<{NOTES}} ; {note}" if note else text


def _enters(op: Op) -> bool:
    """Whether its label is a function that is called."""
    return any(o.role == "callee" for o in op.row.encoded)


def call_text(module: ModuleCode, op: Op, names: Names) -> str | None:
    """A direct call with the index of its callee; None for any other op."""
    if not op.labels or not _enters(op):
        return None
    places = ", ".join(f"{o.name} r{op.values[o.name] // SLOT}" for o in op.row.encoded if o.form is Form.UNSIGNED)
    callee = module.function_at(op.values["to"])
    return f"{op.row.name} {places}, {'no function' if callee is None else names.defined_function(callee)}"
