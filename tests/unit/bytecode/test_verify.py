"""Invariants of whole functions and modules, each broken once; those of single ops are in filetests/verify."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from arenite.bytecode.encode import encode, ops
from arenite.bytecode.module import FUNCTION, ModuleCode
from arenite.bytecode.ops import TABLE
from arenite.bytecode.row import ROLES, Form, Row
from arenite.bytecode.safepoints import HEAD, SLOT, safepoints_of
from arenite.bytecode.verify import verify_module
from arenite.errors import InternalError, Limit
from arenite.layout.types import EXTERNREF, FUNCREF, I32, I64
from arenite.translate.module import translate

TEXT = """(module
  (func $f (param i32) (result i32) (i32.add (call $f (local.get 0)) (call $f (local.get 0))))
  (func (loop (br 0))))"""


@pytest.fixture
def module() -> ModuleCode:
    return translate(bytes(wasmtime.wat2wasm(TEXT)))


def refused(module: ModuleCode, message: str) -> None:
    with pytest.raises(InternalError, match=message):
        verify_module(module)


def with_function(module: ModuleCode, index: int, **fields: int) -> ModuleCode:
    records = [f._replace(**fields) if i == index else f for i, f in enumerate(module.all_functions())]
    return replace(module, functions=b"".join(FUNCTION.pack(*f) for f in records))


def with_safepoint(module: ModuleCode, at: int, value: int) -> ModuleCode:
    table = bytearray(module.safepoints)
    table[4 * at : 4 * at + 4] = value.to_bytes(4, "little")
    return replace(module, safepoints=bytes(table))


def test_every_constant_operand_has_a_role() -> None:
    """The verifier knows what operands are for by nothing else; ops made of several are no exception."""
    constants = [o for row in TABLE for o in row.encoded if o.form is Form.UNSIGNED]
    assert {o.role.partition(".")[0] for o in constants} | {"any", "memory"} == ROLES.keys()
    assert {o.role.partition(".")[2] for o in constants} == {"", "get", "set", "call"}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_what_is_handed_on_comes_from_somewhere(row: Row) -> None:
    gives = any(o.role == "any" or o.role.endswith(".get") for o in row.operands)
    destination = row.destination
    if destination is not None and destination.role == "any":
        assert gives
    if any(o.role.endswith(".set") for o in row.operands):
        vector = any(o.form is Form.SLOT and o.type.is_vector for o in row.operands)  # which are numbers
        assert gives or row.result is not None or vector


def test_functions_follow_each_other(module: ModuleCode) -> None:
    refused(with_function(module, 1, begin=module.function(1).begin + 8), "where the one before ends")
    refused(with_function(module, 0, end=0), "where the one before ends")
    refused(replace(module, bytecode=module.bytecode + bytes(8)), "bytecode of")


def test_code_is_whole_ops(module: ModuleCode) -> None:
    refused(replace(module, bytecode=b"\xff\xff" + module.bytecode[2:]), "the first op is not an enter")
    inside = module.bytecode[:8] + b"\xff\xff" + module.bytecode[10:]
    refused(replace(module, bytecode=inside), "function 0: there is no op 65535")
    end = module.function(0).end - 8
    refused(replace(with_function(module, 0, end=end), bytecode=module.bytecode[:end]), "no op|passes the end|goes on")


def test_the_frame_is_of_whole_slots(module: ModuleCode) -> None:
    refused(with_function(module, 0, frame_size=60), "its frame has 60 bytes")


def test_the_frame_has_room_for_its_header(module: ModuleCode) -> None:
    """Callers write it: outside the frame it would lie where no stack check has looked."""
    header = module.function(0).header
    for size in (header, header + 8):
        refused(with_function(module, 0, frame_size=size), f"its frame has {size} bytes")


def test_function_records_agree_with_the_module(module: ModuleCode) -> None:
    refused(with_function(module, 0, type_index=1), "its type is 1, the module says 0")
    refused(with_function(module, 0, header=16), "its header is at 16, parameters and results end at 8")
    refused(replace(module, locals=(b"", module.locals[1])), "its locals do not begin with its parameters")
    refused(replace(module, locals=(b"\x7e" + module.locals[0][1:], module.locals[1])), "do not begin with its parameters")


def test_return_points_are_those_behind_calls(module: ModuleCode) -> None:
    bits = bytearray(module.returns)
    refused(replace(module, returns=bytes([bits[0] ^ 1, *bits[1:]])), "return points")
    refused(replace(module, returns=bytes(len(bits))), "return point")
    refused(replace(module, returns=b""), "return point")


def test_types_are_named_where_the_list_says(module: ModuleCode) -> None:
    refused(replace(module, type_places=bytes(4)), "places where types are named")


def test_safepoints_are_where_they_must_be(module: ModuleCode) -> None:
    assert len(module.safepoints) == 3 * HEAD.size + 3 * SLOT.size
    refused(with_safepoint(module, 0, 12), "no safepoint behind the call")
    refused(with_safepoint(module, 12, module.function(1).begin), "which is no op or out of order|no safepoint at")
    refused(with_safepoint(module, 3, 1), "names slot 1")
    refused(with_safepoint(module, 3, 4), "names slot 4")  # the callee's
    refused(with_safepoint(module, 3, 100), "names slot 100")
    refused(with_safepoint(module, 2, 1 << 31), "its last safepoint is cut short")
    first = module.function(1).safepoints
    refused(replace(module, safepoints=module.safepoints[:first]), "function 1: no safepoint")
    refused(with_function(module, 1, safepoints=first - 20), "its last safepoint is cut short")


def test_safepoints_name_types_that_slots_have(module: ModuleCode) -> None:
    for type_ in (FUNCREF, EXTERNREF, 0, 0x17F):
        refused(with_safepoint(module, 4, type_), "slot 3 does not hold what the safepoint")
    verify_module(with_safepoint(module, 11, I64))  # an i32 fits there


def test_what_a_safepoint_does_not_list_is_not_read_behind_it(module: ModuleCode) -> None:
    first, second = module.safepoints[:20], module.safepoints[20:48]
    assert second[:4] != first[:4]
    assert second[8:12] == b"\2\0\0\0"
    shorter = second[:8] + b"\1\0\0\0" + second[20:]
    code = with_function(module, 1, safepoints=module.function(1).safepoints - SLOT.size)
    refused(replace(code, safepoints=first + shorter + module.safepoints[48:]), "slot 3 is read, and not written")


LOOP = """(module (func $f (result i32) (i32.const 0))
  (func (param i32) (drop (call $f)) (loop (call $g) (br_if 0 (local.get 0))))
  (func $g))"""


def test_dropped_results_are_no_operands_of_a_loop_behind_the_call() -> None:
    code = translate(bytes(wasmtime.wat2wasm(LOOP)))
    assert [s.slots for s in safepoints_of(code, 1)] == [(), ()]


@pytest.mark.parametrize(
    "body",
    [
        "(block $out (br_if $out (local.get 0)) (call $f) (drop))",
        "(block $out (block (br $out)) (call $f) (drop))",  # nothing comes to the call
        "(block $out (block (br $out)) (call $f) (drop) (loop (br_if 0 (local.get 0))))",
        "(block $out (block (br $out)) (call $f) (drop)) (loop (br_if 0 (local.get 0)))",
        "(block $out (br_if $out (local.get 0)) (call $f) (drop)) (loop (br_if 0 (local.get 0)))",
    ],
)
def test_a_label_behind_a_call_whose_result_is_dropped(body: str) -> None:
    """The safepoint lists the result, which other ways to the label do not bring."""
    text = f"(module (func $f (result i32) (i32.const 0)) (func (param i32) {body} (drop (call $f))))"
    verify_module(translate(bytes(wasmtime.wat2wasm(text))))


def test_older_code_lists_them() -> None:
    """It is accepted as what travelled, and read nowhere in the loop."""
    code = translate(bytes(wasmtime.wat2wasm(LOOP)))
    assert code.safepoints[8:12] == bytes(4)
    listed = code.safepoints[:8] + b"\1\0\0\0" + SLOT.pack(3, I32) + code.safepoints[12:]
    older = with_function(replace(code, safepoints=listed), 2, safepoints=code.function(2).safepoints + SLOT.size)
    refused(older, "slot 3 does not hold what the safepoint")
    verify_module(older, lenient=True)


def test_older_code_may_not_read_them() -> None:
    wat = LOOP.replace(
        "(drop (call $f)) (loop (call $g)", "(call $f) (loop (param i32) (local.set 0) (call $g) (i32.clz (local.get 0))"
    )
    code = translate(bytes(wasmtime.wat2wasm(wat.replace("(local.get 0))))", "(local.get 0)) drop))"))))
    clz = next(op for op in ops(code.bytecode, 0, len(code.bytecode)) if op.row.name == "i32.clz")
    changed = encode("i32.clz", clz.pc, (), **(clz.values | {"dst": clz.values["dst"] + 8}))
    broken = replace(code, bytecode=code.bytecode[: clz.pc] + changed + code.bytecode[clz.pc + len(changed) :])
    with pytest.raises(InternalError, match="slot 3"):
        verify_module(broken, lenient=True)


TABLES = ("bytecode", "returns", "functions", "safepoints", "type_places")


def with_table(module: ModuleCode, table: str, data: bytes) -> ModuleCode:
    """The module with other bytes for one of `TABLES`."""
    parts: dict[str, bytes] = {name: getattr(module, name) for name in TABLES} | {table: data}
    bytecode, returns, functions, safepoints, places = parts.values()
    return replace(module, bytecode=bytecode, returns=returns, functions=functions, safepoints=safepoints, type_places=places)


EVERYTHING = """(module
  (type $t (func (param i32 externref) (result externref i64)))
  (import "m" "f" (func $f (type $t)))
  (table 2 funcref) (table 1 externref) (elem $e funcref (ref.func $g)) (memory 1) (data "abc")
  (global (mut i32) (i32.const 3)) (global (mut externref) (ref.null extern))
  (func $g (type $t) (local i64 funcref)
    (loop $l (block $b (block $c (br_table $c $b $c (local.get 0)))
      (global.set 0 (i32.add (global.get 0) (i32.const 1)))
      (table.set 0 (i32.const 1) (local.get 3)))
      (call_indirect 0 (type $t) (local.get 0) (local.get 1) (i32.const 0)) (local.set 2) (global.set 1)
      (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 1))
      (table.copy 0 0 (i32.const 0) (i32.const 0) (i32.const 1))
      (br_if $l (i32.load (local.get 0))))
    (call $f (local.get 0) (global.get 1)) (drop) (drop)
    (if (result externref i64) (local.get 0)
      (then (call $g (i32.const 1) (local.get 1)))
      (else (table.get 1 (i32.const 0)) (local.get 2)))))"""
WHOLE = translate(bytes(wasmtime.wat2wasm(EVERYTHING)))


@settings(max_examples=2000)
@given(
    table=st.sampled_from(TABLES),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=3),
    lenient=st.booleans(),
)
def test_whatever_is_altered_the_verifier_says_so_or_nothing(
    table: str, changes: list[tuple[int, int]], *, lenient: bool
) -> None:
    """Tables that come from outside may hold anything."""
    data = bytearray(getattr(WHOLE, table))
    for place, value in changes:
        data[place % len(data)] = value
    with suppress(InternalError, Limit):
        verify_module(with_table(WHOLE, table, bytes(data)), lenient=lenient)


@settings(max_examples=200)
@given(st.sampled_from(TABLES), st.integers(0, 10_000))
def test_whatever_is_cut_off_the_verifier_says_so(table: str, size: int) -> None:
    data = getattr(WHOLE, table)
    if size % len(data) and (table != "returns" or any(data[size % len(data) :])):
        with pytest.raises(InternalError):
            verify_module(with_table(WHOLE, table, data[: size % len(data)]))
