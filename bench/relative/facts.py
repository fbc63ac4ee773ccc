"""What is counted, not timed, in the process of one way: bytes of records and of code, casts to pointers, what of a machine depends on where it lies."""

from __future__ import annotations

import os
import statistics
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bench.compiling import functions, placed
from bench.relative.running import built, engine_of, kernel_of
from bench.relative.ways import WAYS
from bench.workloads import python_guest

from arenite import AreniteError, Module
from arenite.emit.addressings import ADDRESSINGS
from arenite.emit.stencil import stencils
from arenite.layout.cage import STACK_AT
from arenite.layout.instance import WORD
from arenite.layout.records import RECORDS
from arenite.platform.architectures import host
from arenite.tiers.baseline.stencil_table import stencils_of
from arenite.tiers.threaded import handlers
from arenite.tiers.threaded.objects import Variant

if TYPE_CHECKING:
    from pathlib import Path

    from arenite import Store

Facts = dict[str, object]
FORKS: Final = 200
FUEL: Final = 1500  # until a machine is looked at in the middle of its calls
STATE: Final = "calls 10,000 deep"
TABLES: Final = {
    "4 K": "call_indirect, 4 K elements, 4096 targets, random",
    "10 M": "call_indirect, 10 M elements, 4096 targets, random",
}


def records() -> dict[str, int]:
    """Bytes of every record, of an element of a table, and of what an instance has for each import."""
    return {record.__name__: record.size for record in RECORDS} | {"table element": WORD, "import, in the instance": WORD}


def code(way: str) -> dict[str, int]:
    """Bytes of machine code: the interpreter's, all stencils', those of all of CPython."""
    engine = engine_of(way, "baseline")
    begin, end = handlers(engine.tier.variant)._code.text  # type: ignore[attr-defined]  # noqa: SLF001 (for measurement)
    found = {"interpreter": end - begin, "stencils": len(stencils_of(engine.tier.variant).pieces[0])}  # type: ignore[attr-defined]
    guest = python_guest()
    if guest is not None:
        lazily = engine_of(way, "auto")
        _, found["ops of CPython"], found["CPython"] = functions(placed(lazily, Module(lazily, guest.read_bytes()), ())[0])
    return found


def casts(way: str) -> dict[str, int]:
    """How often the generated IR makes a pointer of an integer, or an integer of a pointer; holes of stencils are symbols and do not count."""
    variant = Variant(**WAYS[way].options)  # type: ignore[arg-type]  # names of fields, checked by running
    interpreter = variant.ir(host())
    copied, _ = stencils(ADDRESSINGS[variant.addressing], host(), explicit_bounds=False, deterministic=False)
    return {
        "inttoptr, interpreter": interpreter.count("inttoptr"),
        "ptrtoint, interpreter": interpreter.count("ptrtoint"),
        "inttoptr, stencils": copied.count("inttoptr"),
    }


def heap(store: Store) -> int:
    """Bytes of a store's arena that are in use, the whole stack among them."""
    return store.machine.heap


def arenas(way: str) -> dict[str, int]:
    """Bytes of records that machines have: what their arenas hold beside the stack."""
    engine = engine_of(way, "threaded")
    found, guest, stack = {}, python_guest(), STACK_AT + engine.config.max_wasm_stack
    for name, kernel in TABLES.items():
        store, _ = built(engine, kernel_of(kernel), {})
        found[f"a table of {name}"] = heap(store) - stack
        store.close()
    if guest is not None:
        found["CPython"] = heap(placed(engine, Module(engine, guest.read_bytes()), ("python", "-c", ""))[0]) - stack
    return found


def state(way: str, folder: Path) -> list[str]:
    """Files with the arenas of a CPython that has not begun, and of a machine in the middle of deep calls."""
    engine, files = engine_of(way, "threaded"), list[str]()
    guest = python_guest()
    stores = {}
    if guest is not None:
        stores["CPython before its first instruction"] = placed(engine, Module(engine, guest.read_bytes()), ("python", "-c", ""))[
            0
        ]
    store, run = built(engine, kernel_of(STATE), {})
    run.start(store, 1).run(fuel=FUEL)
    stores[f"{FUEL:,} calls deep"] = store
    for name, frozen in stores.items():
        path = folder / f"{os.getpid()} {name}"
        path.write_bytes(bytes(frozen.machine.cage.arena[: heap(frozen)]))
        files.append(str(path))
    return files


def forks(way: str) -> dict[str, object]:
    """Microseconds in which a machine in the middle of deep calls is forked, or why it cannot be."""
    store, run = built(engine_of(way, "threaded"), kernel_of(STATE), {})
    run.start(store, 1).run(fuel=FUEL)
    taken = []
    try:
        snapshot = store.snapshot()
        for _ in range(FORKS):
            begin = time.perf_counter()
            fork = snapshot.fork()
            taken.append((time.perf_counter() - begin) * 1e6)
            with suppress(AreniteError):
                fork.close()
    except (AreniteError, NotImplementedError, RuntimeError) as refused:
        return {"refused": str(refused)}
    return {"microseconds": statistics.median(taken)}


def facts(way: str) -> Facts:
    """All of them."""
    return {
        "records": records(),
        "code": code(way),
        "casts": casts(way),
        "arenas": arenas(way),
        "forks": forks(way),
    }
