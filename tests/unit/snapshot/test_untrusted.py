"""A manifest says what it likes: what cannot be is refused by name, before memory is taken for it."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Config, Engine, Instance, Limit, Module, Paused, Snapshot, SnapshotError, Store
from arenite.layout.cage import cage_size
from arenite.layout.types import ALL_PAGE_BITS
from arenite.snapshot.manifest import canonical
from arenite.snapshot.pages import digest
from fuzz.frozen import Document
from marks import EACH_TIER
from released import collect, open_files
from unit.snapshot.counting import linker, of, paused

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.config import TierName


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "s.arn"
    paused().snapshot().save(path)
    return path


def altered(file: Path, change: Callable[[Any], object]) -> Path:
    """The file with another manifest, all checksums right."""
    document = Document(file.read_bytes())
    change(document.manifest)
    file.write_bytes(document.whole())
    return file


def with_text(file: Path, change: Callable[[str], str]) -> None:
    """The file with another text as its manifest."""
    document = Document(file.read_bytes())
    document.text = change(canonical(document.manifest).decode()).encode()
    file.write_bytes(document.whole())


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"fuel":', '"fuel":7,"fuel":'),
        lambda text: text.replace('"hosts":{}', '"hosts":{"a":NaN}'),
        lambda text: text.replace('"hosts":{}', '"hosts":{"a":1e999}'),
        lambda text: text.replace('"hosts":{}', '"hosts":{"a":"\\ud800"}'),
        lambda text: text.replace('"hosts":{}', '"hosts":' + '{"a":' * 5000 + "1" + "}" * 5000),
        lambda text: text.replace('"fuel":', '"fuel":' + "9" * 5000),
        lambda text: " " + text,
        lambda text: text[:-1],
        lambda text: "[" + text + "]",
    ],
    ids=["twice", "nan", "infinite", "half", "deep", "long", "space", "cut", "list"],
)
def test_what_could_not_be_written_again_is_not_read(file: Path, change: Callable[[str], str]) -> None:
    with_text(file, change)
    with pytest.raises(
        SnapshotError, match=r"manifest|nested too deeply"
    ):  # how deep JSON may be differs between versions of Python
        Snapshot.open(file, of()).link()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_a_host_cannot_save(tmp_path: Path, value: object) -> None:
    class Module:
        def freeze(self) -> object:
            return {"value": value}

    class Options:
        def open(self) -> Module:
            return Module()

    store = paused()
    store.set_host("odd", Options())
    with pytest.raises(SnapshotError, match="cannot travel"):
        store.snapshot().save(tmp_path / "s.arn")
    assert not list(tmp_path.iterdir())


@EACH_TIER
def test_memories_are_as_large_as_the_engine_allows(file: Path, tier: TierName) -> None:
    small = Engine(Config(tier=tier, max_memory=1 << 16))
    with pytest.raises(Limit, match=r"a memory of 262144 bytes; 65536 are allowed \(max_memory\)"):
        Snapshot.open(file, small)
    with pytest.raises(Limit, match=r"a memory of 262144 bytes; 65536 are allowed \(max_memory\)"):
        Snapshot.loads(paused().snapshot().dumps(), small)


@pytest.mark.parametrize("bits", sorted({*range(17)} - {*ALL_PAGE_BITS}))
def test_pages_have_sizes_that_there_are(file: Path, bits: int) -> None:
    altered(file, lambda manifest: manifest["memories"][0]["type"].update(page_bits=bits))
    with pytest.raises(SnapshotError, match=r"page_bits is .* the logarithm"):
        Snapshot.open(file, of()).link(linker(of()))


def peak() -> int:
    return int(Path("/proc/self/status").read_text("ascii").split("VmHWM:")[1].split()[0]) << 10


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="needs Linux's /proc")
@EACH_TIER
@pytest.mark.parametrize("form", ["packed", "image", "delta"])
def test_sizes_alone_take_no_memory(tmp_path: Path, tier: TierName, form: str) -> None:
    """A memory of 4 GiB and an arena of 1 GiB that hold no more than before."""
    path, store = tmp_path / "s.arn", paused()
    parent = store.snapshot()
    parent.save(tmp_path / "p.arn")
    store.snapshot().save(path, packed=form == "packed", parent=parent if form == "delta" else None)

    def change(manifest: Any) -> None:
        sizes = [1 << 30, 1 << 32]
        manifest["arena"]["size"], manifest["memory_sizes"] = sizes[0] - 4096, sizes[1:]
        for entry, size in zip(manifest["regions"], sizes, strict=True):
            if form == "packed":
                entry["size"] = size
                entry["chunks"] += [0] * (size // (1 << 18) - len(entry["chunks"]))

    if form == "image":
        document = Document(path.read_bytes())
        change(document.manifest)
        end = 1 << 33
        for entry, size in zip(document.manifest["regions"], (1 << 30, 1 << 32), strict=True):
            sums = document.get(entry["sums"]) + bytes(16 * (size // (1 << 18)))
            place = document.put(sums[: 16 * (size // (1 << 18))])
            entry |= {"sums": place, "offset": end, "size": size}
            entry["sums_digest"] = digest(sums[: place["size"]]).hex()
            end += size
        document.manifest["context"] = digest(bytes(4096)).hex()
        path.write_bytes(document.whole())
        os.truncate(path, end)
    else:
        altered(path, change)
    collect()
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    before = int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()
    snapshot = Snapshot.open(path, of(tier)).link(linker(of(tier)))
    assert peak() - before < 100 << 20
    del snapshot


def test_nothing_stays_open_when_a_file_is_refused(file: Path) -> None:
    changes: tuple[Callable[[Any], object], ...] = (
        lambda m: m["regions"][0].update(offset=4097),
        lambda m: m["regions"][0].update(offset=1 << 50),
        lambda m: m["modules"][0]["wasm"].update(offset=1 << 50),
        lambda m: m.update(context="00"),
    )
    good, before = file.read_bytes(), open_files()
    for change in changes:
        file.write_bytes(good)
        altered(file, change)
        for _ in range(3):
            with pytest.raises(SnapshotError):
                Snapshot.open(file, of())
    assert open_files() == before


IMPOSSIBLE: tuple[tuple[Any, str], ...] = (
    (lambda m: m["functions"].append(m["functions"][0]), "a place of its own"),
    (lambda m: m["functions"][0].update(at=m["functions"][0]["at"] + 8), "a multiple of 16"),
    (lambda m: m["instances"][0].update(at=m["arena"]["heap"]), "a multiple of 16 at most"),
    (lambda m: m["instances"][0].update(module=1), r"expected 0 \.\. 0"),
    (lambda m: m["instances"][0].update(tables=[0]), "2 of them"),
    (lambda m: m["instances"][0]["tables"].reverse(), "imports and declares"),
    (lambda m: m["memories"][0].update(area=1), r"expected 0 \.\. 0"),
    (lambda m: m["arena"].update(heap=1), "expected 4096"),
    (lambda m: m["arena"].update(stack_limit=m["arena"]["heap"] + 1), "stack_limit"),
    (lambda m: m["executions"][0].update(pc=m["executions"][0]["pc"] + 8), "damaged|cannot stand"),
    (lambda m: m["executions"][0].update(status="sleeping"), "ready or"),
    (lambda m: m["executions"][0].update(pause={"reason": "hunger", "what": ""}), "fuel or"),
    (lambda m: m["executions"][0].update(instance=1), r"-1 \.\. 0"),
    (lambda m: m["executions"][0].update(end=m["executions"][0]["at"]), "end"),
    (lambda m: m["memories"][0]["type"].update(maximum=(1 << 16) + 1), r"maximum is 65537; expected 0 \.\. 65536"),
    (lambda m: m["memories"][0]["type"].update(maximum=1 << 64, is_64=True, page_bits=0), r"maximum is 18446744073709551616"),
    (lambda m: m["memories"][0]["type"].update(minimum=(1 << 16) + 1, maximum=None), "minimum is 65537"),
    (lambda m: m["memories"][0]["type"].update(minimum=4, maximum=3), r"maximum is 3; expected 4 \.\. 65536"),
    (lambda m: m["tables"][0]["type"].update(maximum=1 << 32), "maximum is 4294967296"),
    (lambda m: m["tables"][0]["type"].update(maximum=1 << 64, is_64=True), "maximum is 18446744073709551616"),
    (lambda m: m["tables"][0]["type"].update(minimum=7, maximum=6), "maximum is 6"),
    (lambda m: m["executions"].append(m["executions"][0]), r"at is 4096; expected [1-9]"),  # they would overlap
    (lambda m: m["executions"][0].update(end=m["executions"][0]["end"] + 8), "aligned to slots"),
    (lambda m: m["executions"][0].update(sp=m["executions"][0]["sp"] + 4), "aligned to slots"),
    (lambda m: m["executions"][0].update(at=m["executions"][0]["at"] + 8, sp=m["executions"][0]["sp"] + 8), "aligned to slots"),
    (lambda m: m["types"].append(m["types"][0]), "each type once"),
    (lambda m: m.update(fuel=-1), "fuel"),
    (lambda m: m.update(fuel=True), "fuel"),
    (lambda m: m.pop("executions"), "executions is missing"),
)


@pytest.mark.parametrize("number", range(len(IMPOSSIBLE)))
def test_what_cannot_be(file: Path, number: int) -> None:
    change, words = IMPOSSIBLE[number]
    altered(file, change)
    with pytest.raises(SnapshotError, match=words):
        Snapshot.open(file, of()).link(linker(of()))


def test_an_execution_whose_results_would_lie_behind_the_arena(file: Path) -> None:
    """An end that was made up: its type has more results than there are bytes."""

    def change(m: Any) -> None:
        many = {"params": [], "results": ["i64"] * 900}
        limit = m["arena"]["size"] // 16 * 16 - 16
        m["arena"] |= {"heap": m["arena"]["size"], "stack_limit": limit}
        m["executions"] = [
            m["executions"][0] | {"type": many, "at": limit - 16, "sp": limit - 16, "end": limit, "pc": 8, "status": "ready"}
        ]

    altered(file, change)
    with pytest.raises(SnapshotError, match="frames end at"):
        Snapshot.open(file, of()).link(linker(of()))


def test_a_waiting_call_whose_arguments_would_lie_behind_the_arena(file: Path) -> None:
    store = paused()
    assert store.execution is not None
    store.execution.run(pause_at=["host.add"])
    store.snapshot().save(file)

    def change(m: Any) -> None:
        size = m["arena"]["size"]
        m["arena"] |= {"heap": size, "stack_limit": size}
        m["executions"][0] |= {"at": size - 16, "sp": size - 8, "end": size}

    altered(file, change)
    with pytest.raises(SnapshotError, match="frames end at"):
        Snapshot.open(file, of()).link(linker(of()))


def test_json_of_other_kinds(file: Path) -> None:
    for text in ("null", "[]", "1", '"x"'):
        with_text(file, dict.fromkeys([canonical(Document(file.read_bytes()).manifest).decode()], text).__getitem__)
        with pytest.raises(SnapshotError, match="no object"):
            Snapshot.open(file, of())
        paused().snapshot().save(file)


def test_a_store_without_memories_has_a_whole_cage(file: Path) -> None:
    """An arena offset and a displacement may reach as far as memory area 0 does, whatever the manifest says that there is."""
    store = Store(of())
    Instance(store, Module(of(), "(module (func))"), [])
    store.snapshot().save(file)
    with Snapshot.open(file, of()).fork() as fork:
        assert not fork.machine.cage.sizes[1:]
        space: Any = fork.machine.cage._space
        assert space.size >= cage_size(1)


def test_an_engine_that_meters_does_so_whatever_a_snapshot_says(file: Path) -> None:
    altered(file, lambda m: m.update(fuel=None))
    with Snapshot.open(file, of()).link(linker(of())).fork() as fork:
        assert fork.get_fuel() == 0
        assert fork.execution is not None
        assert isinstance(fork.execution.run(), Paused)
        fork.reset()
        assert fork.get_fuel() == 0


def test_types_of_a_snapshot_that_is_gone_take_no_memory(file: Path) -> None:
    """An engine keeps what its stores and modules use."""
    document, engine, kept = Document(file.read_bytes()), of(), []
    for number in range(20):
        changed = document.copy()
        changed.manifest["types"].append({"params": ["i64"] * (30 + number), "results": []})
        changed.manifest["types"].reverse()
        file.write_bytes(changed.whole())
        Snapshot.open(file, engine).link(linker(engine)).fork().close()
        collect()
        kept.append(sum(preamble() is not None for preamble in engine.windows._preambles))
    assert kept[-1] <= kept[0]


def test_a_pipe_is_no_snapshot(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SnapshotError, match="no plain file"):
        Snapshot.open(tmp_path / "pipe", of())
