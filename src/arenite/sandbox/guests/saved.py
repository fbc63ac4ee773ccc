"""A guest out of a file: any that arenite brings.

Example:  Sandbox.open("box.arn")
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from arenite.errors import Failure
from arenite.sandbox.guests import wire
from arenite.sandbox.guests.cpython import PACKAGES
from arenite.sandbox.guests.numpython import LIBRARY, UNUSED

if TYPE_CHECKING:
    from arenite import FuncType
    from arenite.sandbox.guests.guest import Request, Start


@dataclass(frozen=True)
class Saved:
    """One that speaks JSON, with whatever those have that do.  It goes on from where it was."""

    name = "a guest out of a file"
    prompt = wire.PROMPT
    shared = (LIBRARY, PACKAGES)
    calls_tools = True

    @property
    def unused(self) -> dict[tuple[str, str], FuncType]:
        """Of all of them."""
        return UNUSED

    def image(self) -> Start:
        """None."""
        raise Failure("a guest out of a file has no beginning")

    def encode(self, request: Request) -> bytes:
        """As all that speak JSON."""
        return wire.encode(request)

    def decode(self, answer: bytes) -> tuple[object, str | None]:
        """As all that speak JSON."""
        return wire.decode(answer)
