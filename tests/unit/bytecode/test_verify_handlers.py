"""Rules of handlers, each broken once; and what a loop may do to which nothing leads."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import wasmtime

from arenite.bytecode.encode import encode, ops
from arenite.bytecode.handlers import HEAD, REGION, HandlerTables
from arenite.bytecode.verify import verify_module
from arenite.errors import InternalError
from arenite.features import SUPPORTED
from arenite.layout.handlers import BELOW, END, LINK, WANTS_REFERENCE
from arenite.translate.module import translate

if TYPE_CHECKING:
    from arenite.bytecode.encode import Op
    from arenite.bytecode.module import ModuleCode

TEXT = """(module (tag $t (param i64)) (tag $u (param i32 externref))
  (func $f (param i64) (result i64) (local i64)
    (local.get 0)
    (block $h (result i64 exnref) (block $g (result i64)
      (try_table (catch $t $g)
        (try_table (catch_ref $t $h) (drop (call $f (i64.add (local.get 0) (i64.const 1))))))
      (return (i64.const 1)))
      (return))
    (drop) (drop))
  (func $k (param exnref i32) (result i32)
    (block $h (try_table (catch_all $h) (throw_ref (local.get 0)))) (i32.const 3))
  (func $l (throw $t (i64.const 4))))"""
REGIONS = 2  # of these functions
CLAUSES = 6
FIELDS = ("tag", "target", "values", "flags")


@pytest.fixture
def module() -> ModuleCode:
    return translate(bytes(wasmtime.wat2wasm(TEXT)), features=SUPPORTED | {"exceptions"})


def refused(module: ModuleCode, message: str) -> None:
    with pytest.raises(InternalError, match=message):
        verify_module(module)


def words(module: ModuleCode) -> list[int]:
    return list(struct.unpack(f"<{len(module.handlers) // 4}I", module.handlers))


def with_word(module: ModuleCode, at: int, value: int) -> ModuleCode:
    found = words(module)
    found[at] = value & 0xFFFFFFFF
    return replace(module, handlers=struct.pack(f"<{len(found)}I", *found))


def at_region(number: int, field: int) -> int:
    return HEAD // 4 + REGION // 4 * number + field


def at_clause(module: ModuleCode, number: int, field: str) -> int:
    """`number`: from 1."""
    return HEAD // 4 + REGION // 4 * words(module)[0] + 4 * (number - 1) + FIELDS.index(field)


def changed(module: ModuleCode, number: int, **fields: int) -> ModuleCode:
    for field, value in fields.items():
        module = with_word(module, at_clause(module, number, field), value)
    return module


def op_named(module: ModuleCode, name: str) -> Op:
    return next(op for op in ops(module.bytecode, 0, len(module.bytecode)) if op.row.name == name)


def with_op(module: ModuleCode, old: Op, **values: int) -> ModuleCode:
    new = encode(old.row.name, old.pc, old.targets, **(old.values | values))
    return replace(module, bytecode=module.bytecode[: old.pc] + new + module.bytecode[old.pc + len(new) :])


def test_what_they_are(module: ModuleCode) -> None:
    verify_module(module)
    count, *rest = words(module)
    assert count == REGIONS
    assert len(rest) == 2 * REGIONS + 4 * CLAUSES
    flags = [rest[2 * REGIONS + 4 * i + 3] for i in range(CLAUSES)]
    assert flags == [1 << 8, END, 1 << 8 | WANTS_REFERENCE, LINK, 0, END]
    assert [rest[2 * i + 1] for i in range(REGIONS)] == [3, 5]


@pytest.mark.parametrize("cut", [1, 4, 8, 16])
def test_the_section_is_whole(module: ModuleCode, cut: int) -> None:
    refused(
        replace(module, handlers=module.handlers[:-cut]), "the section of handlers is cut short|no clause|there is no section"
    )
    refused(with_word(module, 0, 0xFFFFFFFF), "cut short")
    refused(replace(module, handlers=b""), "there is no section of handlers")


@pytest.mark.parametrize("number", range(REGIONS))
@pytest.mark.parametrize("moved", [-8, 8])
def test_regions_begin_at_ops_that_throw(module: ModuleCode, number: int, moved: int) -> None:
    at = at_region(number, 0)
    refused(with_word(module, at, words(module)[at] + moved), "a region of handlers begins at")


def test_groups_come_to_an_end(module: ModuleCode) -> None:
    refused(with_word(module, at_region(0, 1), CLAUSES + 1), "there is no clause 7")
    refused(changed(module, 6, flags=0), "which is no safepoint of the function")
    refused(changed(module, 4, target=3), "goes on with group 3, which is not before it")
    refused(changed(module, 4, target=0), "goes on with group 0")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tag": 8}, "which is no tag"),
        ({"tag": -4}, "which is no tag"),
        ({"flags": 2 << 8 | WANTS_REFERENCE}, "a handler of 1 slots receives 2"),
        ({"flags": 0}, "a handler of 1 slots receives 0"),
        ({"flags": 1 << 8 | WANTS_REFERENCE | 16}, "a handler of 1 slots"),
        ({"flags": 1 << 8}, "does not hold what a handler's safepoint lists"),
        ({"flags": 1 << 8 | WANTS_REFERENCE | BELOW}, "does not hold what a handler's safepoint lists"),
        ({"values": 4}, "receives 1 at byte 4"),
        ({"values": 0}, "which are not behind the locals"),
        ({"values": 8}, "which are not behind the locals"),
        ({"values": 1 << 20}, "which are not behind the locals"),
        ({"values": 24, "flags": 1 << 8 | BELOW}, "which are not behind the locals"),
        ({"target": 0}, "which is no safepoint"),
        ({"target": 1 << 20}, "which is no safepoint"),
        ({"target": -8}, "which is no safepoint"),
    ],
)
def test_what_a_handler_receives(module: ModuleCode, fields: dict[str, int], message: str) -> None:
    refused(changed(module, 3, **fields), message)


def test_a_handler_finds_what_its_safepoint_lists(module: ModuleCode) -> None:
    """What lies where the callee's frame does is the callee's, unless the exception brings it."""
    behind = changed(module, 3, target=op_named(module, "call").end)
    verify_module(behind)
    values = words(module)[at_clause(module, 3, "values")]
    refused(changed(behind, 3, values=values + 8), "does not hold what a handler's safepoint lists")
    refused(changed(module, 3, values=values + 8), "does not hold what a handler's safepoint lists")


def test_types_of_what_is_received(module: ModuleCode) -> None:
    """A number and an object of the host's are none of the other's kind."""
    other = words(module)[at_clause(module, 3, "tag")] + 4
    refused(changed(module, 3, tag=other, flags=2 << 8 | WANTS_REFERENCE), "does not hold what a handler's safepoint lists")


def test_a_throw(module: ModuleCode) -> None:
    throw, again = op_named(module, "throw"), op_named(module, "throw_ref")
    refused(with_op(module, throw, tag=4), "names nothing of its kind")
    refused(with_op(module, throw, values=throw.values["values"] + 8), "1 values at byte 24")
    refused(with_op(module, throw, values=throw.values["values"] + 4), "values at byte")
    refused(with_op(module, throw, tag=throw.values["tag"] + 4), "2 values at byte 16")
    refused(with_op(module, again, source=8), "what is thrown is no exception")


def test_a_throw_is_a_safepoint(module: ModuleCode) -> None:
    throw = op_named(module, "throw")
    f = module.function(2)
    last = module.safepoints[f.safepoints :]
    assert struct.unpack_from("<I", last)[0] == throw.pc
    refused(replace(module, safepoints=module.safepoints[: f.safepoints]), "a throw is no safepoint")


def test_no_way_leads_to_a_loop_that_was_not_looked_at() -> None:
    """Where nothing leads, slots are not known; so a back-edge must not lead there from where something does."""
    text = """(module (func (param i32) (result i32) (local i32)
      (local.set 1 (i32.const 7))
      (loop $l (local.set 1 (i32.mul (local.get 0) (local.get 0))) (br_if $l (local.get 0)))
      (i32.const 1)))"""
    module = translate(bytes(wasmtime.wat2wasm(text)))
    first, back = op_named(module, "i32.const"), op_named(module, "loop_br_if")
    around = encode("br", first.pc, to=back.pc)
    refused(
        replace(module, bytecode=module.bytecode[: first.pc] + around + module.bytecode[first.end :]), "one that nothing leads to"
    )


def test_nothing_is_left_that_was_not_looked_at(module: ModuleCode) -> None:
    """What reads the section believes all of it."""
    refused(
        replace(module, handlers=module.handlers + struct.pack("<4I", 0, 0x12, 0, 0)),
        f"clause {CLAUSES + 1} of handlers is in no group",
    )
    end = len(module.bytecode)
    head, rest = HEAD + REGION * REGIONS, module.handlers
    more = struct.pack("<I", REGIONS + 1) + rest[HEAD:head] + struct.pack("<2I", end, 1) + rest[head:]
    refused(replace(module, handlers=more), "begins behind the last function")


def test_a_handler_behind_us_begins_where_a_loop_might() -> None:
    """What its safepoint lists is there on all ways, or the code behind was looked at as another."""
    text = """(module (tag $t (param i64)) (func $f)
      (func (param i32) (result i64)
        (block $h (result i64)
          (try_table (catch $t $h) (call $f))
          (if (local.get 0) (then (br $h (i64.const 1))))
          (unreachable))
        (call $f)))"""
    module = translate(bytes(wasmtime.wat2wasm(text)), features=SUPPORTED | {"exceptions"})
    first, second = (words(module)[at_region(number, 0)] for number in range(2))
    target = words(module)[at_clause(module, 1, "target")]
    later = with_word(with_word(module, at_region(0, 0), second), at_region(1, 0), second)
    section = struct.pack("<3I", 1, second, 1) + later.handlers[HEAD + 2 * REGION :]
    assert first < target <= second
    verify_module(replace(module, handlers=section))
    at = module.safepoints.index(struct.pack("<I", target), module.function(1).safepoints) + 12
    (slot,) = struct.unpack_from("<I", module.safepoints, at)
    moved = module.safepoints[:at] + struct.pack("<I", slot + 1) + module.safepoints[at + 4 :]
    elsewhere = changed(replace(module, handlers=section, safepoints=moved), 1, values=8 * (slot + 1))
    refused(elsewhere, "is not there on all ways")


def test_tables_of_a_window_hold_nothing_that_leads_outside(module: ModuleCode) -> None:
    """Searches believe them, so they look for themselves, whoever has verified the section."""

    def add(module: ModuleCode) -> HandlerTables:
        made = HandlerTables(1 << 16)
        made.add(module.handlers, module.functions, 1 << 12)
        return made

    assert len(add(module).finish()[2]) == 16 * (1 + CLAUSES)
    size = len(module.bytecode)
    links = [n for n in range(1, CLAUSES + 1) if words(module)[at_clause(module, n, "flags")] & LINK]
    handlers = [n for n in range(1, CLAUSES + 1) if not words(module)[at_clause(module, n, "flags")] & (LINK | END)]
    wrong = [
        *(changed(module, number, target=CLAUSES + 1) for number in links),
        *(changed(module, number, target=size) for number in handlers),
        *(with_word(module, at_region(number, 1), CLAUSES + 1) for number in range(REGIONS)),
        with_word(module, at_region(REGIONS - 1, 0), size),
    ]
    assert links
    assert handlers
    for one in wrong:
        with pytest.raises(InternalError, match="handler"):
            add(one)
