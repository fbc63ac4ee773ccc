"""docs/relative-pointers.md from the figures: `page.md` here is its text, and what stands there in double braces is worked out from the samples.

No figure is typed by hand, so the page says what was measured; a test compares the page with the samples that lie beside it.

Example:  text(json.loads(FIGURES.read_text()))
"""

from __future__ import annotations

import json
import re
import tomllib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.relative.kernels import LARGE, SMALL
from bench.relative.statistics import Estimate, compared
from bench.relative.turns import ROOT
from bench.relative.verdicts import (
    CHOSEN,
    DIGITS,
    LITTLE,
    LOSS,
    OPEN,
    RESOLUTION,
    Beside,
    beside,
    floors,
    judge,
    kernels,
    losses,
)
from bench.relative.ways import AGAIN, RAW, RELATIVE, SINGLE, SPACES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

TEMPLATE: Final = Path(__file__).with_name("page.md")
REASONS: Final = Path(__file__).with_name("reasons.toml")
PAGE: Final = ROOT / "docs" / "relative-pointers.md"
FOLDER: Final = PAGE.with_suffix("")
FIGURES: Final = FOLDER / "measured.json"
NOTE: Final = "<!-- written by `make bench relative` from bench/relative/page.md and the samples in relative-pointers/measured.json: change those, not this -->\n"
NOT: Final = "not measured"
NO_REASON: Final = "not explained yet"
Data = dict[str, Any]


def packed(data: Data) -> str:
    """The samples as a file: JSON in which a list of numbers is one line."""
    text = json.dumps(data, indent=1, ensure_ascii=False)
    return re.sub(r"\[[\s\d.,e+-]*\]", lambda m: f"[{' '.join(m[0][1:-1].split())}]", text) + "\n"


def percent(ratio: float) -> str:
    """A ratio as a difference: `+1.2 %`."""
    return f"{100 * (ratio - 1):+.1f} %".replace("-", "\u2212")


def ratio(found: Estimate | None) -> str:
    """A ratio with its interval."""
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})" if found else NOT


def row(*cells: object) -> str:
    """A line of a table."""
    return f"| {' | '.join(map(str, cells))} |\n"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table, without a line break behind it."""
    return (row(*header) + row(*["---"] * len(header)) + "".join(row(*cells) for cells in rows)).rstrip()


def apart(data: Data) -> list[str]:
    """The ways, without the one that is there twice."""
    return [way for way in data["ways"] if way != AGAIN]


class Page:
    """The figures, worked out once."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.judged = {judged.key: judged for judged in judge(data)}
        self.ways = apart(data)
        self.facts = data["facts"]

    def verdict(self, key: str) -> str:
        """A claim's verdict, in bold."""
        return f"**{self.judged[key].verdict}**"

    def besides(self, kind: str, names: Iterable[str] | None = None) -> list[Beside]:
        """Both ways beside `raw`, on each tier."""
        chosen = None if names is None else list(names)
        return [b for tier in self.data[kind] for way in RELATIVE if (b := beside(self.data, kind, tier, way, chosen))]

    def means(self, kind: str, names: Iterable[str] | None = None) -> str:
        """Geometric means beside `raw`, with noise floors and what they say."""
        header = ("tier", "way", "run time / `raw`'s (95 %)", "noise floor", "verdict")
        return table(
            header,
            (
                (f"`{b.tier}`", f"`{b.way}`", ratio(b.ratio), f"± {100 * b.floor:.1f} %", b.verdict)
                for b in self.besides(kind, names)
            ),
        )

    def records(self) -> str:
        """Bytes of every record, by way."""
        names = self.facts[SINGLE]["records"]
        ways = [way for way in self.ways if way != SPACES]
        return table(
            ("record", *(f"`{way}`" for way in ways)),
            ((name, *(self.facts[way]["records"].get(name, "") for way in ways)) for name in names),
        )

    def counted(self, key: str) -> str:
        """What was counted, by way."""
        names = list(dict.fromkeys(name for way in self.ways for name in self.facts[way][key]))
        return table(
            ("", *(f"`{way}`" for way in self.ways)),
            ((name, *(f"{self.facts[way][key].get(name, 0):,}" for way in self.ways)) for name in names),
        )

    def programs(self) -> str:
        """Every program on the default tier and the others."""
        tiers = list(self.data["programs"])
        each = {(tier, way): compared(self.data["programs"][tier], way, RAW) for tier in tiers for way in RELATIVE}
        noise = {tier: floors(self.data["programs"][tier]) for tier in tiers}
        header = (
            "program",
            *(f"`{tier}`, `{way}`" if way != AGAIN else f"`{tier}`, noise" for tier in tiers for way in (*RELATIVE, AGAIN)),
        )
        rows = []
        for name in self.data["programs"][tiers[0]]:
            cells: list[str] = []
            for tier in tiers:
                cells += [f"{found.value:.3f}" if (found := each[tier, way].get(name)) else "" for way in RELATIVE]
                cells.append(f"± {100 * noise[tier].get(name, 0):.1f} %")
            rows.append((name, *cells))
        return table(header, rows)

    def losses(self) -> str:
        """Programs that lose more than three percent, with why."""
        reasons = tomllib.loads(REASONS.read_text("utf-8"))
        found = losses(self.data)
        if RAW not in self.data["ways"]:
            return NOT
        if not found:
            return f"No program loses more than {100 * (LOSS - 1):.0f} % on any tier."
        return table(
            ("program", "tier", "way", "run time / `raw`'s (95 %)", "noise floor", "why"),
            (
                (
                    loss.name,
                    f"`{loss.tier}`",
                    f"`{loss.way}`",
                    ratio(loss.ratio),
                    f"± {100 * loss.floor:.1f} %",
                    "within its noise" if loss.noise else reasons.get(loss.tier, {}).get(loss.name, NO_REASON),
                )
                for loss in found
            ),
        )

    def kernels(self) -> str:
        """Every kernel."""
        tiers = list(self.data["kernels"])
        each = {tier: compared(self.data["kernels"][tier], SINGLE, RAW) for tier in tiers}
        noise = {tier: floors(self.data["kernels"][tier]) for tier in tiers}
        header = ("kernel", *(cell for tier in tiers for cell in (f"`{tier}`, `single` / `raw`", "noise")))
        rows = []
        for name in self.data["kernel facts"]:
            cells = []
            for tier in tiers:
                found = each[tier].get(name)
                cells += [f"{found.value:.3f}" if found else "", f"± {100 * noise[tier].get(name, 0):.1f} %"]
            rows.append((name, *cells))
        return table(header, rows)

    def escapes(self) -> str:
        """Escapes, by way."""
        found = self.data["escapes"]
        if not found:
            return NOT
        return table(
            ("way", "corruptions", "escapes from the cage", "per 100,000", "of them jumps", "other failures"),
            (
                (
                    f"`{way}`",
                    f"{of['corruptions']:,}",
                    f"{of['escapes']:,}",
                    f"{100_000 * of['escapes'] / of['corruptions']:,.0f}",
                    of.get("jump", 0),
                    len(of.get("failures", ())),
                )
                for way, of in found.items()
            ),
        )

    def bits(self) -> str:
        """Where each bit of a record leads, once it is flipped, by way."""
        found = {way: of["fields"] for way, of in self.data["escapes"].items() if of.get("fields")}
        rows = []
        for way, fields in found.items():
            sums = {end: sum(of[end] for of in fields.values()) for end in ("bits", "inside", "trap", "escape")}
            rows.append((f"`{way}`", "all", *sums.values()))
        for name, of in found.get(RAW, {}).items():
            if of["escape"]:
                rows.append((f"`{RAW}`", f"`{name}`", of["bits"], of["inside"], of["trap"], of["escape"]))
        return table(("way", "field", "bits", "unnoticed or inside", "trap", "out of the cage"), rows) if rows else NOT

    def state(self) -> str:
        """Words that differ between two processes."""
        found = self.data["state"]
        return table(
            (
                "words of the arena that differ between two processes / words that are not zero",
                *(f"`{way}`" for way in self.ways),
            ),
            (
                (name, *(f"{of[way]['differ']:,} / {of[way]['words']:,}" if way in of else NOT for way in self.ways))
                for name, of in found.items()
            ),
        )

    def forks(self) -> str:
        """How long a fork takes."""
        found = {way: self.facts[way]["forks"] for way in self.ways}
        said = {
            way: f"{of['microseconds']:.0f} µs" if "microseconds" in of else f"refused: “{of['refused']}”"
            for way, of in found.items()
        }
        return "; ".join(f"`{way}` {text}" for way, text in said.items())

    def caches(self) -> str:
        """Misses of caches, or why there are none."""
        found = self.data["caches"]
        parts = []
        for how, counts in found.items():
            if isinstance(counts, str):
                parts.append(f"`{how}`: {counts}.")
                continue
            rows = []
            for name, by_way in counts.items():
                for way, of in by_way.items():
                    rows.append((name, f"`{way}`", f"{of['instructions']:.1f}", f"{of['L1']:.2f}", f"{of['last']:.2f}"))
            parts.append(table((f"`{how}`, a round of", "way", "instructions", "L1 data misses", "last-level data misses"), rows))
        return "\n\n".join(parts) or NOT

    def machine(self) -> str:
        """The machine and the versions."""
        said = {k: v for k, v in self.data["machine"].items() if v != "not installed"}
        return table(
            ("", ""),
            (
                *said.items(),
                ("arenite", f"commit {self.data['commit']}"),
                ("measured", self.data["when"]),
                ("processes of each way", self.data["lives"]),
            ),
        )

    def summary(self) -> str:
        """Every claim with its verdict, in one table."""
        claims = {
            "provenance": "strict provenance comes for free",
            "mitigation": "a corrupted record leads nowhere, at little cost",
            "base": "carrying the base costs single digits of a percent",
            "handle": "(not predicted) a call through a reference, by handle instead of pointer",
            "tables": "tables of half the size may gain in caches",
            "neutral": "“maybe overall neutral”",
            "snapshots": "the whole machine can be snapshotted",
        }
        return table(("claim", "verdict"), ((f"[{text}](#{key})", self.judged[key].verdict) for key, text in claims.items()))

    def headline(self) -> str:
        """What the bar says, in a sentence."""
        judged = self.judged["bar"]
        best = judged.figures.get("best")
        if judged.verdict == OPEN or not isinstance(best, Beside):
            return "The control has not been measured."
        return (
            f"On the default tier `{best.tier}`, the better of the two ways, `{best.way}`, takes {ratio(best.ratio)} of `raw`'s time over "
            f"{len(self.data['programs'][best.tier])} programs; the noise floor is {100 * best.floor:.1f} %: **{best.verdict}**; the bar, no more than 1 plus that floor, is {judged.verdict}."
        )

    def values(self) -> dict[str, Callable[[], object]]:
        """Everything that the text may ask for."""
        facts = self.facts
        known: dict[str, Callable[[], object]] = {
            "note": lambda: NOTE,
            "headline": self.headline,
            "summary": self.summary,
            "means programs": lambda: self.means("programs"),
            "records": self.records,
            "code": lambda: self.counted("code"),
            "casts": lambda: self.counted("casts"),
            "arenas": lambda: self.counted("arenas"),
            "programs": self.programs,
            "losses": self.losses,
            "kernels": self.kernels,
            "escapes": self.escapes,
            "bits": self.bits,
            "state": self.state,
            "forks": self.forks,
            "caches": self.caches,
            "machine": self.machine,
            "default tier": lambda: self.data["default tier"],
            "count programs": lambda: len(next(iter(self.data["programs"].values()))),
            "names of programs": lambda: ", ".join(sorted(next(iter(self.data["programs"].values())))),
            "left out": lambda: f" **Left out of this run:** {'; '.join(self.data['missing'])}." if self.data["missing"] else "",
            "count kernels": lambda: len(self.data["kernel facts"]),
            "lives": lambda: self.data["lives"],
            "little": lambda: f"{100 * (LITTLE - 1):.0f} %",
            "digits": lambda: f"{100 * (DIGITS - 1):.0f} %",
            "resolution": lambda: f"{100 * RESOLUTION:.0f} %",
            "loss": lambda: f"{100 * (LOSS - 1):.0f} %",
            "small elements": lambda: f"{SMALL:,}",
            "large elements": lambda: f"{LARGE:,}",
            "code saved by spaces": lambda: (
                percent(facts[SPACES]["code"]["CPython"] / facts[SINGLE]["code"]["CPython"])
                if "CPython" in facts[SPACES]["code"]
                else NOT
            ),
        }
        known |= {f"means {claim}": partial(self.means, "kernels", kernels(self.data, claim)) for claim in CHOSEN}
        known |= {f"count {claim}": partial(len, kernels(self.data, claim)) for claim in CHOSEN}
        return known | {f"verdict {key}": lambda key=key: self.verdict(key) for key in self.judged}


def text(data: Data) -> str:
    """The page.  Raises: `KeyError` for what the text asks for and nobody works out."""
    known = Page(data).values()
    return re.sub(r"\{\{([\w ]+)\}\}", lambda found: str(known[found[1]]()), TEMPLATE.read_text("utf-8"))


def write(data: Data) -> list[Path]:
    """Write the page and its pictures; what was written."""
    from bench.relative import pictures  # noqa: PLC0415 (it needs matplotlib, the page alone does not)

    PAGE.write_text(text(data), "utf-8")
    return [PAGE, *pictures.write(data, FOLDER)]
