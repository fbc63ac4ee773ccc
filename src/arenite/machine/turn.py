"""One thread at a time: who may change a machine.

A turn is never waited for: two threads that want it are an error of their program.  It must not be left behind either, and the exception
of a signal's handler may come behind any call and at the beginning of any function of Python's, but nowhere else.  So whether the turn
was taken stands in the set itself, which one call changes, and nothing comes between the end of the work and the call that gives it back.
"""

from __future__ import annotations

import functools
from threading import get_ident
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, TypeVar

from arenite.errors import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.machine.machine import Machine

IN_USE: Final = "the store is in use by another thread"

P = ParamSpec("P")
R = TypeVar("R")


def alone(function: Callable[Concatenate[Machine, P], R]) -> Callable[Concatenate[Machine, P], R]:
    """Keep other threads out while a function of a machine runs.  Raises: `Failure` when one is in."""

    def one_at_a_time(machine: Machine, /, *args: P.args, **kwargs: P.kwargs) -> R:
        me, users = get_ident(), machine.users
        outermost = me not in users
        try:
            if outermost:
                users.add(me)
                if len(users) > 1:
                    raise Failure(IN_USE)
            return function(machine, *args, **kwargs)
        finally:
            if outermost:
                users.discard(me)

    return functools.update_wrapper(one_at_a_time, function)
