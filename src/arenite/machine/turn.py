"""One chain of calls at a time: who may change a machine.

A turn belongs to the thread that is in, and to a task whose guest waits while other tasks of its thread run: a `Holder`.  Whoever is called by
the one who has it may enter too: the same thread, and what a task's guest waits for.

A turn is never waited for: two that want it are an error of their program.  It must not be left behind either, and the exception
of a signal's handler may come behind any call and at the beginning of any function of Python's, but nowhere else.  So whether the turn
was taken stands in the set itself, which one call changes, and nothing comes between the end of the work and the call that gives it back.
"""

from __future__ import annotations

import functools
from threading import get_ident
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, Protocol, TypeAlias, TypeVar

from arenite.errors import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.machine.machine import Machine

IN_USE: Final = "the store is in use by another thread"

P = ParamSpec("P")
R = TypeVar("R")


class Holder(Protocol):
    """A task that has a machine's turn while its guest waits.  Its text says who it is."""

    def is_ours(self) -> bool:
        """Whether the caller is a part of what that task's guest waits for."""


User: TypeAlias = "int | Holder"
"""A thread, or a task."""


def admit(users: set[User], me: User) -> None:
    """Others are in: may `me` enter?  Raises: `Failure` unless all of them are tasks that wait for us."""
    for user in tuple(users):
        if isinstance(user, int):
            if user != get_ident():
                raise Failure(IN_USE)
        elif user is not me and not user.is_ours():
            raise Failure(f"the store is in use by {user}")


def admit_beside_tasks(users: set[User], me: User) -> None:
    """As `admit`, where tasks whose guests wait need not wait for us: nothing of theirs runs, and nothing that they rely on will change."""
    admit({user for user in tuple(users) if isinstance(user, int)}, me)


def _taking_turns(
    enter: Callable[[set[User], User], None],
) -> Callable[[Callable[Concatenate[Machine, P], R]], Callable[Concatenate[Machine, P], R]]:
    def alone(function: Callable[Concatenate[Machine, P], R]) -> Callable[Concatenate[Machine, P], R]:
        def one_at_a_time(machine: Machine, /, *args: P.args, **kwargs: P.kwargs) -> R:
            me, users = get_ident(), machine.users
            outermost = me not in users
            try:
                if outermost:
                    users.add(me)
                    if len(users) > 1:
                        enter(users, me)
                return function(machine, *args, **kwargs)
            finally:
                if outermost:
                    users.discard(me)

        return functools.update_wrapper(one_at_a_time, function)

    return alone


alone: Final = _taking_turns(admit)
"""Keep others out while a function of a machine runs.  Raises: `Failure` when one is in."""
at_rest: Final = _taking_turns(admit_beside_tasks)
"""The same, for what may also be done by anybody while a task's guest waits."""
