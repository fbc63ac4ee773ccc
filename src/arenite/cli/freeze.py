"""`arenite freeze`: run a program to where `--at` says, and write a snapshot of it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite import Engine
from arenite.cli import guest
from arenite.cli.command import command, option
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
from arenite.cli.stopping import FORMS, check_call, run_and_save, stop_at
from arenite.cli.waiting import UnendedInput, wait_for_input
from arenite.driver import Driver

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName


@command(context_settings=guest.ARGUMENTS_LAST)
@guest.file_argument
@guest.arguments_argument
@out_option(required=True)
@option("--at", required=True, metavar=FORMS, help="Where to freeze it; see above.")
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
