"""The calls on sockets.  A guest is given none, so what it asks is answered as for any other descriptor: it is no socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from arenite.wasi.errno import Errno, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.wasi.abi import Guest
    from arenite.wasi.descriptors import Descriptor
    from arenite.wasi.records import FdFlags


def sock_accept(_: Guest, fd: Descriptor, flags: FdFlags) -> NoReturn:
    """Accept a connection."""
    del fd, flags
    raise Failure(Errno.NOTSOCK)


def sock_recv(_: Guest, fd: Descriptor, ri_data: Sequence[memoryview], ri_flags: int) -> NoReturn:
    """Receive a message."""
    del fd, ri_data, ri_flags
    raise Failure(Errno.NOTSOCK)


def sock_send(_: Guest, fd: Descriptor, si_data: Sequence[memoryview], si_flags: int) -> NoReturn:
    """Send a message."""
    del fd, si_data, si_flags
    raise Failure(Errno.NOTSOCK)


def sock_shutdown(_: Guest, fd: Descriptor, how: int) -> NoReturn:
    """Shut a connection down."""
    del fd, how
    raise Failure(Errno.NOTSOCK)
