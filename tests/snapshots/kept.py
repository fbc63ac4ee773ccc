"""Snapshots of each version of the format and each layout of records, kept for ever: `python tests/snapshots/kept.py` adds those of the
present ones.

index.json says for each file where it was frozen and how it must end.  A file that is there is never written again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arenite import Config, Engine, Func, FuncType, Global, Linker, Module, Snapshot, Store, ValType
from arenite.snapshot.container import FORMAT
from arenite.snapshot.layout import layout_digest

HERE: Final = Path(__file__).resolve().parent
INDEX: Final = HERE / "index.json"
I32: Final = ValType.i32()
PRESENT: Final = f"{FORMAT}-{layout_digest()}"  # how the names of the present version's files begin


def linker(engine: Engine) -> Linker:
    """What the guest imports."""
    made = Linker(engine)
    made.define_func("env", "add", FuncType([I32, I32], [I32]), lambda a, b: (a + b) & 0xFFFFFFFF)
    return made


def frozen(engine: Engine, name: str, argument: int, fuel: int) -> tuple[Store, Snapshot]:
    """The guest, stopped in the middle."""
    store = Store(engine)
    instance = linker(engine).instantiate(store, Module(engine, (HERE / "guest.wat").read_text()))
    function = instance.exports(store)[name]
    assert isinstance(function, Func)
    function.start(store, argument).run(fuel=fuel)
    return store, store.snapshot()


def ending(store: Store) -> dict[str, Any]:
    """Go on to the end: results, and what the guest has counted."""
    execution = store.execution
    assert execution is not None
    outcome = execution.run()
    calls = store.instances[0].exports(store)["calls"]
    assert isinstance(calls, Global)
    return {"values": list(getattr(outcome, "values", ())), "calls": calls.value(store)}


def write() -> None:
    """Add the present version's files."""
    index = json.loads(INDEX.read_text()) if INDEX.exists() else {}
    engine = Engine(Config(max_wasm_stack=1 << 16))
    for name, argument, fuel in (("fib", 15, 700), ("sum", 5000, 1234)):
        store, snapshot = frozen(engine, name, argument, fuel)
        later = snapshot.fork()
        execution = later.execution
        assert execution is not None
        execution.run(fuel=fuel)
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
