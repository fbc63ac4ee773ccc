"""`arenite run`: run a WASI program, or one exported function."""

from __future__ import annotations

from arenite import Engine, Linker, Store
from arenite.cli import guest
from arenite.cli.loading import load, refusing
from arenite.cli.options import DEFAULTS, Settings, Tier, configured


def run(
    file: guest.File,
    arguments: guest.Arguments = None,
    *,
    dirs: guest.Directories = None,
    env: guest.Variables = None,
    fuel: guest.Fuel = None,
    tier: Tier = DEFAULTS.tier,
    settings: Settings = None,
    invoke: guest.Invoke = None,
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
