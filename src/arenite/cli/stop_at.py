"""`--at`: where a guest is stopped.

Example:  stop_at("fuel=1000").fuel == 1000
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from arenite.cli.guest import MOST_FUEL

if TYPE_CHECKING:
    from arenite import Finished, Module, Paused
    from arenite.driver import Driver

FORMS: Final = "stdin|fuel=N|seconds=S|call=MODULE.NAME"

At = Annotated[str, typer.Option("--at", metavar=FORMS, show_default=False, help="Where to freeze it; see above.")]
MaybeAt = Annotated[str | None, typer.Option("--at", metavar=FORMS, show_default=False, help="Where to freeze it; goes with -o.")]


@dataclass(frozen=True)
class StopAt:
    """Where to stop: `text` as it was given, and the one thing that it says."""

    text: str
    stdin: bool = False
    fuel: int | None = None
    seconds: float | None = None
    call: str | None = None

    def run(self, driver: Driver) -> Finished | Paused:
        """Go there, or to the program's end.  Raises: as `Driver.run`."""
        return driver.run(fuel=self.fuel, deadline=self.seconds, pause_at=() if self.call is None else (self.call,))


def stop_at(text: str) -> StopAt:
    """What `--at` says.  Raises: typer.BadParameter."""
    name, _, value = text.partition("=")
    try:
        if text == "stdin":
            return StopAt(text, stdin=True)
        if name == "fuel" and 0 <= int(value, 0) <= MOST_FUEL:
            return StopAt(text, fuel=int(value, 0))
        if name == "seconds" and 0 <= float(value) < math.inf:
            return StopAt(text, seconds=float(value))
    except ValueError:  # no number
        pass
    if name == "call" and "." in value:
        return StopAt(text, call=value)
    raise typer.BadParameter(f"{text!r} is not of the form {FORMS}", param_hint="--at")


def check_call(at: StopAt, module: Module) -> None:
    """Refuse to wait for a call that the module cannot make.  Raises: typer.BadParameter."""
    names = [f"{i.module}.{i.name}" for i in module.imports]
    if at.call is not None and at.call not in names:
        raise typer.BadParameter(
            f"the program imports no {at.call!r}; it imports: {', '.join(names) or 'nothing'}", param_hint="--at"
        )
