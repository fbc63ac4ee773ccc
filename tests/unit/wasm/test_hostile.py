"""Whatever the bytes: a module, or one of two errors, in time and memory that the size of the file bounds."""

from __future__ import annotations

import functools
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from arenite.errors import DecodeError, Limit, ValidationError
from arenite.wasm.decode import decode
from arenite.wasm.validate import validate
from unit.wasm.test_reader import unsigned

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = b"\0asm\1\0\0\0"
SEED = bytes(
    wasmtime.wat2wasm(
        """(module $m
    (type $t (func (param i32 f64) (result i64)))
    (import "env" "f" (func $f (type $t)))
    (memory 1 2) (table 3 funcref) (table 2 externref) (global $g (mut i64) (i64.const -5))
    (export "h" (func $h))
    (elem (i32.const 0) func $f $h) (elem funcref (ref.func $h) (ref.null func)) (elem declare func $h)
    (data (i32.const 8) "active") (data "passive")
    (func $h (type $t) (local f32 i32)
      (block (loop (br_if 1 (i32.eqz (local.get 0))) (br_table 0 1 0 (local.tee 0 (i32.load8_u offset=200 (local.get 3))))))
      (if (result i64) (local.get 0) (then (global.get $g)) (else (unreachable)))
      (call_indirect (type $t) (local.get 0) (f64.const 1) (i32.const 0))
      (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 0)) (table.fill 1 (i32.const 0) (ref.null extern) (i32.const 0))
      (i64.add (i64.trunc_sat_f64_u (local.get 1))) (i64.add)))"""
    )
)


def section(number: int, content: bytes) -> bytes:
    return bytes([number]) + unsigned(len(content)) + content


def function(body: bytes) -> bytes:
    """A module of one function () -> ()."""
    body = b"\0" + body
    return (
        HEADER
        + section(1, b"\1\x60\0\0")
        + section(3, b"\1\0")
        + section(5, b"\1\0\1")
        + section(10, b"\1" + unsigned(len(body)) + body)
    )


def read(data: bytes) -> None:
    """Decode, validate and look at all there is; the two errors are answers too."""
    try:
        module = decode(data)
        validate(module)
        assert module.names is not None
        module.import_types()
        module.export_types()
    except (DecodeError, ValidationError) as error:
        offset = error.offset
    else:
        offset = 0
    assert offset is not None
    assert 0 <= offset <= len(data)


@given(st.binary(max_size=200))
def test_random_bytes(data: bytes) -> None:
    read(data)
    read(HEADER + data)


@given(st.binary(max_size=60))
def test_random_body(body: bytes) -> None:
    read(function(body))
    read(function(b"\x41\0" * 8 + body))


@settings(max_examples=500)
@given(st.lists(st.tuples(st.integers(8, len(SEED) - 1), st.integers(0, 255)), min_size=1, max_size=3))
def test_changed_bytes(changes: list[tuple[int, int]]) -> None:
    data = bytearray(SEED)
    for at, value in changes:
        data[at] = value
    read(bytes(data))


def test_cut_off() -> None:
    validate(decode(SEED))
    for size in range(len(SEED)):
        read(SEED[:size])


@functools.cache
def honest_work() -> float:
    """Seconds of the processor that it takes to judge a valid body of two megabytes, as large as the largest file here."""
    module = decode(function(b"\x41\0\x1a" * 700_000 + b"\x0b"))
    started = time.process_time()
    validate(module)
    return time.process_time() - started


@contextmanager
def modest_work() -> Iterator[None]:
    """What is done here takes no more than fifty times as long as honest work.

    Only time can show it, as what counts is compiled.  Refusing takes a few times as long at most; what looks at the rest of a file
    for each of its entries takes thousands of times as long, and other processes do not make one of the two slower by so much.
    """
    started = time.process_time()
    yield
    assert time.process_time() - started < 50 * honest_work()


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6, 7, 9, 10, 11])
def test_counts_of_four_billion(number: int) -> None:
    with pytest.raises(DecodeError, match="unexpected end"):
        decode(HEADER + section(number, b"\xff\xff\xff\xff\x0f"))


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6, 7, 9, 10, 11])
def test_counts_of_the_whole_file(number: int) -> None:
    """A section of four bytes that holds, as it says, as many entries as the file has bytes."""
    with modest_work(), pytest.raises((DecodeError, ValidationError, Limit)):
        decode(HEADER + bytes([number, 4]) + unsigned(200_000) + bytes(200_000))


def test_bodies_are_judged_once() -> None:
    """Ten thousand bodies without an end: the first goes on through the file and ends the walk, also when the file fails."""
    bodies = 10_000
    module = (
        HEADER
        + section(1, b"\1\x60\0\0")
        + section(3, unsigned(bodies) + bytes(bodies))
        + section(10, unsigned(bodies) + (b"\x41\0" + b"\1" * 64) * bodies)
    )
    for data, message in ((module, "unexpected end"), (module + b"\xff", "illegal opcode ff")):
        with modest_work(), pytest.raises(DecodeError, match=message):
            validate(decode(data))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"\x02\x40" * 200_000, "16 times its size"),
        (b"\x41\0" * 1_100_000, "more than 1,000,000 operands"),
        (b"\x41\0\x0e\xff\xff\xff\xff\x0f\0", "unexpected end"),
        (b"\0\x1c\xff\xff\xff\xff\x0f\x7f", "invalid result arity"),
    ],
    ids=["blocks", "operands", "br_table", "select"],
)
def test_depth_and_counts_in_a_body(body: bytes, message: str) -> None:
    with modest_work(), pytest.raises((DecodeError, ValidationError, Limit), match=message):
        validate(decode(function(body)))


def test_too_many_locals_and_parameters() -> None:
    locals_ = b"\2\xd0\x86\3\x7f\1\x7f\x0b"  # 50,000 and one
    module = HEADER + section(1, b"\1\x60\0\0") + section(3, b"\1\0") + section(10, b"\1" + unsigned(len(locals_)) + locals_)
    with pytest.raises(DecodeError, match="too many locals"):
        validate(decode(module))
    with pytest.raises(DecodeError, match="too many parameters"):
        decode(HEADER + section(1, b"\1\x60" + unsigned(1001) + b"\x7f" * 1001 + b"\0"))


@pytest.mark.parametrize("params", [0, 1, 1000])
def test_parameters_count_among_the_locals(params: int) -> None:
    """50,000 in all, parameters among them, and not one more."""
    for total, fits in ((50_000, True), (50_001, False)):
        declared = total - params
        body = b"\2" + unsigned(declared - 1) + b"\x7f\1\x7e\x0b"
        parts = (section(1, b"\1\x60" + unsigned(params) + b"\x7f" * params + b"\0"), section(3, b"\1\0"))
        module = decode(HEADER + parts[0] + parts[1] + section(10, b"\1" + unsigned(len(body)) + body))
        if fits:
            validate(module)
        else:
            with pytest.raises(DecodeError, match="too many locals"):
                validate(module)
