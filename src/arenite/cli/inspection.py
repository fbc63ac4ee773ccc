"""`arenite inspect`: what a module imports and exports, what it is made of, and where its size goes; or what a snapshot holds.

Of a module it reads the binary format alone: nothing is translated, nothing runs.  For snapshots see `snapshots`.

Example:  inspect(Path("hello.wasm"))
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click
from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from rich.text import Text

from arenite.cli.ending import Refused
from arenite.cli.loading import read, refusing
from arenite.cli.look import SHOWN, columns, listing
from arenite.cli.options import DEFAULTS, PATH, configured, settings_option
from arenite.cli.snapshot_file import key, key_file_option, untrusted_option
from arenite.cli.snapshots import Wanted
from arenite.cli.snapshots import inspect as inspect_snapshot
from arenite.inspect.files import is_snapshot
from arenite.inspect.module import inspect_module
from arenite.inspect.words import plural
from arenite.visible import visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from arenite.inspect.module import ModuleFacts

BAR: Final = 24  # columns of a full bar
WIDE: Final = 200  # columns where there is no terminal: nothing is cut short in a pipe


def chart(title: str, sizes: Sequence[tuple[str, int]], shown: int) -> Table:
    """The largest of `sizes`, each with its share of all of them as a number and as a bar."""
    table = columns(title)
    whole = sum(size for _, size in sizes) or 1
    for label, size in sizes[:shown]:
        table.add_row(
            Text(visible(label)), Text(f"{size:,}", justify="right"), f"{size / whole:.1%}", Bar(whole, 0, size, width=BAR)
        )
    return table


def summary(path: Path, facts: ModuleFacts) -> Table:
    """The first lines: name, size, how many of everything, features."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_row(Text("file"), Text(f"{path}, {facts.size:,} bytes" + (f", module {facts.name!r}" if facts.name else "")))
    table.add_row("holds", ", ".join(plural(count, what) for what, count in facts.counts if count) or "nothing")
    table.add_row("memory", ", ".join(f"{pages} of 64 KiB" for pages in facts.memories) or "none")
    table.add_row("needs", ", ".join(facts.features) or "WebAssembly 1.0")
    return table


@click.command
@click.argument("file", type=PATH, metavar="FILE", help="A module (.wasm, or text in .wat), or a snapshot (.arn).")
@click.option("--all", "everything", is_flag=True, help="Show whole lists, not the first or largest entries.")
@click.option("--html", type=PATH, metavar="OUT", help="Of a snapshot: write a page to look around in, and no list.")
@click.option(
    "--module",
    "modules",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="Of a snapshot: a module that does not travel along.",
)
@click.option("--parent", type=PATH, metavar="FILE", help="Of a delta: its parent, if it lies in another folder.")
@key_file_option
@untrusted_option
@settings_option
def inspect(
    file: Path,
    *,
    everything: bool,
    html: Path | None,
    modules: tuple[Path, ...],
    parent: Path | None,
    key_file: Path | None,
    untrusted: bool,
    settings: tuple[str, ...],
) -> None:
    """Show what is in a module or a snapshot, without running it.

    Of a module its imports and exports, the features of WebAssembly it needs, and where its bytes go.  Of a snapshot where its guest
    stands, what it imports and holds, and a picture of its arena and memories.
    """
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    with refusing(file):
        snapshot = is_snapshot(file)
    if snapshot:
        config = configured(DEFAULTS.tier, settings)
        wanted = Wanted(modules, parent, html, everything, config, key(key_file), trusted=not untrusted)
        inspect_snapshot(file, wanted, console)
        return
    if html or modules or parent or settings:
        raise Refused(f"{file} is no snapshot: --html, --module, --parent and --set are for snapshots")
    show_module(file, console, sys.maxsize if everything else SHOWN)


def show_module(file: Path, console: Console, shown: int) -> None:
    """Show what is in a module.  Raises: Refused."""
    code = read(file)
    with refusing(file):
        facts = inspect_module(code)
    console.print(summary(file, facts))
    for part in (
        listing("imports", facts.imports, shown),
        listing("exports", facts.exports, shown),
        chart("bytes by section", facts.sections, shown),
        chart("largest functions", facts.functions, shown),
    ):
        if part.row_count:
            console.print()
            console.print(part)
