"""`--at`: a place in a guest's run.

Example:  place("fuel=1000").fuel == 1000
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from arenite.layout.types import MAX_U64

if TYPE_CHECKING:
    from arenite.api import Module

FORMS: Final = "stdin|fuel=N|seconds=S|call=MODULE.NAME"

At = Annotated[str, typer.Option("--at", metavar=FORMS, show_default=False, help="Where to freeze it; see above.")]
MaybeAt = Annotated[str | None, typer.Option("--at", metavar=FORMS, show_default=False, help="Where to freeze it; goes with -o.")]


@dataclass(frozen=True)
class Place:
    """Where to stop: `text` as it was given, and the one thing that it says."""

    text: str
    stdin: bool = False
    fuel: int | None = None
    seconds: float | None = None
    call: str | None = None


END: Final = Place("its end")


def place(text: str) -> Place:
    """What `--at` says.  Raises: typer.BadParameter."""
    name, _, value = text.partition("=")
    try:
        if text == "stdin":
            return Place(text, stdin=True)
        if name == "fuel" and 0 <= int(value, 0) <= MAX_U64:
            return Place(text, fuel=int(value, 0))
        if name == "seconds" and 0 <= float(value) < math.inf:
            return Place(text, seconds=float(value))
    except ValueError:  # no number
        pass
    if name == "call" and "." in value:
        return Place(text, call=value)
    raise typer.BadParameter(f"{text!r} is not of the form {FORMS}", param_hint="--at")


def check_call(at: Place, module: Module) -> None:
    """Refuse to wait for a call that the module cannot make.  Raises: typer.BadParameter."""
    names = [f"{i.module}.{i.name}" for i in module.imports]
    if at.call is not None and at.call not in names:
        raise typer.BadParameter(
            f"the program imports no {at.call!r}; it imports: {', '.join(names) or 'nothing'}", param_hint="--at"
        )
