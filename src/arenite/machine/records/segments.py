"""Segments and constant expressions: what instances are initialised from, and may draw on later.

Which segments an instance has dropped stands in the arena: one u32 per data segment, then per element segment.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from arenite.errors import InternalError
from arenite.layout import raw
from arenite.layout.records import FuncRefRecord, InstanceRecord
from arenite.machine.records.functions import REFERENCE, function_reference
from arenite.machine.records.globals import global_record, read_bits
from arenite.machine.records.objects import WORD, word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.bytecode.module import ModuleCode
    from arenite.bytecode.segments import ConstExpr
    from arenite.machine.machine import Machine

MASKS = {"i32": 0xFFFFFFFF, "i64": 0xFFFFFFFFFFFFFFFF, "f32": 0xFFFFFFFF, "f64": 0xFFFFFFFFFFFFFFFF, "v128": (1 << 128) - 1}


def evaluate(machine: Machine, vmctx: int, code: ModuleCode, expression: ConstExpr) -> int:
    """A constant expression's value, as the bits of its slots.  Spec: valid-constant."""
    stack: list[int] = []
    for name, *immediates in expression:
        argument = immediates[0] if immediates else 0
        if not isinstance(name, str) or not isinstance(argument, int):
            raise InternalError(f"constant expression {expression}")
        type_, _, op = name.partition(".")
        if op == "const":
            stack.append(argument & MASKS[type_])
        elif name == "global.get":
            stack.append(read_bits(machine, global_record(machine, vmctx, code, argument), code.global_type(argument)))
        elif name == "ref.null":
            stack.append(0)
        elif name == "ref.func":
            reference = function_reference(machine, vmctx, code, argument)
            stack.append(raw.pointer(machine.cage.base, reference) if raw.RAW else reference)
        else:
            b, a = stack.pop(), stack.pop()
            stack.append({"add": a + b, "sub": a - b, "mul": a * b}[op] & MASKS[type_])
    (value,) = stack
    return value


def is_dropped(machine: Machine, vmctx: int, number: int) -> bool:
    """Whether segment `number` (data segments first) has been dropped."""
    return word(machine, InstanceRecord.dropped.read(machine.cage.arena, vmctx) + 4 * number) != 0


def drop(machine: Machine, vmctx: int, number: int) -> None:
    """Drop segment `number` (data segments first)."""
    WORD.pack_into(machine.cage.arena, InstanceRecord.dropped.read(machine.cage.arena, vmctx) + 4 * number, 1)


def segment_bytes(machine: Machine, vmctx: int, segment: int) -> memoryview:
    """A data segment's bytes; none once it was dropped."""
    return memoryview(b"") if is_dropped(machine, vmctx, segment) else machine.instance_at(vmctx).code.segment(segment)


def segment_length(machine: Machine, vmctx: int, segment: int) -> int:
    """References in an element segment; none once it was dropped."""
    code = machine.instance_at(vmctx).code
    return 0 if is_dropped(machine, vmctx, len(code.data) + segment) else len(code.elements[segment].items)


def elements_of(machine: Machine, vmctx: int, segment: int, start: int, count: int) -> memoryview:
    """So many of an element segment's references, as u32s."""
    code = machine.instance_at(vmctx).code
    return memoryview(array(raw.LETTER, references(machine, vmctx, code, code.elements[segment].items[start : start + count])))


def references(machine: Machine, vmctx: int, code: ModuleCode, items: Sequence[int | ConstExpr]) -> list[int]:
    """Element items as references."""
    first, funcrefs = code.imported_functions, InstanceRecord.funcrefs.read(machine.cage.arena, vmctx)
    size = FuncRefRecord.size
    found = (
        (funcrefs + (item - first) * size if item >= first else function_reference(machine, vmctx, code, item))
        if isinstance(item, int)
        else evaluate(machine, vmctx, code, item)
        for item in items
    )
    if raw.RAW:
        return [raw.pointer(machine.cage.base, reference % raw.GRAIN) for reference in found]
    return [reference & REFERENCE for reference in found]
