"""`arenite run`: run a WASI program, or one exported function."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arenite.api import Engine, Func, Linker, Store
from arenite.cli.ending import Refused
from arenite.cli.loading import load
from arenite.cli.options import DEFAULTS, Settings, Tier, configured
from arenite.errors import LinkError
from arenite.machine.values import integer
from arenite.wasi import WasiConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.api import Instance, Module, ValType

Directory = str | tuple[str, str]  # on the host, or that and "ro"


def directory(text: str) -> tuple[str, Directory]:
    """What `--dir` says: the guest's name of a directory, and the directory."""
    rest, read_only = (text.removesuffix(":ro"), True) if text.endswith(":ro") else (text, False)
    host, _, guest = rest.partition("::")
    return guest or host, (host, "ro") if read_only else host


def directories(texts: Sequence[str]) -> dict[str, Directory]:
    """Every `--dir`, by the guest's name.  Raises: typer.BadParameter for a name given twice."""
    found: dict[str, Directory] = {}
    for name, place in map(directory, texts):
        if name in found:
            raise typer.BadParameter(f"two directories are named {name!r}", param_hint="--dir")
        found[name] = place
    return found


def variable(text: str) -> tuple[str, str]:
    """What `--env` says: a name and its value."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"{text!r} is not of the form NAME=VALUE", param_hint="--env")
    return name, value


def operand(text: str, type_: ValType) -> int | float:
    """A number of the command line as an argument of the type `type_`."""
    try:
        return float(text) if str(type_) in {"f32", "f64"} else integer(int(text, 0), type_.code)
    except (ValueError, OverflowError, KeyError):  # not a number, one too large, a reference
        raise typer.BadParameter(f"{text!r} is not an {type_}", param_hint="ARGS") from None


def function(instance: Instance, store: Store, name: str) -> Func | None:
    """The function that the instance exports as `name`, if it does."""
    found = instance.exports(store).get(name)
    return found if isinstance(found, Func) else None


def invoke(instance: Instance, store: Store, name: str, arguments: Sequence[str]) -> None:
    """Call the export `name` with arguments from the command line; print its results, one on a line."""
    chosen = function(instance, store, name)
    if chosen is None:
        names = [n for n, item in instance.exports(store).items() if isinstance(item, Func)]
        raise Refused(f"no function {name!r} is exported; there are: {', '.join(names) or 'none'}")
    types = chosen.type(store).params
    if len(types) != len(arguments):
        wanted = " ".join(map(str, types)) or "nothing"
        raise typer.BadParameter(f"{name} takes {wanted}, but {len(arguments)} were given", param_hint="ARGS")
    initialize = function(instance, store, "_initialize")
    if initialize is not None:
        initialize(store)
    results = chosen(store, *map(operand, arguments, types))
    for result in results if isinstance(results, list) else [] if results is None else [results]:
        typer.echo(result)


def start(instance: Instance, store: Store, file: Path) -> None:
    """Run the program that the instance is."""
    main = function(instance, store, "_start")
    if main is None:
        raise Refused(f"{file} is not a program (it exports no _start); --invoke NAME calls one of its functions")
    main(store)


def give(store: Store, config: WasiConfig) -> None:
    """Give the store its WASI state.  Raises: typer.BadParameter for a directory that cannot be opened."""
    try:
        store.set_wasi(config)
    except OSError as error:
        raise typer.BadParameter(f"{error.filename!r}: {error.strerror}", param_hint="--dir") from error


def link(engine: Engine, store: Store, module: Module, file: Path) -> Instance:
    """Give the module what it imports, which can only be WASI."""
    linker = Linker(engine)
    linker.define_wasi()
    try:
        return linker.instantiate(store, module)
    except LinkError as error:
        raise Refused(f"{file}: {error}") from error


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False, help="A program: .wasm, or text in .wat.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="ARGS", show_default=False, help="The program's own arguments.")
    ] = None,
    *,
    dirs: Annotated[
        list[str] | None,
        typer.Option(
            "--dir",
            metavar="HOST[::GUEST][:ro]",
            help="Let the program use the directory HOST, under the name GUEST; `:ro`: only read.",
        ),
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option("--env", metavar="NAME=VALUE", help="Set an environment variable of the program.")
    ] = None,
    fuel: Annotated[
        int | None, typer.Option(min=0, help="Stop with exit code 124 after so many calls and loop iterations.")
    ] = None,
    tier: Tier = DEFAULTS.tier,
    settings: Settings = None,
    invoke_: Annotated[
        str | None, typer.Option("--invoke", metavar="NAME", help="Call this export and print its results.")
    ] = None,
) -> None:
    """Run a program.

    The program sees nothing of this machine but its arguments, standard input and output, and what --dir and --env give it.
    Options stand before FILE; what follows FILE belongs to the program.

    For example:

    arenite run hello.wasm

    arenite run --dir .::/w python.wasm -c 'print(1)'

    arenite run --invoke add sums.wat 1 2
    """
    given = arguments or []
    config = WasiConfig(argv=[file.name, *given], env=dict(map(variable, env or [])), dirs=directories(dirs or []))
    config.inherit_stdin()
    config.inherit_stdout()
    config.inherit_stderr()
    engine = Engine(configured(tier, settings, fuel=fuel is not None))
    module = load(engine, file)
    with Store(engine) as store:
        give(store, config)
        if fuel is not None:
            store.set_fuel(fuel)
        instance = link(engine, store, module, file)
        if invoke_ is None:
            start(instance, store, file)
        else:
            invoke(instance, store, invoke_, given)
