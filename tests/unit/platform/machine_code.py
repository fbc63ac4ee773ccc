"""A few functions in machine code, for tests of where code lies."""

from __future__ import annotations

import struct

from arenite.platform import llvm
from arenite.platform.architectures import X86_64, Architecture, host


def assembly(ir: str, architecture: Architecture, cpu: str | None = None) -> str:
    """What LLVM makes of a module of IR text for a CPU, to read."""
    machine, module = llvm._compile(ir, 2, cpu, architecture)
    return str(machine.emit_assembly(module))


def _arm(*words: int) -> bytes:
    return struct.pack(f"<{len(words)}I", *words)


def constant(number: int) -> bytes:
    """`int f(void)`: a number of 16 bits."""
    if host() is X86_64:
        return b"\xb8" + struct.pack("<i", number) + b"\xc3"  # mov eax, number; ret
    return _arm(0x5280_0000 | number << 5, 0xD65F_03C0)  # movz w0, number; ret


def spin() -> bytes:
    """`void f(volatile int *p)`: until it is 0."""
    if host() is X86_64:
        return b"\x83\x3f\x00\x75\xfb\xc3"  # cmp dword [rdi], 0; jne .-3; ret
    return _arm(0xB940_0001, 0x35FF_FFE1, 0xD65F_03C0)  # ldr w1, [x0]; cbnz w1, .-4; ret


def loads(far: int) -> tuple[bytes, int]:
    """A function of `preserve_nonecc` (base, pc, at): three loads from the base, but `far`, one of them, from base + at; where that lies."""
    if host() is X86_64:
        near, distant, end = b"\x49\x8b\x04\x24", b"\x4b\x8b\x04\x34", b"\xc3"  # mov rax, [r12]; mov rax, [r12 + r14]; ret
    else:
        near, distant, end = _arm(0xF940_0280), _arm(0xF876_6A80), _arm(0xD65F_03C0)  # ldr x0, [x20]; ldr x0, [x20, x22]; ret
    parts = [near, near, near]
    parts[far] = distant
    return b"".join((*parts, end)), sum(map(len, parts[:far]))


def undefined() -> bytes:
    """An instruction that no CPU has."""
    return b"\x0f\x0b" if host() is X86_64 else _arm(0)  # ud2; udf #0
