"""A frozen machine as a manifest.

What cannot travel (a host function without a name, a host's object) is a `SnapshotError`, before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from arenite.bytecode.stops import PAUSE_AGAIN, PAUSE_OWED, SEARCHING, Builtin
from arenite.errors import SnapshotError
from arenite.layout.cage import HOST_PAGE
from arenite.machine.run.activation import HOST_CALL, READY
from arenite.snapshot import values

if TYPE_CHECKING:
    from arenite.machine.frozen.freeze import FrozenMachine
    from arenite.machine.records.objects import GlobalAddr, HostFunction, MemoryAddr, TableAddr, TagAddr
    from arenite.machine.run.activation import Activation

Dump: TypeAlias = Callable[[object], bytes]

STATUS_NAMES: Final = {
    READY: "ready",
    PAUSE_AGAIN: "entering",
    PAUSE_OWED: "looping",
    HOST_CALL: "calling",
    SEARCHING: "searching",
} | {builtin: builtin.name.lower().replace("_", ".") for builtin in Builtin if builtin != HOST_CALL}


def describe(frozen: FrozenMachine, dump: Dump | None) -> dict[str, Any]:
    """The manifest of a frozen machine, but for modules and pages.  Raises: `SnapshotError` naming what cannot travel."""
    tables = list({t.at: t for i in frozen.registry.instances for t in i.tables}.values())
    memories = list({m.at: m for i in frozen.registry.instances for m in i.memories}.values())
    globals_ = list({g.at: g for i in frozen.registry.instances for g in i.globals}.values())
    tags = list(frozen.registry.tags.values())  # also such as no instance has: what they were thrown with may be kept
    place = {id_: n for kind in (tables, memories, globals_, tags) for n, id_ in enumerate(map(_key, kind))}
    return {
        "arena": {"size": frozen.image.sizes[0] - HOST_PAGE, "heap": frozen.heap, "stack_limit": frozen.stack_limit},
        "memory_sizes": list(frozen.image.sizes[1:]),
        "types": [values.functype(t) for t in frozen.registry.thunks],
        "tables": [{"at": t.at, "type": values.tabletype(t.type)} for t in tables],
        "memories": [{"at": m.at, "area": m.area, "type": values.memorytype(m.type)} for m in memories],
        "globals": [{"at": g.at, "type": values.globaltype(g.type)} for g in globals_],
        "tags": [{"at": t.at, "type": values.functype(t.type.type)} for t in tags],
        "instances": [
            {
                "at": i.at,
                "module": i.module_index,
                "tables": [place[_key(t)] for t in i.tables],
                "memories": [place[_key(m)] for m in i.memories],
                "globals": [place[_key(g)] for g in i.globals],
                "tags": [place[_key(t)] for t in i.tags],
            }
            for i in frozen.registry.instances
        ],
        "functions": _functions(frozen),
        "references": [_reference(n, value, dump) for n, value in enumerate(frozen.registry.references.objects)],
        "exceptions": [n for region in frozen.registry.exceptions.regions for n in region],
        "executions": executions(frozen),
        "fuel": frozen.fuel,
        "hosts": {name: values.state(state) for name, state in frozen.host_states.items()},
    }


def executions(frozen: FrozenMachine) -> list[dict[str, Any]]:
    """Calls that have stopped in the middle, the newest last."""
    return [_execution(a) for a in frozen.activations]


def _key(addr: TableAddr | MemoryAddr | GlobalAddr | TagAddr) -> tuple[type, int]:
    return type(addr), addr.at


def _functions(frozen: FrozenMachine) -> list[dict[str, Any]]:
    at = {index: at for at, index in frozen.registry.host_function_at.items()}
    known: dict[tuple[str, str], HostFunction] = {}
    found = []
    for index, (function, imported) in enumerate(zip(frozen.registry.host_functions, frozen.registry.host_names, strict=True)):
        name = imported or function.name
        if name is None:
            called = getattr(function.call, "__qualname__", type(function.call).__name__)
            raise SnapshotError(
                f"host function {index}, {called!r} of type {function.type}, was never imported under a name, so nobody else could "
                "find it; what a linker has (define_func) has one"
            )
        first = known.setdefault(name, function)
        if first.call is not function.call:
            raise SnapshotError(
                f"two different host functions were imported as {name[0]!r} {name[1]!r}: nobody else could tell them apart"
            )
        found.append({"at": at[index], "module": name[0], "name": name[1], "type": values.functype(function.type)})
    return found


def _reference(number: int, value: object, dump: Dump | None) -> Any:  # noqa: ANN401 (JSON)
    if value is None:
        return None  # a number that is free
    if dump is None:
        raise SnapshotError(
            f"the guest holds an object of the host's, number {number}, of type {type(value).__name__}; give a function that makes "
            "bytes of such objects (dump=)"
        )
    return values.state(bytes(dump(value)))


def _execution(a: Activation) -> dict[str, Any]:
    pause = None
    if a.pause is not None:
        pause = {"reason": a.pause.reason.value, "what": a.pause.what}
    return {
        "function": a.function.at,
        "type": values.functype(a.function.type),
        "at": a.at,
        "status": STATUS_NAMES[a.status],
        "pc": a.pc,
        "sp": a.sp,
        "vmctx": a.vmctx,
        "end": a.end,
        "rest": list(a.rest),
        "instance": a.instance,
        "pause": pause,
    }
