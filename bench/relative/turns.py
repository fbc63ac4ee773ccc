"""Measuring in turns: every way has processes of its own, several one after the other (lives), and runs each thing when it is its turn.

A process lies where it lies for as long as it lives, and its times are alike; so several runs in one process are one sample, and lives are what is drawn
from when spreads are estimated.  Ways take turns run by run, in an order that changes from life to life.

Example:  with Lives(["single", "raw"]) as lives: lives.begin(0); lives.turns("threaded", "fib", 3)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from bench.relative.ways import WAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

ROOT: Final = Path(__file__).resolve().parents[2]
ENOUGH: Final = 0.1  # seconds that the runs of one thing in one life take together, if so many runs are allowed …
MOST: Final = 5
Seconds = dict[str, dict[str, list[list[float]]]]
"""Thing -> way -> life -> runs."""


class Wrong(Exception):  # noqa: N818 (what happened)
    """Ways gave different results, or a process ended early."""


def command(way: str) -> list[str]:
    """What starts a process of a way."""
    return [sys.executable, "-m", "bench.relative.child", way]


def environment(way: str) -> dict[str, str]:
    """And its environment."""
    return os.environ | WAYS[way].environment | {"PYTHONHASHSEED": "0"}


class Process:
    """A process of one way."""

    def __init__(self, way: str) -> None:
        self.way = way
        self._process = subprocess.Popen(
            command(way), cwd=ROOT, env=environment(way), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, **asked: object) -> dict[str, object]:
        """The answer to a command.  Raises: `Wrong` when there is none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise Wrong(f"the process of {self.way} ended at {asked}")
        found: dict[str, object] = json.loads(answer)
        return found

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


class Lives:
    """The processes of all ways, of one life at a time."""

    def __init__(self, ways: Sequence[str]) -> None:
        self.ways = list(ways)
        self.counts: dict[tuple[str, str], int] = {}
        self._stack = ExitStack()
        self.processes: dict[str, Process] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def begin(self, life: int) -> None:
        """New processes for all ways."""
        self._stack.close()
        self.processes = {}
        turn = life % len(self.ways)
        for way in self.ways[turn:] + self.ways[:turn]:
            self.processes[way] = process = Process(way)
            self._stack.callback(process.close)

    def ask(self, **asked: object) -> dict[str, dict[str, object]]:
        """What each way answers."""
        return {way: process.ask(**asked) for way, process in self.processes.items()}

    def turns(self, tier: str, name: str, most: int = MOST, size: int | None = None) -> dict[str, list[float]]:
        """Seconds of the runs of each way in this life.  Raises: `Wrong` where results differ."""
        runs: dict[str, list[float]] = {way: [] for way in self.processes}
        results: dict[str, object] = {}
        count = self.counts.get((tier, name), 1)
        done = 0
        while done < count:
            for way, process in self.processes.items():
                answer = process.ask(do="run", tier=tier, name=name, samples=1, size=size)
                seconds = answer["seconds"]
                assert isinstance(seconds, list)
                runs[way] += seconds
                results[way] = answer["result"]
            done += 1
            if (tier, name) not in self.counts:
                first = max(min(found) for found in runs.values())
                count = self.counts[tier, name] = max(min(ceil(ENOUGH / max(first, 1e-6)), most), 1)
        if len(set(map(repr, results.values()))) > 1:
            raise Wrong(f"{name} on {tier}: results differ: {results}")
        return runs


def measured(
    lives: Lives, tiers: Sequence[str], names: Sequence[str], into: dict[str, Seconds], *, most: int, step: Callable[[str], None]
) -> None:
    """One life's turns of all these things on all these tiers; what they take goes to `into`, by tier."""
    for name in names:
        for tier in tiers:
            step(f"{name}, {tier}")
            for way, runs in lives.turns(tier, name, most).items():
                into.setdefault(tier, {}).setdefault(name, {}).setdefault(way, []).append([round(run, 7) for run in runs])
        lives.ask(do="drop")


@contextmanager
def one(way: str) -> Iterator[Process]:
    """A single process of a way."""
    process = Process(way)
    try:
        yield process
    finally:
        process.close()
