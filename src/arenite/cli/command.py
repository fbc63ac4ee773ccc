"""Commands and what they are given, as click has them, but that help is taken as it is written here.

click indents it again by `inspect`, which is imported then (`arenite.cli`), and takes as long as a short guest.

    @command()
    @argument("file", type=PATH, help="A program.")
    @option("--all", is_flag=True, help="Show everything.")
    def show(file: Path, *, all: bool) -> None: ...
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import click


class Option(click.Option):
    """An option."""

    def __init__(self, *names: Any, **named: Any) -> None:  # noqa: ANN401 (click's own)
        text = named.pop("help", None)
        super().__init__(*names, **named)
        self.help = text


class Argument(click.Argument):
    """An argument."""

    def __init__(self, *names: Any, **named: Any) -> None:  # noqa: ANN401 (as above)
        text = named.pop("help", None)
        super().__init__(*names, **named)
        self.help = text


option = partial(click.option, cls=Option)
argument = partial(click.argument, cls=Argument)


def _help() -> Option:
    """The option that every command has beside its own."""
    anything = click.Command(None)
    click.help_option("-h", "--help", cls=Option)(anything)
    (found,) = anything.params
    assert isinstance(found, Option)
    return found


HELP: Final = _help()


class Helpful(click.Command):
    """A command that tells of itself."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:  # noqa: ARG002  click asks so
        """By which option."""
        return HELP


command = partial(click.command, cls=Helpful)
