"""Whatever a guest has open: how each kind answers, and what none can do but some.

`Resource` says what a kind cannot do; kinds say what they can (`files`, `directories`, `streams`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from arenite.errors import SnapshotError
from arenite.world.refused import Reason, Refused
from arenite.world.stat import FileType, Stat

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from arenite.world.origin import Standard
    from arenite.world.travel import Kept

Advance: TypeAlias = Callable[[int], object]  # called behind a piece with its bytes, if there is another


def not_divided(_: int) -> None:
    """An `Advance` for what is written in one piece."""


class Resource:
    """An open thing.

    `type`: what kind of thing it is to the guest.   `stream`: what makes it a standard stream, if it is one.
    `read_only`: it lies in a directory that was given for reading only.   `waits`: reading and writing wait until they can be done.
    `places`: it has offsets, so it can be read and written anywhere.   `unmet`: see `File`.
    """

    read_only = False
    places = False
    unmet = False
    waits = True
    stream: Standard | None = None

    def __init__(self, type_: FileType) -> None:
        self.type = type_

    def read(self, buffers: Sequence[memoryview], *, pause: bool) -> int:
        """Fill buffers; how many bytes.  `pause`: raise `NotReady`, and do nothing, rather than wait for standard input."""
        del buffers, pause
        raise Refused(Reason.NOT_OPEN_FOR_THAT)

    def write(self, buffers: Sequence[memoryview], advance: Advance = not_divided) -> int:
        """Write buffers; how many bytes.  `advance`: called between two pieces."""
        del buffers, advance
        raise Refused(Reason.NOT_OPEN_FOR_THAT)

    def write_at_once(self, buffers: Sequence[memoryview]) -> int:
        """Write what goes in without waiting; how many bytes."""
        del buffers
        raise Refused(Reason.NOT_OPEN_FOR_THAT)

    def stat(self) -> Stat:
        """What is known of it."""
        return Stat(type=self.type)

    def set_waits(self, *, on: bool) -> None:
        """Have it wait, or not.  That is for the guest; the host's flag is everyone's who has the file."""
        self.waits = on

    def sync(self, *, data_only: bool) -> None:
        """Have the host write to the disk what it keeps."""
        del data_only
        raise Refused(Reason.INVALID)

    def check_changes(self) -> None:
        """Refuse to change what is for reading only."""
        if self.read_only:
            raise Refused(Reason.READ_ONLY)

    def host_fd(self) -> int | None:
        """The host's descriptor to wait for; None when reading and writing never wait."""
        return None

    def waiting_bytes(self) -> int:
        """How many bytes can be read without waiting, as far as that is known; at least 1 otherwise."""
        return 1

    def freeze(self) -> Kept:
        """What finds it again where the guest goes on.  Raises: `SnapshotError`."""
        raise SnapshotError(f"a {type(self).__name__}, cannot travel")

    def close(self) -> None:
        """Give back what the host gave."""


class ClosedOnError:
    """Close what was just opened if the block raises."""

    __slots__ = ("_resource",)

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def __enter__(self) -> None:
        """The block begins."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if kind is not None:
            self._resource.close()
