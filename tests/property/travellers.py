"""FrozenMachine guests that go on elsewhere: written to files here, gone on with in another process or on another machine.

    python tests/property/travellers.py write DIR [--large]              # guest x point, with an index of what is to come
    python tests/property/travellers.py resume DIR --tier safe           # go on with each, compare, report
    python tests/property/travellers.py serve                            # a child of test_resume.py: requests and answers are lines of JSON

`resume` needs arenite and the standard library alone, and runs from a checkout:  PYTHONPATH=src:tests

A guest tells the world by its standard output and by a journal, a host module whose notes travel along.  How it ends is an `End`.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import random
import sys
import time
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arenite import Engine, Exit, FuncType, Linker, Paused, Snapshot, SnapshotError, Store, Trap, ValType
from arenite.wasi import VirtualClocks, WasiConfig
from tiers import WAYS, engine_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite import Caller, Execution
    from arenite.bytecode.module import ModuleCode
    from tiers import Way

I32 = ValType.i32()
PLENTY = 1 << 40  # units of fuel of every store
SEED = 7  # of the guests' random bytes
INDEX = "index.json"


class Journal:
    """What guests noted; it travels along."""

    def __init__(self, notes: list[int]) -> None:
        self.notes = notes

    def function(self, module: str, name: str) -> tuple[FuncType, Callable[..., object]] | None:
        return offered(module, name)

    def freeze(self) -> Any:
        return list(self.notes)


class Journals:
    """The options of a journal: there are none."""

    def open(self) -> Journal:
        return Journal([])

    def thaw(self, state: Any, *, reseed: bool) -> Journal:
        del reseed
        if not isinstance(state, list) or not all(type(n) is int for n in state):
            raise SnapshotError("a journal holds numbers")
        return Journal(list(state))

    def function(self, module: str, name: str) -> tuple[FuncType, Callable[..., object]] | None:
        return offered(module, name)


def offered(module: str, name: str) -> tuple[FuncType, Callable[..., object]] | None:
    """The journal's one function: its answer is how many notes there are."""
    return (FuncType([I32], [I32]), note) if (module, name) == ("journal", "note") else None


def note(caller: Caller, value: int) -> int:
    journal: Any = caller.host("journal")
    if journal is None:
        raise SnapshotError("the guest has lost its journal")
    journal.notes.append(value)
    return len(journal.notes)


@dataclass(frozen=True)
class End:
    """How a guest ended, and what it left behind.  `fuel`: units used from the very beginning.

    `memories`, `machine`: digests of the memories, and of everything that a snapshot holds then.
    """

    how: str
    output: str
    notes: list[int]
    fuel: int
    memories: str
    machine: str


def engine(tier: Way) -> Engine:
    """Engines of every process are alike."""
    return engine_of(tier, consume_fuel=True, deterministic=True)


def linker(of: Engine) -> Linker:
    """What guests import."""
    found = Linker(of)
    found.define_wasi()
    found.define_host("journal")
    return found


def wasi(output: bytearray, argv: tuple[str, ...] = ()) -> WasiConfig:
    """A world in which a run is the same each time."""
    env = {"PYTHONHASHSEED": "random", "HOME": "/"}
    return WasiConfig(argv=argv, env=env, stdout=output, stderr=output, clocks=VirtualClocks(start=1 << 60), random=SEED)


def ending(store: Store, execution: Execution, output: bytearray, before: str = "") -> End:
    """Go on to the end.  `before`: what the guest printed before it was frozen, which no snapshot has."""
    instance = execution.instance
    try:
        outcome = execution.run()
        how = f"paused: {outcome.what}" if isinstance(outcome, Paused) else repr(outcome.values)
    except Exit as exit_:
        how = f"exit {exit_.code}"
    except Trap as trap:
        how = f"trap: {trap.message}"
    if instance is not None:
        how += f", the instance has {', '.join(instance.exports(store))}"
    journal: Any = store.machine.hosts.get("journal")
    cage = store.machine.cage
    memories = hashlib.sha256()
    for area in range(len(cage.sizes) - 1):
        memories.update(cage.memory(area))
    fuel = PLENTY - store.get_fuel()
    notes = [] if journal is None else list(journal.notes)
    return End(how, before + output.decode("latin-1"), notes, fuel, memories.hexdigest(), content(store))


def content(store: Store) -> str:
    """The digest of all that a snapshot of the store holds."""
    image = store.snapshot().frozen().image
    digest = hashlib.sha256(repr(image.sizes).encode())
    for region in range(len(image.sizes)):
        for number, page in image.pages(region):
            digest.update(number.to_bytes(4, "little") + page)
    return digest.hexdigest()


class Place:
    """A process where guests go on: an engine for each tier, and the modules that were met here."""

    def __init__(self) -> None:
        self.engines: dict[str, Engine] = {}
        self.known: dict[str, ModuleCode] = {}

    def engine(self, tier: Way) -> Engine:
        if tier not in self.engines:
            self.engines[tier] = engine(tier)
        for digest, code in self.known.items():  # a translation is the same on each tier
            self.engines[tier].modules[digest] = code
        return self.engines[tier]

    def arrive(self, path: Path, tier: Way, output: bytearray) -> tuple[Snapshot, Store]:
        """The guest in a file, about to go on."""
        of = self.engine(tier)
        snapshot = Snapshot.open(path, of)
        snapshot.link(linker(of), hosts={"wasi": WasiConfig(stdout=output, stderr=output), "journal": Journals()})
        self.known |= {code.digest.hex(): code for code in snapshot.frozen().modules}
        return snapshot, snapshot.fork(reseed=False)

    def go(self, request: dict[str, Any]) -> dict[str, Any]:
        """One leg of a way: from a file, or from the beginning (`guest`), `fuel` units on, or to the end (None).

        The answer has `output`; then `end`, or the file that `save` names is there.  `noise`: use the process for something else first.
        """
        output, tier, snapshot = bytearray(), request["tier"], None
        if request.get("noise"):
            noise(self.engine(tier))
        if "guest" in request:
            from property.guests import GUESTS  # noqa: PLC0415 (needs what whoever resumes need not have)

            store, execution = GUESTS[request["guest"]].begin(self.engine(tier), output, used=bool(request.get("noise")))
            self.known |= {code.digest.hex(): code for code in store.machine.modules}
        else:
            snapshot, store = self.arrive(Path(request["path"]), tier, output)
            found = store.execution
            assert found is not None, "nothing to go on with"
            execution = found
        with store:
            if request["fuel"] is None:
                end = ending(store, execution, output)
                return {"output": end.output, "end": dataclasses.asdict(end)}
            outcome = execution.run(fuel=request["fuel"])
            assert isinstance(outcome, Paused), f"it ended: {outcome}"
            save(store, Path(request["save"]), request["form"], snapshot)
            return {"output": output.decode("latin-1"), "used": PLENTY - store.get_fuel()}


def save(store: Store, path: Path, form: str, parent: Snapshot | None) -> None:
    """Write a snapshot in a form; a delta is one of where the guest came from."""
    store.snapshot().save(path, packed=form == "packed", parent=parent if form == "delta" else None)


def noise(of: Engine) -> None:
    """Use an engine so that nothing in this process lies where it lies in others: modules, types, stores, memories."""
    from property.guests import NOISE, module  # noqa: PLC0415 (as above)

    found = linker(of)
    for name, params in (("a", [ValType.f64()]), ("b", [ValType.i64(), I32]), ("c", [])):
        found.define_func("noise", name, FuncType(params, [I32]), lambda *_: 1)
    for _ in range(3):
        store = Store(of)
        store.set_fuel(PLENTY)
        store.set_host("journal", Journals())
        instance = found.instantiate(store, module(of, NOISE))
        instance.call(store, "run", 50)
        store.snapshot().fork().close()
    kept.append(bytearray(random.randrange(1 << 22)))


kept: list[bytearray] = []


def serve() -> None:
    """Answer requests until there are no more."""
    place = Place()
    for line in sys.stdin:
        try:
            answer = place.go(json.loads(line))
        except BaseException:  # noqa: BLE001 (told to the parent)
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), flush=True)


def write(folder: Path, *, large: bool, seed: int) -> None:
    """Write guests at several points; the index says how each ends from there."""
    from property.guests import GUESTS  # noqa: PLC0415 (as above)

    folder.mkdir(parents=True, exist_ok=True)
    choose, of, rows = random.Random(seed), engine("threaded"), []
    for guest in GUESTS.values():
        if guest.large and not large:
            continue
        total = ending(*guest.begin(of, output := bytearray()), output).fuel
        points = [choose.randrange(1, total) for _ in range(4)] if not guest.large else []
        points += [total - choose.randrange(1, min(total, 20_000)) for _ in range(2)]
        parent: Snapshot | None = None
        for point in sorted(points):
            output = bytearray()
            store, execution = guest.begin(of, output)
            execution.run(fuel=point)
            form = choose.choice(("image", "packed", "delta")) if parent else "image"
            path = folder / f"{guest.name}-{point}.arn"
            snapshot = store.snapshot()
            snapshot.save(path, packed=form == "packed", parent=parent if form == "delta" else None)
            if form == "image":
                parent = snapshot
            output.clear()
            end = ending(store, execution, output)
            rows.append({"file": path.name, "form": form, "left": total - point, "end": dataclasses.asdict(end)})
            print(f"{path.name:<32} {form:<7} {path.stat().st_size:>12,} bytes, {total - point:>12,} units to go")
    (folder / INDEX).write_text(json.dumps(rows, indent=1))


def resume(folder: Path, tier: Way, *, most: int | None = None) -> int:
    """Go on with each guest of a folder; how many ended otherwise than the index says."""
    warnings.simplefilter("error")  # the tier that was asked for, no other
    place, failures = Place(), 0
    for row in json.loads((folder / INDEX).read_text()):
        if most is not None and row["left"] > most:
            continue
        output, start = bytearray(), time.perf_counter()
        try:
            _, store = place.arrive(folder / row["file"], tier, output)
            assert store.execution is not None
            end = dataclasses.asdict(ending(store, store.execution, output))
            store.close()
        except Exception:  # noqa: BLE001 (reported)
            end = {"how": traceback.format_exc()}
        wrong = [f"{key} is {end.get(key)!r}, not {value!r}" for key, value in row["end"].items() if end.get(key) != value]
        failures += bool(wrong)
        seconds = time.perf_counter() - start
        print(f"{row['file']:<32} {row['left']:>12,} units {seconds:8.2f} s  {'; '.join(wrong) or 'ok'}", flush=True)
    print(f"{failures} failures on {tier}")
    return failures


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["write", "resume", "serve"])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--tier", choices=WAYS, default="threaded")
    parser.add_argument("--most", type=int, help="resume only guests with at most so many units to go")
    parser.add_argument(
        "--large", action="store_true", help="write CPython and QuickJS too, whose translation takes long in plain Python"
    )
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.what == "serve":
        serve()
    elif args.folder is None:
        parser.error("which folder?")
    elif args.what == "write":
        write(args.folder, large=args.large, seed=args.seed)
    else:
        return 1 if resume(args.folder, args.tier, most=args.most) else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
