"""The command line: `arenite COMMAND`, put together from the sub-commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from arenite.cli.ending import REFUSED, Refused, complain, report
from arenite.errors import AreniteError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typer._click import Command  # the type of what `get_command` makes: typer has no other name for it

app = typer.Typer(
    help="Run WebAssembly programs, and look inside them.",
    epilog="A program that ends by itself gives its own exit code; 134: it trapped, 124: out of fuel, 130: Ctrl-C, "
    "1: the file was refused, 2: wrong command line.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
GUEST: Final = {"allow_interspersed_args": False}  # what follows FILE belongs to the guest
COMMANDS: Final[dict[str, tuple[str, str, dict[str, bool]]]] = {
    "run": ("run", "run", GUEST),
    "freeze": ("freeze", "freeze", GUEST),
    "resume": ("resume", "resume", {}),
    "fork": ("fork", "fork", {}),
    "inspect": ("inspection", "inspect", {}),
    "objdump": ("objdump", "objdump", {}),
    "wast": ("wast", "wast", {}),
    "cache": ("cache", "cache", {}),
}
"""Sub-commands, in the order of the help: module of this package, function, how its words are read."""


class Commands(Mapping[str, "Command"]):
    """The sub-commands.  One is imported, and its options are read, when it is asked for: that takes longer than many a guest."""

    def __getitem__(self, name: str) -> Command:
        module, function, settings = COMMANDS[name]
        one = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        one.command(name=name, context_settings=settings)(getattr(import_module(f"arenite.cli.{module}"), function))
        return get_command(one)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


def print_version(wanted: bool) -> None:  # noqa: FBT001  typer calls it by position
    """Answer `--version` and end."""
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 (it takes longer than the rest of a start)

        typer.echo(f"arenite {version('arenite')}")
        raise typer.Exit


@app.callback()
def common(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Run WebAssembly programs, and look inside them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code.  Raises: SystemExit with it, where typer ends the command."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    group.commands = Commands()  # type: ignore[assignment]  # nothing puts another in
    try:
        group(arguments, prog_name="arenite")
    except (AreniteError, Refused) as error:
        return report(error)
    except OSError as error:
        if error.filename is not None:
            raise
        complain(f"the output cannot be written: {error.strerror}")
        return REFUSED
    return 0
