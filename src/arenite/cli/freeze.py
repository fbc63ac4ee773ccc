"""`arenite freeze`: run a program to a place, and write a snapshot of it there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arenite.api import Engine, Finished, Store
from arenite.cli.ending import REFUSED, complain
from arenite.cli.guest import Arguments, Directories, File, Fuel, Invoke, Variables, calls, give, given, show, wasi
from arenite.cli.journey import Input, Journey, fuelled
from arenite.cli.key import KeyFile, key
from arenite.cli.loading import load, refusing
from arenite.cli.options import DEFAULTS, Settings, Tier, configured
from arenite.cli.place import At, check_call, place
from arenite.cli.saving import OUT, NoEmbed, Packed, Parent, Saving
from arenite.errors import Exit, Trap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from arenite.api import Instance
    from arenite.cli.guest import Call
    from arenite.cli.place import Place

Out = Annotated[Path, OUT]


def freeze(
    file: File,
    arguments: Arguments = None,
    *,
    out: Out,
    at: At,
    packed: Packed = False,
    no_embed: NoEmbed = False,
    parent: Parent = None,
    key_file: KeyFile = None,
    dirs: Directories = None,
    env: Variables = None,
    fuel: Fuel = None,
    tier: Tier = DEFAULTS.tier,
    settings: Settings = None,
    invoke: Invoke = None,
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
    where = place(at)
    config = given(file, arguments, env=env, dirs=dirs)
    stdin = Input() if where.stdin else None
    if stdin is not None:
        config.stdin = stdin
    engine = Engine(configured(tier, settings, fuel=fuel is not None or where.fuel is not None))
    saving = Saving.checked(engine, out, packed=packed, no_embed=no_embed, parent=parent, key=key(key_file))
    module = load(engine, file)
    check_call(where, module)
    with Store(engine) as store:
        give(store, config)
        fuelled(store, fuel, where)
        with refusing(file):
            wasi(engine).start(store, module)
        go_and_save(
            Journey(store, where, stdin), store, saving, where, lambda instance: calls(instance, store, file, invoke, arguments)
        )


def go_and_save(journey: Journey, store: Store, saving: Saving, at: Place, after: Callable[[Instance], Iterable[Call]]) -> None:
    """Go to the place and freeze there.  Raises: what ended the guest before; Exit(1) in place of a good end."""
    try:
        outcome = journey.go(after)
    except Trap:
        missed(at)
        raise
    except Exit as error:
        missed(at, f": it {error}")
        raise (error if error.code else typer.Exit(REFUSED)) from None
    if isinstance(outcome, Finished):
        show(outcome.values)
        missed(at)
        raise typer.Exit(REFUSED)
    saving.save(store)


def missed(at: Place, why: str = "") -> None:
    """Say that there is no snapshot."""
    complain(f"nothing was frozen: the program ended before it was at {at.text}{why}")
