"""The raw layout, the control of measurements, in processes of its own: it runs what other layouts run, lasts for nothing, and is kept apart."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import arenite
import testdata
from arenite.layout import raw
from arenite.layout.records import RECORDS, FrameHeader, FuncRefRecord
from arenite.platform import HAS_OBJECTS

if TYPE_CHECKING:
    from typing import Any

pytestmark = pytest.mark.skipif(not HAS_OBJECTS, reason="this system has no machine code of ours")
TESTS = Path(__file__).resolve().parents[2]
SCRIPTS = "bulk call call_indirect elem func_ptrs global i32 imports linking memory_size memory_trap ref_func select table_grow table_init table_set"
SUITES = (
    *(f"spec/test_spec.py::test_script[{way}-{name}.wast]" for way in ("threaded", "baseline") for name in SCRIPTS.split()),
    *(f"spec/test_spec.py::test_script[{way}-memory_trap.wast]" for way in ("explicit", "baseline, explicit")),
    "differential/test_kernels.py",
    "differential/test_accesses.py",
    "differential/test_branches.py",
)
LEFT_OUT = "not safe and not snapshot and not fork and not frozen and not memories and not memory64 and not loops"
LEAST = 120  # so many tests must be left
PROGRAM = """
import json, sys
from arenite import Config, Engine, Failure, Func, FuncType, Instance, Module, Store, ValType
from arenite.layout.records import RECORDS
from arenite.snapshot.translations import entry_name
from arenite.tiers.threaded.objects import USUAL, key_of

said = {"sizes": {r.__name__: r.size for r in RECORDS}, "keys": [USUAL.key, key_of("stencils", USUAL), entry_name(b"")]}
if sys.argv[1:]:
    engine = Engine(Config(tier=sys.argv[1]))
    store = Store(engine)
    module = Module(engine, '''(module (import "" "f" (func $f (param i32) (result i32))) (type $t (func (param i32) (result i32)))
      (memory (export "memory") 1) (global $g (mut funcref) (ref.func $own)) (export "g" (global $g)) (table (export "t") 3 9 funcref)
      (elem (i32.const 0) $f $own)
      (func $own (type $t) (i32.add (i32.load (local.get 0)) (i32.const 1)))
      (func (export "call") (param i32 i32) (result i32) (call_indirect (type $t) (local.get 1) (local.get 0))))''')
    first = Func(store, FuncType([ValType.i32()], [ValType.i32()]), lambda n: 10 * n)
    a, b = (Instance(store, module, [f]) for f in (first, Func(store, FuncType([ValType.i32()], [ValType.i32()]), lambda n: -n)))
    a, b = a.exports(store), b.exports(store)
    a["memory"].write(store, b"\\5", 4)
    said["calls"] = [a["call"](store, 0, 7), b["call"](store, 0, 7), a["call"](store, 1, 4), b["call"](store, 1, 4)]
    b["t"].set(store, 2, a["t"].get(store, 1))
    b["t"].grow(store, 2, a["g"].value(store))
    said["across"] = [b["call"](store, 2, 4), b["call"](store, 4, 4)]
    def fail(n):
        raise LookupError(f"no {n}")

    c = Instance(store, module, [Func(store, FuncType([ValType.i32()], [ValType.i32()]), fail)]).exports(store)
    try:
        c["call"](store, 0, 7)
    except LookupError as error:
        said["raised"] = str(error)
    said["refused"] = []
    throws = Module(engine, '(module (tag $t) (func (throw $t)))')
    for act in (store.snapshot, lambda: Engine(Config(tier="safe")), lambda: Instance(store, throws, [])):
        try:
            act()
        except Failure as error:
            said["refused"].append(str(error))
print(json.dumps(said))
"""


def child(*arguments: str, layout: str = "raw") -> dict[str, Any]:
    environment = os.environ | {"ARENITE_LAYOUT": layout}
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.timeout(900)
def test_suites_pass_in_the_raw_layout() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-k", LEFT_OUT, *(str(TESTS / suite) for suite in SUITES)]
    environment = os.environ | {"ARENITE_LAYOUT": "raw"}
    done = subprocess.run(command, env=environment, cwd=TESTS.parent, capture_output=True, text=True, timeout=880, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= LEAST


@pytest.mark.parametrize("tier", ["threaded", "baseline"])
def test_references_lead_where_they_do_otherwise_and_nothing_can_be_kept(tier: str) -> None:
    said = child(tier)
    assert said["calls"] == [70, -7, 6, 1]
    assert said["across"] == [6, 6]
    assert said["raised"] == "no 7"
    assert len(said["refused"]) == 3  # forks are made of snapshots
    assert all("ARENITE_LAYOUT" in why for why in said["refused"])


def test_what_is_kept_for_one_layout_is_not_found_by_another() -> None:
    said, other = child(), child(layout="")
    assert not set(said["keys"]) & set(other["keys"])
    assert len(set(said["keys"])) == len(said["keys"]) == 3
    assert said["sizes"]["FuncRefRecord"] == 32  # array_call, wasm_call, type index, vmctx
    assert other["sizes"] == {r.__name__: r.size for r in RECORDS}
    assert (other["sizes"]["FuncRefRecord"], FuncRefRecord.size, FrameHeader.size) == (16, 16, 16)


def test_pointers_are_made_of_numbers_in_the_raw_layout_alone() -> None:
    package = Path(arenite.__file__).parent
    entries = {
        str(p.relative_to(package)) for p in testdata.files(package, "**/*.py") if "inttoptr i" in p.read_text(encoding="utf-8")
    }
    assert entries == {"emit/raw.py"}
    assert not raw.RAW


@pytest.mark.parametrize(("layout", "said"), [("raw", "guests are not kept in"), ("", ""), ("relative", "")])
def test_a_process_says_that_its_guests_are_not_kept_in(layout: str, said: str) -> None:
    command = [sys.executable, "-c", "import arenite; arenite.Engine(); arenite.Engine()"]
    done = subprocess.run(
        command, env=os.environ | {"ARENITE_LAYOUT": layout}, capture_output=True, text=True, timeout=200, check=True
    )
    assert done.stderr.count("\n") == bool(said)
    assert said in done.stderr


def test_another_layout_is_refused() -> None:
    command = [sys.executable, "-c", "import arenite; arenite.Engine()"]
    done = subprocess.run(
        command, env=os.environ | {"ARENITE_LAYOUT": "RAW"}, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode
    assert "ARENITE_LAYOUT is 'RAW'; expected relative" in done.stderr
