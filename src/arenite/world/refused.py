"""Why the world refuses what a guest asks for: in words of its own, which each dialect translates by a table.

What the host refuses stays the `OSError` that it is.

    raise Refused(Reason.LEADS_OUT)
"""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """Why not, with a text for people."""

    BUSY = "that directory is in use"
    EXISTS = "there is something of that name"
    INVALID = "it cannot be done with that"
    IS_DIRECTORY = "it is a directory"
    LEADS_OUT = "it leads out of the directory that the guest was given"
    MISSING = "there is nothing of that name"
    NOT_DIRECTORY = "it is not a directory"
    NOT_OPEN_FOR_THAT = "it is not open for that"
    NOT_SUPPORTED = "the host does not have it"
    NOT_YET = "it would have to wait"
    READ_ONLY = "it is for reading only"
    TOO_LONG = "the path is too long"
    TOO_MANY_LINKS = "there are too many symbolic links on the way"
    TOO_MANY_OPEN = "too much is open"


class Refused(Exception):  # noqa: N818 - it is no error of the host's: the dialect tells the guest
    """What the guest asks for is not done; a dialect lets it go no further."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def explain(error: Refused | OSError) -> str:
    """What went wrong, for people; without the host's path, which the guest's state does not know."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
