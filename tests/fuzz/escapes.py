"""Escapes counted: where corrupted records lead generated code, for each layout and way of addressing, by the corruption fuzzer.

    python tests/fuzz/escapes.py --way raw --count 100000 --seed 1         # JSON
    python tests/fuzz/escapes.py --way single --bits                       # every single bit of every record's fields

Foreign memory that happens to be mapped faults nowhere.  So the interpreter of a child process is generated with an addressing that compares every
address that a record, a frame or a memory leads to with the victim's cage before the access; where it lies elsewhere the run is stopped, and counted:

    outside    beyond the cage                           trusted    below the base: the store context, the window
    jump       code at what is no function's beginning (only the raw layout has addresses of code)

`raw` is the layout of `arenite.layout.raw`, in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if __name__ == "__main__" and "raw" in sys.argv:
    os.environ["ARENITE_LAYOUT"] = "raw"  # before anything of arenite is there
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arenite import AreniteError
from arenite.bytecode.protocol import I32, I64, Value
from arenite.emit import raw as addresses
from arenite.emit.addressing import MEMORY, Single
from arenite.emit.addressings import ADDRESSINGS
from arenite.emit.interpreter import Interpreter
from arenite.layout import raw
from arenite.layout.cage import LOW, area_at
from arenite.layout.records import FrameHeader, FuncRefRecord, InstanceRecord, MemoryRecord, StoreContext, TableRecord
from arenite.layout.spaces import Space
from arenite.platform import llvm
from arenite.platform.architectures import host
from arenite.tiers import threaded
from arenite.tiers.threaded import ThreadedTier
from arenite.tiers.threaded.objects import Variant
from arenite.traps import Cause
from fuzz import corrupt
from fuzz.corrupt import Campaign, Child, run_child
from fuzz.worlds import AREAS, World, engine, modules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite import Engine, Module
    from arenite.emit.addressing import Addressing, Line
    from arenite.emit.routine import Routine

WAYS: Final = ("single", "spaces", "raw", "signed")
"""`signed`: an addressing with a fault, which shows that escapes are seen: offsets are sign-extended."""
KINDS: Final = ("outside", "trusted", "jump")
NOTES: Final = "ARENITE_ESCAPES"  # the file to which children write what they have seen
DIED: Final = f"it died (status {-signal.SIGSEGV})"
MARK: Final = 0xE5CA9E << 40  # in the last argument of the store context: the run was stopped; below it the kind
NEVER_MAPPED: Final = 1 << 16  # bytes from address 0 on that the system gives to nobody: a null pointer is a fault
MARK_AT: Final = StoreContext.arguments.offset + 8 * (StoreContext.arguments.count - 1)
WATCHED: Final = {Space.ARENA: 0, Space.FRAME: 0, Space.MEMORY: 0, Space.WINDOW: LOW}
"""Space -> the lowest byte that it may reach, from the base."""


class Signed(Single):
    """Takes an offset of the arena for a signed number."""

    def address(self, line: Line, space: Space, offset: Value, disp: int, memory: str = MEMORY) -> str:
        """A `ptr` to `space[offset + disp]`."""
        if space is Space.ARENA and offset.constant is None:
            offset = Value(I32, offset.text, extended=line(f"sext i32 {offset.text} to i64"))
        return super().address(line, space, offset, disp, memory)


class Watching:
    """An addressing whose addresses are compared with the cage; `off`: but for those that the store context says."""

    def __init__(self, inner: Addressing, arena: int) -> None:
        """`arena`: bytes of the victims' arenas."""
        self.inner = inner
        self.arena = arena
        self.name = inner.name
        self.memory_type = inner.memory_type
        self.off = False

    def address(self, line: Line, space: Space, offset: Value, disp: int, memory: str = MEMORY) -> str:
        """A `ptr` to `space[offset + disp]` inside the cage."""
        found = self.inner.address(line, space, offset, disp, memory)
        if space in WATCHED and not self.off:
            e: Routine = line.__self__  # type: ignore[attr-defined]  # a bound method
            address, base = (line(f"ptrtoint ptr {p} to i64") for p in (found, "%base"))
            with e.when(e.pure("lt_u", Value(I64, address), e.const(I64, NEVER_MAPPED)), cold=True):
                e.tail("@beyond")
            distance = Value(I64, line(f"sub i64 {address}, {base}"))
            self.check(e, distance, LOW, "outside")
            if WATCHED[space] != LOW:
                self.check(e, distance, WATCHED[space], "trusted")
            if space in (Space.ARENA, Space.FRAME):  # no fault: these routines may use the stack where addresses are looked at
                with e.when(e.pure("ge_u", distance, e.const(I64, self.arena - 8)), cold=True):
                    e.tail("@beyond")
        return found

    @staticmethod
    def check(e: Routine, distance: Value, low: int, kind: str) -> None:
        """Stop a run whose address is less than `low` from the base, or beyond all memories."""
        over = e.line(f"sub i64 {distance.text}, {low}")
        with e.when(e.pure("ge_u", Value(I64, over), e.const(I64, area_at(AREAS) - low)), cold=True):
            e.tail(f"@{kind}")

    def memory(self, line: Line, area: Value) -> str:
        """As the other: accesses are looked at."""
        return self.inner.memory(line, area)


ADDRESSED: Final[dict[str, Addressing]] = {} if raw.RAW else ADDRESSINGS | {"signed": Signed()}


class Watched(Interpreter):
    """The interpreter with that addressing."""

    addressing: Watching

    def text(self) -> str:
        """With the routines that end a run, and say why."""
        return super().text() + "".join(map(self.stopped, KINDS)) + self.stopped("beyond")

    def stopped(self, kind: str) -> str:
        """Such a routine; what lies in the cage behind the arena is left alone, and is no escape."""
        e = self.routine()
        if kind in KINDS:
            e.store(Space.STORE, e.const(I32, 0), e.const(I64, MARK | KINDS.index(kind)), MARK_AT)
        e.trap(Cause.CORRUPT)
        return e.function(kind, "noinline cold nounwind")

    def entry(self) -> str:
        """What the store context says is the machine's, and here there is no way to stop."""
        self.addressing.off = True
        try:
            return super().entry()
        finally:
            self.addressing.off = False


def watch_jumps(pcs: list[int]) -> None:
    """Let addresses of bytecode be looked at: only these are beginnings of functions."""
    pc_at = addresses.pc

    def pc(line: Line, address: Value) -> Value:
        e: Routine = line.__self__  # type: ignore[attr-defined]  # a bound method
        found, good = pc_at(line, address), "false"
        for n in pcs:
            good = line(f"or i1 {good}, {line(f'icmp eq i64 {found.text}, {n}')}")
        with e.when(e.pure("not", Value(e.pure("eq", found, found).type, good)), cold=True):
            e.tail("@jump")
        return found

    vars(addresses).update(pc=pc)


def watched_engine(way: str) -> tuple[Engine, tuple[Module, Module]]:
    """An engine of fuzzed worlds that watches, and their modules."""
    known = engine("threaded")
    linked = modules(known, throwing=False)
    world = World(known, linked)
    window = world.machine.window
    pcs = [t.pc for t in window.preamble.thunks]
    pcs += [placed.origin + f.begin for placed in window.modules for f in placed.code.all_functions()]
    watch_jumps(pcs)
    ir = Watched(Watching(ADDRESSED.get(way) or ADDRESSINGS["single"], len(world.arena)), host()).text()
    vars(threaded).update(object_file=lambda _variant: llvm.compile_object(ir))  # never cached
    known.tier = ThreadedTier(Variant(f"watched {way}"))
    return known, linked


def mark(world: World) -> str | None:
    """How the last run was stopped for an address, if it was; forgotten then."""
    page = world.machine.cage.store_page
    number = int.from_bytes(page[MARK_AT : MARK_AT + 8], "little")
    if number & ~0xFF != MARK:
        return None
    page[MARK_AT : MARK_AT + 8] = bytes(8)
    return KINDS[number & 0xFF]


class Escaping(Child):
    """The corruption fuzzer's rounds, in which escapes are counted: of the same victims in every way, so nothing throws."""

    throwing = False

    def __init__(self, way: str, seed: int) -> None:
        vars(corrupt).update(engine=lambda *_, **__: watched_engine(way)[0])
        super().__init__("threaded", seed)
        use = corrupt.use

        def used(world: World, choose: Any) -> object:
            try:
                return use(world, choose)
            finally:
                kind = mark(world)
                if kind is not None:
                    with Path(os.environ.get(NOTES, os.devnull)).open("a", encoding="utf-8") as notes:
                        notes.write(f"{kind}\n")  # at once: the child may die

        vars(corrupt).update(use=used)


# ------------------------------------------------------------------------------------------- every bit of every field


def calls(world: World) -> Iterator[str]:
    """How the calls end that use every record; all give a result where nothing is damaged."""
    exports = [i.exports(world.store) for i in world.instances]
    uses: list[tuple[int, str, list[Any]]] = [(0, "small", [1]), (0, "indirect", [3, 1]), (0, "sum", [20]), (0, "grow", [0])]
    uses += [(0, "deep", [3]), (0, "walk", [1]), (1, "across", [1]), (1, "own", [2]), (0, "nested", [1])]
    uses += [(0, "numbers", [1, 2, 3.0, 4.0]), (0, "tables", [1, None, None]), (0, "references", [1])]
    for instance, name, args in uses:
        world.machine.fuel.left = corrupt.FUEL
        try:
            function: Any = exports[instance][name]
            function(world.store, *args)
        except (AreniteError, RecursionError) as error:
            yield mark(world) or type(error).__name__
        else:
            yield "result"


def targets(world: World) -> dict[str, tuple[int, int]]:
    """What holds a pointer or a number, by name: where it lies (of a frame's header: from its beginning), and its bytes."""
    instance, layout = world.machine.registry.instances[0], world.instances[0].addr.code.layout
    table, memory = instance.tables[0].at, instance.memories[0].at
    records = [
        (InstanceRecord, instance.at),
        (FuncRefRecord, InstanceRecord.funcrefs.read(world.arena, instance.at)),
        (TableRecord, table),
        (MemoryRecord, memory),
        (FrameHeader, 0),
    ]
    found = {f"{r.__name__}.{f.name}": (at + f.offset, f.size) for r, at in records for f in r.fields}
    words = {"function": layout.function(0), "table": layout.table(0), "global": layout.imported_global(0)}
    found |= {f"word of an instance: {name}": (instance.at + place, raw.SIZE) for name, place in words.items()}
    return found | {"element of a table": (TableRecord.elements.read(world.arena, table) + raw.SIZE, raw.SIZE)}


def trial(of: Engine, linked: tuple[Module, Module], name: str, bit: int) -> str:
    """Flip one bit in a fresh world: "escape", "trap", or "inside", where nothing was noticed."""
    world, flips = World(of, linked), 0
    at = targets(world)[name][0]
    next(calls(world))  # which writes what the raw layout writes late

    def flip(base: int) -> None:
        nonlocal flips
        flips += 1
        world.arena[base + at + bit // 8] ^= 1 << bit % 8

    def in_host() -> None:
        if not flips:  # in the frame of the first call of a host function
            flip(StoreContext.sp.read(world.machine.cage.store_page, 0))

    try:
        if name.startswith(FrameHeader.__name__):
            world.poke = in_host
        else:
            flip(0)
        ends = list(calls(world))
        assert flips == 1
    finally:
        world.store.close()
    return "escape" if set(ends) & set(KINDS) else "inside" if set(ends) == {"result"} else "trap"


def every_bit(way: str) -> dict[str, dict[str, int]]:
    """Where each bit of each field leads."""
    of, linked = watched_engine(way)
    corrupt.shrink_windows()
    whole = World(of, linked)
    assert set(calls(whole)) == {"result"}, list(calls(whole))
    found = {}
    for name, (_, size) in targets(whole).items():
        ends = [trial(of, linked, name, bit) for bit in range(8 * size)]
        found[name] = {"bits": 8 * size} | {end: ends.count(end) for end in ("inside", "trap", "escape")}
    return found


# ------------------------------------------------------------------------------------------------------- for the bench


def escapes(way: str, count: int, seed: int, tier: str = "threaded", *, fields: bool = True) -> dict[str, Any]:
    """So many corruptions of guests that run `way`, in child processes.

    Gives `way`, `tier`; `corruptions`; `escapes`, of them `outside`, `trusted`, `jump` (uses that were stopped for an address), and in the raw layout `died` (by an access that no handler owns); `failures` of other kinds;
    `ends`: how all uses ended; `fields`, unless it is False: for each field how many of its bits lead where.
    """
    if tier != "threaded":
        raise ValueError("escapes are counted in the interpreter: other tiers form their addresses by the same class")
    campaign, died = Campaign(way, seed, count=count, minutes=None, quiet=True, program=str(Path(__file__).resolve())), 0
    with tempfile.NamedTemporaryFile() as notes:
        os.environ[NOTES] = notes.name
        try:
            while not campaign.enough() and len(campaign.failures) < corrupt.MOST_FAILURES:
                campaign.child()
                if way == "raw":  # such as a copy whose length a record says, which no address shows
                    others = [failure for failure in campaign.failures if not failure.startswith(DIED)]
                    died, campaign.failures = died + len(campaign.failures) - len(others), others
        finally:
            del os.environ[NOTES]
        said = notes.read().decode().split()
    kinds = {kind: said.count(kind) for kind in KINDS} | {"died": died}
    facts: dict[str, Any] = {"way": way, "tier": tier, "seed": seed, "corruptions": campaign.done, "escapes": sum(kinds.values())}
    facts |= kinds | {"failures": campaign.failures, "ends": dict(campaign.ends)}
    if fields:
        command = [sys.executable, __file__, "--way", way, "--bits"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        facts["fields"] = json.loads(done.stdout)
    return facts


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--way", "--tier", choices=WAYS, required=True)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bits", action="store_true", help="every bit of every field, once")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--round", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        run_child(Escaping(args.way, args.seed), args.round)
    else:
        print(json.dumps(every_bit(args.way) if args.bits else escapes(args.way, args.count, args.seed), indent=1))


if __name__ == "__main__":
    main()
