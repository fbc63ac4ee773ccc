"""The state of a frozen guest of preview 1: what travels of its world, with the numbers and rights that it has there.

How a state is made data and back, and that it is distrusted, is said in `world.travel`.

    decode(FrozenGuest, encode(guest), "WASI's state") == guest
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from arenite.errors import SnapshotError
from arenite.light import dataclass
from arenite.wasi.records import FdFlags, Rights
from arenite.world import travel as shapes

if TYPE_CHECKING:
    from arenite.machine.run.hosts import HostState

MOST_DESCRIPTORS = 1024  # of one guest, which also has at most a quarter of what its host's process may open


@dataclass(frozen=True, kw_only=True)
class FrozenDescriptor(shapes.Kept):
    """A descriptor: what all kinds have beside what finds the resource again."""

    number: int = field(metadata=shapes.integer(MOST_DESCRIPTORS - 1))
    rights: int = field(metadata=shapes.integer(sum(Rights)))
    inheriting: int = field(metadata=shapes.integer(sum(Rights)))
    flags: int = field(metadata=shapes.integer(sum(FdFlags)))


@dataclass(frozen=True, kw_only=True)
class Input(shapes.KeptInput, FrozenDescriptor):
    """Standard input."""


@dataclass(frozen=True, kw_only=True)
class Output(shapes.KeptOutput, FrozenDescriptor):
    """Standard output or error."""


@dataclass(frozen=True, kw_only=True)
class RootDirectory(shapes.KeptRoot, FrozenDescriptor):
    """A directory that the guest was given."""


@dataclass(frozen=True, kw_only=True)
class OpenFile(shapes.KeptFile, FrozenDescriptor):
    """A file opened through a directory."""


@dataclass(frozen=True, kw_only=True)
class OpenDirectory(shapes.KeptDirectory, FrozenDescriptor):
    """A directory opened through a directory.  How far it is read the guest knows: its cookies count entries."""


@dataclass(frozen=True, kw_only=True)
class OpenMemoryFile(shapes.KeptMemoryFile, FrozenDescriptor):
    """A file in memory."""


@dataclass(frozen=True, kw_only=True)
class OpenMemoryDirectory(shapes.KeptMemoryDirectory, FrozenDescriptor):
    """A directory in memory."""


@dataclass(frozen=True, kw_only=True)
class OpenMemoryDevice(shapes.KeptMemoryDevice, FrozenDescriptor):
    """A device in memory."""


SHAPES: dict[str, type[FrozenDescriptor]] = {
    shape.kind: shape
    for shape in (Input, Output, RootDirectory, OpenFile, OpenDirectory, OpenMemoryFile, OpenMemoryDirectory, OpenMemoryDevice)
}


NEEDS_DIRECTORY = (RootDirectory, OpenFile, OpenDirectory, OpenMemoryFile, OpenMemoryDirectory, OpenMemoryDevice)


def texts(value: object, where: str) -> tuple[bytes, ...]:
    """A list of them."""
    return tuple(shapes.text(element, f"{where}, element {at}") for at, element in enumerate(shapes.sequence(value, where)))


def descriptor(value: object, where: str) -> FrozenDescriptor:
    """A descriptor of some kind."""
    rest = shapes.mapping(value, where)
    kind = rest.pop("kind", None)
    if type(kind) is str:
        kind = shapes.EARLIER_KINDS.get(kind, kind)
    if type(kind) is not str or kind not in SHAPES:
        raise shapes.wrong(f"{where}, kind", " or ".join(SHAPES), kind)
    return shapes.decode(SHAPES[kind], rest, f"{where} ({kind})")


_held: list[tuple[object, tuple[FrozenDescriptor, ...]]] = []  # the last two; a state is data that nobody changes


def descriptors(value: object, where: str) -> tuple[FrozenDescriptor, ...]:
    """A list of them, each with a number of its own.  What is said beside one state (`snapshot.relative`) has the very same list, which is looked at once."""
    for known, held in tuple(_held):
        if known is value:
            return held
    held = numbered(value, where)
    _held[:] = [(value, held), *_held[:1]]
    return held


def numbered(value: object, where: str) -> tuple[FrozenDescriptor, ...]:
    """The list, which is looked at."""
    found = [descriptor(element, f"{where}, element {at}") for at, element in enumerate(shapes.sequence(value, where))]
    seen: set[int | str] = set()
    for one in found:
        role = "stdin" if isinstance(one, Input) else one.role if isinstance(one, Output) else one.number
        for unique in {one.number, role}:
            if unique in seen:
                raise SnapshotError(f"{where}: {unique} is there twice")
            seen.add(unique)
    return tuple(found)


def contents(value: object, where: str) -> tuple[shapes.KeptContents, ...]:
    """Files in memory of directories, each once."""
    elements = enumerate(shapes.sequence(value, where))
    found = [shapes.decode(shapes.KeptContents, element, f"{where}, element {at}") for at, element in elements]
    if len({one.directory for one in found}) < len(found):
        raise SnapshotError(f"{where}: a directory is there twice")
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class FrozenGuest:
    """All of it; no number is there twice.  `clocks` and `random` are what those say of themselves; None: nothing.

    `contents`: the files of directories in memory.
    """

    args: tuple[bytes, ...] = field(metadata=shapes.ruled(texts))
    env: tuple[bytes, ...] = field(metadata=shapes.ruled(texts))
    descriptors: tuple[FrozenDescriptor, ...] = field(metadata=shapes.ruled(descriptors))
    clocks: HostState = field(metadata=shapes.ruled(shapes.anything))
    random: HostState = field(metadata=shapes.ruled(shapes.anything))
    contents: tuple[shapes.KeptContents, ...] = field(default=(), metadata=shapes.ruled(contents))

    def directories(self) -> list[bytes]:
        """Names of the directories that it was given and still needs."""
        return sorted({one.directory for one in self.descriptors if isinstance(one, NEEDS_DIRECTORY)})


_decoded: list[tuple[HostState, FrozenGuest]] = []  # the last two; a state is data that nobody changes


def frozen_guest(state: HostState) -> FrozenGuest:
    """What WASI's state says.  Forks of one snapshot have the very same state, which is looked at once.  Raises: `SnapshotError`."""
    for known, found in tuple(_decoded):
        if known is state:
            return found
    found = shapes.decode(FrozenGuest, state, "WASI's state")
    _decoded[:] = [(state, found), *_decoded[:1]]
    return found
