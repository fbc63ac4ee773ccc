"""Random programs in the style of the standard library's documentation.

    python tests/differential/programs.py 7 | python3.12          # the program of seed 7

`chapters.toml` has what they are put together from.  Each chapter becomes a generator, and one of several ways runs them, so that much of a program is in
the middle of something wherever it is frozen.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arenite import Sandbox
from arenite.sandbox.options import Bounds
from families import Filler

if TYPE_CHECKING:
    from arenite.sandbox import Result

BYTES: Final = ".bytes"
BOUNDS: Final = Bounds(seconds=120.0, output=10 << 20)
PARTS: Final[dict[str, list[str | int]]] = tomllib.loads(Path(__file__).with_name("chapters.toml").read_text("utf-8"))
CHAPTERS: Final = (3, 7)  # of a program
BEGIN: Final = """\
import abc, array, ast, asyncio, base64, binascii, bisect, calendar, collections, contextlib, contextvars, copy, csv, datetime, decimal, enum, fractions, functools, graphlib, hashlib, heapq
import hmac, inspect, io, itertools, json, math, operator, pickle, quopri, random, re, statistics, string, struct, textwrap, traceback, types, unicodedata, weakref, zlib
from collections import deque
from dataclasses import asdict, dataclass, field, fields, replace
from typing import ClassVar, Protocol
"""
WAYS: Final = (
    """
# one after the other
for name, chapter in chapters.items():
    for said in chapter(): print(name, said)
""",
    """
# in turns
running = {name: chapter() for name, chapter in chapters.items()}
while running:
    for name in list(running):
        try: print(name, next(running[name]))
        except StopIteration: del running[name]
""",
    """
# side by side
for row in itertools.zip_longest(*(chapter() for chapter in chapters.values())):
    for name, said in zip(chapters, row): print(name, said)
""",
    """
# inside each other
def nest(names):
    if names:
        with contextlib.closing(chapters[names[0]]()) as said:
            for what in said:
                yield names[0], what
                yield from itertools.islice(nest(names[1:]), 3)
for name, what in itertools.islice(nest(list(chapters)), 300): print(name, what)
""",
    """
# awaited
class Turn:
    def __await__(self): yield
async def told(name, chapter):
    for said in chapter():
        print(name, said)
        await Turn()
tasks = deque(told(name, chapter) for name, chapter in chapters.items())
while tasks:
    try: tasks[0].send(None)
    except StopIteration: tasks.popleft()
    tasks.rotate(-1)
""",
    """
# in an event loop
async def told(name, chapter, turn):
    for said in chapter():
        async with turn: print(name, said)
        await asyncio.sleep(0)
async def main():
    turn = asyncio.Lock()
    await asyncio.gather(*(told(name, chapter, turn) for name, chapter in chapters.items()))
asyncio.run(main())
""",
    """
# by recursion
def down(names):
    if not names: return []
    kept = [str(said) for said in chapters[names[0]]()]
    try: return down(names[1:]) + kept
    finally: print(names[0], len(kept))
for said in down(list(chapters)): print(said)
""",
)


def program(seed: int) -> str:
    """A program; what it prints is the same everywhere."""
    choose = random.Random(f"program {seed}")
    chapters = choose.sample(PARTS["chapter"], choose.randint(*CHAPTERS))
    filler, texts = Filler(PARTS, choose), [BEGIN, "chapters = {}"]
    for number, chapter in enumerate(chapters):
        name = f"chapter_{number}"
        body = textwrap.indent(filler.text(str(chapter)).strip(), "    ")
        texts.append(f"def {name}():\n{body}\nchapters[{number}] = {name}")
    whole = "\n".join(texts)
    ways = [way for way in WAYS if "asyncio.run" not in way or "asyncio.run" not in whole]  # no loop runs in another
    return whole + choose.choice(ways)


class Elsewhere:
    """Another process, in which boxes go on."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def go_on(self, path: Path, fuel: int | None) -> tuple[str, str | None]:
        """What the box of a file prints, and its limit; it is written back there when it has stopped again.  `fuel`: units, or to the end."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([str(path), fuel]) + "\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline()
        assert said, f"the other process has ended with {self.process.wait(60)}"
        stdout, limit = json.loads(said)
        return stdout, limit

    def close(self) -> None:
        """Let it end."""
        with self.process as process:
            assert process.stdin
            process.stdin.close()


def dumped(box: Sandbox, path: Path) -> None:
    """Write a box, as the file that its name says: a whole one, or few bytes beside the image."""
    if path.suffix == BYTES:
        path.write_bytes(box.dumps())
    else:
        box.save(path)


def opened(path: Path) -> Sandbox:
    """It again."""
    return Sandbox.loads(path.read_bytes(), bounds=BOUNDS) if path.suffix == BYTES else Sandbox.open(path, bounds=BOUNDS)


def serve() -> None:
    """Be that process."""
    for line in sys.stdin:
        name, fuel = json.loads(line)
        path = Path(name)
        with opened(path) as box:
            result = box.go_on(fuel=fuel)
            if box.stopped:
                dumped(box, path)
        print(json.dumps([finished(result), result.limit]), flush=True)


def finished(result: Result) -> str:
    """What was printed.  Raises: `RuntimeError` for a program that has failed."""
    if result.limit is None and result.error is not None:
        raise RuntimeError(result.error)
    return result.stdout


def unbroken(seed: int, image: Sandbox) -> tuple[str, int]:
    """What a program prints in a box, and the fuel it takes.  `image`: a box that is forked."""
    (box,) = image.fork()
    with box:
        result = box.run(program(seed))
        return finished(result), result.fuel


def broken(seed: int, image: Sandbox, fuel: int, elsewhere: Elsewhere, folder: Path) -> str:
    """What it prints where it is frozen at up to three points of its `fuel`, each time by a limit of one kind, and goes on in another process."""
    choose = random.Random(f"freezes {seed}")
    path = folder / choose.choice(["box.arn", f"box{BYTES}"])
    (box,) = image.fork()
    with box:
        limits: dict[str, Any] = choose.choice(
            [{"fuel": choose.randrange(fuel)}, {"seconds": choose.random() * 0.1}, {"output": choose.randrange(300)}]
        )
        result = box.run(program(seed), **limits)
        said, limit = finished(result), result.limit
        assert limit == "fuel" or "fuel" not in limits
        if limit is not None:
            dumped(box, path)
    while limit is not None:
        more, limit = elsewhere.go_on(path, choose.choice([choose.randrange(fuel), None]))
        said += more
    path.unlink(missing_ok=True)
    return said


def outside(seed: int, python: str, folder: Path) -> str:
    """What it prints in a Python of the host."""
    command = [python, "-X", "utf8", "-c", program(seed)]
    return subprocess.run(command, check=True, capture_output=True, cwd=folder, timeout=100).stdout.decode()


def python_of_the_guest() -> str | None:
    """A Python of the host that has the guest's version."""
    known = sorted(Path.home().glob(".pyenv/versions/3.12.*/bin/python"))
    for python in (sys.executable, shutil.which("python3.12"), *map(str, known)):
        if python is not None:
            said = subprocess.run([python, "-c", "import sys; print(*sys.version_info[:2])"], check=False, capture_output=True)
            if said.stdout.split() == [b"3", b"12"]:
                return python
    return None


def main() -> None:
    """As the top says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("seed", type=int, nargs="?")
    parser.add_argument("--serve", action="store_true", help="go on with boxes, as lines of standard input ask for it")
    chosen = parser.parse_args()
    if chosen.serve:
        serve()
    else:
        print(program(chosen.seed))


if __name__ == "__main__":
    main()
