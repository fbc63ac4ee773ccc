"""`arenite inspect FILE.arn`: what a snapshot holds, where its executions stand, and a picture of its arena and memories.

Nothing of the guest runs, and what it imports is not asked for.

Example:  inspect(Path("booted.arn"), Wanted())
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group
from rich.text import Text

from arenite import Engine, Module
from arenite.cli.ending import Refused
from arenite.cli.loading import read, refusing
from arenite.cli.look import LOOKS, SHOWN, columns, listing
from arenite.cli.page import page
from arenite.cli.progress import progress
from arenite.config import Config
from arenite.inspect.facts import NAMED, parts, standing, summary
from arenite.inspect.picture import PageState, bands
from arenite.inspect.records import MOST_ROWS
from arenite.inspect.snapshot import inspect_snapshot
from arenite.inspect.words import plural
from arenite.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.table import Table

    from arenite.inspect.facts import Part
    from arenite.inspect.picture import Band, Cell
    from arenite.inspect.snapshot import Inspection

UNBROKEN: Final = "\u00a0"  # a space that no line ends at
COLUMNS: Final = 64  # cells in a line
LINES: Final = 3  # of a band
FINE: Final = ("256", "truecolor")  # terminals that show the kinds' colours apart; others get letters


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for.

    `modules`: files of those that do not travel along; `html`: where to write the page; `config`: what the snapshot may ask for; `key`:
    with which it must have been written; `trusted`: nobody will change the file meanwhile.
    """

    modules: tuple[Path, ...] = ()
    parent: Path | None = None
    html: Path | None = None
    everything: bool = False
    config: Config = field(default_factory=Config)
    key: bytes | None = None
    trusted: bool = True


def look(path: Path, wanted: Wanted) -> Inspection:
    """Open a snapshot and look at everything in it.  Raises: `Refused`."""
    modules = (_module(path, wanted.config) for path in wanted.modules)
    with refusing(path), progress(f"looking into {path.name}"):
        return inspect_snapshot(
            path, wanted.config, parent=wanted.parent, modules=modules, key=wanted.key, trusted=wanted.trusted
        )


def _module(path: Path, config: Config) -> Module:
    with refusing(path):
        return Module(Engine(config), read(path))


def inspect(path: Path, wanted: Wanted, console: Console) -> None:
    """Look at a snapshot, and print or write what is to be seen.  Raises: `Refused`."""
    found = look(path, wanted)
    if wanted.html is None:
        console.print(report(found, console, sys.maxsize if wanted.everything else SHOWN))
        return
    try:
        wanted.html.write_text(page(found.path, found.survey, found.stands, found.missing), encoding="utf-8")
    except OSError as error:
        raise Refused(f"cannot write {wanted.html}: {error.strerror}") from error
    console.print(Text(visible(f"{wanted.html}: {plural(wanted.html.stat().st_size, 'byte')}")))


def report(found: Inspection, console: Console, shown: int) -> Group:
    """Everything, for a terminal."""
    survey = found.survey
    shades = Shades(delta=bool(survey.opened.delta), coloured=console.color_system in FINE and not console.no_color)
    lists = [*standing(found.stands), *parts(survey, found.missing, NAMED if shown == SHOWN else MOST_ROWS)]
    tables = [_summary(summary(found.path, survey)), *(_listed(part, shown) for part in lists if part.facts)]
    if survey.problems:
        tables.append(listing("damaged", [(problem,) for problem in survey.problems], shown))
    picture = bands(survey, COLUMNS * LINES, COLUMNS)
    drawn = [part for band in picture for part in (Text(), *shades.band(band))]
    return Group(*(part for table in tables for part in (table, Text())), *drawn[1:], Text(), shades.legend(picture))


def _summary(part: Part) -> Table:
    table = columns("")
    table.title = None
    table.padding = (0, 2, 0, 0)
    for name, what, _ in part.facts:
        table.add_row(name, Text(visible(what)))
    return table


def _listed(part: Part, shown: int) -> Table:
    rows = [(name, *([what] if what else []), *([] if at is None else [f"{at:#x}"])) for name, what, at in part.facts]
    return listing(part.title, rows, shown)


@dataclass(frozen=True)
class Shades:
    """How cells look: by colour, or where there is none by letters, small ones for what is the parent's."""

    delta: bool
    coloured: bool

    def cell(self, cell: Cell) -> tuple[str, str]:
        """The character and the style of a cell."""
        letter, colour = LOOKS[cell.kind]
        if cell.state is PageState.EMPTY:
            return "·", colour
        kept = self.delta and cell.state is PageState.KEPT
        if self.coloured:
            return "▒" if kept else "█", colour
        return letter.lower() if kept else letter, ""

    def band(self, band: Band) -> Iterator[Text]:
        """A title, and lines of cells."""
        empty, kept, changed = band.counts
        pages = f"{kept + changed:,} of {plural(empty + kept + changed, 'page')} not empty"
        if self.delta:
            pages += f", {changed:,} not the parent's"
        yield Text.assemble((band.title, "bold"), f"  one cell: {plural(band.per, 'byte')}; {pages}")
        for start in range(0, len(band.cells), COLUMNS):
            line = Text(f"{_offset(band.at + start * band.per):>12} ")
            for cell in band.cells[start : start + COLUMNS]:
                line.append(*self.cell(cell))
            yield line

    def legend(self, picture: list[Band]) -> Text:
        """What the cells mean that are there."""
        kinds = dict.fromkeys(cell.kind for band in picture for cell in band.cells)
        line = Text(" " * 13)
        for kind in kinds:
            letter, colour = LOOKS[kind]
            line.append(f"█{UNBROKEN}" if self.coloured else f"{letter}{UNBROKEN}", colour if self.coloured else "")
            line.append(kind.label.replace(" ", UNBROKEN) + "   ")
        line.append(f"·{UNBROKEN}zero")
        if self.delta:
            kept = "▒ as in the parent" if self.coloured else "small letters: as in the parent"
            line.append("   " + kept.replace(" ", UNBROKEN))
        return line


def _offset(at: int) -> str:
    return f"{'-' if at < 0 else ''}{abs(at):#010x}"
