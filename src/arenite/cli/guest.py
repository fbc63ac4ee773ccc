"""A guest on the command line: the options that say what it is given, and what of it runs.

Example:  config = given(Path("hello.wasm"), ["first"], env=["LANG=C"], dirs=["./data::/data:ro"])
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from arenite.api import Func, Linker
from arenite.cli.ending import Refused
from arenite.machine.records.values import integer
from arenite.wasi import WasiConfig

if TYPE_CHECKING:
    from arenite.api import Engine, Instance, Store, ValType

File = Annotated[Path, typer.Argument(metavar="FILE", show_default=False, help="A program: .wasm, or text in .wat.")]
Arguments = Annotated[list[str] | None, typer.Argument(metavar="ARGS", show_default=False, help="The program's own arguments.")]
Directories = Annotated[
    list[str] | None,
    typer.Option(
        "--dir",
        metavar="HOST[::GUEST][:ro]",
        help="Let the program use the directory HOST, under the name GUEST; `:ro`: only read, `:rw`: as without.",
    ),
]
Variables = Annotated[
    list[str] | None, typer.Option("--env", metavar="NAME=VALUE", help="Set an environment variable of the program.")
]
Fuel = Annotated[
    int | None,
    typer.Option(min=0, help="Stop with exit code 124 after so many units: calls, loop iterations and pieces of bulk work."),
]
Invoke = Annotated[str | None, typer.Option("--invoke", metavar="NAME", help="Call this export and print its results.")]

Directory: TypeAlias = str | tuple[str, str]  # on the host, or that and "ro"
Call: TypeAlias = tuple[Func, Sequence[int | float]]


def directory(text: str) -> tuple[str, Directory]:
    """What `--dir` says: the guest's name of a directory, and the directory.  Raises: typer.BadParameter."""
    read_only = text.endswith(":ro")
    host, _, guest = text.removesuffix(":ro").removesuffix(":rw").partition("::")
    if ":" in guest:
        raise typer.BadParameter(f"{text!r}: behind the directory's name stands ':ro', ':rw' or nothing", param_hint="--dir")
    outside, colon, inside = host.partition(":")
    if colon and not Path(host).exists() and Path(outside).is_dir():
        raise typer.BadParameter(
            f"{text!r}: the guest's name stands behind '::', as in '{outside}::{inside}'", param_hint="--dir"
        )
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


def streams(dirs: list[str] | None) -> WasiConfig:
    """This process's standard streams, and directories.  Raises: typer.BadParameter."""
    config = WasiConfig(dirs=directories(dirs or []))
    config.inherit_stdin()
    config.inherit_stdout()
    config.inherit_stderr()
    return config


def given(file: Path, arguments: list[str] | None, *, env: list[str] | None, dirs: list[str] | None) -> WasiConfig:
    """What a program is given that begins.  Raises: typer.BadParameter."""
    config = streams(dirs)
    config.argv = [file.name, *(arguments or [])]
    config.env = dict(map(variable, env or []))
    return config


def give(store: Store, config: WasiConfig) -> None:
    """Give the store its WASI state.  Raises: typer.BadParameter for a directory that cannot be opened."""
    try:
        store.set_wasi(config)
    except OSError as error:
        raise typer.BadParameter(f"{error.filename!r}: {error.strerror}", param_hint="--dir") from error


def wasi(engine: Engine) -> Linker:
    """What modules may import here, which is WASI."""
    linker = Linker(engine)
    linker.define_wasi()
    return linker


def function(instance: Instance, store: Store, name: str) -> Func | None:
    """The function that the instance exports as `name`, if it does."""
    found = instance.exports(store).get(name)
    return found if isinstance(found, Func) else None


def program(instance: Instance, store: Store, name: str) -> Call:
    """The program that the instance is.  `name`: of its file.  Raises: Refused."""
    main = function(instance, store, "_start")
    if main is None:
        raise Refused(f"{name} is not a program (it exports no _start); --invoke NAME calls one of its functions")
    return main, ()


def export(instance: Instance, store: Store, name: str, arguments: Sequence[str]) -> Iterator[Call]:
    """The calls that `--invoke` asks for.  Raises: Refused, typer.BadParameter."""
    chosen = function(instance, store, name)
    if chosen is None:
        names = [n for n, item in instance.exports(store).items() if isinstance(item, Func)]
        raise Refused(f"no function {name!r} is exported; there are: {', '.join(names) or 'none'}")
    types = chosen.type(store).params
    if len(types) != len(arguments):
        wanted = " ".join(map(str, types)) or "nothing"
        raise typer.BadParameter(f"{name} takes {wanted}, but {len(arguments)} are given", param_hint="ARGS")
    operands = list(map(operand, arguments, types))
    initialize = function(instance, store, "_initialize")
    if initialize is not None:
        yield initialize, ()
    yield chosen, operands


def calls(instance: Instance, store: Store, file: Path, invoke: str | None, arguments: list[str] | None) -> list[Call]:
    """What a command line has run, in order: the program, or what `--invoke` names.  Raises: Refused, typer.BadParameter."""
    return [program(instance, store, str(file))] if invoke is None else [*export(instance, store, invoke, arguments or [])]


def operand(text: str, type_: ValType) -> int | float:
    """A number of the command line as an argument of the type `type_`."""
    try:
        return float(text) if str(type_) in {"f32", "f64"} else integer(int(text, 0), type_.code)
    except (ValueError, OverflowError, KeyError):  # not a number, one too large, a reference
        raise typer.BadParameter(f"{text!r} is not an {type_}", param_hint="ARGS") from None


def show(results: Sequence[object]) -> None:
    """Print a call's results, one on a line."""
    for result in results:
        typer.echo(result)
