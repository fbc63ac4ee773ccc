"""A guest that makes any WASI call with any numbers, on each tier of arenite and on an outside engine with that engine's own WASI."""

from __future__ import annotations

import functools
import struct
from typing import TYPE_CHECKING, Any

import wasmtime

import arenite
from arenite.wasi.errno import Errno
from arenite.wasi.preview1 import MODULE, ROWS, TABLE
from arenite.wasi.records import FDSTAT, IOVEC

if TYPE_CHECKING:
    from pathlib import Path

OUT = 60000  # where results are asked for
ALL = (1 << 30) - 1
CALLS = [row for row in ROWS if row.name != "proc_exit"]


@functools.cache
def binary() -> bytes:
    """Each function of preview 1 imported, and exported under the same name."""
    lines = []
    for row in CALLS:
        params = f"(param {' '.join(row.words)})" if row.words else ""
        lines.append(f'(import "{MODULE}" "{row.name}" (func ${row.name} {params} (result i32)))')
    lines.append('(memory (export "memory") 2)')
    for row in CALLS:
        params = f"(param {' '.join(row.words)})" if row.words else ""
        operands = " ".join(f"(local.get {at})" for at in range(len(row.words)))
        lines.append(f'(func (export "{row.name}") {params} (result i32) (call ${row.name} {operands}))')
    return bytes(wasmtime.wat2wasm(f"(module {' '.join(lines)})"))


@functools.cache
def loaded(engine: str) -> tuple[Any, Any, Any]:
    """The package, an engine of it, the module."""
    if engine == "wasmtime":
        outside = wasmtime.Engine()
        return wasmtime, outside, wasmtime.Module(outside, binary())
    of = arenite.Engine(arenite.Config(tier="safe" if engine == "safe" else "threaded"))
    return arenite, of, arenite.Module(of, binary())


class Guest:
    """`engine`: a tier of arenite, or "wasmtime".  It has files as streams, and a directory twice: 3 to write, 4 to read only."""

    def __init__(self, engine: str, folder: Path) -> None:
        package, made, module = loaded(engine)
        config = package.WasiConfig()
        config.stdin_file = str(folder / "in")
        config.stdout_file = str(folder / "out")
        config.preopen_dir(str(folder / "root"), "/rw")
        config.preopen_dir(str(folder / "root"), "/ro", False)
        self.store = package.Store(made)
        self.store.set_wasi(config)
        linker = package.Linker(made)
        linker.define_wasi()
        self.exports = linker.instantiate(self.store, module).exports(self.store)
        self.memory = self.exports["memory"]
        self.free = 1000

    def put(self, data: bytes) -> int:
        at = self.free
        self.memory.write(self.store, data, at)
        self.free += len(data) + -len(data) % 8
        return at

    def call(self, name: str, *arguments: int | str | bytes) -> Errno:
        """Text becomes an address and a length, bytes an array of one range that holds them."""
        words: list[int] = []
        for argument in arguments:
            if isinstance(argument, str):
                words += [self.put(argument.encode()), len(argument.encode())]
            elif isinstance(argument, bytes):
                words += [self.put(IOVEC.pack(self.put(argument), len(argument))), 1]
            else:
                words.append(argument)
        return Errno(self.exports[name](self.store, *map(signed, words, TABLE[name].words)))

    def open(self, path: str, *, fd: int = 3, oflags: int = 0, rights: int = ALL, fdflags: int = 0, follow: int = 1) -> Errno:
        return self.call("path_open", fd, follow, path, oflags, rights, ALL, fdflags, OUT)

    def opened(self, path: str, *, fd: int = 3, oflags: int = 0, rights: int = ALL, fdflags: int = 0) -> int:
        """The number of what is opened."""
        assert self.open(path, fd=fd, oflags=oflags, rights=rights, fdflags=fdflags) is Errno.SUCCESS
        return int(struct.unpack("<I", self.memory.read(self.store, OUT, OUT + 4))[0])

    def rights(self, fd: int) -> int:
        assert self.call("fd_fdstat_get", fd, OUT) is Errno.SUCCESS
        return int(FDSTAT.unpack(self.memory.read(self.store, OUT, OUT + FDSTAT.size))[2])


def signed(value: int, kind: str) -> int:
    bits = 32 if kind == "i32" else 64
    return value - (value >> (bits - 1) << bits)
