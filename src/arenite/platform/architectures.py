"""The CPUs that generated code runs on: what LLVM, the kernel and the convention of calls say about each, a row per CPU.

- `HOST` is the row of this process, None on a CPU that has none: there nothing is generated and guests run on the safe tier.
- A row holds what somebody else decided; what object files of it need is in `arenite.platform.relocations`, by `elf_machine`.

    HOST.arguments[0]      the register of the cage's base
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Architecture:
    """One kind of CPU, under Linux."""

    name: str
    """Part of every cache key."""
    triple: str
    """LLVM's name of it."""
    baseline: str
    """LLVM's name of the model whose instructions every CPU of this kind has."""
    elf_machine: int
    """What `e_machine` is in its object files."""
    arguments: tuple[str, ...]
    """The registers in which `preserve_nonecc` passes pointers and integers, in order."""
    first_argument_at: int
    """Bytes from the start of a signal's `ucontext_t` to the saved first one of them."""
    pc_at: int
    """To the saved instruction pointer."""
    runs_what_was_written: bool
    """Whether instructions can be run as soon as they are written; otherwise the instruction cache must be told."""


X86_64: Final = Architecture(
    name="x86-64",
    triple="x86_64-unknown-linux-gnu",
    baseline="x86-64",
    elf_machine=62,
    arguments=("r12", "r13", "r14", "r15", "rdi", "rsi", "rdx", "rcx", "r8", "r9", "r11", "rax"),
    first_argument_at=72,  # uc_mcontext.gregs[REG_R12]
    pc_at=168,  # uc_mcontext.gregs[REG_RIP]
    runs_what_was_written=True,
)
AARCH64: Final = Architecture(
    name="aarch64",
    triple="aarch64-unknown-linux-gnu",
    baseline="generic",
    elf_machine=183,
    arguments=tuple(f"x{number}" for number in (*range(20, 29), *range(8), *range(10, 15), 9, 15)),
    first_argument_at=344,  # uc_mcontext.regs[20]
    pc_at=440,  # uc_mcontext.pc
    runs_what_was_written=False,
)
ARCHITECTURES: Final = (X86_64, AARCH64)

MACHINES: Final = {"x86_64": X86_64, "AMD64": X86_64, "aarch64": AARCH64}
"""By what systems call it."""

HOST: Final = MACHINES.get(platform.machine())


def host() -> Architecture:
    """`HOST`, where it is known that there is one."""
    assert HOST is not None, f"machine code on {platform.machine()}"
    return HOST
