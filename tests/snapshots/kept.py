"""Snapshots of each version of the format and each layout of records, kept for ever: `python tests/snapshots/kept.py` adds those of the
present ones.

index.json says for each file where it was frozen and how it must end.  A file that is there is never written again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arenite import (
    Config,
    Engine,
    Func,
    FuncType,
    Global,
    Linker,
    Module,
    Paused,
    Snapshot,
    Store,
    Table,
    ValType,
    WasmException,
)
from arenite.bytecode.stops import SEARCHING
from arenite.snapshot.container import FORMAT
from arenite.snapshot.layout import layout_digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite import Execution

HERE: Final = Path(__file__).resolve().parent
INDEX: Final = HERE / "index.json"
I32: Final = ValType.i32()
PRESENT: Final = f"{FORMAT}-{layout_digest()}"  # how the names of the present version's files begin


def linker(engine: Engine) -> Linker:
    """What the guest imports."""
    made = Linker(engine)
    made.define_func("env", "add", FuncType([I32, I32], [I32]), lambda a, b: (a + b) & 0xFFFFFFFF)
    return made


class Kept(NamedTuple):
    """A guest to be kept.  `modules`: of which the first exports the function; `on`: leads a call to where it is frozen, and further on to where it is for a delta."""

    modules: tuple[str, ...]
    function: str
    argument: int
    on: Callable[[Execution], object]


def fuelled(fuel: int) -> Callable[[Execution], object]:
    """Until so much fuel is used."""
    return lambda execution: execution.run(fuel=fuel)


def calling(count: int) -> Callable[[Execution], object]:
    """Until so many more calls of the host have come: the last of them is waiting."""

    def on(execution: Execution) -> None:
        for _ in range(count):
            outcome = execution.run(pause_at=["env.add"])
            assert isinstance(outcome, Paused)

    return on


def searching(fuel: int) -> Callable[[Execution], object]:
    """Until so much fuel is used and a handler is being looked for."""

    def on(execution: Execution) -> None:
        execution.run(fuel=fuel)
        while execution._activation.status != SEARCHING:
            outcome = execution.run(fuel=1)
            assert isinstance(outcome, Paused)

    return on


GUEST: Final = ("guest",)
THROWN: Final = ("thrown", "rethrown")
GUESTS: Final[dict[str, Kept]] = {
    "fib": Kept(GUEST, "fib", 15, fuelled(700)),
    "sum": Kept(GUEST, "sum", 5000, fuelled(1234)),
    "caught": Kept(THROWN, "thrown", 21, calling(9)),  # in catches of the older form; the table of exceptions is full
    "sought": Kept(THROWN, "thrown", 22, searching(400)),
}


def started(engine: Engine, name: str) -> tuple[Store, Execution]:
    """A guest whose call has begun."""
    guest, store, found = GUESTS[name], Store(engine), linker(engine)
    for module in guest.modules:
        instance = found.instantiate(store, Module(engine, (HERE / f"{module}.wat").read_text()))
        found.define_instance(store, module, instance)
    function = found.get(store, guest.modules[0], guest.function)
    assert isinstance(function, Func)
    return store, function.start(store, guest.argument)


def frozen(engine: Engine, name: str) -> tuple[Store, Snapshot]:
    """A guest, stopped in the middle."""
    store, execution = started(engine, name)
    GUESTS[name].on(execution)
    return store, store.snapshot()


def ending(store: Store) -> dict[str, Any]:
    """Go on to the end: results, what the guest has counted, and the exceptions that it keeps."""
    execution = store.execution
    assert execution is not None
    outcome = execution.run()
    exports = store.instances[0].exports(store)
    calls, kept = exports["calls"], exports.get("kept")
    assert isinstance(calls, Global)
    end = {"values": list(getattr(outcome, "values", ())), "calls": calls.value(store)}
    if isinstance(kept, Table):
        end["kept"] = [carried(kept.get(store, n)) for n in range(kept.size(store))]
    return end


def carried(value: object) -> Any:
    """A value of a guest's as JSON; of an exception, what it carries."""
    if isinstance(value, WasmException):
        return [carried(one) for one in value.values]
    return value.hex() if isinstance(value, bytes) else value


def write() -> None:
    """Add the present version's files."""
    index = json.loads(INDEX.read_text()) if INDEX.exists() else {}
    engine = Engine(Config(max_wasm_stack=1 << 16))
    for name, guest in GUESTS.items():
        store, snapshot = frozen(engine, name)
        later = snapshot.fork()
        execution = later.execution
        assert execution is not None
        guest.on(execution)
        end = ending(store)
        forms: tuple[tuple[str, Snapshot, Snapshot | None], ...] = (
            ("image", snapshot, None),
            ("packed", snapshot, None),
            ("delta", later.snapshot(), snapshot),
        )
        for form, made, parent in forms:
            file = f"{PRESENT}-{name}-{form}.arn"
            if not (HERE / file).exists():
                made.save(HERE / file, parent=parent, packed=form == "packed")
                index[file] = end
    INDEX.write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    write()
