"""What the fault handler and strict provenance rely on, read off the generated code of every variant of the interpreter.

A fault sends any handler to `landing` with its registers as they are: so no handler may have moved the stack pointer, nor the base.
LLVM writes for every architecture wherever it runs, so this is read for all of them.
"""

from __future__ import annotations

import functools
import itertools
import re
from typing import TYPE_CHECKING

import pytest

from arenite.bytecode.ops import TABLE
from arenite.emit.addressings import ADDRESSINGS
from arenite.emit.interpreter import Interpreter
from arenite.platform.architectures import AARCH64, X86_64
from arenite.tiers.threaded import OPCODES, ThreadedTier
from unit.platform import machine_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.platform.architectures import Architecture

VARIANTS = list(itertools.product(ADDRESSINGS, (False, True), (False, True)))  # addressing, explicit bounds, deterministic
CPUS = [
    (X86_64, "x86-64-v2"),
    (X86_64, "x86-64-v3"),
    (AARCH64, "generic"),
]  # below the first, rounding calls the C library: from ops that touch nothing but their frame
MAY_USE_THE_STACK = {"run", "copy_bytes", "fill_bytes"}

RED_ZONE = r"^mov\w* .*-\d+\(%rsp\)"  # a use of the stack that moves nothing
STACK = {
    X86_64: re.compile(rf"(?!{RED_ZONE})(^(push|pop)[qlw]? |^.*%[re]?sp\b|^call)"),
    AARCH64: re.compile(r"^blr? |^.*\bsp\b"),
}
WRITES_BASE = {
    X86_64: re.compile(r"^(?!(cmp|test|bt)[a-z]* )(.*, |(inc|dec|neg|not|pop|set\w+)[a-z]* +)%r12[dwb]?$"),
    AARCH64: re.compile(r"^(?!st|cmp|cmn|tst|ccmp|ccmn|fcmp|cb|tb)\w+ [xw]20\b|^ldp\w* \w+, [xw]20\b|\[x20\],|\[x20.*\]!"),
}


def text_of(variant: tuple[str, bool, bool], architecture: Architecture) -> str:
    addressing, explicit, deterministic = variant
    return Interpreter(ADDRESSINGS[addressing], architecture, explicit_bounds=explicit, deterministic=deterministic).text()


@functools.cache
def assembly(variant: tuple[str, bool, bool], architecture: Architecture, cpu: str) -> dict[str, list[str]]:
    """Instructions of each function."""
    return dict(functions(machine_code.assembly(text_of(variant, architecture), architecture, cpu)))


def functions(text: str) -> Iterator[tuple[str, list[str]]]:
    """(name, instructions) of an assembly listing."""
    name, lines = "", list[str]()
    for raw in text.splitlines():
        line = re.split(r"# |//", raw)[0].strip()
        label = re.fullmatch(r'"?([^".]+(?:\.[^"]+)?)"?:', line)
        if label and not line.startswith(".L"):
            name, lines = label[1], []
        elif line.startswith(".size") and name:
            yield name, lines
            name = ""
        elif name and line and not line.startswith(".") and not line.endswith(":"):
            lines.append(" ".join(line.split()))


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_no_integer_becomes_a_pointer(variant: tuple[str, bool, bool]) -> None:
    text = text_of(variant, X86_64)
    assert "inttoptr" not in text
    assert "ptrtoint" not in text
    assert not re.search(r"\b(nuw|nsw|inbounds|exact)\b", text)


@pytest.mark.parametrize(("architecture", "cpu"), CPUS, ids=lambda x: x if isinstance(x, str) else x.name)
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_handlers_leave_stack_and_base_alone(variant: tuple[str, bool, bool], architecture: Architecture, cpu: str) -> None:
    found = assembly(variant, architecture, cpu)
    assert {f"op {row.name}" for row in TABLE} | {"landing", "invalid", "start", "copy", "fill", "run"} <= set(found)
    for name, lines in found.items():
        if name in MAY_USE_THE_STACK:
            continue
        for line in lines:
            assert not STACK[architecture].search(line), f"{name}: {line}"
            assert not WRITES_BASE[architecture].search(line), f"{name}: {line}"


@pytest.mark.parametrize(
    ("architecture", "line"),
    [
        *((X86_64, line) for line in ("pushq %rax", "movq %rsp, %rax", "callq memmove", "addq $8, %r12", "incl %r12d")),
        *((AARCH64, line) for line in ("str x30, [sp, #-16]!", "blr x8", "add x20, x20, #8", "ldp x8, x20, [x0]")),
        *((AARCH64, line) for line in ("ldr w8, [x20], #4", "ldr w8, [x20, #8]!", "mov w20, #1")),
    ],
)
def test_what_is_looked_for_is_found(architecture: Architecture, line: str) -> None:
    assert STACK[architecture].search(line) or WRITES_BASE[architecture].search(line)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_what_uses_the_stack_reads_nothing_that_may_fault(variant: tuple[str, bool, bool]) -> None:
    """`run` and the two that move bytes touch the store page alone, and what Python calls `run` with; the bytes have been checked."""
    found = assembly(variant, X86_64, "x86-64-v3")  # the same IR for each
    for name in MAY_USE_THE_STACK:
        for line in found[name]:
            if line.startswith("lea"):
                continue
            for displacement, registers in re.findall(r"(-?\d*)\(([^)]*)\)", line):
                code = registers.startswith(("%r13", "%r14"))  # bytecode, the table of handlers
                given = name == "run" and registers == "%rdi"
                assert code or given or registers == "%rsp" or displacement.startswith("-4"), f"{name}: {line}"


def test_every_opcode_value_has_a_handler() -> None:
    loaded = ThreadedTier()._handlers
    symbols = loaded._code.symbols
    begin, end = loaded._code.text
    table = memoryview(loaded.plain_opcodes[0]).cast("Q")
    assert len(table) == OPCODES == 1 << 16
    assert [table[row.code] for row in TABLE] == [symbols[f"op {row.name}"] for row in TABLE]
    assert set(table[len(TABLE) :]) == {symbols["invalid"]}
    assert all(begin <= entry < end for entry in table)
    assert len(set(table[: len(TABLE)])) <= len(TABLE)
