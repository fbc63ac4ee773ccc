"""`arenite inspect`: what a module imports and exports, what it is made of, and where its size goes.

It reads the binary format alone: nothing is translated, nothing runs.

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

from arenite.cli.loading import read, refusing
from arenite.cli.survey import features
from arenite.layout.types import FuncType, GlobalType, MemoryType, TableType, type_name
from arenite.wasm.decode import decode
from arenite.wasm.module import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from arenite.layout.types import ExternType, Limits
    from arenite.wasm.module import Module

SECTIONS: Final = {
    1: "types", 2: "imports", 3: "functions", 4: "tables", 5: "memories", 6: "globals", 7: "exports", 8: "start",
    9: "elements", 10: "code", 11: "data", 12: "data count",
}  # fmt: skip
SHOWN: Final = 15  # lines of a list, unless all are asked for
BAR: Final = 24  # columns of a full bar
WIDE: Final = 200  # columns where there is no terminal: nothing is cut short in a pipe


def reach(limits: Limits, what: str) -> str:
    """`1 page or more`, `1 to 2 pages`: the sizes that limits allow."""
    if limits.maximum is None:
        return f"{plural(limits.minimum, what)} or more"
    return (
        plural(limits.maximum, what)
        if limits.minimum == limits.maximum
        else f"{limits.minimum:,} to {plural(limits.maximum, what)}"
    )


def plural(count: int, what: str) -> str:
    """`1 page`, `2 pages`, `2 memories`."""
    several = what[:-1] + "ies" if what.endswith("y") else what + "s"
    return f"{count:,} {what if count == 1 else several}"


def describe(type_: ExternType) -> str:
    """A type in one line: `func (i32) -> ()`, `memory of 1 to 2 pages`."""
    match type_:
        case FuncType():
            return f"func {type_}"
        case TableType():
            return f"table of {reach(type_.limits, type_name(type_.element))}"
        case MemoryType():
            return f"memory of {reach(type_.limits, 'page')}"
        case GlobalType():
            return f"global {'mut ' if type_.mutable else ''}{type_name(type_.content)}"


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


def columns(title: str) -> Table:
    """A table without lines under a title."""
    return Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False, padding=(0, 2, 0, 2))


def chart(title: str, sizes: Sequence[tuple[str, int]], shown: int) -> Table:
    """The largest of `sizes`, each with its share of all of them as a number and as a bar."""
    table = columns(title)
    whole = sum(size for _, size in sizes) or 1
    for label, size in sizes[:shown]:
        table.add_row(Text(label), Text(f"{size:,}", justify="right"), f"{size / whole:.1%}", Bar(whole, 0, size, width=BAR))
    return table


def listing(title: str, rows: Sequence[tuple[str, str]], shown: int) -> Table:
    """Two columns under a title that counts them; how many are left out, if any."""
    table = columns(f"{title} ({len(rows)})")
    for name, what in rows[:shown]:
        table.add_row(Text(name), Text(what))
    if len(rows) > shown:
        table.add_row(Text(f"and {len(rows) - shown} more: --all"), "")
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
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False, help="A module: .wasm, or text in .wat.")],
    *,
    everything: Annotated[bool, typer.Option("--all", help="Show whole lists, not the first or largest entries.")] = False,
) -> None:
    """Show what is in a module, without running it.

    Its imports and exports, the features of WebAssembly it needs, and where its bytes go: by section and by function.
    """
    code = read(file)
    with refusing(file):
        module = decode(code)
        used = features(module)
    shown = sys.maxsize if everything else SHOWN
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
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
