"""The threaded tier: an interpreter generated from the op table through LLVM, built once per machine, kept in the cache.

    tier = ThreadedTier("single")
    run = tier.runner(cage, window)

The object holds one handler per op; `Handlers` maps it, and makes the table of 65,536 pointers in which every opcode value has one.
"""

from __future__ import annotations

import ctypes
import faulthandler
import functools
import hashlib
import importlib.metadata
import mmap
import struct
import weakref
from typing import TYPE_CHECKING, Final

from arenite.bytecode.ops import TABLE
from arenite.emit.addressing import ADDRESSINGS
from arenite.emit.handler import Interpreter
from arenite.errors import Limit
from arenite.layout.cage import LOW, MAX_AREAS, area_at
from arenite.platform import HAS_OBJECTS, cache, elf, faults, llvm

if TYPE_CHECKING:
    from arenite.machine.cage import AnyCage
    from arenite.machine.tier import Runner
    from arenite.machine.window import Window

OPCODES: Final = 1 << 16


def object_file(addressing: str, *, explicit_bounds: bool, deterministic: bool) -> bytes:
    """The interpreter's object: from the cache, or compiled now (under a second)."""
    ir = Interpreter(ADDRESSINGS[addressing], explicit_bounds=explicit_bounds, deterministic=deterministic).text()
    try:
        compiler = importlib.metadata.version("llvmlite")
    except importlib.metadata.PackageNotFoundError:
        compiler = "none"
    key = hashlib.blake2b(f"threaded {llvm.host_cpu()} {compiler}\n{ir}".encode(), digest_size=20).hexdigest()
    found = cache.get(key)
    if found is None:
        if not llvm.preserve_none_supported():
            raise Limit("the threaded tier needs a calling convention that LLVM lacks on this machine; use tier='safe'")
        found = llvm.compile_object(ir)
        cache.put(key, found)
    return found


class Handlers:
    """A loaded interpreter: `run(base, code)`."""

    def __init__(self, addressing: str, *, explicit_bounds: bool, deterministic: bool) -> None:
        if not HAS_OBJECTS:
            raise Limit("the threaded tier needs Linux on x86-64; use tier='safe'")
        data = object_file(addressing, explicit_bounds=explicit_bounds, deterministic=deterministic)
        self._code = elf.load(data, elf.libc_symbols())
        symbols = self._code.symbols
        table = mmap.mmap(-1, 8 * OPCODES)
        table[:] = struct.pack("<Q", symbols["invalid"]) * OPCODES
        table[: 8 * len(TABLE)] = struct.pack(f"<{len(TABLE)}Q", *(symbols[f"op {row.name}"] for row in TABLE))
        self._table = table
        self.table = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(table)))
        self.run = ctypes.CFUNCTYPE(None)(symbols["run"])  # called with three pointers; declaring them makes a call take half as long again
        begin, end = self._code.text
        # also where bounds are explicit: a damaged arena may send an access to a page that is not there
        faults.register(begin, end, symbols["landing"], LOW, area_at(MAX_AREAS))
        weakref.finalize(self, faults.unregister, begin).atexit = False


@functools.lru_cache(maxsize=None)
def handlers(addressing: str, *, explicit_bounds: bool, deterministic: bool) -> Handlers:
    """The process's one copy of an interpreter."""
    return Handlers(addressing, explicit_bounds=explicit_bounds, deterministic=deterministic)


class ThreadedTier:
    """The threaded tier with one way of addressing; `explicit_bounds`: compare instead of relying on guard pages."""

    name = "threaded"
    portable = False

    def __init__(self, addressing: str = "single", *, explicit_bounds: bool = False, deterministic: bool = False) -> None:
        self._handlers = handlers(addressing, explicit_bounds=explicit_bounds, deterministic=deterministic)

    def runner(self, cage: AnyCage, window: Window) -> Runner:
        """A runner for a store."""
        faults.ensure()
        known = faulthandler.is_enabled()
        run, table = self._handlers.run, self._handlers.table
        base, code = ctypes.c_void_p(cage.base), ctypes.c_void_p(window.code_address)

        def go() -> None:
            if faulthandler.is_enabled() is not known:  # it hides our handler: put ours on top again
                faults.ensure()
            run(base, code, table)

        return go
