"""What the fault handler and strict provenance rely on, read off the generated code of every variant of the interpreter.

A fault sends any handler to `landing` with its registers as they are: so no handler may have moved the stack pointer, nor the base.
"""

from __future__ import annotations

import functools
import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest

from arenite.bytecode.ops import TABLE
from arenite.emit.addressing import ADDRESSINGS
from arenite.emit.handler import Interpreter
from arenite.platform import llvm
from arenite.tiers.threaded import OPCODES, ThreadedTier

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIANTS = list(itertools.product(ADDRESSINGS, (False, True), (False, True)))  # addressing, explicit bounds, deterministic
CPUS = ("x86-64-v2", "x86-64-v3")  # below, rounding calls the C library: from ops that touch nothing but their frame
MAY_USE_THE_STACK = {"run", "copy_bytes", "fill_bytes"}
STACK = re.compile(r"^(push|pop)[qlw]? |%[re]?sp\b|^call")
WRITES_BASE = re.compile(r"(, |\b(inc|dec|neg|not|pop|set\w+)[a-z]* +)%r12[dwb]?$")
READS_ONLY = re.compile(r"^(cmp|test|bt)[a-z]* ")


def text_of(variant: tuple[str, bool, bool]) -> str:
    addressing, explicit, deterministic = variant
    return Interpreter(ADDRESSINGS[addressing], explicit_bounds=explicit, deterministic=deterministic).text()


@functools.cache
def assembly(variant: tuple[str, bool, bool], cpu: str) -> dict[str, list[str]]:
    """Instructions of each function, compiled as `llvm.compile_object` does."""
    binding: Any = llvm._binding()
    target = binding.Target.from_default_triple()
    machine = target.create_target_machine(cpu=cpu, opt=2, reloc="pic", codemodel="small")
    module = binding.parse_assembly(text_of(variant))
    module.triple, module.data_layout = target.triple, str(machine.target_data)
    options = binding.create_pipeline_tuning_options(speed_level=2)
    options.slp_vectorization = False
    builder = binding.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return dict(functions(machine.emit_assembly(module)))


def functions(text: str) -> Iterator[tuple[str, list[str]]]:
    """(name, instructions) of an assembly listing."""
    name, lines = "", list[str]()
    for raw in text.splitlines():
        line = raw.split("#")[0].strip()
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
    text = text_of(variant)
    assert "inttoptr" not in text
    assert "ptrtoint" not in text
    assert not re.search(r"\b(nuw|nsw|inbounds|exact)\b", text)


@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_handlers_leave_stack_and_base_alone(variant: tuple[str, bool, bool], cpu: str) -> None:
    found = assembly(variant, cpu)
    assert {f"op {row.name}" for row in TABLE} | {"landing", "invalid", "start", "copy", "fill", "run"} <= set(found)
    for name, lines in found.items():
        if name in MAY_USE_THE_STACK:
            continue
        for line in lines:
            moved = STACK.search(line) and not re.search(r"^mov\w* .*-\d+\(%rsp\)", line)  # the red zone moves nothing
            assert not moved, f"{name}: {line}"
            assert not WRITES_BASE.search(line) or READS_ONLY.match(line), f"{name}: {line}"


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_what_uses_the_stack_reads_nothing_that_may_fault(variant: tuple[str, bool, bool]) -> None:
    """`run` and the two that move bytes touch the store page alone; the bytes have been checked."""
    found = assembly(variant, llvm.host_cpu())
    for name in MAY_USE_THE_STACK:
        for line in found[name]:
            if line.startswith("lea"):
                continue
            for displacement, registers in re.findall(r"(-?\d*)\(([^)]*)\)", line):
                code = registers.startswith(("%r13", "%r14"))  # bytecode, the table of handlers
                assert code or registers == "%rsp" or displacement.startswith("-4"), f"{name}: {line}"


def test_every_opcode_value_has_a_handler() -> None:
    loaded = ThreadedTier()._handlers
    symbols = loaded._code.symbols
    begin, end = loaded._code.text
    table = memoryview(loaded._table).cast("Q")
    assert len(table) == OPCODES == 1 << 16
    assert [table[row.code] for row in TABLE] == [symbols[f"op {row.name}"] for row in TABLE]
    assert set(table[len(TABLE) :]) == {symbols["invalid"]}
    assert all(begin <= entry < end for entry in table)
    assert len(set(table[: len(TABLE)])) <= len(TABLE)
