"""`WasiConfig`: what a guest is given, which is nothing unless said.

- Names and shapes of the `wasmtime` package, and a constructor that says it all at once.
- A configuration can be opened any number of times; each guest gets descriptors, positions and random bytes of its own.

    out = bytearray()
    store.set_wasi(WasiConfig(argv=["prog", "-v"], stdout=out, dirs={"/data": ("./data", "ro")}))
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from arenite.errors import Failure, SnapshotError
from arenite.wasi.descriptors import NONBLOCK, Descriptor, DescriptorTable, Session, of_stream
from arenite.wasi.host import HostModule, Trace, function
from arenite.wasi.path import how_to_open
from arenite.wasi.records import DIRECTORY_RIGHTS, FILE_RIGHTS
from arenite.wasi.travel import (
    MOST_DESCRIPTORS,
    FrozenDescriptor,
    Input,
    OpenDirectory,
    OpenFile,
    OpenMemoryDevice,
    OpenMemoryDirectory,
    OpenMemoryFile,
    Output,
    RootDirectory,
    frozen_guest,
)
from arenite.world import hostio
from arenite.world.clocks import Clock, Clocks, SystemClocks, thaw_clocks
from arenite.world.directories import Directory
from arenite.world.host_place import HostPlace
from arenite.world.opening import reopen
from arenite.world.origin import Origin, Root
from arenite.world.randomness import Random, random_bytes, thaw_random
from arenite.world.streams import Sink, Source, Writer, sink, source, thaw_sink, thaw_source
from arenite.world.world import World

if TYPE_CHECKING:
    from arenite.api.types import FuncType
    from arenite.machine.run.hosts import HostState
    from arenite.wasi.host import HostFunction
    from arenite.world.memory.fs import MemoryFS

HostPath: TypeAlias = str | os.PathLike[str]
GivenDirectory: TypeAlias = "HostPath | MemoryFS"
HostDirectory: TypeAlias = "GivenDirectory | tuple[GivenDirectory, str]"
IN_MEMORY = 1 << 63  # in the numbers of devices that there is not

Given_contra = TypeVar("Given_contra", contravariant=True)


class Alias(Generic[Given_contra]):
    """Another name for an attribute, under which the `wasmtime` package takes one sort of value for it."""

    def __init__(self, attribute: str, convert: Callable[[Given_contra], object]) -> None:
        self.attribute = attribute
        self.convert = convert

    def __get__(self, config: WasiConfig, owner: type[WasiConfig]) -> object:
        return getattr(config, self.attribute)

    def __set__(self, config: WasiConfig, value: Given_contra) -> None:
        setattr(config, self.attribute, self.convert(value))


def readable(path: HostPath | bytes) -> Path:
    """A file's name as what cannot be taken for content.  Raises: `Failure` if it cannot be read."""
    return openable(path, os.O_RDONLY, "stdin")


def writable(stream: str) -> Callable[[HostPath | bytes], Path]:
    """As `readable`, for what is written; the file is made if there is none."""
    return lambda path: openable(path, os.O_WRONLY | os.O_CREAT, stream)


def openable(path: HostPath | bytes, flags: int, stream: str) -> Path:
    """The path itself.  Raises: `Failure` if it cannot be opened so.

    Whoever waits at the other end of a pipe would notice, and go: so pipes and devices are not opened.
    """
    try:
        if notices(path):
            check_access(path, os.R_OK if flags == os.O_RDONLY else os.W_OK)
        else:
            os.close(os.open(path, flags | hostio.O_NONBLOCK, 0o666))
    except OSError as error:
        raise Failure(f"failed to set {stream} file: {error}") from error
    return Path(os.fsdecode(path))


def notices(path: HostPath | bytes) -> bool:
    """Whether the path leads to something that notices when it is opened: a pipe or a device."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - bytes, perhaps
    except FileNotFoundError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


def check_access(path: HostPath | bytes, mode: int) -> None:
    """Raises: PermissionError if this process may not read (R_OK) or write (W_OK) there."""
    if not os.access(path, mode, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fsdecode(path))


def as_writer(take: Writer) -> Writer:
    """The callable itself."""
    return take


class WasiConfig:
    """What a guest is given.  Every argument is an attribute too, and may be changed until a store opens it.

    `argv`: the arguments, the program's name first.   `env`: the environment, a mapping or pairs.
    `stdin`, `stdout`, `stderr`: see `arenite.world.streams`; `stdin=lambda size: None` is a standard input that is never ready.
    `dirs`: {name for the guest: directory of the host or a `MemoryFS`, or (directory, "ro") to read only, or (directory, "rw")}.
    `clocks`: see `arenite.world.clocks`; None: the host's.
    `random`: a callable(size) -> bytes, or a seed for bytes that are the same each time; None: the host's.
    `trace`: called with a line about each call, as `strace` prints them.
    `max_descriptors`: how many the guest may have before opening another is refused (MFILE): 1024 or less; those given here count.
    """

    __slots__ = (
        "_argv",
        "_env",
        "clocks",
        "dirs",
        "max_descriptors",
        "random",
        "stderr",
        "stdin",
        "stdout",
        "trace",
    )  # so a misspelt name is an error

    def __init__(
        self,
        *,
        argv: Iterable[str] = (),
        env: Mapping[str, str] | Iterable[Iterable[str]] = (),
        stdin: Source = None,
        stdout: Sink = None,
        stderr: Sink = None,
        dirs: Mapping[str, HostDirectory] | None = None,
        clocks: Clocks | None = None,
        random: Random = None,
        trace: Trace | None = None,
        max_descriptors: int = MOST_DESCRIPTORS,
    ) -> None:
        self.argv = argv
        self.env = env
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.dirs = dict(dirs or {})
        self.clocks = clocks
        self.random = random
        self.trace = trace
        self.max_descriptors = max_descriptors

    @property
    def argv(self) -> list[str]:
        """The arguments, the program's name first."""
        return self._argv

    @argv.setter
    def argv(self, argv: Iterable[str]) -> None:
        if isinstance(argv, str):
            raise TypeError("argv must be a list of strings, not one string")
        self._argv = [without_zero(argument) for argument in argv]

    @property
    def env(self) -> dict[str, str]:
        """The environment; set from a mapping or pairs."""
        return self._env

    @env.setter
    def env(self, env: Mapping[str, str] | Iterable[Iterable[str]]) -> None:
        pairs = env.items() if isinstance(env, Mapping) else env
        self._env = {without_zero(name): without_zero(value) for name, value in pairs}

    def inherit_argv(self) -> None:
        """Give this process's arguments."""
        self.argv = sys.argv

    def inherit_env(self) -> None:
        """Give this process's environment."""
        self.env = os.environ

    def inherit_stdin(self) -> None:
        """Read from this process's standard input."""
        self.stdin = sys.stdin

    def inherit_stdout(self) -> None:
        """Write to this process's standard output."""
        self.stdout = sys.stdout

    def inherit_stderr(self) -> None:
        """Write to this process's standard error."""
        self.stderr = sys.stderr

    stdin_file = Alias("stdin", readable)
    stdout_file = Alias("stdout", writable("stdout"))
    stdout_custom = Alias("stdout", as_writer)
    stderr_file = Alias("stderr", writable("stderr"))
    stderr_custom = Alias("stderr", as_writer)

    def preopen_dir(self, path: GivenDirectory, guest_path: str, fs_mutable: bool = True) -> None:  # noqa: FBT001, FBT002 - wasmtime's
        """Give the guest a directory of the host, or in memory, under the name `guest_path`; unless `fs_mutable`, for reading only.

        Raises: `Failure` if there is none.
        """
        try:
            if isinstance(path, (str, os.PathLike)):
                HostPlace.of(os.fspath(path)).close()
        except OSError as error:
            raise Failure(f"failed to add preopen dir: {error}") from error
        self.dirs[guest_path] = (path, "rw" if fs_mutable else "ro")

    def function(self, module: str, name: str) -> tuple[FuncType, HostFunction] | None:
        """Type and callable of an import, for whoever links a snapshot before any guest goes on."""
        return function(module, name)

    def open(self) -> HostModule:
        """The host module for one guest: files and directories are opened now.  Raises: OSError, TypeError, ValueError."""
        world = World(
            args=[argument.encode() for argument in self.argv],
            env=[f"{name}={value}".encode() for name, value in self.env.items()],
            clocks=SystemClocks() if self.clocks is None else self.clocks,
            random=random_bytes(self.random),
        )
        session = Session(world, DescriptorTable(min(self.max_descriptors, MOST_DESCRIPTORS)))
        try:
            session.descriptors.insert(of_stream(source(self.stdin)))
            session.descriptors.insert(of_stream(sink("stdout", self.stdout)))
            session.descriptors.insert(of_stream(sink("stderr", self.stderr)))
            for name in self.dirs:
                root = world.give(self._root(name, world.clocks))
                directory = Directory(root.dir, Origin(root), is_root=True)
                session.descriptors.insert(Descriptor(directory, DIRECTORY_RIGHTS, DIRECTORY_RIGHTS | FILE_RIGHTS))
        except BaseException:
            session.close()
            raise
        return HostModule(session, self.trace)

    def thaw(self, state: HostState, *, reseed: bool) -> HostModule:
        """The host module of a guest that goes on: its arguments and environment, its descriptors under their numbers.

        Standard streams and directories are those given here; what it had opened is opened again, in the directories.
        `reseed`: random numbers are fresh, clocks those given here; otherwise both go on as the frozen ones would have.
        Raises: `SnapshotError` naming what is not there; nothing stays open then.
        """
        frozen = frozen_guest(state)
        names = {name.encode(): name for name in self.dirs}
        held = frozen.directories()
        for name in held:
            if name not in names:
                raise SnapshotError(
                    f"the guest has a directory {name.decode(errors='replace')!r}, but is given none of that name"
                )
        world = World(
            args=frozen.args,
            env=frozen.env,
            clocks=thaw_clocks(self.clocks, frozen.clocks, reseed=reseed),
            random=thaw_random(self.random, frozen.random, reseed=reseed),
        )
        session = Session(world, DescriptorTable(min(self.max_descriptors, MOST_DESCRIPTORS)))
        try:
            contents = {one.directory: one.files for one in frozen.contents}
            for name in held:
                world.give(self._root_again(names[name], world.clocks, contents.get(name)))
            roots = dict(zip(held, world.roots, strict=True))
            for one in frozen.descriptors:
                session.descriptors.put(one.number, self._again(one, roots))
            world.settle()
        except BaseException:
            session.close()
            raise
        return HostModule(session, self.trace)

    def _root(self, name: str, clocks: Clocks, files: HostState = None) -> Root:
        """The directory given under a name.  `files`: those that a guest goes on with in memory."""
        directory = self.dirs[name]
        given, access = directory if isinstance(directory, tuple) else (directory, "rw")
        if access not in {"ro", "rw"}:
            raise ValueError(f'access to {name!r} must be "ro" or "rw", not {access!r}')
        if isinstance(given, (str, os.PathLike)):
            if files is not None:
                raise SnapshotError(f"the guest's directory {name!r} lies in memory, but is given one of the host's")
            return Root(name.encode(), HostPlace.of(os.fspath(given)), read_only=access == "ro")
        if not hasattr(given, "place"):
            raise TypeError(f"{name!r} must be a path or a MemoryFS, not {type(given).__name__}")
        device = IN_MEMORY | zlib.crc32(name.encode())
        place = (given if files is None else given.going_on(files)).place(lambda: clocks.now(Clock.REALTIME), device)
        return Root(name.encode(), place, read_only=access == "ro")

    def _root_again(self, name: str, clocks: Clocks, files: HostState) -> Root:
        try:
            return self._root(name, clocks, files)
        except OSError as error:
            raise SnapshotError(f"the guest's directory {name!r}: {error}") from error

    def _again(self, frozen: FrozenDescriptor, roots: Mapping[bytes, Root]) -> Descriptor:
        """A descriptor that goes on."""
        try:
            match frozen:
                case Input():
                    return of_stream(thaw_source(frozen, self.stdin)).held(frozen)
                case Output():
                    return of_stream(thaw_sink(frozen, self.stdout if frozen.role == "stdout" else self.stderr)).held(frozen)
                case OpenFile() | OpenDirectory() | OpenMemoryFile() | OpenMemoryDirectory() | OpenMemoryDevice():
                    how = how_to_open(frozen.rights, frozen.flags)
                    opened = reopen(frozen, roots[frozen.directory], how)
                    return Descriptor(opened, frozen.rights, frozen.inheriting, frozen.flags)
        except SnapshotError as error:
            raise SnapshotError(f"descriptor {frozen.number}, {error}") from error
        assert isinstance(frozen, RootDirectory)
        root = roots[frozen.directory]
        directory = Directory(root.dir, Origin(root), waits=not frozen.flags & NONBLOCK, is_root=True)
        return Descriptor(directory, frozen.rights, frozen.inheriting, frozen.flags)


def without_zero(text: str) -> str:
    """The text itself.  Raises: TypeError; ValueError for one that the guest could only see a part of."""
    if not isinstance(text, str):
        raise TypeError(f"expected a string, found {type(text).__name__}: {text!r}")
    if "\0" in text:
        raise ValueError(f"a zero character in {text!r}")
    return text
