"""`arenite freeze`: run a program to where `--at` says, and write a snapshot of it there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import click

from arenite import Engine, Finished
from arenite.cli import guest
from arenite.cli.ending import REFUSED, complain
from arenite.cli.loading import load, refusing
from arenite.cli.options import configured, settings_option, tier_option
from arenite.cli.snapshot_file import (
    Saving,
    key,
    key_file_option,
    no_embed_option,
    out_option,
    packed_option,
    parent_option,
)
from arenite.cli.waiting import UnendedInput, wait_for_input
from arenite.driver import Driver
from arenite.errors import Exit, Trap
from arenite.light import dataclass
from arenite.visible import visible

if TYPE_CHECKING:
    from pathlib import Path

    from arenite import Module, Paused
    from arenite.config import TierName

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


@click.command(context_settings=guest.ARGUMENTS_LAST)
@guest.file_argument
@guest.arguments_argument
@out_option(required=True)
@click.option("--at", required=True, metavar=FORMS, help="Where to freeze it; see above.")
@packed_option
@no_embed_option
@parent_option
@key_file_option
@guest.dirs_option
@guest.env_option
@guest.fuel_option
@tier_option
@settings_option
@guest.invoke_option
def freeze(
    file: Path,
    arguments: tuple[str, ...],
    *,
    out: Path,
    at: str,
    packed: bool,
    no_embed: bool,
    parent: Path | None,
    key_file: Path | None,
    dirs: tuple[str, ...],
    env: tuple[str, ...],
    fuel: int | None,
    tier: TierName,
    settings: tuple[str, ...],
    invoke: str | None,
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
        raise (error if error.code else click.exceptions.Exit(REFUSED)) from None
    if isinstance(outcome, Finished):
        guest.show(outcome.values)
        missed(at)
        raise click.exceptions.Exit(REFUSED)
    saving.save(driver.store)


def missed(at: StopAt, why: str = "") -> None:
    """Say that there is no snapshot."""
    complain(f"nothing was frozen: the program ended before it was at {at.text}{why}")
