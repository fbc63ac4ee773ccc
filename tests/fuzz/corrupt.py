"""Corruption: whoever writes any byte of a store's arena gets a result, a trap or an error of arenite's, never more.

    python tests/fuzz/corrupt.py --count 100000 --seed 1 --tier threaded
    python tests/fuzz/corrupt.py --seed 1 --tier threaded --round 17        # one round again, in this process

Guests run in child processes.  A child that dies, hangs or says something else is a failure, and its round is named.  In each child
a second store of the same engine must stay as it was, to the byte; so must the victim's own words below the base and the window.
A fault outside the victim's cage is no trap here: the child dies of it.
"""

from __future__ import annotations

import argparse
import collections
import faulthandler
import os
import random
import select
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arenite import AreniteError, Func, Global, Instance, Memory, Table, Tag, Trap, WasmException
from arenite.errors import InternalError
from arenite.layout.cage import STACK_AT, UNIT, area_at
from arenite.layout.records import StoreContext
from arenite.layout.types import EXNREF, EXTERNREF, F32, F64, FUNCREF, I32, I64
from arenite.machine.run.watch import watch
from arenite.traps import Cause
from fuzz.worlds import AREAS, STACK, Poker, World, engine, memory_length, modules
from tiers import WAYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.machine.space.window import Window
    from tiers import Way

STEPS = 12  # calls and other uses in a round, each after some damage
FUEL, SLOW_FUEL = 5000, 1500
SLICES = (1, 3, 17, 1 << 18)
MOST_FAILURES = 10  # after so many, more say nothing new
SILENCE = 60.0  # seconds without a finished round: it hangs
NUMBERS = (0, 1, 2, 3, 5, 8, 100, 0xFFFF, 0x10000, 0x1FFF0, -1, 0x7FFFFFFF)
VARIANTS: dict[str, tuple[Way, dict[str, Any]]] = {way: (way, {}) for way in WAYS} | {
    "spaces": ("threaded", {"addressing": "spaces"}),
    "explicit": ("threaded", {"explicit_bounds": True}),
    "baseline, spaces": ("baseline", {"addressing": "spaces"}),
    "mixed, explicit": ("mixed", {"explicit_bounds": True}),
}


def unpatched(window: Window) -> bytes:
    """The window's bytecode, without the opcodes by which a tier compiles lazily."""
    code = bytearray(window.code)
    for placed in window.modules:
        bytecode = placed.code.bytecode
        for at in range(placed.origin, placed.end, UNIT):
            if code[at + 1] == 0xFF:  # of no op's
                code[at : at + 2] = bytecode[at - placed.origin :][:2]
    return bytes(code)


class Unharmed:
    """What must not change: another store of the engine, and the window that both share."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.total = self.compute()
        self.note()

    def compute(self) -> object:
        """Something that it computes."""
        self.world.store.set_fuel(10_000)
        return self.world.instances[0].call(self.world.store, "sum", 60)

    def parts(self) -> list[bytes]:
        """Everything of it, as bytes."""
        watch.settle()  # else it may still raise the floor for the run that has just ended
        cage, window = self.world.machine.cage, self.world.machine.window
        memories = [bytes(cage.memory(area)) for area in range(2)]
        entries = (window.modules[-1].handle + window.modules[-1].code.function_count) * 16
        return [bytes(cage.arena), bytes(cage.store_page), *memories, bytes(window.entries[:entries]), unpatched(window)]

    def note(self) -> None:
        """Remember how it is."""
        self.parts_then = self.parts()

    def check(self) -> None:
        """It is as it was, and still works."""
        for now, then in zip(self.parts(), self.parts_then, strict=True):
            assert now == then, "another store or the window has changed"
        assert self.compute() == self.total, "another store computes something else"
        self.note()


class Child:
    """Rounds of damage in one process.  `throwing`: whether the victims throw."""

    throwing = True

    def __init__(self, variant: str, seed: int) -> None:
        tier, options = VARIANTS[variant]
        self.seed = seed
        self.fuel = SLOW_FUEL if tier == "safe" else FUEL
        self.engine = engine(tier, **options)
        self.modules = modules(self.engine, throwing=self.throwing)
        self.unharmed = Unharmed(World(self.engine, self.modules))
        self.ends: collections.Counter[str] = collections.Counter()
        if tier != "safe":
            shrink_windows()

    def round(self, number: int) -> int:
        """One victim from birth to close; how often it was damaged."""
        choose = random.Random(f"{self.seed} {number}")
        world = World(self.engine, self.modules)
        poker, machine = Poker(world, choose), world.machine

        def between_slices() -> Cause | None:
            machine.fuel.slice = choose.choice(SLICES)
            if choose.random() < 0.3:
                poker.poke()
            return Cause.INTERRUPT if choose.random() < 0.002 else None

        world.poke = lambda: poker.poke() if choose.random() < 0.4 else None
        machine.check, machine.has_epochs = between_slices, True
        for _ in range(STEPS):
            for _ in range(choose.choice((0, 1, 1, 2, 4))):
                poker.poke()
            machine.fuel.left, machine.fuel.slice = self.fuel, choose.choice(SLICES)
            self.ends[ending(lambda: use(world, choose))] += 1
            assert 0 <= machine.fuel.left <= self.fuel, f"fuel is {machine.fuel.left}"
            check_trusted(world)
        world.store.close()
        if number % 16 == 0:
            self.unharmed.check()
        return poker.count

    def finish(self) -> None:
        """The other store is as it was."""
        self.unharmed.check()


def shrink_windows() -> None:
    """A fault counts as a guest's only inside a cage as large as the victims' are."""
    from arenite.platform import faults  # noqa: PLC0415 (not there on every platform)

    assert faults._handler is not None
    for row in faults._handler.rows.values():
        faults._handler.ranges[row].high = area_at(AREAS)


def check_trusted(world: World) -> None:
    """The words below the base are the machine's."""
    cage = world.machine.cage
    page = cage.store_page
    used = len(world.machine.registry.instances)
    assert StoreContext.stack_limit.read(page, 0) == STACK_AT + STACK
    assert StoreContext.areas.read(page, 0) == used
    assert world.machine.heap <= len(cage.arena)
    for area in range(used):
        assert memory_length(page, area) == len(cage.memory(area)) <= 1 << 21
    assert world.machine.depth == 0


def ending(act: Callable[[], object]) -> str:
    """How something ends; anything but a value, a trap or an error of arenite's goes through."""
    try:
        act()
    except Trap as trap:
        str(trap)
        return trap.code.name.lower() if trap.code else trap.message
    except InternalError:
        raise
    except AreniteError as error:
        return type(error).__name__
    return "result"


def use(world: World, choose: random.Random) -> object:
    """Something a host does: mostly a call."""
    if choose.random() < 0.75:
        function, params = choose.choice(world.functions)
        return function(world.store, *(argument(world, choose, t.code) for t in params))
    if choose.random() < 0.08 and len(world.instances) < AREAS - 1:
        return again(world)
    return touch(world, choose, choose.choice(world.others))


def argument(world: World, choose: random.Random, type_: int) -> object:
    """A value of the type."""
    if type_ in (I32, I64):
        return choose.choice(NUMBERS) if choose.random() < 0.9 else choose.getrandbits(31)
    if type_ in (F32, F64):
        return choose.choice((0.0, -1.5, 1e30, float("nan"), float("inf")))
    if type_ == EXNREF:
        return choose.choice((None, WasmException(world.word, [choose.choice(NUMBERS)])))
    assert type_ in (FUNCREF, EXTERNREF)
    return choose.choice((None, choose.choice(world.functions)[0])) if type_ == FUNCREF else choose.choice((None, "thing", 7))


def again(world: World) -> Instance:
    """Another instance of the user's module, linked to what is there."""
    exports = world.instances[0].exports(world.store)
    hosts = {name: world._host(name) for name in ("poke", "nest")}
    user = world.modules[1]
    found = Instance(world.store, user, [hosts[i.name] if i.module == "host" else exports[i.name] for i in user.imports])
    world.instances.append(found)
    return found


def touch(world: World, choose: random.Random, extern: Func | Memory | Table | Global | Tag) -> object:
    """Use a memory, a table, a global or a tag through the API."""
    store, n = world.store, choose.randrange(40)
    if isinstance(extern, Memory):
        choices: list[Callable[[], object]] = [
            lambda: extern.read(store, n, n + 30),
            lambda: extern.write(store, b"xyz", n),
            lambda: extern.grow(store, n % 3),
            lambda: extern.size(store),
        ]
    elif isinstance(extern, Table):
        value = argument(world, choose, extern.type(store).element.code)
        choices = [
            lambda: extern.get(store, n),
            lambda: extern.set(store, n, value),
            lambda: extern.grow(store, n % 4, value),
            lambda: extern.size(store),
            lambda: [extern.get(store, i) for i in range(min(extern.size(store), 50))],
        ]
    elif isinstance(extern, Global):
        value = argument(world, choose, extern.type(store).content.code)
        choices = [lambda: extern.value(store), lambda: extern.set_value(store, value)]
    elif isinstance(extern, Tag):
        choices = [lambda: extern.type(store)]
    else:
        choices = [lambda: extern(store)]
    return choose.choice(choices)()


class Rounds(Protocol):
    """What a child does: rounds of damage; `ends`: how what it tried has ended."""

    ends: collections.Counter[str]

    def round(self, number: int) -> int:
        """One round; how much damage that was."""

    def finish(self) -> None:
        """What must hold in the end."""


def run_child(child: Rounds, first: int) -> None:
    """Rounds from `first` on until the parent has enough: a line for each, and how calls ended when asked."""
    faulthandler.enable()
    number = first
    while sys.stdin.readline().strip() == "go":
        try:
            count = child.round(number)
        except BaseException:  # noqa: BLE001 (told to the parent, which counts it)
            traceback.print_exc()
            sys.stderr.flush()
            print(f"failed {number}", flush=True)
            os._exit(3)
        print(f"done {number} {count}", flush=True)
        number += 1
    child.finish()
    print("ends", *(f"{name.replace(' ', '_')}={n}" for name, n in child.ends.most_common()), flush=True)


class Campaign:
    """The parent: starts children of `program`, asks for rounds, counts.  `life`: rounds of one child."""

    def __init__(
        self,
        variant: str,
        seed: int,
        *,
        count: int,
        minutes: float | None,
        quiet: bool,
        program: str = __file__,
        what: str = "corruptions",
        life: int | None = None,
    ) -> None:
        self.variant, self.seed, self.count, self.quiet = variant, seed, count, quiet
        self.program, self.what, self.life = program, what, life
        self.deadline = None if minutes is None else time.monotonic() + 60 * minutes
        self.done, self.next, self.failures = 0, 0, list[str]()
        self.ends: collections.Counter[str] = collections.Counter()
        self.said = time.monotonic()

    def run(self) -> bool:
        """Until there was enough damage; whether all ended as it must."""
        while not self.enough() and len(self.failures) < MOST_FAILURES:
            self.child()
        print(f"{self.variant}: {self.done} {self.what} in {self.next} rounds, {len(self.failures)} failures")
        print("  " + ", ".join(f"{name} {n}" for name, n in self.ends.most_common()))
        for failure in self.failures:
            print(f"FAILED {failure}")
        return not self.failures

    def enough(self) -> bool:
        """Whether the count or the time is reached."""
        return self.done >= self.count or (self.deadline is not None and time.monotonic() > self.deadline)

    def child(self) -> None:
        """One child, as long as it lives."""
        command = [
            sys.executable,
            self.program,
            "--child",
            "--tier",
            self.variant,
            "--seed",
            str(self.seed),
            "--round",
            str(self.next),
        ]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin
            assert process.stdout
            assert process.stderr
            try:
                last = None if self.life is None else self.next + self.life
                while not self.enough() and self.next != last:
                    process.stdin.write("go\n")
                    process.stdin.flush()
                    line = self.answer(process)
                    self.done += int(line.split()[2])
                    self.next += 1
                    self.say()
                process.stdin.close()
                self.note(process.stdout.readline())
            except (ConnectionError, TimeoutError) as error:
                process.kill()
                self.fail(str(error), process.wait(), process.stderr.read())

    def answer(self, process: subprocess.Popen[str]) -> str:
        """The child's line about a round.  Raises: `TimeoutError`, `ConnectionError`."""
        assert process.stdout
        if not select.select([process.stdout], [], [], SILENCE)[0]:
            raise TimeoutError("it hangs")
        line = process.stdout.readline()
        if not line.startswith("done"):
            raise ConnectionError(line.strip() or "it died")
        return line

    def note(self, line: str) -> None:
        """How a child's calls ended."""
        if not line.startswith("ends"):
            self.failures.append(f"a child at its end: {line}")
        for word in line.split()[1:]:
            name, _, n = word.rpartition("=")
            self.ends[name] += int(n)

    def fail(self, what: str, status: int, stderr: str) -> None:
        """Remember a failure; go on behind it."""
        again = f"python {self.program} --seed {self.seed} --tier {self.variant} --round {self.next}"
        self.failures.append(f"{what} (status {status}); again: {again}\n{stderr[-3000:]}")
        self.next += 1
        if not self.quiet:
            print(f"FAILED {self.failures[-1]}", file=sys.stderr, flush=True)

    def say(self) -> None:
        """Progress, now and then."""
        if not self.quiet and time.monotonic() - self.said > 2:
            self.said = time.monotonic()
            print(f"{self.variant}: {self.done} of {self.count} {self.what}, {len(self.failures)} failures", file=sys.stderr)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000, help="corruptions, for each tier")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tier", choices=VARIANTS, action="append", help="default: each tier, and those that are mixed")
    parser.add_argument("--minutes", type=float, help="stop after so long, for each tier")
    parser.add_argument("--round", type=int, help="do this round in this process, and nothing else")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    tiers = args.tier or WAYS
    if args.child:
        run_child(Child(tiers[0], args.seed), args.round)
        return 0
    if args.round is not None:
        faulthandler.enable()
        child = Child(tiers[0], args.seed)
        print(f"{child.round(args.round)} corruptions: {dict(child.ends)}")
        child.finish()
        return 0
    campaigns = [Campaign(tier, args.seed, count=args.count, minutes=args.minutes, quiet=args.quiet) for tier in tiers]
    return 0 if all(campaign.run() for campaign in campaigns) else 1


if __name__ == "__main__":
    sys.exit(main())
