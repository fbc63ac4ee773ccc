from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bench import compiling
from bench.imports import STAGES, WAYS, imports

from arenite import Config, Engine, Module, wat2wasm
from arenite.bytecode.encode import ops
from arenite.platform import HAS_OBJECTS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not HAS_OBJECTS, reason="compiled code needs machine code")
PROGRAM = """(module (func (export "_start") (call $add (i32.const 1)))
    (func $add (param i32) (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 100000))))))"""


def test_every_function_is_compiled_alone_and_counted() -> None:
    engine = Engine(Config(tier="auto"))
    module = Module(engine, PROGRAM)
    store, _ = compiling.placed(engine, module, ())
    taken, count, size = compiling.functions(store)
    assert len(taken) == len(compiling.code_of(store).function_offsets) == 2
    assert count == sum(len(list(ops(module.code.bytecode, f.begin, f.end))) for f in module.code.all_functions())
    assert size > count
    assert compiling.functions(store)[0] == [], "they are compiled already"


def test_each_round_compiles_anew() -> None:
    suite = compiling.Suite(3, lambda _step: None)
    suite.module("small", bytes(wat2wasm(PROGRAM)))
    assert len(suite.report.samples["small"]["baseline"]) == 3
    assert min(suite.report.samples["small"]["baseline"]) > 0
    assert suite.report.rows[0] == ("small: functions", 2, "", "")


def test_a_session_counts_what_was_compiled(tmp_path: Path) -> None:
    file = tmp_path / "program.wat"
    file.write_text(PROGRAM)
    suite = compiling.Suite(1, lambda _step: None)
    suite.session("once", file, "")
    (_, found, *_), (_, megabytes, *_) = suite.report.rows
    assert found == 1, "the loop ran long, the other function was called once"
    assert isinstance(megabytes, float)
    assert 0 < megabytes < 0.1


def test_importing_and_a_first_use_are_stages_of_a_process() -> None:
    report = imports("safe", 1, lambda _step: None)
    ((name, *stages),) = report.rows
    assert name == "safe"
    assert len(stages) == len(STAGES)
    assert all(isinstance(stage, float) and stage > 0 for stage in stages)
    assert {name for name, (package, _) in WAYS.items() if package == "arenite"} == {"threaded", "auto", "baseline", "safe"}
