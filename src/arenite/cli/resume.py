"""`arenite resume`: go on from a snapshot, to the end or to a place where it is frozen again."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

import click

from arenite import Engine, Finished
from arenite.cli.command import command, option
from arenite.cli.guest import dirs_option, entry, fuel_option, show, streams
from arenite.cli.loading import refusing
from arenite.cli.options import configured, settings_option, tier_option
from arenite.cli.snapshot_file import (
    Saving,
    key,
    key_file_option,
    modules_option,
    no_embed_option,
    opened,
    out_option,
    packed_option,
    parent_option,
    snapshot_argument,
    untrusted_option,
    verify_option,
)
from arenite.cli.stopping import FORMS, run_and_save, stop_at
from arenite.cli.waiting import UnendedInput, wait_for_input
from arenite.driver import Driver

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName


@command()
@snapshot_argument
@dirs_option
@fuel_option
@tier_option
@settings_option
@modules_option
@verify_option
@out_option(required=False)
@option("--at", metavar=FORMS, help="Where to freeze it; goes with -o.")
@packed_option
@no_embed_option
@parent_option
@key_file_option
@untrusted_option
def resume(
    file: Path,
    *,
    dirs: tuple[str, ...],
    fuel: int | None,
    tier: TierName,
    settings: tuple[str, ...],
    modules: tuple[Path, ...],
    verify: bool,
    out: Path | None,
    at: str | None,
    packed: bool,
    no_embed: bool,
    parent: Path | None,
    key_file: Path | None,
    untrusted: bool,
) -> None:
    """Go on with a program that was frozen, with standard input and output of this process.

    Its arguments and environment are those that it was begun with: they are in the snapshot and cannot be changed.
    Of directories it has the names; --dir says again what they are.  Limits hold as --fuel and --set say here.

    With -o and --at it is frozen again, as by `arenite freeze`; there `--at stdin` is where it waits for input when all of standard
    input has been read.

    For example:

    echo 'print(6 * 7)' | arenite resume booted.arn

    echo 'import json' | arenite resume -o warm.arn --at stdin booted.arn
    """
    if (out is None) is not (at is None):
        raise click.BadParameter("to freeze the program again, give both -o and --at", param_hint="-o")
    where = None if at is None else stop_at(at)
    config = streams(dirs)
    stdin = UnendedInput(functools.partial(os.read, 0)) if where is not None and where.stdin else None
    if stdin is not None:
        config.stdin = stdin
    secret = key(key_file)
    engine = Engine(configured(tier, settings, fuel=fuel is not None or (where is not None and where.fuel is not None)))
    if out is None:
        Saving.none(packed=packed, no_embed=no_embed, parent=parent)
    saving = (
        None
        if out is None
        else Saving.checked(engine, out, packed=packed, no_embed=no_embed, parent=parent, key=secret, trusted=not untrusted)
    )
    snapshot = opened(file, engine, config, modules=modules, verify=verify, key=secret, trusted=not untrusted)
    with refusing(file):
        driver = Driver.resume(
            snapshot, entry(file), wasi=config, fuel=fuel, wait=wait_for_input if stdin is None else stdin.wait
        )
    with driver:
        if where is not None and saving is not None:
            run_and_save(driver, saving, where)
            return
        outcome = driver.run()
        assert isinstance(outcome, Finished)
        show(outcome.values)
