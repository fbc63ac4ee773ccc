"""What older versions wrote opens for ever: each form, as a parent and as a delta, however it is damaged."""

from __future__ import annotations

import contextlib
import re
import shutil
from array import array
from typing import TYPE_CHECKING

import pytest
from wasmtime import wat2wasm

from arenite import Config, Engine, Limit, Module, Snapshot, SnapshotError, Trap
from arenite.bytecode.ops import ROWS, TABLE
from arenite.bytecode.row import Form
from arenite.cli.snapshots import Wanted, look
from arenite.layout.cage import HOST_PAGE
from arenite.layout.records import FuncRefRecord
from arenite.machine.space.image import ARENA
from arenite.snapshot import code as codes
from arenite.snapshot import older, opening
from arenite.snapshot.layout import layout_digest
from arenite.snapshot.limits import FileLimits
from arenite.translate import translate
from fuzz.frozen import Document
from marks import EACH_TIER
from snapshots.kept import HERE, ending, frozen, linker

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName

DIGESTS = "b41944e05fba429e"  # the layout in which references held digests
FORMS = ("image", "delta", "packed")
LONG = """
    (module
      (memory i64 1)
      (func (export "keep") (param $at i64)
        (i64.store (local.get $at) (i64.const 7))
        (memory.fill (i64.const 8) (i32.const 1) (i64.add (i64.load (local.get $at)) (i64.load (i64.const 16))))))"""


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder with a guest in an older layout, in every form."""
    for form in FORMS:
        shutil.copy(HERE / f"1-fib-{form}.arn", tmp_path / f"1-fib-{form}.arn")
    return tmp_path


def opened(path: Path, tier: TierName, parent: Snapshot | None = None) -> Snapshot:
    engine = Engine(Config(tier=tier))
    return Snapshot.open(path, engine, parent=parent, verify=True).link(linker(engine))


def edited(path: Path, *changes: tuple[int, bytes]) -> None:
    """Other bytes at offsets of the arena, under checksums that are right."""
    document = Document(path.read_bytes())
    for at, data in changes:
        document.edit(ARENA, HOST_PAGE + at, data)
    path.write_bytes(document.whole())


def words(*numbers: int) -> bytes:
    return array("I", numbers).tobytes()


def test_every_layout_leads_to_the_present_one() -> None:
    for first in older.STEPS:
        seen, layout = [], first
        while layout in older.STEPS:
            assert layout not in seen
            seen.append(layout)
            layout = older.STEPS[layout].to
        assert layout == layout_digest()


def test_every_older_op_leads_to_one_of_today() -> None:
    here = {codes.signature(row): row for row in TABLE}
    for name, op in older.OPS.items():
        assert name not in here
        row = ROWS[op.name]
        assert {o.name for o in row.encoded if o.form is Form.TYPE} >= set(op.digests)


def test_ops_are_known_by_their_earlier_words() -> None:
    """Those of a first memory with addresses of 64 bits were called `wide`."""
    code = translate(bytes(wat2wasm(LONG)))
    now = [codes.signature(row) for row in TABLE]
    names = [re.sub(r" i64(?!\.)", " wide", name) for name in now]
    assert {name for name in names if name not in now} >= {"memory.fill wide(to:i64@2 byte:i32@4 count:i64@6)"}
    blob = codes.carried_sections(code, names)
    assert codes.restored(blob, code).bytecode == code.bytecode


@EACH_TIER
@pytest.mark.parametrize("form", FORMS)
def test_records_are_as_if_this_version_had_written_them(kept: Path, tier: TierName, form: str) -> None:
    snapshot = opened(kept / f"1-fib-{form}.arn", tier)
    image = snapshot.frozen().image
    store, frozen_here = frozen(Engine(Config(tier=tier, max_wasm_stack=1 << 16)), "fib")
    if form == "delta":
        assert store.execution is not None
        store.execution.run(fuel=700)
        frozen_here = store.snapshot()
    begin = HOST_PAGE + snapshot.frozen().stack_limit
    regions = []
    for of in image, frozen_here.frozen().image:
        whole = bytearray(of.sizes[ARENA])
        for number, page in of.pages(ARENA):
            whole[number * HOST_PAGE : (number + 1) * HOST_PAGE] = page
        regions.append(bytes(whole[begin:]))
    assert regions[0] == regions[1]
    assert Document((HERE / f"1-fib-{form}.arn").read_bytes()).manifest["layout"] == DIGESTS


@EACH_TIER
@pytest.mark.parametrize("form", FORMS)
def test_what_goes_on_from_it_can_be_saved_in_every_form(kept: Path, tier: TierName, form: str) -> None:
    """Also as a delta of the older file itself, found by its name, and as a delta of that delta."""
    parent = opened(kept / f"1-fib-{form}.arn", tier)
    store = parent.fork()
    assert store.execution is not None
    store.execution.run(fuel=500)
    now = store.snapshot()
    now.save(kept / "image.arn")
    now.save(kept / "packed.arn", packed=True)
    now.save(kept / "delta.arn", parent=parent)
    store.execution.run(fuel=500)
    store.snapshot().save(kept / "second.arn", parent=now)
    end = ending(store)
    for name in ("image", "packed", "delta", "second"):
        assert ending(opened(kept / f"{name}.arn", tier).fork()) == end


@EACH_TIER
def test_a_delta_is_not_older_than_its_parent(kept: Path, tier: TierName) -> None:
    parent = opened(kept / "1-fib-image.arn", tier)
    parent.fork().snapshot().save(kept / "image.arn")
    document = Document((kept / "1-fib-delta.arn").read_bytes())
    document.manifest["parent"] = {"id": opening.load(kept / "image.arn").id, "name": "image.arn"}
    (kept / "odd.arn").write_bytes(document.whole())
    with pytest.raises(SnapshotError, match="another layout of records than the snapshot that it is a delta of"):
        opened(kept / "odd.arn", tier)


@EACH_TIER
def test_layouts_that_nobody_wrote_are_refused(kept: Path, tier: TierName) -> None:
    for form in FORMS:
        document = Document((kept / f"1-fib-{form}.arn").read_bytes())
        document.manifest["layout"] = "0" * 16
        (kept / "odd.arn").write_bytes(document.whole())
        with pytest.raises(SnapshotError, match="another layout of records, which this version of arenite does not read"):
            opened(kept / "odd.arn", tier)


@EACH_TIER
@pytest.mark.parametrize(
    ("start", "stop"),
    [
        (0, 0),
        (0x1000, 0xFFFFFFF0),
        (0xFFFFFFF0, 0x10),
        (0x11010, 0x11000),
        (0x11018, 0x11048),
        (0x1000, 0x11000),
        (0x11000, 0x11101),
    ],
)
def test_places_of_references_are_not_believed(kept: Path, tier: TierName, start: int, stop: int) -> None:
    """Whatever an instance says of where its references lie: opened or refused, and nothing else than words of references changes."""
    path = kept / "1-fib-image.arn"
    at = Document(path.read_bytes()).manifest["instances"][0]["at"]
    edited(path, (at + older.FUNCREFS, words(start)), (at + older.DROPPED, words(stop)))
    stored, image = opening.load(path).stored, opening.load(path).image
    for number, page in stored.pages(ARENA):
        now = image.page(ARENA, number)
        assert all(a == b or (i % FuncRefRecord.size < 4 and b == 0) for i, (a, b) in enumerate(zip(page, now, strict=True)))
    with contextlib.suppress(SnapshotError, Limit, Trap):  # what damage leads to
        ending(opened(path, tier).fork())


def test_many_instances_that_share_their_references_cost_what_one_does(kept: Path) -> None:
    path = kept / "1-fib-image.arn"
    document = Document(path.read_bytes())
    document.manifest["instances"] *= 9_000
    path.write_bytes(document.whole())
    loaded = opening.load(path, limits=FileLimits.of(Config(max_instances=20_000)))
    assert len(loaded.image.changed[ARENA].numbers) == 1
    assert len(older._references(loaded.stored, loaded.sizes, loaded.manifest)) == 2


@EACH_TIER
def test_a_digest_of_no_type_is_refused(kept: Path, tier: TierName) -> None:
    path = kept / "1-fib-packed.arn"
    document = Document(path.read_bytes())
    module = document.manifest["modules"][0]
    engine = Engine(Config(tier=tier))
    code = frozen(engine, "fib")[0].machine.modules[0]
    names = [codes.signature(row) for row in TABLE]
    for name, op in older.OPS.items():
        names[ROWS[op.name].code] = name
    module["carried"] = document.put(codes.carried_sections(code, names))  # indexes in the place of digests
    path.write_bytes(document.whole())
    with pytest.raises(SnapshotError, match="names a type that the module does not have"):
        opened(path, tier)


@pytest.mark.parametrize("form", FORMS)
def test_an_older_file_can_be_looked_at(kept: Path, form: str) -> None:
    found = look(kept / f"1-fib-{form}.arn", Wanted())
    assert not found.survey.problems
    assert not found.missing
    assert not any(record.damage for record in found.survey.records)
    assert [len(stand.frames) > 2 for stand in found.stands] == [True]
    context = next(record for record in found.survey.records if record.title == "store context")
    shown = {row.name: row.value for row in context.rows}
    assert (shown["areas"], shown["lengths[0]"], shown["stack_limit"]) == (1, 1, found.survey.opened.sizes.stack_limit)


def test_engines_without_the_module_open_it(kept: Path) -> None:
    """What travels along is enough; an engine that has the module goes on with what travelled too."""
    path = kept / "1-fib-packed.arn"
    end = ending(opened(path, "threaded").fork())
    engine = Engine()
    module = Module(engine, (HERE / "guest.wat").read_text())
    snapshot = Snapshot.loads(path.read_bytes(), engine).link(linker(engine), modules=[module])
    assert ending(snapshot.fork()) == end


@EACH_TIER
def test_what_reading_it_takes_is_limited(kept: Path, tier: TierName) -> None:
    """The pages that change are read, also of an image, which is mapped otherwise."""
    small = Engine(Config(tier=tier, max_snapshot_memory=1))
    with pytest.raises(Limit, match="max_snapshot_memory"):
        Snapshot.open(kept / "1-fib-image.arn", small)
