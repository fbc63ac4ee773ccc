"""`arenite inspect FILE.arn`: what a snapshot holds, where its executions stand, and a picture of its arena and memories.

Nothing of the guest runs, and what it imports is not asked for.

Example:  inspect(Path("booted.arn"), Wanted())
"""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group
from rich.text import Text

from arenite import platform
from arenite.api.resolver import Modules
from arenite.bytecode.module import ModuleCode
from arenite.bytecode.text import visible
from arenite.cli.colours import LOOKS
from arenite.cli.ending import Refused
from arenite.cli.facts import NAMED, parts, standing, summary
from arenite.cli.listing import SHOWN, columns, listing, plural
from arenite.cli.loading import read, refusing
from arenite.cli.page import page
from arenite.cli.progress import progress
from arenite.errors import DecodeError, Limit, LinkError, SnapshotError, ValidationError
from arenite.inspect.picture import State, bands
from arenite.inspect.stack import Stand, survey_stack
from arenite.inspect.survey import MOST_ROWS, Survey, survey_of
from arenite.machine.space.window import Windows
from arenite.snapshot import file as files
from arenite.snapshot import opening
from arenite.snapshot.container import MAGIC
from arenite.snapshot.limits import DEFAULT, FileLimits
from arenite.translate.module import translate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.table import Table

    from arenite.cli.facts import Part
    from arenite.inspect.picture import Band, Cell

UNBROKEN: Final = "\u00a0"  # a space that no line ends at
PORTABLE: Final = not platform.HAS_CAGE
COLUMNS: Final = 64  # cells in a line
LINES: Final = 3  # of a band
FINE: Final = ("256", "truecolor")  # terminals that show the kinds' colours apart; others get letters


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for.

    `modules`: files of those that do not travel along; `html`: where to write the page; `limits`: what the snapshot may ask for; `key`:
    with which it must have been written; `trusted`: nobody will change the file meanwhile.
    """

    modules: tuple[Path, ...] = ()
    parent: Path | None = None
    html: Path | None = None
    everything: bool = False
    limits: FileLimits = DEFAULT
    key: bytes | None = None
    trusted: bool = True


@dataclass(frozen=True)
class Found:
    """A snapshot looked at.  `missing`: why a module is not there, by its number."""

    path: Path
    survey: Survey
    stands: list[Stand]
    missing: dict[int, str]


def is_snapshot(path: Path) -> bool:
    """Whether the file says that it is a snapshot.  Raises: `OSError`."""
    if path.exists() and not path.is_file():  # of a pipe nothing may be read before whoever wants all of it reads
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def look(path: Path, wanted: Wanted) -> Found:
    """Open a snapshot and look at everything in it.  Raises: `Refused`."""
    try:
        with refusing(path):
            load = functools.partial(
                opening.load, limits=wanted.limits, portable=PORTABLE, key=wanted.key, trusted=wanted.trusted
            )
            opened = load(path, None if wanted.parent is None else load(wanted.parent))
    except (MemoryError, OverflowError) as error:
        raise Refused(f"{path}: too large for this machine") from error
    with progress(f"looking into {path.name}"):
        known = Modules({code.digest.hex(): code for code in map(_translated, wanted.modules)})
        found = {entry: _module(opened, entry, known) for entry in dict.fromkeys(opened.modules)}
        modules = [code if isinstance(code := found[entry], ModuleCode) else None for entry in opened.modules]
        missing = {n: why for n, entry in enumerate(opened.modules) if isinstance(why := found[entry], str)}
        survey = survey_of(opened, modules)
        return Found(path, survey, survey_stack(survey, Windows(portable=PORTABLE)), missing)


def _module(opened: files.Opened, entry: files.Embedded, known: Modules) -> ModuleCode | str:
    """A module, or why it is not there."""
    try:
        return opening.module_of(opened, entry, known)
    except (SnapshotError, LinkError, DecodeError, ValidationError, Limit) as error:
        return "missing: give its file as --module" if entry.wasm is None else str(error).partition("\n")[0]


def _translated(path: Path) -> ModuleCode:
    with refusing(path):
        return translate(read(path))


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


def report(found: Found, console: Console, shown: int) -> Group:
    """Everything, for a terminal."""
    survey = found.survey
    shades = Shades(delta=bool(survey.opened.own), coloured=console.color_system in FINE and not console.no_color)
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
        if cell.state is State.EMPTY:
            return "·", colour
        kept = self.delta and cell.state is State.KEPT
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
