"""A guest on the command line: the options that say what it is given, and what of it runs.

Example:  config = wasi_config(Path("hello.wasm"), ["first"], env=["LANG=C"], dirs=["./data::/data:ro"])
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import click

from arenite import Val
from arenite.cli.command import argument, option
from arenite.cli.ending import Refused
from arenite.cli.options import PATH, number
from arenite.driver import exported, function, program
from arenite.errors import Failure
from arenite.wasi import WasiConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from arenite import Instance, Store, ValType
    from arenite.driver import Call, Entry

ARGUMENTS_LAST: Final = {"allow_interspersed_args": False}  # what follows FILE belongs to the guest
file_argument = argument("file", type=PATH, metavar="FILE", help="A program: .wasm, or text in .wat.")
arguments_argument = argument("arguments", nargs=-1, metavar="[ARGS]...", help="The program's own arguments.")
dirs_option = option(
    "--dir",
    "dirs",
    multiple=True,
    metavar="HOST[::GUEST][:ro]",
    help="Let the program use the directory HOST, under the name GUEST; `:ro`: only read, `:rw`: as without.",
)
env_option = option("--env", multiple=True, metavar="NAME=VALUE", help="Set an environment variable of the program.")
MOST_FUEL: Final = (1 << 64) - 1
fuel_option = option(
    "--fuel",
    type=number(0, MOST_FUEL),
    metavar="N",
    help="Stop with exit code 124 after so many units: calls, loop iterations and pieces of bulk work.",
)
invoke_option = option("--invoke", metavar="NAME", help="Call this export and print its results.")

Directory: TypeAlias = str | tuple[str, str]  # on the host, or that and "ro"


def directory(text: str) -> tuple[str, Directory]:
    """What `--dir` says: the guest's name of a directory, and the directory.  Raises: click.BadParameter."""
    read_only = text.endswith(":ro")
    host, _, guest = text.removesuffix(":ro").removesuffix(":rw").partition("::")
    if ":" in guest:
        raise click.BadParameter(f"{text!r}: behind the directory's name stands ':ro', ':rw' or nothing", param_hint="--dir")
    outside, colon, inside = host.partition(":")
    if colon and not Path(host).exists() and Path(outside).is_dir():
        raise click.BadParameter(
            f"{text!r}: the guest's name stands behind '::', as in '{outside}::{inside}'", param_hint="--dir"
        )
    return guest or host, (host, "ro") if read_only else host


def directories(texts: Sequence[str]) -> dict[str, Directory]:
    """Every `--dir`, by the guest's name.  Raises: click.BadParameter for a name given twice."""
    found: dict[str, Directory] = {}
    for name, place in map(directory, texts):
        if name in found:
            raise click.BadParameter(f"two directories are named {name!r}", param_hint="--dir")
        found[name] = place
    return found


def variable(text: str) -> tuple[str, str]:
    """What `--env` says: a name and its value."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise click.BadParameter(f"{text!r} is not of the form NAME=VALUE", param_hint="--env")
    return name, value


def streams(dirs: Sequence[str]) -> WasiConfig:
    """This process's standard streams, and directories.  Raises: click.BadParameter."""
    config = WasiConfig(dirs=directories(dirs))
    config.inherit_stdin()
    config.inherit_stdout()
    config.inherit_stderr()
    return config


def wasi_config(file: Path, arguments: Sequence[str], *, env: Sequence[str], dirs: Sequence[str]) -> WasiConfig:
    """What a program is given at its beginning.  Raises: click.BadParameter."""
    config = streams(dirs)
    config.argv = [file.name, *arguments]
    config.env = dict(map(variable, env))
    return config


@contextmanager
def opening_directories() -> Iterator[None]:
    """Where WASI's state is made.  Raises: click.BadParameter for a directory that cannot be opened."""
    try:
        yield
    except OSError as error:
        raise click.BadParameter(f"{error.filename!r}: {error.strerror}", param_hint="--dir") from error


def entry(file: Path, invoke: str | None = None, arguments: Sequence[str] = ()) -> Entry:
    """What a command line has run of a module: the program, or what `--invoke` names.

    Where it is called it raises: Refused, click.BadParameter.
    """

    def calls(store: Store, instance: Instance) -> list[Call]:
        if invoke is not None:
            types = function(store, instance, invoke).type(store).params
            return exported(store, instance, invoke, *operands(invoke, arguments, types))
        if "_start" not in instance.exports(store):
            raise Refused(f"{file} is not a program (it exports no _start); --invoke NAME calls one of its functions")
        try:
            return program(store, instance)
        except Failure as error:
            raise Refused(f"{file} is not a program: {error}; --invoke NAME calls a function with arguments") from None

    return calls


def operands(name: str, texts: Sequence[str], types: Sequence[ValType]) -> list[int | float]:
    """Arguments of the command line for the function `name`.  Raises: click.BadParameter."""
    if len(types) != len(texts):
        wanted = " ".join(map(str, types)) or "nothing"
        raise click.BadParameter(f"{name} takes {wanted}, but {len(texts)} are given", param_hint="ARGS")
    return list(map(operand, texts, types))


def operand(text: str, type_: ValType) -> int | float:
    """A number of the command line as an argument of the type `type_`."""
    number = NUMBERS.get(str(type_))
    try:
        if number is not None:
            return number(text)
    except (ValueError, OverflowError):  # not a number, one too large
        pass
    raise click.BadParameter(f"{text!r} is not an {type_}", param_hint="ARGS")


NUMBERS: Final[dict[str, Callable[[str], int | float]]] = {
    "i32": lambda text: Val.i32(int(text, 0)).value,
    "i64": lambda text: Val.i64(int(text, 0)).value,
    "f32": float,
    "f64": float,
}


def show(results: Sequence[object]) -> None:
    """Print a call's results, one on a line."""
    for result in results:
        click.echo(result)
