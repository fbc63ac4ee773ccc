"""The command line: `arenite COMMAND`, put together from the sub-commands."""

from __future__ import annotations

import os
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from arenite.cli.command import Helpful, Option
from arenite.cli.ending import INTERRUPTED, REFUSED, Refused, complain, report
from arenite.errors import AreniteError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "run": ("run", "Run a program."),
    "freeze": ("freeze", "Run a program until it is where --at says, and write a snapshot of it there."),
    "resume": ("resume", "Go on with a program that was frozen, with standard input and output of this process."),
    "fork": ("fork", "Go on from a snapshot once for each line of a file."),
    "inspect": ("inspection", "Show what is in a module or a snapshot, without running it."),
    "objdump": ("objdump", "Print the bytecode of a module, or of one of its functions."),
    "wast": ("wast", "Run test scripts; exit code 0 when every assertion passes."),
    "mcp": ("serve", "Give agents a Python, or a JavaScript, to run code in: a server of the Model Context Protocol."),
    "cache": ("cache", "Show what earlier commands have kept: translations of modules, and machine code."),
}
"""Sub-commands, in the order of the help: the module of this package that has it, and what it begins to say about itself."""


class Commands(Helpful, click.Group):
    """The sub-commands.  One is imported when it is asked for: that takes longer than many a guest."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click asks so
        """Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  as above
        """The command of that name, if there is one."""
        if cmd_name not in COMMANDS:
            return None
        found = getattr(import_module(f"arenite.cli.{COMMANDS[cmd_name][0]}"), cmd_name)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  as above
        """Their part of the help, which the table knows."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run one.  Raises: as the command does; Ctrl-C ends it quietly."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None


@click.group(
    cls=Commands,
    commands={name: click.Command(name) for name in COMMANDS},  # what a wrong name is compared with
    context_settings={"max_content_width": 100},
    epilog="A program that ends by itself gives its own exit code; 134: it trapped, 124: out of fuel, 130: Ctrl-C, "
    "1: the file was refused, 2: wrong command line.",
)
@click.version_option(package_name="arenite", cls=Option, message="arenite %(version)s", help="Print the version and exit.")
def app() -> None:
    """Run WebAssembly programs, and look inside them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code.  Raises: SystemExit with it, when nobody reads the output."""
    _open_closed_streams()
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: complain(f"warning: {message}")
            code = app.main(arguments, prog_name="arenite", standalone_mode=False)  # of `Exit`; commands return nothing
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    except (AreniteError, Refused) as error:
        return report(error)
    except OSError as error:
        if error.filename is not None:
            raise
        complain(f"the output cannot be written: {error.strerror}")
        return REFUSED
    return int(code or 0)


def _open_closed_streams() -> None:
    """Have standard streams that the process was begun without be empty ones: Python has None for them, and a file opened later gets their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 (as long as the process goes on)
