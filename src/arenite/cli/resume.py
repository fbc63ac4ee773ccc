"""`arenite resume`: go on from a snapshot, to the end or to a place where it is frozen again."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Annotated

import typer

from arenite.api import Engine, Finished
from arenite.cli.ending import Refused
from arenite.cli.freeze import go_and_save
from arenite.cli.guest import Directories, Fuel, show, streams
from arenite.cli.journey import Input, Journey, fuelled
from arenite.cli.key import KeyFile, Untrusted, key
from arenite.cli.loading import refusing
from arenite.cli.opening import Modules, SnapshotFile, Verify, opened, program_of
from arenite.cli.options import DEFAULTS, Settings, Tier, configured
from arenite.cli.place import END, MaybeAt, place
from arenite.cli.saving import OUT, NoEmbed, Packed, Parent, Saving

Out = Annotated[Path | None, OUT]


def resume(
    file: SnapshotFile,
    *,
    dirs: Directories = None,
    fuel: Fuel = None,
    tier: Tier = DEFAULTS.tier,
    settings: Settings = None,
    modules: Modules = None,
    verify: Verify = False,
    out: Out = None,
    at: MaybeAt = None,
    packed: Packed = False,
    no_embed: NoEmbed = False,
    parent: Parent = None,
    key_file: KeyFile = None,
    untrusted: Untrusted = False,
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
        raise typer.BadParameter("to freeze the program again, give both -o and --at", param_hint="-o")
    where = END if at is None else place(at)
    config = streams(dirs)
    stdin = Input(functools.partial(os.read, 0)) if where.stdin else None
    if stdin is not None:
        config.stdin = stdin
    secret = key(key_file)
    engine = Engine(configured(tier, settings, fuel=fuel is not None or where.fuel is not None))
    if out is None:
        Saving.none(packed=packed, no_embed=no_embed, parent=parent)
    saving = (
        None
        if out is None
        else Saving.checked(engine, out, packed=packed, no_embed=no_embed, parent=parent, key=secret, trusted=not untrusted)
    )
    snapshot = opened(file, engine, config, modules=modules, verify=verify, key=secret, trusted=not untrusted)
    with refusing(file):
        store = snapshot.fork(wasi=config)
    with store:
        if store.execution is None:
            raise Refused(f"{file}: nothing is going on in it: it was frozen between calls")
        fuelled(store, fuel, where)
        journey = Journey(store, where, stdin)
        if saving is not None:
            go_and_save(journey, store, saving, where, program_of(store, file))
            return
        outcome = journey.go(program_of(store, file))
        assert isinstance(outcome, Finished)
        show(outcome.values)
