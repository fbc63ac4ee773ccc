"""`arenite freeze`: run a program to where `--at` says, and write a snapshot of it there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from arenite import Engine, Finished
from arenite.cli import guest
from arenite.cli.ending import REFUSED, complain
from arenite.cli.loading import load, refusing
from arenite.cli.options import DEFAULTS, Settings, Tier, configured
from arenite.cli.snapshot_file import OUT, KeyFile, NoEmbed, Packed, Parent, Saving, key
from arenite.cli.waiting import UnendedInput, wait_for_input
from arenite.driver import Driver
from arenite.errors import Exit, Trap

if TYPE_CHECKING:
    from arenite import Module, Paused

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
        if name == "fuel" and 0 <= int(value, 0) <= guest.MOST_FUEL:
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


Out = Annotated[Path, OUT]


def freeze(
    file: guest.File,
    arguments: guest.Arguments = None,
    *,
    out: Out,
    at: At,
    packed: Packed = False,
    no_embed: NoEmbed = False,
    parent: Parent = None,
    key_file: KeyFile = None,
    dirs: guest.Directories = None,
    env: guest.Variables = None,
    fuel: guest.Fuel = None,
    tier: Tier = DEFAULTS.tier,
    settings: Settings = None,
    invoke: guest.Invoke = None,
) -> None:
    """Run a program until it is where --at says, and write a snapshot of it there.

    --at stdin: where it first waits for standard input, of which it gets nothing here.

    --at fuel=N: after exactly N units of fuel, one per call, loop iteration and piece of bulk work; the same place on every machine.

    --at seconds=S: when so much time has passed.

    --at call=MODULE.NAME: before the first call of that import.

    A program that ends or traps before is not frozen, and no file is written.
    `arenite resume` and `arenite fork` go on from the file.

    For example:

    arenite freeze --at stdin -o booted.arn python.wasm -c 'import sys; exec(sys.stdin.read())'
    """
    where = stop_at(at)
    config = guest.wasi_config(file, arguments, env=env, dirs=dirs)
    stdin = UnendedInput() if where.stdin else None
    if stdin is not None:
        config.stdin = stdin
    engine = Engine(configured(tier, settings, fuel=fuel is not None or where.fuel is not None))
    saving = Saving.checked(engine, out, packed=packed, no_embed=no_embed, parent=parent, key=key(key_file))
    module = load(engine, file)
    check_call(where, module)
    with refusing(file), guest.opening_directories():
        driver = Driver.begin(
            module,
            guest.entry(file, invoke, arguments),
            wasi=config,
            fuel=fuel,
            wait=wait_for_input if stdin is None else stdin.wait,
        )
    with driver:
        run_and_save(driver, saving, where)


def run_and_save(driver: Driver, saving: Saving, at: StopAt) -> None:
    """Freeze the guest where it is to stop.  Raises: what ended it before; Exit(1) in place of a good end."""
    try:
        outcome = at.run(driver)
    except Trap:
        missed(at)
        raise
    except Exit as error:
        missed(at, f": it {error}")
        raise (error if error.code else typer.Exit(REFUSED)) from None
    if isinstance(outcome, Finished):
        guest.show(outcome.values)
        missed(at)
        raise typer.Exit(REFUSED)
    saving.save(driver.store)


def missed(at: StopAt, why: str = "") -> None:
    """Say that there is no snapshot."""
    complain(f"nothing was frozen: the program ended before it was at {at.text}{why}")
