"""What there is to say of a snapshot, in words: the lists that both the terminal and the page show.

Example:  for part in parts(survey, missing): print(part.title, part.facts)
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from arenite.errors import SnapshotError
from arenite.inspect.arena import Names
from arenite.inspect.kinds import ELEMENTS, EXCEPTIONS
from arenite.inspect.picture import PageState, page_states
from arenite.inspect.survey import filled
from arenite.inspect.words import describe, page, pages, plural
from arenite.layout.cage import HOST_PAGE
from arenite.layout.records import MemoryRecord
from arenite.layout.types import PAGE_BITS, type_name
from arenite.light import NamedTuple
from arenite.machine.run.chunks import Chunk
from arenite.snapshot.container import FORMAT
from arenite.snapshot.values import BYTES
from arenite.wasi.travel import (
    FrozenGuest,
    Input,
    OpenDirectory,
    OpenFile,
    OpenMemoryDevice,
    OpenMemoryDirectory,
    OpenMemoryFile,
    Output,
    RootDirectory,
)
from arenite.world.memory.nodes import DeviceNode, LinkNode
from arenite.world.memory.travel import read_tree
from arenite.world.memory.tree import MOST_BYTES, MOST_ENTRIES
from arenite.world.travel import decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from arenite.inspect.records import Record, Survey
    from arenite.inspect.stack import Stand
    from arenite.machine.records.objects import MemoryAddr, TableAddr
    from arenite.machine.run.hosts import HostState
    from arenite.wasi.travel import FrozenDescriptor
    from arenite.world.memory.nodes import Node
    from arenite.world.travel import KeptContents

MOST_FILES = 100  # of a directory in memory, that are listed
WASI = "wasi"
NAMED = 5  # elements of a table that a list names, unless more are asked for


class Fact(NamedTuple):
    """A line: a name, what there is to say, and the arena offset where it lies."""

    name: str
    what: str
    at: int | None = None


class Part(NamedTuple):
    """Lines under a title."""

    title: str
    facts: list[Fact]


def summary(path: Path, survey: Survey) -> Part:
    """The first lines: what kind of snapshot it is, and how large."""
    opened, info = survey.opened, path.stat()
    what = opened.kind
    if what == "delta":
        parent = opened.manifest.fields("parent")
        what = f"delta of {parent.text('name') or 'a snapshot without a name'} ({parent.text('id')[:16]}…)"
    states = [page_states(survey, region) for region in range(len(opened.sizes.regions))]
    held = sum(len(s) - s.count(PageState.EMPTY) for s in states)
    memory = f"{plural(sum(opened.sizes.regions), 'byte')}, of which {held * HOST_PAGE:,} are not empty"
    if opened.delta:
        memory += f" and {sum(s.count(PageState.CHANGED) for s in states) * HOST_PAGE:,} are not the parent's"
    fuel = survey.roots.fuel
    return Part(
        "summary",
        [
            Fact("file", str(path)),
            Fact("kind", f"{what}, format {FORMAT}, layout of records {opened.manifest.text('layout')}"),
            Fact("id", opened.id),
            Fact("on disk", f"{plural(info.st_size, 'byte')}, of which {512 * getattr(info, 'st_blocks', 0):,} take room"),
            Fact("in memory", memory),
            Fact("fuel", "not counted" if fuel is None else plural(fuel, "unit")),
        ],
    )


def parts(survey: Survey, missing: Mapping[int, str], named: int = NAMED) -> Iterator[Part]:
    """What it needs and what it holds.

    `missing`: why a module is not there, by its number.  `named`: how many elements of a table are named.
    """
    roots, names = survey.roots, Names(survey.arena, survey.roots, survey.modules)
    yield Part("modules", [_module(survey, n, missing) for n in range(len(survey.modules))])
    yield Part("imports", [Fact(str(f), describe(f.type), f.at) for f in roots.functions if f is not None])
    yield Part(
        "instances",
        [
            Fact(f"{n}", f"of module {i.module} {name(survey, i.module)}".rstrip(), i.at)
            for n, i in enumerate(roots.instances)
            if i is not None
        ],
    )
    elements = {r.title: r for r in survey.records if r.kind is ELEMENTS}
    yield Part(
        "tables",
        [_table(survey, n, t, elements.get(f"table {n}, elements"), named) for n, t in enumerate(roots.tables) if t is not None],
    )
    yield Part("memories", [Fact(f"{n}", _memory(survey, m), m.at) for n, m in enumerate(roots.memories) if m is not None])
    yield Part(
        "globals",
        [
            Fact(f"{n}", f"{describe(g.type)} = {names.value(g.type.content, survey.arena.number(g.at, 8))}", g.at)
            for n, g in enumerate(roots.globals)
            if g is not None
        ],
    )
    yield Part("tags", [Fact(f"{n}", str(t.type), t.at) for n, t in enumerate(roots.tags) if t is not None])
    yield Part(
        "exceptions",
        [
            Fact(
                r.title.removeprefix("exception of "), ", ".join(row.text for row in r.rows if row.name.startswith("value")), r.at
            )
            for r in survey.records
            if r.kind is EXCEPTIONS
        ],
    )
    yield Part("objects of the host", [Fact(f"{n}", _object(value)) for n, value in enumerate(roots.references)])
    for host, state in roots.hosts.items():
        yield Part(
            f"state of the host module {host}", list(_wasi(state) if host == WASI else [Fact("", "known to its owner only")])
        )


def standing(stands: list[Stand]) -> Iterator[Part]:
    """Where each execution stands."""
    why = [Fact(stand.title, stand.why, stand.frames[-1].at if stand.frames else None) for stand in stands]
    yield Part("executions", why or [Fact("none", "the store stood between calls")])
    for number, stand in enumerate(stands):
        facts = [Fact(frame.title, "", frame.at) for frame in stand.frames]
        facts += [Fact(f"and {stand.more:,} more frames", "")] if stand.more else []
        facts += [Fact("no further", stand.damage)] if stand.damage else []
        yield Part(f"frames of execution {number}", facts)


def name(survey: Survey, module: int) -> str:
    """The name of a module as the manifest has it."""
    return survey.opened.modules[module].name


def _module(survey: Survey, number: int, missing: Mapping[int, str]) -> Fact:
    entry, code = survey.opened.modules[number], survey.modules[number]
    travels = "" if entry.wasm is None else "travels along, "
    what = (
        missing.get(number, "not there")
        if code is None
        else f"{plural(len(code.file), 'byte')}, {plural(code.function_count, 'function')}"
    )
    return Fact(f"{number} {entry.name}".rstrip(), f"{travels}{what}, digest {entry.digest[:16]}…")


def _table(survey: Survey, number: int, table: TableAddr, elements: Record | None, most: int) -> Fact:
    held = filled(survey, number)
    text = f"{type_name(table.type.element)}, "
    if held is None:
        return Fact(f"{number}", text + "its elements do not lie in the arena, or there are too many to count", table.at)
    length = 0 if elements is None else len(elements.rows) + elements.more
    first = list(islice((row.text for row in elements.rows if row.value), most + 1)) if elements else []
    named = ", ".join(first[:most]) + (", …" if len(first) > most else "")
    return Fact(
        f"{number}", f"{text}{held:,} of {plural(length, 'element')} not null" + (f": {named}" if named else ""), table.at
    )


def _memory(survey: Survey, memory: MemoryAddr) -> str:
    region = memory.area + 1
    size, states = survey.opened.sizes.regions[region], page_states(survey, region)
    if memory.type.page_bits != PAGE_BITS:  # its area is larger than it
        size = min(size, MemoryRecord.length.read(survey.arena.view, memory.at))
    full = len(states) - states.count(PageState.EMPTY)
    held = pages(plural(size >> memory.type.page_bits, page(memory.type)), memory.type)
    text = f"{held}; {full:,} of {len(states):,} pages of 4 KiB are not empty"
    changed = states.count(PageState.CHANGED)
    return text + (f", {changed:,} are not the parent's" if survey.opened.delta else "")


def _object(value: object) -> str:
    if value is None:
        return "a free number"
    content = value.get(BYTES) if isinstance(value, dict) else None
    return f"{len(content) * 3 // 4:,} bytes, made by its owner" if isinstance(content, str) else "damaged"


def _wasi(state: HostState) -> Iterator[Fact]:
    """WASI's state.  Values of the environment are not shown: they may be secrets."""
    try:
        guest = decode(FrozenGuest, state, "WASI's state")
    except SnapshotError as error:
        yield Fact("damaged", str(error))
        return
    yield Fact("arguments", " ".join(map(_quoted, guest.args)) or "none")
    yield Fact("environment", ", ".join(_text(v.partition(b"=")[0]) for v in guest.env) or "empty")
    for one in guest.descriptors:
        yield Fact(f"descriptor {one.number}", _descriptor(one))
    for files in guest.contents:
        yield from _files(files)


def _files(kept: KeptContents) -> Iterator[Fact]:
    """Files that a guest has in memory, the first of them by name."""
    title = f"in memory {_text(kept.directory)}"
    try:
        assert isinstance(kept.files, Chunk)
        tree = read_tree(kept.files, MOST_BYTES, MOST_ENTRIES)
    except SnapshotError as error:
        yield Fact(title, str(error))
        return
    yield Fact(title, f"{tree.entries:,} names, {tree.bytes:,} bytes")
    listed = list(islice(tree.listed(), MOST_FILES + 1))
    for path, node in listed[:MOST_FILES]:
        yield Fact(f"  {path}", _node(node))
    if len(listed) > MOST_FILES:
        yield Fact("  …", "and more")


def _node(node: Node) -> str:
    match node:
        case LinkNode():
            return f"link to {node.text}"
        case DeviceNode():
            return f"device {node.name!r}, {node.stage.name.lower()}"
        case _:
            return f"{node.size:,} bytes"


def _text(data: bytes) -> str:
    return data.decode(errors="backslashreplace")


def _quoted(argument: bytes) -> str:
    text = _text(argument)
    return text if text and text.isprintable() and " " not in text else repr(text)


def _descriptor(one: FrozenDescriptor) -> str:
    match one:
        case Input():
            return f"standard input, {len(one.left):,} bytes of it not read" if one.left else "standard input"
        case Output():
            return {"stdout": "standard output", "stderr": "standard error"}[one.role]
        case RootDirectory():
            return f"directory {_text(one.directory)}"
        case OpenFile():
            return f"file {_text(one.path)} in {_text(one.directory)}, at byte {one.position:,}"
        case OpenMemoryFile():
            return f"file {_text(one.path)} in {_text(one.directory)}, in memory, at byte {one.position:,}"
        case OpenMemoryDevice():
            return f"device {_text(one.path)} in {_text(one.directory)}, in memory"
        case OpenMemoryDirectory():
            return f"directory {_text(one.path)} in {_text(one.directory)}, in memory"
        case OpenDirectory():
            return f"directory {_text(one.path)} in {_text(one.directory)}"
        case _:
            return type(one).__name__
