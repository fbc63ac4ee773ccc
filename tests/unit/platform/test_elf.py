"""Objects from LLVM run after loading; damaged ones are refused."""

from __future__ import annotations

import ctypes
import gc
import math
import random
import struct
from pathlib import Path

import pytest

from arenite.errors import AreniteError, Limit
from arenite.platform import HAS_OBJECTS, elf, libc, llvm
from arenite.platform.architectures import host

pytestmark = pytest.mark.skipif(not HAS_OBJECTS, reason="no loader for this platform")

I64 = ctypes.c_int64

WHOLE = """
@counter = global i64 40
@zeroed = global [5000 x i64] zeroinitializer, align 64
@constant = constant [3 x i64] [i64 5, i64 6, i64 7]
@table = constant [2 x ptr] [ptr @one, ptr @two]
@foreign = external global i64

define i64 @one(i64 %x) noinline {
  %y = add i64 %x, 1
  ret i64 %y
}
define i64 @two(i64 %x) noinline {
  %y = call i64 @one(i64 %x)
  %z = call i64 @one(i64 %y)
  ret i64 %z
}
define i64 @by_table(i64 %which, i64 %x) {
  %p = getelementptr [2 x ptr], ptr @table, i64 0, i64 %which
  %f = load ptr, ptr %p
  %y = call i64 %f(i64 %x)
  ret i64 %y
}
define i64 @count(i64 %by) {
  %old = load i64, ptr @counter
  %new = add i64 %old, %by
  store i64 %new, ptr @counter
  ret i64 %new
}
define i64 @read(i64 %at) {
  %p = getelementptr i64, ptr @constant, i64 %at
  %x = load i64, ptr %p
  %q = getelementptr [5000 x i64], ptr @zeroed, i64 0, i64 4999
  %y = load volatile i64, ptr %q
  %z = add i64 %x, %y
  ret i64 %z
}
define i64 @read_foreign() {
  %x = load i64, ptr @foreign
  ret i64 %x
}
declare double @fmod(double, double)
define double @remainder(double %x, double %y) {
  %r = call double @fmod(double %x, double %y)
  ret double %r
}
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
define void @fill(ptr %at, i64 %n) {
  call void @llvm.memset.p0.i64(ptr %at, i8 120, i64 %n, i1 false)
  ret void
}
"""


@pytest.fixture(scope="module")
def whole() -> bytes:
    return llvm.compile_object(WHOLE)


@pytest.fixture(scope="module")
def foreign() -> ctypes.c_int64:
    return I64(1234)


@pytest.fixture(scope="module")
def code(whole: bytes, foreign: ctypes.c_int64) -> elf.CodeObject:
    return elf.load(whole, {**elf.libc_symbols(), "foreign": ctypes.addressof(foreign)})


def call(code: elf.CodeObject, name: str, *args: int) -> int:
    function = ctypes.CFUNCTYPE(I64, *[I64] * len(args))(code.symbols[name])
    result: int = function(*args)
    return result


def test_calls_within(code: elf.CodeObject) -> None:
    assert call(code, "two", 40) == 42


def test_table_of_addresses(code: elf.CodeObject) -> None:
    assert [call(code, "by_table", which, 10) for which in (0, 1)] == [11, 12]


def test_data_is_writable(code: elf.CodeObject) -> None:
    before = call(code, "count", 0)
    assert call(code, "count", 2) == before + 2
    assert I64.from_address(code.symbols["counter"]).value == before + 2


def test_constants_and_zeroed_data(code: elf.CodeObject) -> None:
    assert [call(code, "read", at) for at in range(3)] == [5, 6, 7]


def test_foreign_data_through_the_table_of_addresses(code: elf.CodeObject, foreign: ctypes.c_int64) -> None:
    assert call(code, "read_foreign") == foreign.value


def test_libc_through_stubs(code: elf.CodeObject) -> None:
    double = ctypes.c_double
    remainder = ctypes.CFUNCTYPE(double, double, double)(code.symbols["remainder"])
    assert remainder(7.5, 2.0) == math.fmod(7.5, 2.0)
    buffer = ctypes.create_string_buffer(10_000)
    ctypes.CFUNCTYPE(None, ctypes.c_void_p, I64)(code.symbols["fill"])(ctypes.addressof(buffer), 9_999)
    assert buffer.raw == b"x" * 9_999 + b"\0"


def protection(address: int) -> str:
    """What may be done with the page, as the kernel prints it."""
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        start, end = (int(part, 16) for part in line.split()[0].split("-"))
        if start <= address < end:
            return line.split()[1]
    return "gone"


def test_nothing_is_writable_and_executable(code: elf.CodeObject) -> None:
    seen = {name: protection(code.symbols[name]) for name in ("one", "constant", "table", "counter", "zeroed")}
    assert seen == {"one": "r-xp", "constant": "r--p", "table": "r--p", "counter": "rw-p", "zeroed": "rw-p"}


def test_text_covers_the_functions(code: elf.CodeObject) -> None:
    begin, end = code.text
    for name in ("one", "two", "by_table", "count", "read", "remainder", "fill"):
        assert begin <= code.symbols[name] < end
    assert not begin <= code.symbols["counter"] < end


def test_the_code_goes_with_its_object(whole: bytes, foreign: ctypes.c_int64) -> None:
    code = elf.load(whole, {**elf.libc_symbols(), "foreign": ctypes.addressof(foreign)})
    address = code.symbols["one"]
    assert protection(address) == "r-xp"
    del code
    gc.collect()
    assert protection(address) != "r-xp"


def test_undefined_symbols_are_named(whole: bytes) -> None:
    with pytest.raises(AreniteError, match="undefined symbol 'foreign'"):
        elf.load(whole, elf.libc_symbols())


@pytest.mark.parametrize(
    ("ir", "refused"),
    [
        ("@x = thread_local global i32 1\ndefine ptr @f() {\n  ret ptr @x\n}", "not supported|damaged"),
        ("@x = common global i32 0", "common"),
        (
            """
            declare void @f()
            @llvm.global_ctors = appending global [1 x { i32, ptr, ptr }] [{ i32, ptr, ptr } { i32 1, ptr @f, ptr null }]
            """,
            "code to run at loading",
        ),
        ("@x = global i32 1, align 8192", "alignment 8192"),
    ],
    ids=["thread-local", "common", "constructor", "alignment"],
)
def test_what_is_not_supported_is_refused(ir: str, refused: str) -> None:
    with pytest.raises(AreniteError, match=refused):
        elf.load(llvm.compile_object(ir), elf.libc_symbols())


def test_a_displacement_that_does_not_reach_is_refused() -> None:
    ir = "@far = external dso_local global i8\ndefine ptr @f() {\n  ret ptr @far\n}"
    with pytest.raises(AreniteError, match=r"R_\w+ to 'far' does not reach"):
        elf.load(llvm.compile_object(ir), {"far": 1})


@pytest.mark.parametrize("head", [b"", b"\x7fELF", b"MZ" + bytes(100), b"\x7fELF\x01\x01\x01" + bytes(100)])
def test_other_files_are_refused(head: bytes) -> None:
    with pytest.raises(AreniteError, match="object file"):
        elf.load(head, {})


def test_truncated_files_are_refused(whole: bytes) -> None:
    for size in range(0, len(whole), 97):
        with pytest.raises(AreniteError, match="object file"):
            elf.load(whole[:size], {**elf.libc_symbols(), "foreign": 0})


def test_damage_is_an_error_or_loads(whole: bytes) -> None:
    """Flipped bits anywhere: nothing but `AreniteError` comes out (the code is not run)."""
    symbols = {**elf.libc_symbols(), "foreign": 0}
    chance = random.Random(1)
    (table,) = struct.unpack_from("<Q", whole, 40)
    refused = 0
    for turn in range(3000):
        damaged = bytearray(whole)
        area = range(table, len(whole)) if turn % 2 else range(len(whole))
        for _ in range(chance.randint(1, 3)):
            damaged[chance.choice(area)] = chance.randrange(256)
        try:
            elf.load(bytes(damaged), symbols)
        except AreniteError:
            refused += 1
    assert 500 < refused < 3000


def test_the_cpu_is_told_before_code_runs(whole: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the text and the stubs, on a CPU that must be told (x86-64 has `__clear_cache` too, which does nothing)."""
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(elf, "host", lambda: host()._replace(runs_what_was_written=False))
    monkeypatch.setattr(libc, "flush_instructions", lambda address, size: told.append((address, size)))
    code = elf.load(whole, {**elf.libc_symbols(), "foreign": 0})
    ((address, size),) = told
    begin, end = code.text
    assert address == begin
    assert end <= address + size <= code.symbols["constant"]


def test_flushing_needs_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    libc.flush_instructions(0, 0)
    libc._clear_cache.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: (_ for _ in ()).throw(OSError(name)))
    with pytest.raises(Limit, match="libgcc_s"):
        libc.flush_instructions(0, 0)


def test_a_system_that_refuses_executable_memory_is_said(whole: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_address: int, size: int, _prot: int) -> None:
        raise PermissionError(13, f"mprotect of {size:#x} bytes")

    monkeypatch.setattr(libc, "protect", refuse)
    with pytest.raises(Limit, match="refuses executable memory"):
        elf.load(whole, {**elf.libc_symbols(), "foreign": 0})
