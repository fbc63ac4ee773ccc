"""A guest without an engine: a memory, and calls by name with plain numbers and text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.api.hosts import WASI
from arenite.wasi.errno import Errno
from arenite.wasi.preview1 import MODULE
from arenite.wasi.records import DIRENT, FILESTAT, IOVEC, U32, U64

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.machine.run.hosts import HostState
    from arenite.wasi import WasiConfig
    from arenite.wasi.host import HostModule

SIZE = 1 << 16
OUT = 0x100  # where results are asked for
DATA = 0x1000  # where arguments are put
ALL = (1 << 64) - 1


class Program:
    """Also its own caller and its own memory."""

    def __init__(self, config: WasiConfig) -> None:
        self.begin(config.open())

    @classmethod
    def going_on(cls, config: WasiConfig, state: HostState, *, reseed: bool = False) -> Program:
        """One with a frozen state."""
        program = cls.__new__(cls)
        program.begin(config.thaw(state, reseed=reseed))
        return program

    def begin(self, module: HostModule) -> None:
        self.module = module
        self.can_pause = self.hurried = self.shares = False
        self.progress = 0
        self.memory = bytearray(SIZE)
        self.free = DATA

    def get(self, name: str) -> Program | None:
        return self if name == "memory" else None

    def checkpoint(self) -> None:
        pass

    def wait(self, step: Callable[[float | None], bool], seconds: float | None = None, *, wanted: object = None) -> bool:
        del seconds, wanted
        while not step(None):
            pass
        return True

    def host(self, name: str) -> HostModule:
        assert name == WASI
        return self.module

    def view(self, store: object) -> memoryview:
        assert store is self
        return memoryview(self.memory)

    def put(self, data: bytes) -> int:
        at = self.free
        self.memory[at : at + len(data)] = data
        self.free += len(data) + -len(data) % 8
        return at

    def call(self, name: str, *arguments: int | str | bytes) -> Errno:
        """Text becomes an address and a length, bytes an array of one range that holds them."""
        found = self.module.function(MODULE, name)
        assert found is not None
        words: list[int] = []
        for argument in arguments:
            if isinstance(argument, str):
                words += [self.put(argument.encode()), len(argument.encode())]
            elif isinstance(argument, bytes):
                words += [self.put(IOVEC.pack(self.put(argument), len(argument))), 1]
            else:
                words.append(argument)
        self.progress = 0  # a call that begins
        result = found[1](self, *words)
        assert type(result) is int
        return Errno(result)

    def number(self, *, wide: bool = False) -> int:
        return int((U64 if wide else U32).unpack_from(self.memory, OUT)[0])

    def open(self, path: str, *, fd: int = 3, oflags: int = 0, rights: int = ALL, fdflags: int = 0, lookup: int = 1) -> int:
        assert self.call("path_open", fd, lookup, path, oflags, rights, ALL, fdflags, OUT) is Errno.SUCCESS
        return self.number()

    def open_errno(self, path: str, *, fd: int = 3, oflags: int = 0, rights: int = 2, lookup: int = 1) -> Errno:
        return self.call("path_open", fd, lookup, path, oflags, rights, ALL, 0, OUT)

    def read(self, fd: int, size: int = 100) -> bytes:
        data = self.put(bytes(size))
        vector = self.put(IOVEC.pack(data, size))
        assert self.call("fd_read", fd, vector, 1, OUT) is Errno.SUCCESS
        return bytes(self.memory[data : data + self.number()])

    def write(self, fd: int, data: bytes) -> int:
        assert self.call("fd_write", fd, data, OUT) is Errno.SUCCESS
        return self.number()

    def filestat(self) -> tuple[int, ...]:
        return FILESTAT.unpack_from(self.memory, OUT)

    def names(self, fd: int, size: int = 4096) -> list[str]:
        """Of a whole directory, read with a buffer of that size."""
        return [name for name, _ in self.entries(fd, size)]

    def entries(self, fd: int, size: int = 4096) -> list[tuple[str, int]]:
        """Of a whole directory: names and inodes."""
        found, cookie = [], 0
        buffer = self.put(bytes(size))
        while True:
            assert self.call("fd_readdir", fd, buffer, size, cookie, OUT) is Errno.SUCCESS
            used, at = self.number(), 0
            while at + DIRENT.size <= used:
                next_cookie, inode, length, _ = DIRENT.unpack_from(self.memory, buffer + at)
                if at + DIRENT.size + length > used:
                    break
                start = buffer + at + DIRENT.size
                found.append((self.memory[start : start + length].decode(), inode))
                at += DIRENT.size + length
                cookie = next_cookie
            if used < size:
                return found
