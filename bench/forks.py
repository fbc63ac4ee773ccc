"""Suite `forks`: what freezing, forking and resuming cost.

Heaps are stated; they hold random bytes, so no page is free.  Each figure is the median of rounds.  Beside forks stand `Store` and
`Instance` of the same module in wasmtime, beside an answer its cold start.  What the project has set out to reach stands in the last
column.
"""

from __future__ import annotations

import importlib
import os
import random
import resource
import tempfile
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Final

from bench.compiling import code_of
from bench.frontend import child
from bench.measure import median
from bench.report import Report
from bench.workloads import python_guest

from arenite import Config, Engine, Feed, Func, Instance, Linker, Memory, Module, Snapshot, Store, WasiConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIB: Final = 1 << 20
PAGE: Final = 4096
MANY: Final = 1000
LIVE: Final = 10_000
DEPTH: Final = 10
CHANGED: Final = 100  # pages that each level changes
FIRST: Final = 4
SCATTERED: Final = 1000  # pages that change before a delta
READER: Final = """\
import sys, json, random, re
for line in iter(sys.stdin.readline, ""):
    print(eval(line), flush=True)
"""
HEAP: Final = '(module (memory (export "m") {pages}) (func (export "f") (result i32) (i32.load (i32.const 0))))'


def booted(engine: Engine, module: Module) -> Store:
    """CPython where it waits for its first line."""
    store = Store(engine)
    store.set_wasi(WasiConfig(argv=["python", "-c", READER], stdin=Feed()))
    linker = Linker(engine)
    linker.define_wasi()
    start = linker.instantiate(store, module).exports(store)["_start"]
    assert isinstance(start, Func)
    start.start(store).run()
    return store


def filled(engine: Engine, size: int) -> tuple[Store, Memory, Module]:
    """A guest with a heap of random bytes."""
    module = Module(engine, HEAP.format(pages=size // 65536))
    store = Store(engine)
    memory = Instance(store, module, []).exports(store)["m"]
    assert isinstance(memory, Memory)
    block = random.Random(1).randbytes(MIB)  # noqa: S311 (any bytes that are not zero)
    with memory.view(store) as view:
        for at in range(0, size, MIB):
            view[at : at + MIB] = block
    return store, memory, module


def scatter(view: memoryview, pages: int, seed: int) -> None:
    """Change one byte in each of so many pages."""
    for page in random.Random(seed).sample(range(len(view) // PAGE), pages):  # noqa: S311 (any pages)
        view[page * PAGE + 5] ^= 0xFF


def timed(work: Callable[[], object], rounds: int) -> list[float]:
    """Seconds of each round; what `work` gives is dropped between them."""
    samples = []
    for _ in range(rounds):
        begin = thread_time()
        kept = work()
        samples.append(thread_time() - begin)
        del kept
    return samples


def mappings() -> int:
    """Mappings of this process."""
    return Path("/proc/self/maps").read_bytes().count(b"\n")


def private() -> int:
    """Bytes that this process has to itself, page tables among them."""
    fields = dict(line.split(":") for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:])
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    sizes = fields["Private_Clean"], fields["Private_Dirty"], status["VmPTE"]
    return sum(int(size.split()[0]) for size in sizes) * 1024


def reserved() -> int:
    """Bytes of address space."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * PAGE


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for snapshots."""
    with tempfile.TemporaryDirectory(prefix="arenite-bench-") as name:
        yield Path(name)


class Suite:
    """The report being made."""

    def __init__(self, rounds: int, say: Callable[[str], None]) -> None:
        self.rounds = rounds
        self.say = say
        self.report = Report("snapshots and forks", ("what", "measured", "unit", "wanted"))

    def row(self, what: str, measured: float | str | None, unit: str, wanted: str = "") -> None:
        """A line of the table."""
        self.say(what)
        self.report.rows.append((what, measured, unit, wanted))

    def samples(self, what: str, samples: list[float], scale: float, unit: str, wanted: str = "") -> float:
        """A line from samples in seconds."""
        self.report.samples[what] = {"arenite": samples}
        measured = median(samples) * scale
        self.row(what, measured, unit, wanted)
        return measured

    def forks(self, what: str, snapshot: Snapshot, wanted: str = "") -> float:
        """Microseconds of a fork."""
        snapshot.fork(10)
        rounds = [seconds / MANY for seconds in timed(lambda: snapshot.fork(MANY), self.rounds)]
        return self.samples(what, rounds, 1e6, "us", wanted)

    def python(self, engine: Engine) -> None:
        """What is about CPython."""
        path = python_guest()
        assert path is not None, "pip install 'arenite[python]'"
        snapshot, ours = self.forked("CPython", engine, path)
        theirs = wasmtime_instances(path)
        self.row("CPython: Store + Instance in wasmtime", theirs, "us")
        self.row("… fork / wasmtime", ours / theirs, "")
        with tempfile.TemporaryDirectory() as cache:
            cold = child("start", "native", path, Path(cache))
        self.row("CPython: the first answer of a cold wasmtime", cold.first * 1e3, "ms")
        with folder() as place:
            for name, packed in (("image", False), ("packed", True)):
                file = place / name
                self.samples(f"CPython: save, {name}", timed(lambda f=file, p=packed: snapshot.save(f, packed=p), 1), 1e3, "ms")
                self.row(f"CPython: {name} on disk", file.stat().st_blocks * 512 / MIB, "MiB")
            self.restore("CPython", place / "image", engine, WasiConfig())
        self.forked("CPython on auto", Engine(Config(tier="auto")), path)

    def forked(self, what: str, engine: Engine, path: Path) -> tuple[Snapshot, float]:
        """A guest is booted, frozen and forked; the snapshot, and microseconds of a fork."""
        self.say(f"booting {what}")
        module = Module(engine, path.read_bytes())
        begin = perf_counter()
        store = booted(engine, module)
        self.row(f"{what}: boot to its first readline", (perf_counter() - begin) * 1e3, "ms")
        if engine.config.tier == "auto":
            self.row(f"{what}: functions compiled meanwhile, which the forks share", len(code_of(store).function_offsets), "")
        begin = perf_counter()
        snapshot = store.snapshot()
        self.row(f"{what}: snapshot, the first", (perf_counter() - begin) * 1e3, "ms")
        fork = self.forks(f"{what}: fork", snapshot, "< 50")
        self.live(what, snapshot)

        def answer() -> None:
            out = bytearray()
            fork = snapshot.fork(wasi=WasiConfig(stdin=Feed(b"6 * 7\n"), stdout=out))
            execution = fork.execution
            assert execution is not None
            execution.run()
            if out != b"42\n":
                self.report.problems.append(f"a fork answered {out!r}")

        self.samples(f"{what}: fork and an answer", timed(answer, 20 * self.rounds), 1e3, "ms", "< 20")
        return snapshot, fork

    def live(self, what: str, snapshot: Snapshot) -> None:
        """Ten thousand forks at a time."""
        before = mappings(), private(), reserved()
        begin = perf_counter()
        forks = snapshot.fork(LIVE)
        elapsed = perf_counter() - begin
        after = mappings(), private(), reserved()
        maps, bytes_, space = ((b - a) / len(forks) for a, b in zip(before, after, strict=True))
        self.row(f"{what}: {LIVE:,} live forks: each", elapsed / LIVE * 1e6, "us", "< 50")
        self.row(f"{what}: {LIVE:,} live forks: mappings of each", maps, "", "at most 6")
        self.row(f"{what}: {LIVE:,} live forks: address space of each", space / (1 << 30), "GiB", "at most 12")
        self.row(f"{what}: {LIVE:,} live forks: private memory of each, objects and page tables", bytes_ / 1024, "KiB", "< 64")

    def restore(self, what: str, path: Path, engine: Engine, wasi: WasiConfig | None = None) -> None:
        """A file becomes a store; its module is known to the engine."""
        samples = timed(lambda: Snapshot.open(path, engine).fork(wasi=wasi), 5 * self.rounds)
        self.samples(f"{what}: restore from an image", samples, 1e3, "ms", "< 2")

    def heaps(self, engine: Engine) -> None:
        """Whether the size of a heap matters."""
        with folder() as place:
            for size in (16 * MIB, 1024 * MIB):
                name = f"heap of {size // MIB:,} MiB"
                self.say(name)
                store, memory, module = filled(engine, size)
                begin = perf_counter()
                snapshot = store.snapshot()
                self.row(f"{name}: snapshot, the first", (perf_counter() - begin) * 1e3, "ms")
                self.forks(f"{name}: fork", snapshot, "< 50, the same for both")
                begin = perf_counter()
                snapshot.save(place / "image")
                self.row(f"{name}: save", (perf_counter() - begin) * 1e3, "ms")
                self.restore(name, place / "image", engine)
                self.delta(name, snapshot, memory, place)
                self.chain(name, snapshot, memory)
                del store, memory, module, snapshot

    def delta(self, name: str, snapshot: Snapshot, memory: Memory, place: Path) -> None:
        """Some pages have changed since the parent."""
        samples = []
        for seed in range(self.rounds):
            store = snapshot.fork()
            with memory.view(store) as view:
                scatter(view, SCATTERED, seed)
            begin = thread_time()
            store.snapshot().save(place / f"delta{seed}", parent=snapshot)
            samples.append(thread_time() - begin)
        self.samples(f"{name}: {SCATTERED:,} changed pages frozen to a delta file", samples, 1e3, "ms", "< 10")
        self.row(f"{name}: the delta on disk", (place / "delta0").stat().st_blocks * 512 / MIB, "MiB")

    def chain(self, name: str, snapshot: Snapshot, memory: Memory) -> None:
        """Forks of forks: the first few, before an image that is forked often gets a template of its own."""
        pages, deep, flat = DEPTH * CHANGED, list[float](), list[float]()
        for _ in range(self.rounds):
            at_depth, at_once = chained(snapshot, memory)
            for turn in range(FIRST):  # in turns, and each first as often as second
                both = ((at_depth, deep), (at_once, flat))
                for of, samples in both if turn % 2 else reversed(both):
                    samples += [seconds / pages for seconds in timed(of.fork, 1)]
        self.samples(f"{name}: fork at depth {DEPTH} with {pages:,} changed pages, a page", deep, 1e6, "us", "< 5")
        self.samples(f"{name}: the same pages at depth 1, a page", flat, 1e6, "us", "no faster")
        bare = [seconds / pages for seconds in first_writes(snapshot, memory, pages, self.rounds)]
        self.samples(f"{name}: a first write of one byte to a page, for comparison", bare, 1e6, "us")


def chained(snapshot: Snapshot, memory: Memory) -> tuple[Snapshot, Snapshot]:
    """A snapshot at depth `DEPTH`, and one at depth 1 with the same changed pages."""
    deep, flat = snapshot, snapshot.fork()
    for level in range(DEPTH):
        store = deep.fork()
        for target in (store, flat):
            with memory.view(target) as view:
                scatter(view, CHANGED, level)
        deep = store.snapshot()
    return deep, flat.snapshot()


def first_writes(snapshot: Snapshot, memory: Memory, pages: int, rounds: int) -> list[float]:
    """Seconds that the system takes to give a fork pages of its own, as they are written to."""
    samples = []
    for seed in range(rounds):
        store = snapshot.fork()
        with memory.view(store) as view:
            places = random.Random(seed).sample(range(len(view) // PAGE), pages)  # noqa: S311 (any pages)
            begin = thread_time()
            for page in places:
                view[page * PAGE] = 1
            samples.append(thread_time() - begin)
    return samples


def wasmtime_instances(path: Path) -> float:
    """Microseconds of a `Store` and an `Instance` of the same module, WASI and all."""
    api = importlib.import_module("wasmtime")
    engine = api.Engine()
    module = api.Module.from_file(engine, str(path))
    linker = api.Linker(engine)
    linker.define_wasi()

    def make() -> object:
        store = api.Store(engine)
        store.set_wasi(api.WasiConfig())
        return store, linker.instantiate(store, module)

    make()
    return median([seconds / 50 for seconds in timed(lambda: [make() for _ in range(50)], 5)]) * 1e6


def forks(only: str, rounds: int, say: Callable[[str], None]) -> Report:
    """The suite; `only`: "python" or "heap" for a part of it."""
    suite = Suite(rounds, say)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    suite.report.notes.append(
        f"at most {soft:,} descriptors ({hard:,}); {os.cpu_count()} CPUs; times of the measuring thread, but for what is said to be of the wall clock"
    )
    engine = Engine(Config(tier="threaded"))
    if not only or "heap".startswith(only):
        suite.heaps(engine)
    if not only or "python".startswith(only):
        suite.python(engine)
    return suite.report
