"""What the survey tells of a small snapshot, and that it tells what it can of damaged ones."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from arenite.cli.look import LOOKS
from arenite.inspect import kinds
from arenite.inspect.facts import parts
from arenite.inspect.picture import PageState, bands, extents
from arenite.layout.cage import HOST_PAGE, STACK_AT
from arenite.layout.records import (
    RECORDS,
    FrameHeader,
    FuncRefRecord,
    InstanceRecord,
    StoreContext,
    TableRecord,
    WindowEntry,
)
from fuzz.frozen import Document
from unit.snapshot import surveyed

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.inspect.records import Record, RecordRow, Survey
    from arenite.inspect.stack import Stand


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("survey") / "small.arn"
    _, snapshot = surveyed.paused(surveyed.THROWING)
    snapshot.save(path)
    return path


@pytest.fixture(scope="module")
def found(file: Path) -> tuple[Survey, list[Stand]]:
    return surveyed.looked_at(file)


def row(record: Record, name: str) -> RecordRow:
    (one,) = (r for r in record.rows if r.name == name)
    return one


def led(survey: Survey, record: Record, name: str) -> Record:
    """Where a field leads."""
    link = row(record, name)
    assert link.link is not None
    there = survey.at(link.link, link.to)
    assert there is not None
    return there


def test_every_record_that_lies_in_the_arena_is_a_kind() -> None:
    assert {kind.record for kind in kinds.RECORD_KINDS if kind.record} == {*RECORDS} - {WindowEntry}


def test_every_field_that_is_an_arena_offset_leads_somewhere() -> None:
    assert {f for record in RECORDS for f in record.fields if f.arena_offset} == set(kinds.LEADS)


def test_letters_tell_kinds_apart() -> None:
    assert list(LOOKS) == list(kinds.RECORD_KINDS)
    shown = [look.letter for kind, look in LOOKS.items() if kind is not kinds.FUNCTION]
    assert len(set(shown)) == len(shown)


def test_records_are_of_every_kind_and_show_every_field(found: tuple[Survey, list[Stand]]) -> None:
    survey, _ = found
    for kind in kinds.RECORD_KINDS:
        if kind.record is not None:
            records = [r for r in survey.records if r.kind is kind]
            assert records, kind.label
            names = {r.name.partition("[")[0] for r in records[0].rows}
            assert {f.name for f in kind.record.fields if f.count == 1} <= names
    assert not survey.problems
    assert not any(r.damage for r in survey.records)


def test_a_record_can_be_followed_to_the_next(found: tuple[Survey, list[Stand]]) -> None:
    survey, _ = found
    (instance,) = (r for r in survey.records if r.title == "instance 1 of module 1 app")
    table = led(survey, instance, "table 0")
    assert (table.title, row(table, "length").value) == ("table 0", 6)
    elements = led(survey, table, TableRecord.elements.name)
    assert [r.text for r in elements.rows] == ["null", "helper", "mix", "null", "deep", "null"]
    function = led(survey, elements, "element 4")
    assert row(function, FuncRefRecord.function.name).text == "deep (i32) -> (i32)"
    assert led(survey, function, FuncRefRecord.vmctx.name) is instance
    assert led(survey, instance, InstanceRecord.memory.name).title == "memory 0"
    assert led(survey, instance, InstanceRecord.funcrefs.name).kind is kinds.FUNCTIONS
    assert led(survey, instance, "function 0").title == "host function 0: env.ask"
    assert row(led(survey, instance, "global 0"), "value").text == "77"
    assert row(instance, "global 1").text == "3.25"
    assert led(survey, instance, "global 2") is function


def test_what_an_exception_carries_can_be_followed(found: tuple[Survey, list[Stand]]) -> None:
    survey, _ = found
    (outer,) = (r for r in survey.records if r.title == "exception of tag (i64 exnref)")
    (inner,) = (r for r in survey.records if r.title == "exception of tag (i32)")
    assert {outer.kind, inner.kind} == {kinds.EXCEPTIONS}
    (library,) = (r for r in survey.records if r.title == "instance 0 of module 0 lib")
    kept = led(survey, library, "tag 0")
    assert led(survey, outer, "tag") is kept
    assert [row(outer, f"value {n}").text for n in (0, 1)] == ["-9", "of tag (i32)"]
    assert led(survey, outer, "value 1") is inner
    assert row(inner, "value 0").text == "7"
    (held,) = (r for r in survey.records if r.kind is kinds.GLOBALS and r.rows[0].text == "of tag (i64 exnref)")
    assert led(survey, held, "value") is outer
    (room,) = (r for r in survey.records if r.kind is kinds.ROOM)
    assert all(room.at <= r.at and r.end <= room.end for r in (outer, inner))
    (part,) = (part for part in parts(survey, {}) if part.title == "exceptions")
    assert sorted((fact.name, fact.what) for fact in part.facts) == [("tag (i32)", "7"), ("tag (i64 exnref)", "-9, of tag (i32)")]


def test_every_link_leads_to_a_record(found: tuple[Survey, list[Stand]]) -> None:
    survey, _ = found
    links = [r for record in survey.records for r in record.rows if r.link is not None]
    assert len(links) > 20
    assert all(map(survey.leads, links))


def test_frames_show_every_live_slot(found: tuple[Survey, list[Stand]]) -> None:
    survey, (stand,) = found
    assert stand.why == "call: before the call of env.ask; it calls env.ask(42, 0.5)"
    titles = [frame.title.partition(" - ")[2] for frame in stand.frames]
    assert titles == ["env.ask (host)", *["app!deep"] * (surveyed.DEPTH + 1)]
    host, innermost, *_, outermost = stand.frames
    assert [(r.name, r.type, r.text) for r in host.rows[:2]] == [("parameter 0", "i32", "42"), ("parameter 1", "f32", "0.5")]
    assert {r.name: r.text for r in innermost.rows} | {"local 1": "-5", "local 2": "1.5", "parameter 0": "0"} == {
        r.name: r.text for r in innermost.rows
    }
    assert row(outermost, "parameter 0").text == str(surveyed.DEPTH)
    assert [r.text for r in outermost.rows if r.name.startswith("operand")] == [str(7 * surveyed.DEPTH)]
    assert row(outermost, FrameHeader.return_pc.name).text == "to the host"
    assert led(survey, innermost, FrameHeader.caller_sp.name) is stand.frames[2]


def test_the_store_page_is_told_too(found: tuple[Survey, list[Stand]]) -> None:
    survey, _ = found
    assert row(survey.records[0], StoreContext.stack_limit.name).value == survey.opened.sizes.stack_limit


def test_without_its_modules_less_is_told(file: Path) -> None:
    survey, (stand,) = surveyed.looked_at(file, modules=False)
    assert not stand.frames
    assert "module is missing" in stand.damage
    assert "env.ask(42, 0.5)" in stand.why
    assert [(r.title, r.at) for r in survey.records if r.kind is kinds.FRAMES] == [("frames of execution 0", STACK_AT)]
    table = next(r for r in survey.records if r.kind is kinds.ELEMENTS)
    assert [r.text for r in table.rows if r.value] == [f"<wasm function {n}>" for n in (0, 1, 1)]
    assert not survey.problems


def test_extents_cover_everything_once(found: tuple[Survey, list[Stand]]) -> None:
    survey, _ = found
    parts = extents(survey)
    gaps = [b.at - a.end for a, b in pairwise(parts)]
    assert all(0 <= gap < 16 for gap in gaps)
    assert (parts[0].kind, parts[-1].kind, parts[-1].end) == (kinds.CONTEXT, kinds.FREE, survey.arena.size)


def test_the_picture_of_a_delta_shows_what_it_changed(tmp_path: Path) -> None:
    store, snapshot = surveyed.paused()
    snapshot.save(tmp_path / "parent.arn")
    memory = store.snapshot().fork()
    del store
    machine = memory.machine
    machine.cage.memory(0)[8192] = 1
    memory.snapshot().save(tmp_path / "child.arn", parent=snapshot)
    survey, _ = surveyed.looked_at(tmp_path / "child.arn")
    (band,) = (b for b in bands(survey, 64, 64) if b.title == "memory 0")
    assert [c.state for c in band.cells[:4]] == [PageState.KEPT, PageState.EMPTY, PageState.CHANGED, PageState.EMPTY]
    assert band.counts == (14, 1, 1)


def test_more_elements_than_are_shown_are_counted(tmp_path: Path) -> None:
    large = surveyed.LIBRARY.replace('"t") 6 funcref', '"t") 9000 funcref')
    _, snapshot = surveyed.paused(large)
    snapshot.save(tmp_path / "large.arn")
    survey, _ = surveyed.looked_at(tmp_path / "large.arn")
    elements = next(r for r in survey.records if r.kind is kinds.ELEMENTS)
    assert len(elements.rows) + elements.more == 9000
    assert elements.more > 0


def test_damage_is_told_and_the_rest_is_there(file: Path) -> None:
    def change(manifest: Any) -> None:
        manifest["tables"][0]["at"] = 1 << 40
        manifest["executions"][0]["sp"] += 8

    survey, (stand,) = surveyed.looked_at(surveyed.altered(file, change))
    assert len(survey.problems) == 1
    assert "tables 0" in survey.problems[0]
    assert stand.damage
    assert not stand.frames
    assert [r.title for r in survey.records if r.kind is kinds.TABLES] == ["table 1"]


def test_a_link_to_nothing_is_seen(file: Path) -> None:
    document = Document(file.read_bytes())
    survey, _ = surveyed.looked_at(file)
    table = next(r for r in survey.records if r.title == "table 0, elements")
    document.edit(0, HOST_PAGE + table.at + 4, (table.at + 4).to_bytes(4, "little"))
    bad = file.with_name("link.arn")
    bad.write_bytes(document.whole())
    survey, _ = surveyed.looked_at(bad)
    elements = survey.at(table.at, kinds.ELEMENTS)
    assert elements is not None
    assert [survey.leads(row(elements, f"element {n}")) for n in range(3)] == [True, False, True]
