"""`arenite run`: run a WASI program, or one exported function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite import Engine, Linker, Store
from arenite.cli import guest
from arenite.cli.command import command
from arenite.cli.loading import load, refusing
from arenite.cli.options import configured, settings_option, tier_option

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName


@command(context_settings=guest.ARGUMENTS_LAST)
@guest.file_argument
@guest.arguments_argument
@guest.dirs_option
@guest.env_option
@guest.fuel_option
@tier_option
@settings_option
@guest.invoke_option
def run(
    file: Path,
    arguments: tuple[str, ...],
    *,
    dirs: tuple[str, ...],
    env: tuple[str, ...],
    fuel: int | None,
    tier: TierName,
    settings: tuple[str, ...],
    invoke: str | None,
) -> None:
    """Run a program.

    The program sees nothing of this machine but its arguments, standard input and output, and what --dir and --env give it.
    Options stand before FILE; what follows FILE belongs to the program.

    For example:

    arenite run hello.wasm

    arenite run --dir .::/w python.wasm -c 'print(1)'

    arenite run --invoke add sums.wat 1 2
    """
    config = guest.wasi_config(file, arguments, env=env, dirs=dirs)
    engine = Engine(configured(tier, settings, fuel=fuel is not None))
    module = load(engine, file)
    with Store(engine) as store:
        with guest.opening_directories():
            store.set_wasi(config)
        if fuel is not None:
            store.set_fuel(fuel)
        with refusing(file):
            linker = Linker(engine)
            linker.define_wasi()
            instance = linker.instantiate(store, module)
        for func, operands in guest.entry(file, invoke, arguments)(store, instance):
            results = func(store, *operands)
            guest.show(results if isinstance(results, list) else [] if results is None else [results])
