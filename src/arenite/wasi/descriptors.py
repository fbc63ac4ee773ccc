"""What one run of a guest has: its world, and by number what it has open there, with the rights and flags of the standard.

A call needs some rights (`preview1`), a descriptor has some, and who opens through a directory gets at most what it passes on.
What refuses is named as POSIX names it where it has a name (`ISDIR`, `SPIPE`, `BADF`, `ROFS`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from arenite.errors import SnapshotError
from arenite.wasi import records
from arenite.wasi.errno import Errno, Failure
from arenite.wasi.travel import MOST_DESCRIPTORS, SHAPES, FrozenGuest
from arenite.world import hostio
from arenite.world.clocks import freeze_clocks
from arenite.world.files import File
from arenite.world.randomness import freeze_random
from arenite.world.stat import FileType
from arenite.world.travel import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.machine.run.hosts import HostState
    from arenite.wasi.travel import FrozenDescriptor
    from arenite.world.resource import Resource
    from arenite.world.world import World

OF_DIRECTORY, OF_FILE, OF_STREAM = int(records.DIRECTORY_RIGHTS), int(records.FILE_RIGHTS), int(records.STREAM_RIGHTS)
OF_INPUT = int(records.STREAM_RIGHTS & ~records.WRITING)
OF_OUTPUT = int(records.STREAM_RIGHTS & ~records.READING)
NEED_A_PLACE = int(records.SEEKING | records.Rights.FD_ALLOCATE)  # what a stream cannot do, which has no places
OF_DIRECTORIES = int(records.DIRECTORY_RIGHTS & ~records.FILE_RIGHTS)
REFUSED_READ_ONLY = int(records.CHANGING)
NONBLOCK = int(records.FdFlags.NONBLOCK)
APPEND = int(records.FdFlags.APPEND)
ALL_FLAGS = sum(records.FdFlags)
SYNCHRONISED = int(records.FdFlags.DSYNC | records.FdFlags.SYNC | records.FdFlags.RSYNC)


def able(resource: Resource) -> int:
    """The rights that a resource of its kind can have."""
    if resource.type is FileType.DIRECTORY:
        return OF_DIRECTORY
    return OF_FILE if resource.places else OF_STREAM


def of_stream(resource: Resource) -> Descriptor:
    """The descriptor of a standard stream, which goes one way."""
    assert resource.stream is not None
    return Descriptor(resource, OF_INPUT if resource.stream.role == "stdin" else OF_OUTPUT)


class Descriptor:
    """A resource as the guest holds it.  `able`: the rights its kind can have; `rights`, `inheriting`: those it has and passes on.

    Rights and flags are plain ints, for every read and write looks at them.
    """

    __slots__ = ("able", "flags", "inheriting", "read_only", "resource", "rights")

    def __init__(self, resource: Resource, rights: int, inheriting: int = 0, flags: int = 0) -> None:
        self.resource = resource
        self.able = able(resource)
        self.rights = int(rights) & self.able
        directory = resource.type is FileType.DIRECTORY
        self.inheriting = int(inheriting) if directory else 0
        self.flags = int(flags) & (NONBLOCK if directory else ALL_FLAGS)
        self.read_only = resource.read_only

    def refuse(self, need: int) -> NoReturn:
        """Say why not all of the rights `need` are there."""
        if self.read_only and need & REFUSED_READ_ONLY:
            raise Failure(Errno.ROFS)
        missing = need & ~self.rights
        impossible = missing & ~self.able
        if impossible and self.resource.type is FileType.DIRECTORY:
            raise Failure(Errno.ISDIR)
        if missing & records.READ_OR_WRITE:
            raise Failure(Errno.BADF)
        if impossible & OF_DIRECTORIES:
            raise Failure(Errno.NOTDIR)
        if impossible & NEED_A_PLACE:
            raise Failure(Errno.SPIPE)
        raise Failure(Errno.INVAL if impossible else Errno.NOTCAPABLE)

    def held(self, frozen: FrozenDescriptor) -> Descriptor:
        """This, with the rights and flags that the guest had, as far as it can have them."""
        self.rights &= frozen.rights
        self.flags = frozen.flags & NONBLOCK
        self.resource.set_waits(on=not self.flags)
        return self

    def set_flags(self, flags: records.FdFlags) -> None:
        """Appending and waiting can change; how writes are synchronised is decided when a file is opened."""
        resource, changed = self.resource, self.flags ^ flags
        file = resource if isinstance(resource, File) and resource.stream is None else None
        if changed & SYNCHRONISED or (file is None and flags & ~NONBLOCK):
            raise Failure(Errno.NOTSUP)
        if file is not None and changed & APPEND:
            file.set_append(on=bool(flags & APPEND))
        if changed & NONBLOCK:
            resource.set_waits(on=not flags & NONBLOCK)
        self.flags = int(flags)

    @property
    def shown(self) -> int:
        """The rights as the guest is told of them."""
        return self.rights & ~REFUSED_READ_ONLY if self.read_only else self.rights

    def freeze(self, number: int) -> FrozenDescriptor:
        """What finds it again where the guest goes on; `number`: the guest's for it.  Raises: `SnapshotError` without that number."""
        kept = self.resource.freeze()
        numbers = {"number": number, "rights": self.rights, "inheriting": self.inheriting, "flags": self.flags}
        return SHAPES[kept.kind](**numbers, **vars(kept))


class DescriptorTable:
    """Descriptors by number; new ones get the lowest free number, as in POSIX.  `most`: how many the guest may come to have by opening."""

    def __init__(self, most: int = MOST_DESCRIPTORS) -> None:
        self._most = most
        self._by_number: dict[int, Descriptor] = {}
        self.get = self._by_number.get

    def __iter__(self) -> Iterator[Descriptor]:
        return iter(self._by_number.values())

    def find(self, number: int, need: int) -> Descriptor:
        """The descriptor of that number, if it has the rights `need`."""
        found = self.get(number)
        if found is None:
            raise Failure(Errno.BADF)
        if need & ~found.rights or (found.read_only and need & REFUSED_READ_ONLY):
            found.refuse(need)
        return found

    def check_room(self) -> None:
        """Refuse another descriptor when there are too many; asked before anything is opened."""
        if len(self._by_number) >= min(self._most, hostio.most_descriptors() // 4):
            raise Failure(Errno.MFILE)

    def insert(self, descriptor: Descriptor) -> int:
        """Give a descriptor its number."""
        number = next(n for n in range(len(self._by_number) + 1) if n not in self._by_number)
        self._by_number[number] = descriptor
        return number

    def put(self, number: int, descriptor: Descriptor) -> None:
        """Give a descriptor a certain number, which is free."""
        assert number not in self._by_number
        self._by_number[number] = descriptor

    def freeze(self) -> tuple[FrozenDescriptor, ...]:
        """What finds each again.  Raises: `SnapshotError`."""
        frozen = []
        for number, descriptor in sorted(self._by_number.items()):
            try:
                frozen.append(descriptor.freeze(number))
            except SnapshotError as error:
                raise SnapshotError(f"descriptor {number}, {error}") from None
        return tuple(frozen)

    def close(self, number: int) -> None:
        """Close and forget."""
        self.find(number, 0)
        self._by_number.pop(number).resource.close()

    def renumber(self, number: int, to: int) -> None:
        """Move a descriptor to the number of another, which is closed; both must exist."""
        moved, replaced = self.find(number, 0), self.find(to, 0)
        if moved is not replaced:
            self._by_number[to] = self._by_number.pop(number)
            replaced.resource.close()

    def close_all(self) -> None:
        """Close everything."""
        while self._by_number:
            self._by_number.popitem()[1].resource.close()


@dataclass(frozen=True, slots=True)
class Session:
    """A guest's side of preview 1."""

    world: World
    descriptors: DescriptorTable = field(default_factory=DescriptorTable)

    def freeze(self, *, live: bool = False) -> HostState:
        """All of it as data; `live`: for whoever takes this one's place.  Raises: `SnapshotError`."""
        return encode(
            FrozenGuest(
                args=tuple(self.world.args),
                env=tuple(self.world.env),
                descriptors=self.descriptors.freeze(),
                clocks=freeze_clocks(self.world.clocks),
                random=freeze_random(self.world.random),
                contents=self.world.contents(live=live),
            )
        )

    def close(self) -> None:
        """Give back what the host gave."""
        self.descriptors.close_all()
        self.world.close()
