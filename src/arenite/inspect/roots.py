"""What a manifest says lies in the arena, read to be looked at: what is wrong with it is noted, and the rest is still there.

Opening a snapshot to go on from it (`travel.Reading`) stops at the first thing that is wrong; whoever looks wants to see what there is.
Lists keep their numbering: what could not be read is None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from arenite.errors import SnapshotError
from arenite.layout.cage import MAX_AREAS, STACK_AT
from arenite.layout.records import FuncRefRecord, InstanceRecord
from arenite.layout.types import MAX_U64
from arenite.machine.run.backtrace import cut
from arenite.snapshot import values
from arenite.snapshot.checked import Fields
from arenite.snapshot.travel import Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.layout.types import FuncType
    from arenite.machine.records.objects import GlobalAddr, MemoryAddr, TableAddr, TagAddr
    from arenite.machine.run.activation import Activation
    from arenite.machine.run.hosts import HostState
    from arenite.snapshot.file import Opened

T = TypeVar("T")
MOST = 1 << 14  # things of a kind that are looked at


@dataclass(frozen=True)
class Instance:
    """An instance: where it lies, and the numbers of its module, tables, memories, globals and tags."""

    at: int
    module: int
    tables: tuple[int, ...]
    memories: tuple[int, ...]
    globals: tuple[int, ...]
    tags: tuple[int, ...]


@dataclass(frozen=True)
class Import:
    """A host function: where its reference lies, and the import that it serves."""

    at: int
    module: str
    name: str
    type: FuncType

    def __str__(self) -> str:
        return f"{cut(self.module)}.{cut(self.name)}"


@dataclass
class Roots:
    """What is known without reading the arena.  `problems`: what is wrong, in words."""

    types: tuple[FuncType, ...] = ()
    tables: list[TableAddr | None] = field(default_factory=list)
    memories: list[MemoryAddr | None] = field(default_factory=list)
    globals: list[GlobalAddr | None] = field(default_factory=list)
    tags: list[TagAddr | None] = field(default_factory=list)
    exceptions: list[tuple[int, int]] = field(default_factory=list)
    instances: list[Instance | None] = field(default_factory=list)
    functions: list[Import | None] = field(default_factory=list)
    executions: list[Activation | None] = field(default_factory=list)
    references: list[object] = field(default_factory=list)
    hosts: dict[str, HostState] = field(default_factory=dict)
    fuel: int | None = None
    problems: list[str] = field(default_factory=list)


def read_roots(opened: Opened) -> Roots:
    """All of a manifest that can be read."""
    manifest, found = opened.manifest, Roots()
    reading = Reading(manifest, opened.sizes, (), opened.chunks)

    def some(name: str, make: Callable[[Fields], T], most: int = 1 << 20) -> list[T | None]:
        """One of the manifest's lists."""
        things: list[T | None] = []
        try:
            for number, item in enumerate(manifest.sequence(name, most)):
                if number == MOST:
                    found.problems.append(f"{name}: {len(manifest.sequence(name, most)):,} of them; {MOST:,} are shown")
                    break
                things.append(None)
                things[-1] = _noting(found.problems, lambda n=number, i=item: make(Fields(i, f"{name} {n}")))  # type: ignore[misc]
        except SnapshotError as error:
            found.problems.append(str(error))
        return things

    found.types = _noting(found.problems, reading.types) or ()
    found.tables = some("tables", reading.table)
    found.memories = some("memories", reading.memory, MAX_AREAS)
    found.globals = some("globals", reading.global_)
    found.tags = some("tags", reading.tag) if manifest.has("tags") else []
    found.exceptions = _noting(found.problems, lambda: reading.exceptions().regions) or []
    found.instances = some("instances", lambda f: _instance(reading, f, found, len(opened.modules)))
    found.functions = some(
        "functions",
        lambda f: Import(
            reading.place(f, "at", FuncRefRecord.size, 16),
            f.text("module"),
            f.text("name"),
            values.read_functype(f.fields("type")),
        ),
    )
    found.executions = some("executions", lambda f: reading.execution(f, STACK_AT))
    found.references = _noting(found.problems, lambda: manifest.sequence("references")) or []
    found.hosts = _noting(found.problems, reading.host_states) or {}
    found.fuel = _noting(found.problems, lambda: manifest.optional("fuel", 0, MAX_U64))
    return found


def _noting(problems: list[str], read: Callable[[], T]) -> T | None:
    """What `read` gives; what is wrong with it is noted."""
    try:
        return read()
    except SnapshotError as error:
        problems.append(str(error))
        return None


def _instance(reading: Reading, fields: Fields, roots: Roots, modules: int) -> Instance:
    return Instance(
        reading.place(fields, "at", InstanceRecord.size, 16),
        fields.integer("module", 0, modules - 1),
        tuple(fields.integers("tables", len(roots.tables) - 1)[:MOST]),
        tuple(fields.integers("memories", len(roots.memories) - 1)[:MOST]),
        tuple(fields.integers("globals", len(roots.globals) - 1)[:MOST]),
        tuple(fields.integers("tags", len(roots.tags) - 1)[:MOST]) if fields.has("tags") else (),
    )
