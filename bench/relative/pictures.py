"""The page's pictures, as SVG: two of the design, the others drawn from the samples.

Ink is a colour that a style in the file changes where the reader's pages are dark; other colours are readable on both, and the ground is transparent.
Each file says which figures it was drawn from (a digest), so a test sees one that is out of date without drawing it again.

Example:  write(json.loads(FIGURES.read_text()), Path("docs/relative-pointers"))
"""

from __future__ import annotations

import hashlib
import json
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from bench.relative.kernels import SIZES
from bench.relative.statistics import compared
from bench.relative.verdicts import beside, floors
from bench.relative.ways import AGAIN, RAW, RELATIVE, SINGLE, SPACES
from matplotlib.figure import Figure

from arenite.layout.cage import AREA_SIZE, ARENA_MAX, GUARD, WINDOW_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.axes import Axes

Data = dict[str, Any]
INK: Final = "#010203"
STYLE: Final = "<style>:root { --ink: #1f2328 } @media (prefers-color-scheme: dark) { :root { --ink: #e6edf3 } }</style>"
COLOURS: Final = {SINGLE: "#2f81c7", SPACES: "#3f9a5a", RAW: "#c9702b", AGAIN: "#8b8b8b"}
MARKS: Final = {SINGLE: "o", SPACES: "s", RAW: "D"}
OPTIONS: Final[dict[str, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "arenite",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def axes(figure: Figure, title: str) -> Axes:
    """The one field of a picture."""
    axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=10)
    return axes


def ratio_axis(ax: Axes, floor: float) -> None:
    """A line where nothing differs, and the band of noise around it."""
    ax.axvline(1, color=INK, linewidth=0.8)
    ax.axvspan(1 / (1 + floor), 1 + floor, color=COLOURS[AGAIN], alpha=0.25, linewidth=0)
    ax.set_xlabel("run time / raw's; less is faster; the band is what the same build, run twice, may differ")


def boxes(ax: Axes, parts: list[tuple[str, str, str]]) -> None:
    """Boxes below each other: a name, what it is, a colour."""
    ax.set_axis_off()
    ax.set_xlim(0, 10)
    ax.set_ylim(-len(parts), 0.2)
    for i, (name, what, colour) in enumerate(parts):
        ax.add_patch(mpl.patches.Rectangle((0.1, -i - 0.9), 3.3, 0.8, facecolor=colour, alpha=0.3, edgecolor=INK, linewidth=0.8))
        ax.text(0.3, -i - 0.5, name, va="center")
        ax.text(3.7, -i - 0.5, what, va="center")


def cage(_data: Data, figure: Figure) -> None:
    """What lies where."""
    mib, gib = 1 << 20, 1 << 30
    boxes(
        axes(figure, "One store: everything is at an unsigned offset from one base"),
        [
            ("guard", f"{GUARD // 1024} KiB, no access", COLOURS[AGAIN]),
            ("window", f"{WINDOW_SIZE // mib} MiB, read-only: what a code handle leads to", COLOURS[SPACES]),
            ("store page", "what decides checks; no offset from a record reaches below the base", COLOURS[SPACES]),
            ("base → arena", f"records and frames, u32 offsets, {ARENA_MAX // gib} GiB", COLOURS[SINGLE]),
            (
                "memory area 0",
                f"{AREA_SIZE / gib:.0f} GiB: a 32-bit memory, its guard; a u32 offset that is wrong ends here",
                COLOURS[RAW],
            ),
            ("memory area 1 …", "the next one, if there is one", COLOURS[RAW]),
        ],
    )


def call(data: Data, figure: Figure) -> None:
    """What an indirect call reads."""
    ax = axes(figure, "One call_indirect: what is read, and who may have written it")
    ax.set_axis_off()
    ax.set_xlim(0, 12)
    ax.set_ylim(-4.6, 0.4)
    sizes = {way: data["facts"].get(way, {}).get("records", {}) for way in (SINGLE, RAW)}
    rows = [
        (
            SINGLE,
            "single, spaces",
            [
                ("table", f"u32, {sizes[SINGLE].get('table element', 4)} bytes"),
                ("reference", f"{sizes[SINGLE].get('FuncRefRecord', 16)} bytes: handle, instance"),
                ("window's entry", "read-only: type, code"),
                ("function", ""),
            ],
        ),
        (
            RAW,
            "raw",
            [
                ("table", f"pointer, {sizes[RAW].get('table element', 8)} bytes"),
                ("reference", f"{sizes[RAW].get('FuncRefRecord', 32)} bytes: type, code, instance"),
                ("function", ""),
            ],
        ),
    ]
    for i, (way, name, steps) in enumerate(rows):
        top = -2.4 * i
        ax.text(0, top, name, va="center", color=COLOURS[way], fontweight="bold")
        for k, (step, what) in enumerate(steps):
            x, trusted = 3.05 * k, step in {"window's entry", "function"}
            colour = COLOURS[SPACES] if trusted else COLOURS[RAW]
            ax.add_patch(
                mpl.patches.Rectangle((x, top - 1.5), 2.5, 1.1, facecolor=colour, alpha=0.3, edgecolor=INK, linewidth=0.8)
            )
            ax.text(x + 1.25, top - 0.75, step, ha="center", va="center")
            ax.text(x + 1.25, top - 1.2, what, ha="center", va="center", fontsize=6.5)
            if k:
                ax.annotate("", (x, top - 0.95), (x - 0.55, top - 0.95), arrowprops={"arrowstyle": "->", "color": INK})
    ax.text(
        0,
        -4.5,
        "orange: in the arena, believed by nobody in single and spaces, by everybody in raw; green: no guest reaches it",
        fontsize=7,
    )


def records(data: Data, figure: Figure) -> None:
    """Bytes of records."""
    ax = axes(figure, "Bytes of records")
    ways = [way for way in (SINGLE, RAW) if way in data["facts"]]
    names = [name for name in data["facts"][SINGLE]["records"] if name != "StoreContext"]
    for i, way in enumerate(ways):
        sizes = [data["facts"][way]["records"].get(name, 0) for name in names]
        at = [k + 0.38 * i for k in range(len(names))]
        ax.barh(at, sizes, 0.36, color=COLOURS[way], label=way)
        for y, size in zip(at, sizes, strict=True):
            ax.text(size + 0.4, y, str(size), va="center", fontsize=7)
    ax.set_yticks([k + 0.19 for k in range(len(names))], names)
    ax.invert_yaxis()
    ax.legend()


def programs(tier: str) -> Callable[[Data, Figure], None]:
    """Every program on one tier."""

    def draw(data: Data, figure: Figure) -> None:
        ax = axes(figure, f"Programs on {tier}, beside raw: median and 95 % of the lives drawn again")
        seconds = data["programs"].get(tier, {})
        names = list(seconds)
        noise = floors(seconds)
        for i, way in enumerate(RELATIVE):
            found = compared(seconds, way, RAW)
            for k, name in enumerate(names):
                if name in found:
                    value, low, high = found[name]
                    ax.plot([low, high], [k + 0.3 * i] * 2, color=COLOURS[way], linewidth=1.2)
                    ax.plot([value], [k + 0.3 * i], MARKS[way], color=COLOURS[way], markersize=4, label=way if not k else None)
        for k, name in enumerate(names):
            off = noise.get(name, 0)
            ax.fill_betweenx([k - 0.25, k + 0.55], 1 / (1 + off), 1 + off, color=COLOURS[AGAIN], alpha=0.3, linewidth=0)
        ratio_axis(ax, 0)
        ax.set_yticks([k + 0.15 for k in range(len(names))], names)
        ax.invert_yaxis()
        if ax.get_legend_handles_labels()[0]:
            ax.legend()

    return draw


def means(data: Data, figure: Figure) -> None:
    """Geometric means, tier by tier."""
    ax = axes(figure, "Geometric mean of all programs, beside raw")
    labels = list[str]()
    for tier in data["programs"]:
        for way in RELATIVE:
            found = beside(data, "programs", tier, way)
            if found is None:
                continue
            y = len(labels)
            labels.append(f"{tier}, {way}")
            low, high = 1 / (1 + found.floor), 1 + found.floor
            ax.fill_betweenx([y - 0.4, y + 0.4], low, high, color=COLOURS[AGAIN], alpha=0.3, linewidth=0)
            ax.plot([found.ratio.low, found.ratio.high], [y, y], color=COLOURS[way], linewidth=1.5)
            ax.plot([found.ratio.value], [y], MARKS[way], color=COLOURS[way])
            ax.text(found.ratio.high, y, f"  {found.ratio.value:.3f}", va="center", fontsize=8)
    ratio_axis(ax, 0)
    ax.set_yticks(range(len(labels)), labels)
    ax.invert_yaxis()


def tables(data: Data, figure: Figure) -> None:
    """Calls through tables of all sizes."""
    both = figure.subplots(1, 2, sharey=True)
    for ax, tier in zip(both, data["kernels"], strict=False):
        found = compared(data["kernels"][tier], SINGLE, RAW)
        ax.axhline(1, color=INK, linewidth=0.8)
        for targets, colour in zip((1, 16, 4096), (COLOURS[SINGLE], COLOURS[SPACES], COLOURS[RAW]), strict=True):
            for order, line in (("sequential", ":"), ("random", "-")):
                points = [
                    (k["elements"], found[name].value)
                    for name, k in data["kernel facts"].items()
                    if (k["group"], k["targets"], k["order"]) == ("call_indirect", targets, order) and name in found
                ]
                if points:
                    ax.plot(*zip(*points, strict=True), line, marker=".", color=colour, label=f"{targets:,}, {order}")
        ax.set_xscale("log", base=2)
        ax.set_xticks(list(SIZES), list(SIZES.values()))
        ax.minorticks_off()
        ax.set_title(f"{tier}: single / raw", loc="left", fontsize=10)
        ax.set_xlabel("elements of the table")
    both[0].set_ylabel("time of call_indirect / raw's")
    if both[0].get_legend_handles_labels()[0]:
        both[0].legend(title="targets, order", fontsize=7)


def escapes(data: Data, figure: Figure) -> None:
    """Escapes from the cage."""
    ax = axes(figure, "Escapes from the cage per 100,000 corruptions")
    found = data["escapes"]
    for i, (way, of) in enumerate(found.items()):
        share = 100_000 * of["escapes"] / of["corruptions"]
        ax.barh([i], [share], 0.6, color=COLOURS[way])
        ax.text(share, i, f"  {share:,.0f}", va="center")
    ax.set_yticks(range(len(found)), list(found))
    ax.invert_yaxis()


PICTURES: Final[dict[str, tuple[tuple[float, float], Callable[[Data, Figure], None]]]] = {  # name -> (inches, who draws it)
    "cage": ((7, 3), cage),
    "call": ((7, 3), call),
    "records": ((7, 3.6), records),
    "means": ((7, 2.8), means),
    "programs-threaded": ((7, 5), programs("threaded")),
    "programs-baseline": ((7, 5), programs("baseline")),
    "programs-auto": ((7, 5), programs("auto")),
    "tables": ((7, 3.6), tables),
    "escapes": ((7, 1.8), escapes),
}


def digest(data: Data) -> str:
    """The figures that pictures are drawn from, in short."""
    return hashlib.blake2b(json.dumps(data, sort_keys=True).encode(), digest_size=12).hexdigest()


def svg(data: Data, name: str) -> str:
    """A picture."""
    size, draw = PICTURES[name]
    with mpl.rc_context(OPTIONS):  # type: ignore[arg-type]  # names of options, checked by running
        figure, out = Figure(figsize=size, layout="constrained"), StringIO()
        draw(data, figure)
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Description": digest(data)})
    head, mark, rest = out.getvalue().replace(INK, "var(--ink, #767676)").partition("<defs>")
    return "\n".join(line.rstrip() for line in f"{head}{STYLE}{mark}{rest}".splitlines()) + "\n"


def write(data: Data, folder: Path) -> list[Path]:
    """Write all of them; those of before go away."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.svg"):
        path.unlink()
    written = []
    for name in PICTURES:
        path = folder / f"{name}.svg"
        path.write_text(svg(data, name), "utf-8")
        written.append(path)
    return written
