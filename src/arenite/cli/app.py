"""The command line: `arenite COMMAND`, put together from the sub-commands."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated

import typer

from arenite.cli import fork, freeze, inspection, objdump, resume, run, wast
from arenite.cli.ending import REFUSED, Refused, complain, report
from arenite.errors import AreniteError

if TYPE_CHECKING:
    from collections.abc import Sequence

app = typer.Typer(
    help="Run WebAssembly programs, and look inside them.",
    epilog="A program that ends by itself gives its own exit code; 134: it trapped, 124: out of fuel, 130: Ctrl-C, "
    "1: the file was refused, 2: wrong command line.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
GUEST = {"allow_interspersed_args": False}  # what follows FILE belongs to the guest
app.command(name="run", context_settings=GUEST)(run.run)
app.command(name="freeze", context_settings=GUEST)(freeze.freeze)
app.command(name="resume")(resume.resume)
app.command(name="fork")(fork.fork)
app.command(name="inspect")(inspection.inspect)
app.command(name="objdump")(objdump.objdump)
app.command(name="wast")(wast.wast)


def print_version(wanted: bool) -> None:  # noqa: FBT001  typer calls it by position
    """Answer `--version` and end."""
    if wanted:
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
    try:
        app(arguments, prog_name="arenite")
    except (AreniteError, Refused) as error:
        return report(error)
    except OSError as error:
        if error.filename is not None:
            raise
        complain(f"the output cannot be written: {error.strerror}")
        return REFUSED
    return 0
