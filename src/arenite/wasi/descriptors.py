"""What the guest holds by number: the table of descriptors, and how each kind answers.

- `Descriptor` says what a kind cannot do; kinds say what they can (`files`: files and directories; `stdio`: streams).
- A kind says with `freeze` how it travels to where the guest goes on (`travel`); one that says nothing does not travel.
- Rights are those of the standard: a call needs some (`preview1`), a descriptor has some, and who opens through a directory gets
  at most what it passes on.  What refuses is named as POSIX names it where it has a name (`ISDIR`, `SPIPE`, `BADF`, `ROFS`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from arenite.errors import SnapshotError
from arenite.wasi import hostio
from arenite.wasi.errno import Errno, Failure
from arenite.wasi.records import CHANGING, DIRECTORY_RIGHTS, FILE_RIGHTS, READ_OR_WRITE, SEEKING, FdFlags, FileType, Rights

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from arenite.wasi.origin import Standard
    from arenite.wasi.travel import Frozen

Advance: TypeAlias = Callable[[int], object]  # called behind a piece with its bytes, if there is another

MOST_DESCRIPTORS = 1024  # of one guest, which also has at most a quarter of what its host's process may open
NEED_A_PLACE = int(SEEKING | Rights.FD_ALLOCATE)  # what a stream cannot do, which has no places
OF_DIRECTORIES = int(DIRECTORY_RIGHTS & ~FILE_RIGHTS)
REFUSED_READ_ONLY = int(CHANGING)


def not_divided(_: int) -> None:
    """An `Advance` for what is written in one piece."""


class Descriptor:
    """An open thing.  `able`: the rights its kind can have; `rights`, `inheriting`: those it has and passes on.

    Rights and flags are plain ints, for every read and write looks at them.   `stream`: what makes it a standard stream, if it is one.
    """

    able = 0
    read_only = False
    unmet = False
    stream: Standard | None = None

    def __init__(self, file_type: FileType, rights: int, inheriting: int = 0, flags: int = 0) -> None:
        self.file_type = file_type
        self.rights = int(rights & self.able)
        self.inheriting = int(inheriting)
        self.flags = int(flags)

    def refuse(self, need: int) -> NoReturn:
        """Say why not all of the rights `need` are there."""
        if self.read_only and need & REFUSED_READ_ONLY:
            raise Failure(Errno.ROFS)
        missing = need & ~self.rights
        impossible = missing & ~self.able
        if impossible and self.file_type is FileType.DIRECTORY:
            raise Failure(Errno.ISDIR)
        if missing & READ_OR_WRITE:
            raise Failure(Errno.BADF)
        if impossible & OF_DIRECTORIES:
            raise Failure(Errno.NOTDIR)
        if impossible & NEED_A_PLACE:
            raise Failure(Errno.SPIPE)
        raise Failure(Errno.INVAL if impossible else Errno.NOTCAPABLE)

    def read(self, buffers: Sequence[memoryview], *, pause: bool) -> int:
        """Fill buffers; how many bytes.  `pause`: raise `NotReady`, and do nothing, rather than wait for standard input."""
        del buffers, pause
        raise Failure(Errno.BADF)

    def write(self, buffers: Sequence[memoryview], advance: Advance = not_divided) -> int:
        """Write buffers; how many bytes.  `advance`: called between two pieces."""
        del buffers, advance
        raise Failure(Errno.BADF)

    def stat(self) -> tuple[int, ...]:
        """The fields of `FILESTAT`; here those of a thing that the host knows nothing about."""
        return (0, 0, self.file_type, 1, 0, 0, 0, 0)

    def set_flags(self, flags: FdFlags) -> None:
        """Change how the descriptor behaves: whether it waits.  That is for the guest; the host's flag is everyone's who has the file."""
        if flags & ~FdFlags.NONBLOCK:
            raise Failure(Errno.NOTSUP)
        self.flags = int(flags)

    @property
    def shown(self) -> int:
        """The rights as the guest is told of them."""
        return self.rights & ~REFUSED_READ_ONLY if self.read_only else self.rights

    def sync(self, *, data_only: bool) -> None:
        """Have the host write to the disk what it keeps."""
        del data_only
        raise Failure(Errno.INVAL)

    def host_fd(self) -> int | None:
        """The host's descriptor to wait for; None when reading and writing never wait."""
        return None

    def waiting_bytes(self) -> int:
        """How many bytes can be read without waiting, as far as that is known; at least 1 otherwise."""
        return 1

    def freeze(self, number: int) -> Frozen:
        """What finds it again where the guest goes on; `number`: the guest's for it.  Raises: `SnapshotError` without that number."""
        del number
        raise SnapshotError(f"a {type(self).__name__}, cannot travel")

    def close(self) -> None:
        """Give back what the host gave."""


@contextmanager
def closed_on_error(descriptor: Descriptor) -> Iterator[None]:
    """Close what was just opened if the block raises."""
    try:
        yield
    except BaseException:
        descriptor.close()
        raise


class DescriptorTable:
    """Descriptors by number; new ones get the lowest free number, as in POSIX."""

    def __init__(self) -> None:
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
        if len(self._by_number) >= min(MOST_DESCRIPTORS, hostio.most_descriptors() // 4):
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

    def freeze(self) -> tuple[Frozen, ...]:
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
        self._by_number.pop(number).close()

    def renumber(self, number: int, to: int) -> None:
        """Move a descriptor to the number of another, which is closed; both must exist."""
        moved, replaced = self.find(number, 0), self.find(to, 0)
        if moved is not replaced:
            self._by_number[to] = self._by_number.pop(number)
            replaced.close()

    def close_all(self) -> None:
        """Close everything."""
        while self._by_number:
            self._by_number.popitem()[1].close()
