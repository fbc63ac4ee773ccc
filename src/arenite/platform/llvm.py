"""LLVM: from IR text to an object file that `arenite.platform.elf` loads.

- llvmlite is imported when something is compiled, never before: who finds the code in the cache does without.
- Objects are position independent and of the small code model; they hold no address of this process.
- A failure is an `InternalError`: the IR is ours.  A calling convention that LLVM lacks on this CPU *ends the process*, so
  `preserve_none_supported` tries in another one.

    data = compile_object("define i32 @f() { ret i32 7 }")
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arenite.errors import InternalError, Limit
from arenite.platform import cache
from arenite.platform.architectures import HOST, X86_64, machine
from arenite.platform.cpu import features

if TYPE_CHECKING:
    from types import ModuleType

    from llvmlite.binding import ModuleRef, TargetMachine

    from arenite.platform.architectures import Architecture

LEVELS: Final = {
    "x86-64-v2": {"cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"},
    "x86-64-v3": {"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"},
}
"""LLVM's names of the levels of x86-64, and the flags of /proc/cpuinfo that each adds to the one before."""

LLVM_ENDS: Final = (signal.SIGABRT, signal.SIGILL, signal.SIGTRAP, signal.SIGSEGV, signal.SIGBUS)
"""How LLVM ends a process that asks for a calling convention which it lacks."""

PROBE: Final = """
define preserve_nonecc i64 @callee(ptr %base, i64 %pc) {
  ret i64 %pc
}
define preserve_nonecc i64 @caller(ptr %base, i64 %pc) {
  %result = musttail call preserve_nonecc i64 @callee(ptr %base, i64 %pc)
  ret i64 %result
}
"""


@functools.cache
def host_cpu() -> str:
    """The CPU to compile for: the highest level that this machine is known to have.  Part of every cache key."""
    if HOST is not X86_64:
        return HOST.baseline if HOST else "generic"
    cpu = X86_64.baseline
    for level, needed in LEVELS.items():
        if not needed <= features():
            break
        cpu = level
    return cpu


def compile_object(ir: str, *, opt: int = 2, cpu: str | None = None, architecture: Architecture | None = None) -> bytes:
    """The object file for a module of IR text, optimised at level `opt` for `cpu` (by default `host_cpu()`).

    With an `architecture` it is for that one, and by default for its `baseline`.
    Raises: `InternalError` with the offending line when the IR is wrong, `ImportError` without llvmlite.
    """
    machine, module = _compile(ir, opt, cpu, architecture)
    return bytes(machine.emit_object(module))


def compile_input() -> None:
    """Compile what the standard input has, to see whether that can be done.  Raises: as `compile_object`."""
    compile_object(sys.stdin.read())


def _compile(  # type: ignore[no-any-unimported]  # llvmlite carries no types
    ir: str, opt: int, cpu: str | None, architecture: Architecture | None
) -> tuple[TargetMachine, ModuleRef]:
    """The optimised module, and who can write it."""
    binding = _binding()
    if architecture is None:
        target, cpu = binding.Target.from_default_triple(), cpu or host_cpu()
    else:
        binding.initialize_all_targets()
        binding.initialize_all_asmprinters()
        target, cpu = binding.Target.from_triple(architecture.triple), cpu or architecture.baseline
    machine = target.create_target_machine(cpu=cpu, opt=opt, reloc="pic", codemodel="small")
    try:
        module = binding.parse_assembly(ir)
        module.triple = target.triple
        module.data_layout = str(machine.target_data)
        module.verify()
    except RuntimeError as error:
        raise InternalError(_explain(str(error), ir)) from error
    options = binding.create_pipeline_tuning_options(speed_level=opt)
    options.slp_vectorization = False  # costs compile time and finds nothing in code that loads and stores frames
    builder = binding.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return machine, module


@functools.cache
def preserve_none_supported() -> bool:
    """Whether LLVM has `preserve_nonecc` and `musttail` together on this machine.  The answer is kept in the cache.

    Raises: `Limit` when no other process can be started to try, or it says nothing of LLVM; `ImportError` without llvmlite.
    """
    version = importlib.import_module("llvmlite").__version__
    question = f"preserve_none {version} {sys.platform} {machine()} {PROBE}"
    key = hashlib.blake2b(question.encode(), digest_size=20).hexdigest()
    answer = cache.get(key)
    if answer is None:
        status, words = _compile_elsewhere(PROBE)
        if status != 0 and -status not in LLVM_ENDS:  # a lack of memory, Ctrl-C, an llvmlite without its library
            raise Limit(f"LLVM could not be tried: a process that used it ended with {status}: {words}")
        answer = b"no" if status else b"yes"
        cache.put(key, answer, "what LLVM can do here")
    return answer == b"yes"


def _compile_elsewhere(ir: str) -> tuple[int, str]:
    """Compile `ir` in another process; its exit status, negative when a signal ended it, and its last line of errors.

    Raises: `Limit` without a process.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        import subprocess  # noqa: PLC0415 (once per machine)

        done = subprocess.run(  # noqa: S603 (this Python, a program of ours)
            [sys.executable, str(Path(__file__).with_name("alone.py")), __name__, compile_input.__name__],
            input=ir.encode(),
            env=environment,
            capture_output=True,
            timeout=60,
            check=False,
        )
    except OSError as error:  # an embedded Python; one of another CPU under an emulator
        raise Limit(f"sys.executable is {sys.executable!r}, which does not start: {error.strerror}") from error
    return done.returncode, done.stderr.decode(errors="replace").strip().rpartition("\n")[2]


@functools.cache
def _binding() -> ModuleType:
    """The binding to LLVM, with the host's target ready."""
    binding = importlib.import_module("llvmlite.binding")
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    binding.initialize_native_asmparser()  # stencils have instructions of their own
    return binding


def _explain(message: str, ir: str) -> str:
    """LLVM's message, and the line of the IR it means when it names one."""
    place = re.search(r":(\d+):\d+: error", message)
    lines = ir.splitlines()
    if place is None or not 1 <= int(place[1]) <= len(lines):
        return f"llvm refuses the code: {message.strip()}"
    return f"llvm refuses line {place[1]}: {lines[int(place[1]) - 1].strip()}\n{message.strip()}"
