"""Code that means harm, run in boxes: each run ends as it may, the host keeps nothing of it, and the next fork of the same image is clean.

    python tests/fuzz/hostile.py --count 1000 [--seed N] [--family bytecode]

`hostile.toml` has the snippets, as families with parameters; some are put into a setting that makes their end harder to reach.  A run that does
not end kills this process, with the stacks of its threads; the snippet is printed before, with `--verbose`.
"""

from __future__ import annotations

import argparse
import builtins
import collections
import ctypes
import faulthandler
import random
import resource
import secrets
import sys
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arenite import Sandbox
from arenite.sandbox.options import Bounds
from families import Filler
from stress.test_leaks import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.sandbox import Result

FAMILIES: Final[dict[str, dict[str, list[Any]]]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
LEARNED: Final = 12 << 20  # bytes
MOST: Final = (Bounds.memory + Bounds.file_bytes) * 5 // 4  # bytes that a box may make its host take for a moment
SECONDS: Final = 0.3
OUTPUT: Final = 100_000  # bytes
FUEL: Final = 30_000_000
HANGS: Final = 60.0  # seconds for what may take a fraction of one
PLAIN: Final = 0.7  # of snippets are in no setting
FUELLED: Final = 0.2  # have a limit of fuel, too
ANY: Final = frozenset({"time", "output", "error", "value", "dead"})

SETTINGS: Final = {
    "plain": "{code}",
    "again and again": "while True:\n    try: exec({quoted}, globals())\n    except BaseException: pass",
    "a finalizer": "class Last:\n    def __del__(self, run=exec): run({quoted}, globals())\nLast()",
    "a generator": "def inner():\n    try: yield exec({quoted}, globals())\n    finally: exec({quoted}, globals())\nnext(inner())",
    "a class": "class Outer(metaclass=lambda *a: exec({quoted}, globals())): pass",
    "an import": "open('/inner.py', 'w', errors='surrogatepass').write({quoted})\nimport inner",
    "a comparison": "sorted([1, 2], key=lambda n: exec({quoted}, globals()))",
}

BEFORE: Final = """
import json, sys
state = {'a': [1, 2.5, 'ä'], 'b': b'c'}
log = open('/log', 'w'); log.write('begun ')
def count():
    n = 0
    while True: n += 1; yield n
counter = count(); next(counter)
"""
PROBE: Final = """
import builtins, hashlib, json, os, sys
log.write('ended'); log.close()
[state, next(counter), open('/log').read(), sorted(os.listdir('/')), sorted(os.listdir('/run/arenite')), json.loads('[1]'), sum(n * n for n in range(999)),
 hashlib.sha256(b'x').hexdigest(), len(sys.modules), sys.getrecursionlimit(), sorted(vars(builtins)), sorted(globals()), __name__, 3 ** 99, f'{1 / 3:.9f}', os.getcwd(), echo([1, 'ä'])]
"""


@dataclass(frozen=True)
class Snippet:
    """Some code, and how a run of it may end."""

    family: str
    setting: str
    code: str
    ends: frozenset[str]
    fuel: int | None

    def ending(self, *ends: str) -> Snippet:
        """The same, that may end so."""
        return replace(self, ends=frozenset(ends))


def of_family(name: str, seed: int) -> Iterator[Snippet]:
    """The snippets of a family, without end; some come more than once."""
    family, choose = FAMILIES[name], random.Random(f"{seed} {name}")
    filler = Filler(family, choose)
    while True:
        code = filler.text("$code")
        setting = "plain" if choose.random() < PLAIN else choose.choice(list(SETTINGS))
        text = SETTINGS[setting].format(code=code, quoted=repr(code)) if setting != "plain" else code
        ends = frozenset(family["ends"]) if setting == "plain" else ANY
        fuel = FUEL if choose.random() < FUELLED else None
        yield Snippet(name, setting, text, ends | {"fuel"} if fuel else ends, fuel)


def snippets(seed: int, count: int, families: list[str] | None = None) -> list[Snippet]:
    """So many different ones: of each family in proportion to what it has."""
    names = list(FAMILIES) if families is None else families
    weights = [max(len(choices) for choices in FAMILIES[name].values()) for name in names]
    streams = {name: of_family(name, seed) for name in names}
    order, found = random.Random(f"{seed} order"), dict[Snippet, None]()
    for name in names:
        found[next(streams[name])] = None
    while len(found) < count:
        found[next(streams[order.choices(names, weights)[0]])] = None
    return list(found)[:count]


def echo(value: object) -> object:
    """What it is given."""
    return value


def fail(kind: str) -> None:
    """An exception of some class of Python's."""
    found = getattr(builtins, kind, ValueError)
    raise found() if isinstance(found, type) and issubclass(found, Exception) else ValueError(kind)


class Campaign:
    """An image of a box that has some state, and what has come of the snippets that ran in forks of it.  `seconds`: that each may take."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self.begun = Sandbox.python(seconds=seconds, output=OUTPUT, tools=[echo, fail])
        assert self.begun.run(BEFORE, seconds=HANGS).error is None
        self.expected = self.probed()
        self.ends: collections.Counter[tuple[str, str]] = collections.Counter()
        self.late = (0.0, "")

    def probed(self) -> object:
        """What a fork of the image answers."""
        (fork,) = self.begun.fork()
        with fork:
            result = fork.run(PROBE, seconds=HANGS)
            assert result.error is None, result.error
            return result.value

    def attempt(self, snippet: Snippet) -> list[str]:
        """Run a snippet in a fork; what is wrong with how that ended."""
        faulthandler.dump_traceback_later(HANGS, exit=True)
        try:
            (box,) = self.begun.fork()
            with box:
                end, wrong = self.run(box, snippet)
            self.ends[snippet.family, end] += 1
            if self.probed() != self.expected:
                wrong.append("the next fork is not clean")
        except Exception as error:  # noqa: BLE001 (whatever comes is a fault)
            wrong = [f"{type(error).__name__} came out: {error}"]
        finally:
            faulthandler.cancel_dump_traceback_later()
        return wrong

    def run(self, box: Sandbox, snippet: Snippet) -> tuple[str, list[str]]:
        """Run it, and go on with what has become of the box; how it ended, and what is wrong with that."""
        result = box.run(snippet.code, fuel=snippet.fuel)
        end, wrong = ended(box, result), checked(box, result)
        self.late = max(self.late, (result.duration - self.seconds, snippet.code))
        if end not in snippet.ends:
            wrong.append(f"ended with {end}: {str(result.error)[-200:]}")
        if box.stopped:
            wrong += checked(box, box.go_on(seconds=0.05, output=10))
        if box.alive and not box.stopped:
            (fork,) = box.fork()
            with fork:
                wrong += checked(fork, fork.run("6 * 7"))
        return end, wrong


def ended(box: Sandbox, result: Result) -> str:
    """How a run ended."""
    if result.limit is not None:
        return result.limit
    if not box.alive:
        return "dead"
    return "value" if result.error is None else "error"


def checked(box: Sandbox, result: Result) -> list[str]:
    """What a result has that it may not have, whatever the code does."""
    wrong = list[str]()
    if len(result.stdout) + len(result.stderr) > OUTPUT:
        wrong.append("more output than the limit")
    if (result.limit is None) is box.stopped or (result.error is None and (box.stopped or not box.alive)):
        wrong.append(f"limit {result.limit}, error {result.error}, but alive {box.alive}, stopped {box.stopped}")
    if not all(path in box.files or box.alive for path in result.files):
        wrong.append("files that are none")
    return wrong


@dataclass(frozen=True)
class Host:
    """What this process holds."""

    usage: Usage
    threads: int

    @classmethod
    def now(cls) -> Host:
        """What the allocator keeps for later is given back first, and threads are counted that are not Python's, too."""
        Usage.now()
        ctypes.CDLL(None).malloc_trim(0)
        return cls(Usage.now(), len(list(Path("/proc/self/task").iterdir())))

    def assert_kept(self) -> None:
        """It holds no more than then, but for what the engine and the allocator have learned from further code."""
        assert Host.now().threads <= self.threads
        self.usage.assert_kept(LEARNED)


def main() -> None:
    """Run a campaign."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--family", choices=list(FAMILIES), action="append")
    parser.add_argument("--verbose", action="store_true")
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    campaign, begin, faults, before = Campaign(), perf_counter(), 0, Host.now()
    for number, snippet in enumerate(snippets(chosen.seed, chosen.count, chosen.family)):
        if number == chosen.count // 2:  # what is allocated once has been
            before = Host.now()
        if chosen.verbose:
            print(f"--- {number} {snippet.family}, {snippet.setting}\n{snippet.code}", flush=True)
        wrong = campaign.attempt(snippet)
        if wrong:
            faults += 1
            print(f"*** {number} {snippet.family}, {snippet.setting}: {'; '.join(wrong)}\n{snippet.code[:2000]}\n", flush=True)
    late, code = campaign.late
    print(
        f"{chosen.count} snippets, {faults} faults, {perf_counter() - begin:.0f} s; at most {late:.3f} s after its limit:\n{code}\n"
    )
    for family in FAMILIES:
        counts = {end: count for (name, end), count in campaign.ends.items() if name == family}
        if counts:
            print(f"  {family:16}", ", ".join(f"{end} {count}" for end, count in sorted(counts.items())))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    print(f"before: {before}\nafter:  {Host.now()}\nat most {peak >> 20} MiB")
    before.assert_kept()
    assert peak < before.usage.resident + MOST, "more than a box may have, and some"
    sys.exit(faults > 0)


if __name__ == "__main__":
    main()
