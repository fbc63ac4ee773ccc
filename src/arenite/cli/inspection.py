"""`arenite inspect`: what a module imports and exports, what it is made of, and where its size goes; or what a snapshot holds.

Of a module it reads the binary format alone: nothing is translated, nothing runs.  For snapshots see `snapshots`.

Example:  inspect(Path("hello.wasm"))
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from rich.text import Text

from arenite.bytecode.text import visible
from arenite.cli.ending import Refused
from arenite.cli.key import KeyFile, Untrusted, key
from arenite.cli.listing import SHOWN, columns, describe, listing, plural, reach
from arenite.cli.loading import read, refusing
from arenite.cli.options import DEFAULTS, Settings, configured
from arenite.cli.snapshots import Wanted, is_snapshot
from arenite.cli.snapshots import inspect as inspect_snapshot
from arenite.cli.survey import features
from arenite.snapshot.limits import FileLimits
from arenite.wasm.decode import decode
from arenite.wasm.module import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from arenite.wasm.module import Module

SECTIONS: Final = {
    1: "types", 2: "imports", 3: "functions", 4: "tables", 5: "memories", 6: "globals", 7: "exports", 8: "start",
    9: "elements", 10: "code", 11: "data", 12: "data count",
}  # fmt: skip
BAR: Final = 24  # columns of a full bar
WIDE: Final = 200  # columns where there is no terminal: nothing is cut short in a pipe


def section_sizes(module: Module) -> list[tuple[str, int]]:
    """Each section's name and bytes, largest first; equal names of custom sections are added up."""
    sizes = {SECTIONS[number]: end - start for number, (start, end) in module.sections.items()}
    for custom in module.customs:
        label = f"custom: {custom.name}"
        sizes[label] = sizes.get(label, 0) + custom.end - custom.start
    return sorted(sizes.items(), key=lambda item: -item[1])


def function_sizes(module: Module) -> list[tuple[str, int]]:
    """Each defined function's label and the bytes of its body, largest first."""
    first = module.imported(Kind.FUNC)
    sizes = [(function_label(module, first + i), end - start) for i, (start, end) in enumerate(module.bodies)]
    return sorted(sizes, key=lambda item: -item[1])


def function_label(module: Module, index: int) -> str:
    """`#12 malloc`: the index, and a name where the module tells one."""
    exported = (export.name for export in module.exports if export.kind == Kind.FUNC and export.index == index)
    name = module.names.funcs.get(index) or next(exported, "")
    return f"#{index} {name}".rstrip()


def chart(title: str, sizes: Sequence[tuple[str, int]], shown: int) -> Table:
    """The largest of `sizes`, each with its share of all of them as a number and as a bar."""
    table = columns(title)
    whole = sum(size for _, size in sizes) or 1
    for label, size in sizes[:shown]:
        table.add_row(
            Text(visible(label)), Text(f"{size:,}", justify="right"), f"{size / whole:.1%}", Bar(whole, 0, size, width=BAR)
        )
    return table


def summary(path: Path, module: Module, used: Iterable[str]) -> Table:
    """The first lines: name, size, how many of everything, features."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    holds = (("function", module.funcs), ("table", module.tables), ("memory", module.memories), ("global", module.globals))
    table.add_row(
        Text("file"),
        Text(f"{path}, {len(module.data):,} bytes" + (f", module {module.names.module!r}" if module.names.module else "")),
    )
    table.add_row("holds", ", ".join(plural(len(space), what) for what, space in holds if space) or "nothing")
    table.add_row("memory", ", ".join(f"{reach(memory.limits, 'page')} of 64 KiB" for memory in module.memories) or "none")
    table.add_row("needs", ", ".join(used) or "WebAssembly 1.0")
    return table


def inspect(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", show_default=False, help="A module (.wasm, or text in .wat), or a snapshot (.arn).")
    ],
    *,
    everything: Annotated[bool, typer.Option("--all", help="Show whole lists, not the first or largest entries.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="OUT", help="Of a snapshot: write a page to look around in, and no list.")
    ] = None,
    module: Annotated[
        list[Path] | None, typer.Option("--module", metavar="FILE", help="Of a snapshot: a module that does not travel along.")
    ] = None,
    parent: Annotated[
        Path | None, typer.Option("--parent", metavar="FILE", help="Of a delta: its parent, if it lies in another folder.")
    ] = None,
    key_file: KeyFile = None,
    untrusted: Untrusted = False,
    settings: Settings = None,
) -> None:
    """Show what is in a module or a snapshot, without running it.

    Of a module its imports and exports, the features of WebAssembly it needs, and where its bytes go.  Of a snapshot where its guest
    stands, what it imports and holds, and a picture of its arena and memories.
    """
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    with refusing(file):
        snapshot = is_snapshot(file)
    if snapshot:
        limits = FileLimits.of(configured(DEFAULTS.tier, settings))
        wanted = Wanted(tuple(module or ()), parent, html, everything, limits, key(key_file), trusted=not untrusted)
        inspect_snapshot(file, wanted, console)
        return
    if html or module or parent or settings:
        raise Refused(f"{file} is no snapshot: --html, --module, --parent and --set are for snapshots")
    inspect_module(file, console, sys.maxsize if everything else SHOWN)


def inspect_module(file: Path, console: Console, shown: int) -> None:
    """Show what is in a module.  Raises: Refused."""
    code = read(file)
    with refusing(file):
        module = decode(code)
        used = features(module)
    console.print(summary(file, module, used))
    for part in (
        listing("imports", [(f"{item.module}.{item.name}", describe(item.type)) for item in module.import_types()], shown),
        listing("exports", [(item.name, describe(item.type)) for item in module.export_types()], shown),
        chart("bytes by section", section_sizes(module), shown),
        chart("largest functions", function_sizes(module), shown),
    ):
        if part.row_count:
            console.print()
            console.print(part)
