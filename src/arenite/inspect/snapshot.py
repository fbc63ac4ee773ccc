"""Opening a snapshot's file to look at everything in it.

Nothing of the guest runs, and what it imports is not asked for.

Example:  inspect_snapshot(Path("booted.arn"), Config()).survey.records
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from arenite import platform
from arenite.api.resolver import GivenModules
from arenite.bytecode.module import ModuleCode
from arenite.errors import DecodeError, Limit, LinkError, SnapshotError, ValidationError
from arenite.inspect.stack import survey_stack
from arenite.inspect.survey import survey_of
from arenite.machine.space.window import Windows
from arenite.snapshot.limits import FileLimits
from arenite.snapshot.opening import load, module_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from arenite.api.module import Module
    from arenite.config import Config
    from arenite.inspect.records import Survey
    from arenite.inspect.stack import Stand
    from arenite.snapshot.file import Embedded, Opened

PORTABLE: Final = not platform.HAS_CAGE


@dataclass(frozen=True)
class Inspection:
    """A snapshot that was looked at.  `missing`: why a module is not there, by its number."""

    path: Path
    survey: Survey
    stands: list[Stand]
    missing: dict[int, str]


def inspect_snapshot(
    path: Path,
    config: Config,
    *,
    parent: Path | None = None,
    modules: Iterable[Module] = (),
    key: bytes | None = None,
    trusted: bool = True,
) -> Inspection:
    """Look at everything in a snapshot.

    `config`: says how much the file may ask for; `parent`: of a delta, where it does not lie beside it; `modules`: those that do not travel
    along, asked for once the file is open; `key`, `trusted`: as for `Snapshot.open`.
    Raises: `OSError`, `SnapshotError`, `Limit`.
    """
    limits = FileLimits.of(config)
    try:
        above = None if parent is None else load(parent, limits=limits, portable=PORTABLE, key=key, trusted=trusted)
        opened = load(path, above, limits=limits, portable=PORTABLE, key=key, trusted=trusted)
    except (MemoryError, OverflowError) as error:
        raise Limit("too large for this machine") from error
    known = GivenModules({module.code.digest.hex(): module.code for module in modules})
    found = {entry: _module(opened, entry, known) for entry in dict.fromkeys(opened.modules)}
    codes = [code if isinstance(code := found[entry], ModuleCode) else None for entry in opened.modules]
    missing = {n: why for n, entry in enumerate(opened.modules) if isinstance(why := found[entry], str)}
    survey = survey_of(opened, codes)
    return Inspection(path, survey, survey_stack(survey, Windows(portable=PORTABLE)), missing)


def _module(opened: Opened, entry: Embedded, known: GivenModules) -> ModuleCode | str:
    """A module, or why it is not there."""
    try:
        return module_of(opened, entry, known)
    except (SnapshotError, LinkError, DecodeError, ValidationError, Limit) as error:
        return "missing: give its file as --module" if entry.wasm is None else str(error).partition("\n")[0]
