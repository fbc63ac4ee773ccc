"""Modules in text form for the comparison of engines: written from the table of instructions, and by hand in kernels/.

Each numeric instruction appears with operands from parameters, with a constant right operand (a form of its own in many
engines), and as the condition of a branch; each load and store with static offsets around the end of the memory.
"""

from __future__ import annotations

from pathlib import Path

import testdata
from arenite.layout.types import type_name
from arenite.wasm.opcodes import OPCODES, Opcode

BY_HAND = testdata.files(Path(__file__).with_name("kernels"), "*.wat")
CONSTANTS = {
    "i32": ("0", "1", "-1", "31", "0x80000000", "255"),
    "i64": ("0", "1", "-1", "63", "0x8000000000000000", "0x1_0000_0000"),
    "f32": ("0", "-0x1p-1", "inf"),
    "f64": ("0", "-0x1p-1", "inf"),
}
OFFSETS = (0, 4, 65528, 65535, 65536, 0x7FFFFFFF, 0xFFFFFFFF)
EXACT = ("neg", "abs", "copysign", "reinterpret_i32", "reinterpret_i64")  # float results whose NaNs are laid down bit for bit


def signature(opcode: Opcode) -> tuple[list[str], str]:
    """Types of operands, and of the result ("" for none)."""
    assert opcode.type is not None
    operands, results = opcode.type
    return list(map(type_name, operands)), "".join(map(type_name, results))


def function(name: str, params: list[str], result: str, body: str) -> str:
    """An exported function; its parameters are `$0`, `$1`, …"""
    declared = "".join(f" (param ${i} {type_})" for i, type_ in enumerate(params))
    return f'(func (export "{name}"){declared}{f" (result {result})" if result else ""} {body})'


def numeric_forms(opcode: Opcode) -> list[str]:
    """The functions for one numeric instruction."""
    operands, result = signature(opcode)
    gets = [f"(local.get ${i})" for i in range(len(operands))]
    plain = f"({opcode.name} {' '.join(gets)})"
    forms = [function(opcode.name, operands, result, plain)]
    if len(operands) == 2:
        for constant in CONSTANTS[operands[1]]:
            right = f"({opcode.name} {gets[0]} ({operands[1]}.const {constant}))"
            forms.append(function(f"{opcode.name} x {constant}", operands[:1], result, right))
            left = f"({opcode.name} ({operands[0]}.const {constant}) {gets[0]})"
            forms.append(function(f"{opcode.name} {constant} x", operands[1:], result, left))
    if result == "i32":
        branch = f"(block $out (br_if $out {plain}) (return (i32.const 10))) (i32.const 20)"
        forms.append(function(f"{opcode.name} br_if", operands, "i32", branch))
        chosen = f"(if (result i32) (i32.eqz {plain}) (then (i32.const 30)) (else (i32.const 40)))"
        forms.append(function(f"{opcode.name} if", operands, "i32", chosen))
        forms.append(function(f"{opcode.name} select", operands, "i32", f"(select (i32.const 1) (i32.const 2) {plain})"))
    return forms


def numerics(*, exact: bool) -> str:
    """Every numeric instruction: those whose results are laid down to the bit, or those whose NaNs are free."""
    chosen = [o for o in OPCODES if o.computes and is_exact(o) == exact]
    return "(module\n" + "\n".join(form for opcode in chosen for form in numeric_forms(opcode)) + ")"


def is_exact(opcode: Opcode) -> bool:
    """Whether the result is laid down to the bit, also when it is a NaN."""
    return signature(opcode)[1] in {"i32", "i64"} or opcode.name.partition(".")[2] in EXACT


def accesses() -> str:
    """Every load and store, at static offsets around the end of a memory of one page that holds a pattern."""
    functions = []
    for opcode in OPCODES:
        if opcode.width and opcode.chapter == "memory":  # vectors have suites of their own
            operands, result = signature(opcode)
            gets = " ".join(f"(local.get ${i})" for i in range(len(operands)))
            for offset in OFFSETS:
                body = f"({opcode.name} offset={offset} {gets})"
                functions.append(function(f"{opcode.name} +{offset}", operands, result, body))
    pattern = "".join(f"\\{(i * 37 + 129) % 256:02x}" for i in range(256))
    data = f'(data (i32.const 0) "{pattern}") (data (i32.const 65280) "{pattern}")'
    return '(module (memory (export "memory") 1 1) ' + data + "\n" + "\n".join(functions) + ")"


COUNTED = ("eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u")
DONE = {  # what is done at `$p` in each turn
    "sum": "(local.set $s (i64.add (local.get $s) (i64.load offset=3 (local.get $p))))",
    "sum 32": "(local.set $s (i64.extend_i32_u (i32.add (i32.load (local.get $p)) (i32.wrap_i64 (local.get $s)))))",
    "store": "(i64.store (local.get $p) (i64.const -7))",
    "store 8": "(i32.store8 offset=5 (local.get $p) (i32.const 0x101))",
    "test": "(if (i32.load8_u (local.get $p)) (then (local.set $s (i64.add (local.get $s) (i64.const 1)))))",
    "test not": "(if (i32.eqz (i32.load8_u (local.get $p))) (then (local.set $s (i64.add (local.get $s) (i64.const 1)))))",
}


def loops() -> str:
    """Counted loops over a memory with addresses of 64 bits: each comparison at the end, each of some bodies, steps and limits in locals or not."""
    steps, limits = {"a step": "(local.get $d)", "8": "(i64.const 8)"}, {"a limit": "(local.get $n)", "4000": "(i64.const 4000)"}
    functions = []
    for name in COUNTED:
        for step, by in steps.items():
            for limit, to in limits.items():
                done = DONE["sum"] if name in ("lt_u", "ne") else DONE["store"]
                functions.append(
                    counted(f"{name} {step} {limit}", done, f"(i64.{name} (local.tee $p (i64.add (local.get $p) {by})) {to})")
                )
        functions.append(
            counted(
                f"{name} the other way",
                DONE["test"],
                f"(i64.{name} (local.get $n) (local.tee $p (i64.add (local.get $d) (local.get $p))))",
            )
        )
    for kind, done in DONE.items():
        functions.append(counted(kind, done, "(i64.lt_u (local.tee $p (i64.add (local.get $p) (i64.const 8))) (local.get $n))"))
    pattern = "".join(f"\\{(i * 37 + 129) % 256:02x}" for i in range(256))
    return f'(module (memory (export "memory") i64 1 1) (data (i64.const 0) "{pattern}")\n' + "\n".join(functions) + ")"


def counted(name: str, done: str, again: str) -> str:
    """A function with such a loop, which ends after 600 turns at the latest; `$n`: a multiple of 8."""
    body = f"""(local $p i64) (local $s i64) (local $d i64) (local $left i32)
      (local.set $d (i64.const 8)) (local.set $left (i32.const 600)) (local.set $n (i64.and (local.get $n) (i64.const 0xff8)))
      (loop $next {done}
        (if (i32.eqz (local.tee $left (i32.sub (local.get $left) (i32.const 1)))) (then (return (local.get $p) (local.get $s))))
        (br_if $next {again}))
      (local.get $p) (local.get $s)"""
    return f'(func (export "{name}") (param $n i64) (result i64 i64) {body})'
