"""The CPUs that generated code runs on: what LLVM, the kernel and the convention of calls say about each, a row per CPU.

- `HOST` is the row of this process, None on a CPU that has none: there nothing is generated and guests run on the safe tier.
- A row holds what somebody else decided; what object files of it need is in `arenite.platform.relocations`, by `elf_machine`.

    HOST.arguments[0]      the register of the cage's base
"""

from __future__ import annotations

import os
from typing import Final

from arenite.light import NamedTuple


class Architecture(NamedTuple):
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
    word: str
    """How LLVM's name of a register begins where 32 bits of it are meant; empty: as ever."""
    saved_from: int
    """Bytes from the start of a signal's `ucontext_t` to the registers that the kernel saves there, 8 bytes each."""
    saved: tuple[str, ...]
    """Which they are, in order."""
    pc: str
    """Which of them is the instruction pointer."""
    padding: bytes
    """An instruction that traps: what lies between pieces of code."""
    runs_what_was_written: bool
    """Whether instructions can be run as soon as they are written; otherwise the instruction cache must be told."""
    faults_whole: bool
    """Whether a store that faults has written nothing; otherwise it may have written what lies before a page's end."""

    def register(self, name: str, type_: str) -> str:
        """LLVM's name of a register that holds a value of its type."""
        return self.word + name[len(self.word) :] if type_ == "i32" else name

    def saved_at(self, register: str) -> int:
        """Bytes from the start of a signal's `ucontext_t` to the saved register."""
        return self.saved_from + 8 * self.saved.index(register)


X86_64: Final = Architecture(
    name="x86-64",
    triple="x86_64-unknown-linux-gnu",
    baseline="x86-64",
    elf_machine=62,
    arguments=("r12", "r13", "r14", "r15", "rdi", "rsi", "rdx", "rcx", "r8", "r9", "r11", "rax"),
    word="",
    saved_from=40,  # uc_mcontext.gregs
    saved=(*(f"r{number}" for number in range(8, 16)), "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip"),
    pc="rip",
    padding=b"\xcc",  # int3
    runs_what_was_written=True,
    faults_whole=True,
)
AARCH64: Final = Architecture(
    name="aarch64",
    triple="aarch64-unknown-linux-gnu",
    baseline="generic",
    elf_machine=183,
    arguments=tuple(f"x{number}" for number in (*range(20, 29), *range(8), *range(10, 15), 9, 15)),
    word="w",
    saved_from=184,  # uc_mcontext.regs
    saved=(*(f"x{number}" for number in range(31)), "sp", "pc"),
    pc="pc",
    padding=b"\0\0\x20\xd4",  # brk #0
    runs_what_was_written=False,
    faults_whole=False,
)
MACHINES: Final = {"x86_64": X86_64, "AMD64": X86_64, "aarch64": AARCH64}
"""By what systems call it."""


def machine() -> str:
    """What the system calls this CPU."""
    if hasattr(os, "uname"):
        return os.uname().machine
    import platform  # noqa: PLC0415 (it takes a while, and says the same of systems that have `uname`)

    return platform.machine()


HOST: Final = MACHINES.get(machine())


def host() -> Architecture:
    """`HOST`, where it is known that there is one."""
    assert HOST is not None, f"machine code on {machine()}"
    return HOST
