"""`python -m bench.relative`: relative pointers beside raw ones, measured; verdicts; the page and its pictures written anew.

python -m bench.relative              everything: 15 to 20 minutes on two idle cores
python -m bench.relative --quick      a minute, for trying; the page is left alone
python -m bench.relative --only fib   some things only; the page is left alone
python -m bench.relative --page       nothing is measured: the page and its pictures from the figures that are there
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import numpy as np
import typer
from bench.measure import machine
from bench.relative import caches, escaped, page
from bench.relative.kernels import KERNELS
from bench.relative.turns import MOST, Lives, measured
from bench.relative.verdicts import judge
from bench.relative.ways import AGAIN, DEFAULT_TIER, KERNEL_TIERS, SPACES, TIERS, WAYS
from bench.workloads import OWN, missing, workloads
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
LIVES: Final = 5
CORRUPTIONS: Final = 100_000
SEED: Final = 1
QUICK: Final = 2  # lives
Data = dict[str, Any]


def commit() -> str:
    """What was measured, as git names it."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def differing(lives: Lives, into: dict[str, dict[str, list[Path]]], folder: Path) -> None:
    """Ask every way for its arenas."""
    for way, answer in lives.ask(do="state", folder=str(folder)).items():
        files = answer["files"]
        assert isinstance(files, list)
        for path in map(Path, files):
            into.setdefault(path.name.partition(" ")[2], {}).setdefault(way, []).append(path)


def state(files: dict[str, dict[str, list[Path]]]) -> dict[str, dict[str, dict[str, int]]]:
    """For each machine and way: words of 8 bytes in its arena, and how many of them differ between two processes that did the same."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for name, by_way in files.items():
        for way, (one, two, *_) in by_way.items():
            a, b = (np.frombuffer(path.read_bytes(), dtype="<u8") for path in (one, two))
            found.setdefault(name, {})[way] = {"words": int((a != 0).sum()), "differ": int((a != b).sum())}
    return found


def counted(ways: Sequence[str], corruptions: int, step: Callable[[str], None], *, misses: bool) -> Data:
    """What is counted in processes of its own; nothing is timed, so two run at once.  `misses`: of caches, too, of one relative way and of `raw`."""
    found: Data = {"caches": {}, "escapes": {}}
    with ThreadPoolExecutor(2) as pool:
        jobs = {way: pool.submit(escaped.counted, way, corruptions, SEED) for way in ways}
        if misses:
            found["caches"] = caches.caches([way for way in ways if way != SPACES], "baseline", pool)
        for way, job in jobs.items():
            step(f"escapes, {way}; misses of caches")
            found["escapes"][way] = job.result()
    if misses:
        found["caches"] = {how: of if isinstance(of, str) else caches.gathered(of) for how, of in found["caches"].items()}
    return found


def told(step: Callable[[str], None], when: str, what: str) -> None:
    """Show what is being done."""
    step(f"{what} ({when})")


def measure(
    ways: Sequence[str], tiers: Sequence[str], only: str, lives: int, step: Callable[[str], None], *, quick: bool
) -> Data:
    """All figures."""
    works = [work.name for work in (OWN if quick else workloads()) if only in work.name]
    kernels = [kernel for kernel in KERNELS if only in kernel.name]
    programs: Data = {}
    timed: Data = {}
    facts: Data = {}
    files: dict[str, dict[str, list[Path]]] = {}
    with Lives(ways) as turns, tempfile.TemporaryDirectory() as folder:
        for life in range(lives):
            turns.begin(life)
            said = partial(told, step, f"processes {life + 1} of {lives}")
            if not life:
                said("counting")
                facts = turns.ask(do="facts")
            if life < 2:
                differing(turns, files, Path(folder))
            most = 1 if quick else MOST
            measured(turns, tiers, works, programs, most=most, step=said)
            measured(turns, [t for t in tiers if t in KERNEL_TIERS], [k.name for k in kernels], timed, most=most, step=said)
        states = state(files) if lives > 1 else {}
    apart = [way for way in ways if way != AGAIN]
    counts = (
        {"caches": {}, "escapes": {}}
        if only
        else counted(apart, CORRUPTIONS // 100 if quick else CORRUPTIONS, step, misses=not quick)
    )
    return {
        "machine": machine(),
        "when": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "missing": missing(),
        "ways": {way: WAYS[way].what for way in ways},
        "default tier": DEFAULT_TIER,
        "lives": lives,
        "programs": programs,
        "kernels": timed,
        "kernel facts": {
            k.name: {"group": k.group, "elements": k.elements, "targets": k.targets, "order": k.order} for k in kernels
        },
        "facts": facts,
        "state": states,
        **counts,
    }


def main(
    *,
    ways: Annotated[str, typer.Option(metavar="NAMES", help="Which ways, with commas between.")] = ",".join(WAYS),
    tiers: Annotated[str, typer.Option(metavar="NAMES", help="Which tiers, with commas between.")] = ",".join(TIERS),
    only: Annotated[str, typer.Option(metavar="TEXT", help="Only programs and kernels whose names hold this.")] = "",
    lives: Annotated[int, typer.Option(min=1, help="How many processes of each way run one after the other.")] = LIVES,
    quick: Annotated[bool, typer.Option("--quick", help="Small programs, few runs.")] = False,
    page_only: Annotated[bool, typer.Option("--page", help="Only write the page and its pictures from the figures.")] = False,
    json_path: Annotated[
        Path | None, typer.Option("--json", metavar="PATH", help="Where to keep all samples; by default beside the page.")
    ] = None,
) -> None:
    """Measure relative pointers beside raw ones, judge each claim, write docs/relative-pointers.md."""
    console = Console()
    if not page_only:
        with console.status("") as status:
            data = measure(ways.split(","), tiers.split(","), only, QUICK if quick else lives, status.update, quick=quick)
        whole = not quick and not only
        path = json_path or (page.FIGURES if whole else Path(tempfile.gettempdir()) / "relative.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page.packed(data), "utf-8")
        console.print(f"samples: {path}", highlight=False)
        if path != page.FIGURES:
            for judged in judge(data):
                console.print(f"{judged.key}: {judged.verdict}", highlight=False)
            return
    data = json.loads(page.FIGURES.read_text("utf-8"))
    for judged in judge(data):
        console.print(f"{judged.key}: {judged.verdict}", highlight=False)
    for written in page.write(data):
        console.print(f"written: {written.relative_to(ROOT)}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
