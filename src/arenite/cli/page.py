"""A snapshot as one page that holds everything it shows: `arenite inspect FILE.arn --html OUT.html`.

The template `snapshot.html` draws; here the data is put together that it draws from, as JSON in the page.  Nothing in the page is
fetched, and its policy lets it run its own script alone.  Names are untrusted: they stand in JSON without `<`, and the script shows them
as text.

Units: offsets count from the base, so the store page's are negative; numbers of 64 bits are text.

Example:  Path("booted.html").write_text(page(path, survey, stands, {}))
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Final

from arenite.cli.look import LOOKS
from arenite.inspect.facts import parts, standing, summary
from arenite.inspect.kinds import RECORD_KINDS
from arenite.inspect.picture import PAGE_STATES, bands
from arenite.inspect.records import pages_of_records, size_of
from arenite.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from arenite.inspect.facts import Part
    from arenite.inspect.kinds import RecordKind
    from arenite.inspect.picture import Band
    from arenite.inspect.records import Record, RecordRow, Survey
    from arenite.inspect.stack import Stand

CELLS: Final = 2048  # of a band
OVERVIEW: Final = 192  # of the whole arena
LINES: Final = 2000  # of a list
MOST_PAGES: Final = 512  # of the arena whose bytes are in the page
SAFE: Final = (1 << 53) - 1  # what a script's number holds exactly
SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def page(path: Path, survey: Survey, stands: list[Stand], missing: Mapping[int, str]) -> str:
    """The whole page."""
    template = files("arenite.cli").joinpath("snapshot.html").read_text(encoding="utf-8")
    found = SCRIPT.search(template)
    assert found is not None
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    text = json.dumps(contents(path, survey, stands, missing), separators=(",", ":"))
    return template.replace("{script}", digest, 1).replace("{data}", text.replace("<", "\\u003c"), 1)


class Table:
    """Values by number, each once."""

    def __init__(self) -> None:
        self.numbers: dict[object, int] = {}

    def number(self, value: object) -> int:
        """The number of a value."""
        return self.numbers.setdefault(value, len(self.numbers))


def contents(path: Path, survey: Survey, stands: list[Stand], missing: Mapping[int, str]) -> dict[str, object]:
    """Everything that the page shows."""
    texts, fields = Table(), Table()
    kinds = {kind: number for number, kind in enumerate(RECORD_KINDS)}

    def row(record: Record, one: RecordRow) -> list[object]:
        size = size_of(one)
        to = -1 if one.to is None else kinds[one.to]
        field = fields.number((visible(one.name), visible(one.doc), one.type, size, to))
        value: object = one.value if one.value <= SAFE else str(one.value)
        state = 0 if one.link is None else 1 if survey.leads(one) else 2
        return [field, one.at - record.at, value, texts.number(visible(one.text)), state]

    records = [
        [
            record.at,
            record.size,
            kinds[record.kind],
            texts.number(visible(record.title)),
            [row(record, one) for one in record.rows],
            record.more,
            texts.number(visible(record.damage)),
        ]
        for record in survey.records
    ]
    lists = list(parts(survey, missing))
    return {
        "name": visible(path.name),
        "summary": [[one.name, visible(one.what)] for one in summary(path, survey).facts],
        "delta": bool(survey.opened.delta),
        "stands": list(map(_part, standing(stands))),
        "parts": [_part(part) for part in lists if part.facts],
        "problems": [visible(problem) for problem in survey.problems[:LINES]],
        "kinds": [[kind.label, LOOKS[kind].colour, kind.doc, kind.backdrop] for kind in RECORD_KINDS],
        "states": [PAGE_STATES[state] for state in PAGE_STATES],
        "bands": [_band(band, kinds) for band in bands(survey, CELLS, OVERVIEW)],
        "records": records,
        "fields": list(fields.numbers),
        "texts": list(texts.numbers),
        "bytes": {str(number): base64.b64encode(page).decode() for number, page in pages_of_records(survey, MOST_PAGES)},
    }


def _part(part: Part) -> list[object]:
    facts = [[visible(name), visible(what), at] for name, what, at in part.facts[:LINES]]
    return [visible(part.title), facts, len(part.facts) - len(facts)]


def _band(band: Band, kinds: Mapping[RecordKind, int]) -> list[object]:
    """Cells as [kind, state, how many]."""
    runs = [[kinds[cell.kind], int(cell.state), sum(1 for _ in group)] for cell, group in groupby(band.cells)]
    return [band.title, band.at, band.size, band.per, runs, list(band.counts)]
