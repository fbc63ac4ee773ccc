"""The calls about the guest itself: arguments, environment, clocks, random bytes, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from arenite.errors import Exit
from arenite.wasi.errno import Errno, Failure
from arenite.wasi.records import U32

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.wasi.abi import Guest
    from arenite.world.clocks import Clock

RANDOM_PIECE = 1 << 16


def put_strings(guest: Guest, strings: Sequence[bytes], pointers: int, at: int) -> None:
    """Write zero-terminated strings one after the other, and the address of each."""
    table = guest.bytes(pointers, len(strings) * U32.size)
    text = b"".join(string + b"\0" for string in strings)
    guest.bytes(at, len(text))[:] = text
    for index, string in enumerate(strings):
        U32.pack_into(table, index * U32.size, at)
        at += len(string) + 1


def sizes(strings: Sequence[bytes]) -> tuple[int, int]:
    """How many strings there are, and how many bytes they take."""
    return len(strings), sum(map(len, strings)) + len(strings)


def args_get(guest: Guest, argv: int, argv_buf: int) -> None:
    """Copy the arguments."""
    put_strings(guest, guest.session.world.args, argv, argv_buf)


def args_sizes_get(guest: Guest) -> tuple[int, int]:
    """How many arguments there are, and how many bytes they take."""
    return sizes(guest.session.world.args)


def environ_get(guest: Guest, environ: int, environ_buf: int) -> None:
    """Copy the environment."""
    put_strings(guest, guest.session.world.env, environ, environ_buf)


def environ_sizes_get(guest: Guest) -> tuple[int, int]:
    """How many variables the environment has, and how many bytes they take."""
    return sizes(guest.session.world.env)


def clock_res_get(guest: Guest, clock: Clock) -> int:
    """The resolution of a clock."""
    return guest.session.world.clocks.resolution(clock)


def clock_time_get(guest: Guest, clock: Clock, precision: int) -> int:
    """The time of a clock."""
    del precision  # the host's clocks have one precision, the best
    return guest.session.world.clocks.now(clock)


def random_get(guest: Guest, buf: memoryview) -> None:
    """Fill a buffer with random bytes, a piece at a time."""
    caller = guest.caller
    for start in range(caller.progress, len(buf), RANDOM_PIECE):
        end = min(start + RANDOM_PIECE, len(buf))
        buf[start:end] = guest.session.world.random(end - start)
        caller.progress = end
        caller.checkpoint()


def proc_exit(_: Guest, code: int) -> NoReturn:
    """End the guest."""
    raise Exit(code)


def proc_raise(_: Guest, signal: int) -> NoReturn:
    """Send the guest a signal: there are none here."""
    del signal
    raise Failure(Errno.NOTSUP)


def sched_yield(_: Guest) -> None:
    """Let others run: nothing to do, the host's threads need no asking."""
