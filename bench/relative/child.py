"""A process of one way: `python -m bench.relative.child WAY`.  Commands come as lines of JSON, answers go back so.

    {"do": "run", "tier": "threaded", "name": "fib", "samples": 3}     seconds of each run, and the result; a workload's name, or a kernel's
    {"do": "drop"}                                                     what was translated and compiled is let go
    {"do": "facts"}                                                    what is counted
    {"do": "state", "folder": "/tmp/…"}                                arenas as files

The way's environment is there before this process begins.
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.relative import facts
from bench.relative.kernels import KERNELS
from bench.relative.running import check, engine_of, timed
from bench.relative.ways import WAYS
from bench.subjects import WARM, Package, comparable, tier
from bench.workloads import workloads

if TYPE_CHECKING:
    from bench.subjects import Timed

    from arenite import Engine, Module

Answer = dict[str, object]
WARMED: Final = {"threaded": 0, "baseline": 1, "auto": WARM}
"""Runs before those that count: `baseline` compiles in its first."""


class Child:
    """What the process has."""

    def __init__(self, way: str) -> None:
        check(way)
        self.way = way
        self.packages: dict[str, Package] = {}
        self.engines: dict[str, Engine] = {}
        self.modules: dict[tuple[str, str], dict[str, Module]] = {}
        self.works = {work.name: work for work in workloads()}
        self.kernels = {kernel.name: kernel for kernel in KERNELS}
        engine_of(way, "baseline")  # its stencils are made and kept now: else `auto` would make do with plain ones

    def run(self, tier_name: str, name: str, samples: int, size: int | None = None) -> Answer:
        """Run a workload or a kernel so often, each time in a new store."""
        once = self.kernel if name in self.kernels else self.work
        done = [once(tier_name, name, size) for _ in range(samples)]
        return {"seconds": [seconds for seconds, _ in done], "result": done[0][1]}

    def work(self, tier_name: str, name: str, size: int | None) -> Timed:
        """One run of a workload."""
        if tier_name not in self.packages:
            self.packages[tier_name] = tier(tier_name, WARMED[tier_name], **WAYS[self.way].options)
        found = self.works[name]
        return self.packages[tier_name].run(found, found.size if size is None else size)

    def kernel(self, tier_name: str, name: str, size: int | None) -> tuple[float, object]:
        """One run of a kernel."""
        engine = self.engines.get(tier_name)
        if engine is None:
            engine = self.engines[tier_name] = engine_of(self.way, tier_name)  # type: ignore[arg-type]  # the name of a tier
        kernel, modules = self.kernels[name], self.modules.setdefault((tier_name, name), {})
        seconds, result = timed(engine, kernel, modules, kernel.size if size is None else size)
        return seconds, comparable(result)

    def drop(self) -> Answer:
        """Let go of what was translated and compiled."""
        self.packages.clear()
        self.modules.clear()
        gc.collect()
        return {}

    def answer(self, asked: dict[str, object]) -> Answer:
        """What a command is answered with."""
        match asked:
            case {"do": "run", "tier": str(tier_name), "name": str(name), "samples": int(samples), **more}:
                size = more.get("size")
                return self.run(tier_name, name, samples, size if isinstance(size, int) else None)
            case {"do": "drop"}:
                return self.drop()
            case {"do": "facts"}:
                return facts.facts(self.way)
            case {"do": "state", "folder": str(folder)}:
                return {"files": facts.state(self.way, Path(folder))}
        raise ValueError(f"what is asked for: {asked}")


def main() -> None:
    """Answer until there is nothing more to read."""
    child = Child(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(child.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
