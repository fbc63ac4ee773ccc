"""What goes wrong between machines, by name.

CodeError        the code of an item raised, or reached a limit      (answer)
LostError        an item was given up: its workers were lost, one after the other
StalledError     a worker did not answer in time
StoreFullError   the object store has no room for the image
PoolError        there is no node that could work
"""

from __future__ import annotations

from arenite.errors import Failure


class CodeError(Failure):
    """What the code of an item raised, as a traceback, or the limit that it has reached."""


class LostError(Failure):
    """An item was given up: each worker that had it was lost."""


class StalledError(Failure):
    """A worker did not answer in time."""


class StoreFullError(Failure):
    """The object store has no room."""


class PoolError(Failure):
    """No node of a pool can work."""
