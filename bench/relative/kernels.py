"""What the layout of records is felt in: calls through tables of many sizes, references, globals, other instances, deep stacks.

Each kernel exports `run (param i32) (result i32)` from its last part; the parameter is the number of rounds, and the result must be the same every way.

Example:  [kernel.name for kernel in KERNELS]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

SIZES: Final = {1 << 10: "1 K", 1 << 12: "4 K", 1 << 16: "64 K", 1 << 20: "1 M", 10_000_000: "10 M"}
TARGETS: Final = (1, 16, 4096)
ORDERS: Final = ("sequential", "random")
SMALL: Final = 1 << 12  # a table of so many elements fits L1, whatever an element takes
LARGE: Final = 1 << 20  # one of so many fits no L2
DEPTH: Final = 10_000
MANY: Final = 64  # globals


class Part(NamedTuple):
    """A module: the name under which later parts import from it, its text, how many instances of it there are.

    An export `place (param i32)` is called once for each instance, with its number.
    """

    name: str
    text: str
    copies: int = 1


@dataclass(frozen=True)
class Kernel:
    """One thing to measure.  `group`: what it belongs to; `elements`, `targets`, `order`: of the table that is called through."""

    name: str
    group: str
    parts: tuple[Part, ...]
    size: int
    elements: int = 0
    targets: int = 0
    order: str = ""


def _rounds(body: str, locals_: str = "", sum_: str = "(local.get $sum)") -> str:
    """A function `run` whose body is executed n times."""
    return f"""
      (func (export "run") (param $n i32) (result i32) (local $i i32) (local $x i32) (local $sum i32) {locals_}
        (local.set $x (i32.const 0x2545F491))
        (loop $next
          {body}
          (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        {sum_})"""


def _step(order: str, elements: int) -> str:
    """Sets `$i` to the next element: the one behind, or a pseudo-random one (Marsaglia's xorshift)."""
    if order == "sequential":
        return f"""
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (local.set $i (select (i32.const 0) (local.get $i) (i32.eq (local.get $i) (i32.const {elements}))))"""
    return f"""
          (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 13))))
          (local.set $x (i32.xor (local.get $x) (i32.shr_u (local.get $x) (i32.const 17))))
          (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 5))))
          (local.set $i (i32.wrap_i64 (i64.shr_u
            (i64.mul (i64.extend_i32_u (local.get $x)) (i64.const {elements})) (i64.const 32))))"""


def _table(elements: int, targets: int) -> str:
    """A table whose elements are the targets one after the other, again and again; filled at the start, by copies of twice the length."""
    functions = "".join(f"(func $f{k} (type $f) (i32.add (local.get 0) (i32.const {2 * k + 1})))\n" for k in range(targets))
    return f"""
      (type $f (func (param i32) (result i32)))
      (table $t {elements} {elements} funcref)
      (elem $e func {" ".join(f"$f{k}" for k in range(targets))})
      {functions}
      (func $fill (local $have i32) (local $part i32)
        (table.init $t $e (i32.const 0) (i32.const 0) (i32.const {targets}))
        (local.set $have (i32.const {targets}))
        (loop $next
          (local.set $part (i32.sub (i32.const {elements}) (local.get $have)))
          (local.set $part (select (local.get $have) (local.get $part) (i32.lt_u (local.get $have) (local.get $part))))
          (table.copy $t $t (local.get $have) (i32.const 0) (local.get $part))
          (local.set $have (i32.add (local.get $have) (local.get $part)))
          (br_if $next (i32.lt_u (local.get $have) (i32.const {elements})))))
      (start $fill)"""


def _called(elements: int, targets: int, order: str) -> Kernel:
    body = f"(local.set $sum (call_indirect $t (type $f) (local.get $sum) (local.get $i))){_step(order, elements)}"
    text = f"(module {_table(elements, targets)} {_rounds(body)})"
    name = f"call_indirect, {SIZES[elements]} elements, {targets} targets, {order}"
    return Kernel(name, "call_indirect", (Part("main", text),), 1_000_000, elements, targets, order)


def _got(elements: int, order: str) -> Kernel:
    body = f"(local.set $sum (i32.add (local.get $sum) (ref.is_null (table.get $t (local.get $i))))){_step(order, elements)}"
    text = f"(module {_table(elements, 16)} {_rounds(body)})"
    return Kernel(
        f"table.get, {SIZES[elements]} elements, {order}", "table.get", (Part("main", text),), 2_000_000, elements, 16, order
    )


def _globals(where: str) -> Kernel:
    """Every round changes each of many globals."""
    names = range(MANY)
    declared = "".join(f'(global $g{k} (export "g{k}") (mut i64) (i64.const {k}))' for k in names)
    imported = "".join(f'(import "main" "g{k}" (global $g{k} (mut i64)))' for k in names)
    body = "".join(f"(global.set $g{k} (i64.add (global.get $g{k}) (global.get $g{(k + 1) % MANY})))" for k in names)
    run = _rounds(body, sum_="(i32.wrap_i64 (global.get $g0))")
    parts = (
        (Part("main", f"(module {declared} {run})"),)
        if where == "own"
        else (Part("main", f"(module {declared})"), Part("user", f"(module {imported} {run})"))
    )
    return Kernel(f"globals, {MANY} {where}", "globals", parts, 100_000)


def _across_calls() -> Kernel:
    callee = '(module (func (export "step") (param i32) (result i32) (i32.add (local.get 0) (i32.const 3))))'
    run = _rounds("(local.set $sum (call $step (local.get $sum)))")
    caller = f'(module (import "main" "step" (func $step (param i32) (result i32))) {run})'
    return Kernel("call of another instance", "instances", (Part("main", callee), Part("user", caller)), 1_000_000)


def _across_memories() -> Kernel:
    callee = """(module (memory 1) (func (export "step") (param i32) (result i32)
      (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (local.get 0))) (i32.load (i32.const 64))))"""
    body = """
      (i32.store (i32.const 128) (local.get $sum))
      (local.set $sum (call $step (i32.load (i32.const 128))))"""
    caller = f'(module (import "main" "step" (func $step (param i32) (result i32))) (memory 1) {_rounds(body, "")})'
    return Kernel(
        "call of another instance, each with a memory", "instances", (Part("main", callee), Part("user", caller)), 300_000
    )


def _across_tables(count: int) -> Kernel:
    """A table of references to a function of as many instances of one module."""
    shared = f'(module (table (export "t") {count} {count} funcref))'
    each = """(module
      (import "main" "t" (table $t 0 funcref)) (global $g (mut i32) (i32.const 1))
      (func $f (param i32) (result i32)
        (global.set $g (i32.add (global.get $g) (i32.const 1))) (i32.add (local.get 0) (global.get $g)))
      (func (export "place") (param i32) (table.set $t (local.get 0) (ref.func $f)))
      (elem declare func $f))"""
    body = f"(local.set $sum (call_indirect $t (type $f) (local.get $sum) (local.get $i))){_step('sequential', count)}"
    user = f'(module (type $f (func (param i32) (result i32))) (import "main" "t" (table $t 0 funcref)) {_rounds(body)})'
    parts = (Part("main", shared), Part("each", each, count), Part("user", user))
    return Kernel(f"call_indirect into {count} instances", "call_indirect into instances", parts, 1_000_000, count)


def _deep() -> Kernel:
    """Calls within calls: the headers of frames, written on the way down and read on the way back."""
    down = """(func $down (param $d i32) (result i32)
      (if (result i32) (local.get $d)
        (then (i32.add (call $down (i32.sub (local.get $d) (i32.const 1))) (i32.const 1)))
        (else (i32.const 0))))"""
    body = f"(local.set $sum (i32.add (local.get $sum) (call $down (i32.const {DEPTH}))))"
    return Kernel(f"calls {DEPTH:,} deep", "frames", (Part("main", f"(module {down} {_rounds(body)})"),), 200)


def _set() -> Kernel:
    body = f"(table.set $t (local.get $i) (ref.func $f1)) (local.set $sum (i32.add (local.get $sum) (local.get $i))){_step('sequential', LARGE)}"
    text = f"(module {_table(LARGE, 16)} {_rounds(body)})"
    return Kernel(
        f"table.set, {SIZES[LARGE]} elements, sequential", "table.set", (Part("main", text),), 2_000_000, LARGE, 16, "sequential"
    )


KERNELS: Final[tuple[Kernel, ...]] = (
    *(_called(n, t, order) for n in SIZES for t in TARGETS if t <= n for order in ORDERS),
    *(_got(n, order) for n in SIZES for order in ORDERS),
    _set(),
    _globals("own"),
    _globals("imported"),
    _across_calls(),
    _across_memories(),
    _across_tables(1),
    _across_tables(1024),
    _deep(),
)
