"""Where a program is to stop, and freezing it there: what `--at` says.

Example:  run_and_save(driver, saving, stop_at("fuel=1000"))
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import click

from arenite import Finished
from arenite.cli import guest
from arenite.cli.ending import REFUSED, complain
from arenite.errors import Exit, Trap
from arenite.light import dataclass
from arenite.visible import visible

if TYPE_CHECKING:
    from arenite import Module, Paused
    from arenite.cli.snapshot_file import Saving
    from arenite.driver import Driver

FORMS: Final = "stdin|fuel=N|seconds=S|call=MODULE.NAME"


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
    """What `--at` says.  Raises: click.BadParameter."""
    name, _, value = text.partition("=")
    try:
        if text == "stdin":
            return StopAt(text, stdin=True)
        if name == "fuel" and 0 <= int(value, 0) <= guest.MOST_FUEL:
            return StopAt(text, fuel=int(value, 0))
        if name == "seconds" and 0 <= float(value) < math.inf:
            return StopAt(text, seconds=float(value))
    except ValueError:  # no number
        pass
    if name == "call" and "." in value:
        return StopAt(text, call=value)
    raise click.BadParameter(f"{text!r} is not of the form {FORMS}", param_hint="--at")


def check_call(at: StopAt, module: Module) -> None:
    """Refuse to wait for a call that the module cannot make.  Raises: click.BadParameter."""
    names = [f"{i.module}.{i.name}" for i in module.imports]
    if at.call is not None and at.call not in names:
        there = visible(", ".join(names)) or "nothing"
        raise click.BadParameter(f"the program imports no {at.call!r}; it imports: {there}", param_hint="--at")


def run_and_save(driver: Driver, saving: Saving, at: StopAt) -> None:
    """Freeze the guest where it is to stop.  Raises: what ended it before; Exit(1) in place of a good end."""
    try:
        outcome = at.run(driver)
    except Trap:
        missed(at)
        raise
    except Exit as error:
        missed(at, f": it {error}")
        raise (error if error.code else click.exceptions.Exit(REFUSED)) from None
    if isinstance(outcome, Finished):
        guest.show(outcome.values)
        missed(at)
        raise click.exceptions.Exit(REFUSED)
    saving.save(driver.store)


def missed(at: StopAt, why: str = "") -> None:
    """Say that there is no snapshot."""
    complain(f"nothing was frozen: the program ended before it was at {at.text}{why}")
