"""Invariants of whole functions and modules, each broken once; those of single ops are in filetests/verify."""

from __future__ import annotations

from dataclasses import replace

import pytest
import wasmtime

from arenite.bytecode.module import FUNCTION, ModuleCode
from arenite.bytecode.ops import TABLE
from arenite.bytecode.safepoints import HEAD, SLOT
from arenite.bytecode.verify import Places, verify_module
from arenite.errors import InternalError
from arenite.translate.module import translate

TEXT = """(module
  (func $f (param i32) (result i32) (i32.add (call $f (local.get 0)) (call $f (local.get 0))))
  (func (loop (br 0))))"""


@pytest.fixture
def module() -> ModuleCode:
    return translate(bytes(wasmtime.wat2wasm(TEXT)), verify=True)


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


def test_everything_that_names_a_place_is_checked(module: ModuleCode) -> None:
    """Ops made of several are no exception."""
    places = {
        "disp",
        "disp2",
        "function",
        "segment",
        "table",
        "source_table",
        "type_",
    }  # of a memory's access `disp` is an offset
    named = {(row.name, o.name) for row in TABLE for o in row.encoded if o.name in places and "memory0" not in row.name}
    assert named == Places(module).allowed.keys()


def test_functions_follow_each_other(module: ModuleCode) -> None:
    refused(with_function(module, 1, begin=module.function(1).begin + 8), "where the one before ends")
    refused(with_function(module, 0, end=0), "where the one before ends")
    refused(replace(module, bytecode=module.bytecode + bytes(8)), "bytecode of")


def test_code_is_whole_ops(module: ModuleCode) -> None:
    refused(replace(module, bytecode=b"\xff\xff" + module.bytecode[2:]), "no op at 0x0")
    end = module.function(0).end - 8
    refused(replace(with_function(module, 0, end=end), bytecode=module.bytecode[: end - 8]), "no op|passes the end|goes on")


def test_the_frame_is_of_whole_slots(module: ModuleCode) -> None:
    refused(with_function(module, 0, frame_size=60), "the frame has 60 bytes")


def test_the_header_is_behind_the_signature(module: ModuleCode) -> None:
    refused(with_function(module, 0, type_index=1), "the callee's header|parameters and results end at 0")


def test_return_points_are_those_behind_calls(module: ModuleCode) -> None:
    bits = bytearray(module.returns)
    for wrong in (bits[0] ^ 1, 0):
        refused(replace(module, returns=bytes([wrong, *bits[1:]])), "return points")
    refused(replace(module, returns=b""), "return points")


def test_safepoints_are_where_they_must_be(module: ModuleCode) -> None:
    assert len(module.safepoints) == 3 * HEAD.size + 3 * SLOT.size
    refused(with_safepoint(module, 0, 12), "which is no op or out of order")
    refused(with_safepoint(module, 0, 8), "no safepoint at")
    refused(with_safepoint(module, 3, 1), "names slot 1")
    refused(with_safepoint(module, 3, 100), "names slot 100")
    refused(replace(module, safepoints=module.safepoints[: module.function(1).safepoints]), "function 1: no safepoint")
