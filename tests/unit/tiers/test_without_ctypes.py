"""`Config(tier="safe")` runs guests where nothing can make or reach machine code: ctypes, LLVM and all that uses them cannot be imported."""

from __future__ import annotations

import os
import subprocess
import sys

import wasmtime

BLOCKED = (
    "ctypes",
    "_ctypes",
    "llvmlite",
    "arenite.platform.libc",
    "arenite.platform.linux",
    "arenite.platform.elf",
    "arenite.platform.faults",
    "arenite.platform.llvm",
    "arenite.tiers.threaded",
)
GUEST = """(module
    (import "host" "add" (func $add (param i32 i32) (result i32)))
    (memory (export "memory") 1) (table funcref (elem $square)) (type $unary (func (param f64) (result f64)))
    (data (i32.const 0) "\\01\\02\\03\\04")
    (func $square (type $unary) (f64.mul (local.get 0) (local.get 0)))
    (func (export "square") (type $unary) (call_indirect (type $unary) (local.get 0) (i32.const 0)))
    (func (export "sum") (param $count i32) (result i32) (local $sum i32)
      (loop $again
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (local.set $sum (call $add (local.get $sum) (i32.load8_u (local.get $count))))
        (br_if $again (local.get $count)))
      (local.get $sum))
    (func (export "grow") (result i32) (drop (memory.grow (i32.const 1))) (memory.size)))"""
PROGRAM = """
import sys
sys.modules.update(dict.fromkeys({blocked}))
import arenite

engine = arenite.Engine(arenite.Config(tier="{tier}"))
with arenite.Store(engine) as store:
    linker = arenite.Linker(engine)
    i32 = arenite.ValType.i32()
    linker.define_func("host", "add", arenite.FuncType([i32, i32], [i32]), lambda x, y: x + y)
    exports = linker.instantiate(store, arenite.Module(engine, sys.stdin.buffer.read())).exports(store)
    fork = store.snapshot().fork()
    exports["memory"].write(fork, b"\\x09" * 100000, 0) if exports["memory"].grow(fork, 9) else None
    assert exports["memory"].read(fork.snapshot().fork(), 99999, 100001) == b"\\x09\\0"
    print(exports["sum"](store, 4), exports["square"](store, 1.5), exports["grow"](store), bytes(exports["memory"].read(store, 2, 4)))
    try:
        exports["sum"](store, 1 << 20)
    except arenite.Trap as trap:
        print(trap.code.name)
"""


def run(tier: str) -> subprocess.CompletedProcess[bytes]:
    """What the program prints, on a tier."""
    program = PROGRAM.format(blocked=BLOCKED, tier=tier)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    guest = bytes(wasmtime.wat2wasm(GUEST))
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, input=guest, capture_output=True, timeout=60, check=False)


OUTPUT = ["10 2.25 2 b'\\x03\\x04'", "MEMORY_OUT_OF_BOUNDS", ""]


def test_the_safe_tier_needs_no_machine_code() -> None:
    done = run("safe")
    assert done.stderr == b""
    assert done.stdout.decode().split("\n") == OUTPUT


def test_the_block_is_real_and_the_other_tier_gives_way() -> None:
    done = run("threaded")
    assert b"RuntimeWarning: guests run on the slower tier 'safe': " in done.stderr
    assert done.stdout.decode().split("\n") == OUTPUT
