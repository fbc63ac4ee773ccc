"""`arenite cache`: what lies in the user's cache, and emptying it."""

from __future__ import annotations

from typing import Final

import click

from arenite.cli.command import command, option
from arenite.cli.ending import Refused
from arenite.inspect import cache as caches
from arenite.inspect.words import plural
from arenite.visible import visible

UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


@command()
@option("--clear", is_flag=True, help="Remove everything that is kept; it is made again when it is needed.")
@option("--all", "everything", is_flag=True, help="List every entry.")
def cache(*, clear: bool, everything: bool) -> None:
    """Show what earlier commands have kept: translations of modules, and machine code.

    It lies in ARENITE_CACHE_DIR, or where the user's caches lie, and has at most ARENITE_CACHE_SIZE bytes: what was not used for the
    longest time goes first. With ARENITE_CACHE_SIZE=0 nothing is kept.

    What is kept is believed only with the key, which no other user can read; a folder, a file or a key that others can write is not used.
    """
    try:
        if clear:
            click.echo(f"removed {plural(caches.clear(), 'byte')}")
            return
        facts = caches.look()
    except OSError as error:
        raise Refused(f"the cache: {error.filename}: {error.strerror}") from error
    size = sum(entry.size for entry in facts.entries)
    click.echo(visible(f"folder  {facts.folder} ({facts.state})"))
    click.echo(visible(f"key     {facts.key} ({facts.key_state})"))
    click.echo(f"size    {plural(size, 'byte')} of at most {facts.most:,}")
    rows = [(entry.label or "?", plural(entry.size, "byte"), f"{ago(entry.age)} ago") for entry in facts.entries]
    if rows:
        from arenite.cli import look  # noqa: PLC0415 (it draws with rich, for which an empty cache need not wait)

        look.console().print(look.listing("entries", rows, len(rows) if everything else look.SHOWN))


def ago(seconds: float) -> str:
    """A time in its largest unit."""
    for length, unit in UNITS:
        if seconds >= length:
            return plural(int(seconds // length), unit)
    return plural(0, "second")
