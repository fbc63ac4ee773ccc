"""What a WASI call answers when it fails, and which error of the host or of the world becomes which.

- `Errno` is the list of the standard; its names are POSIX's without the E, so most host errors map by name.
- `Failure` is how a call of this dialect says so: raised where it is found, turned into a number where the guest called.

    raise Failure(Errno.BADF)
"""

from __future__ import annotations

import errno as host
from enum import IntEnum

from arenite.world.refused import Reason, Refused


class Errno(IntEnum):
    """The error codes of preview 1, in the standard's order (success is 0)."""

    SUCCESS = 0
    TOOBIG = 1
    ACCES = 2
    ADDRINUSE = 3
    ADDRNOTAVAIL = 4
    AFNOSUPPORT = 5
    AGAIN = 6
    ALREADY = 7
    BADF = 8
    BADMSG = 9
    BUSY = 10
    CANCELED = 11
    CHILD = 12
    CONNABORTED = 13
    CONNREFUSED = 14
    CONNRESET = 15
    DEADLK = 16
    DESTADDRREQ = 17
    DOM = 18
    DQUOT = 19
    EXIST = 20
    FAULT = 21
    FBIG = 22
    HOSTUNREACH = 23
    IDRM = 24
    ILSEQ = 25
    INPROGRESS = 26
    INTR = 27
    INVAL = 28
    IO = 29
    ISCONN = 30
    ISDIR = 31
    LOOP = 32
    MFILE = 33
    MLINK = 34
    MSGSIZE = 35
    MULTIHOP = 36
    NAMETOOLONG = 37
    NETDOWN = 38
    NETRESET = 39
    NETUNREACH = 40
    NFILE = 41
    NOBUFS = 42
    NODEV = 43
    NOENT = 44
    NOEXEC = 45
    NOLCK = 46
    NOLINK = 47
    NOMEM = 48
    NOMSG = 49
    NOPROTOOPT = 50
    NOSPC = 51
    NOSYS = 52
    NOTCONN = 53
    NOTDIR = 54
    NOTEMPTY = 55
    NOTRECOVERABLE = 56
    NOTSOCK = 57
    NOTSUP = 58
    NOTTY = 59
    NXIO = 60
    OVERFLOW = 61
    OWNERDEAD = 62
    PERM = 63
    PIPE = 64
    PROTO = 65
    PROTONOSUPPORT = 66
    PROTOTYPE = 67
    RANGE = 68
    ROFS = 69
    SPIPE = 70
    SRCH = 71
    STALE = 72
    TIMEDOUT = 73
    TXTBSY = 74
    XDEV = 75
    NOTCAPABLE = 76


class Failure(Exception):  # noqa: N818 - it is no error of the host's: the guest gets its number
    """A call fails with `errno`; it never leaves this package."""

    def __init__(self, errno: Errno) -> None:
        super().__init__(errno.name)
        self.errno = errno


OTHER_NAMES = {"E2BIG": Errno.TOOBIG, "EOPNOTSUPP": Errno.NOTSUP, "EWOULDBLOCK": Errno.AGAIN}


def by_host_number() -> dict[int, Errno]:
    """Which `Errno` each of the host's numbers is; what has no name in the standard is missing."""
    names = {f"E{errno.name}": errno for errno in Errno} | OTHER_NAMES
    return {number: names[name] for number, name in host.errorcode.items() if name in names}


BY_HOST_NUMBER = by_host_number()


BY_REASON = {
    Reason.BUSY: Errno.BUSY,
    Reason.EXISTS: Errno.EXIST,
    Reason.INVALID: Errno.INVAL,
    Reason.IS_DIRECTORY: Errno.ISDIR,
    Reason.LEADS_OUT: Errno.PERM,
    Reason.MISSING: Errno.NOENT,
    Reason.NOT_DIRECTORY: Errno.NOTDIR,
    Reason.NOT_OPEN_FOR_THAT: Errno.BADF,
    Reason.NOT_SUPPORTED: Errno.NOTSUP,
    Reason.NOT_YET: Errno.AGAIN,
    Reason.READ_ONLY: Errno.ROFS,
    Reason.TOO_LONG: Errno.NAMETOOLONG,
    Reason.TOO_MANY_LINKS: Errno.LOOP,
    Reason.TOO_MANY_OPEN: Errno.MFILE,
}


def of(error: Failure | Refused | OSError) -> Errno:
    """The code for an error; `IO` when the host says nothing that the standard knows."""
    if isinstance(error, Failure):
        return error.errno
    return BY_REASON[error.reason] if isinstance(error, Refused) else BY_HOST_NUMBER.get(error.errno or 0, Errno.IO)
