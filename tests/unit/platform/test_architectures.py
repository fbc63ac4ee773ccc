"""Rows about CPUs agree with what LLVM makes for each of them, whichever this one is."""

from __future__ import annotations

import re

import pytest

from arenite.platform import llvm
from arenite.platform.architectures import AARCH64, MACHINES, X86_64, Architecture
from arenite.platform.relocations import LINKAGES
from unit.platform.machine_code import assembly

each = pytest.mark.parametrize("architecture", [*dict.fromkeys(MACHINES.values())], ids=lambda a: a.name)


def registers(architecture: Architecture) -> list[str]:
    """The registers that a function of the convention stores, in the order of its parameters."""
    count = len(architecture.arguments)
    stores = "\n".join(f"  store volatile i64 %a{i}, ptr %a0" for i in range(1, count))
    parameters = ", ".join(f"{'i64' if i else 'ptr'} %a{i}" for i in range(count))
    text = assembly(f"define preserve_nonecc void @f({parameters}) {{\n{stores}\n  ret void\n}}\n", architecture)
    pattern = {X86_64: r"^\s*movq\s+%(\w+), \(%(\w+)\)", AARCH64: r"^\s*str\s+(\w+), \[(\w+)\]"}[architecture]
    found = re.findall(pattern, text, re.MULTILINE)
    assert len(found) == count - 1
    assert len({base for _, base in found}) == 1
    return [found[0][1], *(stored for stored, _ in found)]


@each
def test_the_convention_passes_arguments_where_the_row_says(architecture: Architecture) -> None:
    assert registers(architecture) == list(architecture.arguments)


@each
def test_what_is_passed_is_saved(architecture: Architecture) -> None:
    """Once, and the instruction pointer too."""
    places = [architecture.saved_at(register) for register in (*architecture.arguments, architecture.pc)]
    assert len(set(places)) == len(architecture.arguments) + 1
    assert len(set(architecture.saved)) == len(architecture.saved)


@each
def test_a_loader_knows_it(architecture: Architecture) -> None:
    assert architecture.elf_machine in LINKAGES
    assert int.from_bytes(llvm.compile_object("", architecture=architecture)[18:20], "little") == architecture.elf_machine


def test_names_are_keys() -> None:
    assert (
        len({row.name for row in MACHINES.values()})
        == len({row.elf_machine for row in MACHINES.values()})
        == len({*MACHINES.values()})
    )
