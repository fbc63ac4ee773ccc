from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from bench.pairs import BESIDE, KEEPS, READS, Lines, choose, executions, fuse, pairs, run
from bench.workloads import Workload

from arenite.platform import HAS_OBJECTS

if TYPE_CHECKING:
    from pathlib import Path

LINES: Lines = Counter(
    {
        ("load", READS, "add", BESIDE, "load", READS, "add"): 10,
        ("add", KEEPS, "store"): 7,
        ("load", READS, "add", KEEPS, "store"): 1,
    }
)


def test_ops_and_pairs_are_counted() -> None:
    assert executions(LINES) == {"load": 21, "add": 28, "store": 8}
    assert pairs(LINES) == {("load", READS, "add"): 21, ("add", BESIDE, "load"): 10, ("add", KEEPS, "store"): 8}


def test_fusing_saves_a_dispatch_each_time() -> None:
    fused, saved = fuse(LINES, ("load", READS, "add"))
    assert saved == 21
    assert sum(executions(fused).values()) == sum(executions(LINES).values()) - saved
    assert ("load -> add", BESIDE, "load -> add") in fused


def test_choices_are_made_one_after_the_other() -> None:
    assert list(choose(LINES, 9, longest=2, dependent=True)) == [("load -> add", 21), ("add => store", 7)]
    assert list(choose(LINES, 9, longest=2, dependent=False)) == [("load -> add", 21), ("add => store", 7)]
    assert ("load -> add => store", 1) in list(choose(LINES, 9, longest=3, dependent=True))
    assert len(list(choose(LINES, 1, longest=2, dependent=True))) == 1


@pytest.mark.skipif(not HAS_OBJECTS, reason="the threaded tier needs machine code")
def test_a_run_is_counted_exactly(tmp_path: Path) -> None:
    path = tmp_path / "loop.wat"
    path.write_text(
        """(module (memory 1) (func (export "run") (param $n i32) (result i32) (local $sum i32)
             (loop $next
               (local.set $sum (i32.rem_u (local.get $sum) (i32.load offset=8 (i32.div_u (local.get $n) (i32.const 3)))))
               (i32.store (i32.const 8) (i32.const 5))
               (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
             (local.get $sum))
             (data (i32.const 8) "\\07\\00\\00\\00"))"""
    )
    lines = run(Workload("loop", path, ""), ["2"])
    counted = executions(lines)
    assert (counted["i32.rem_u"], counted["load32 memory0"], counted["return"]) == (2, 2, 1)
    assert (
        pairs(lines)["load32 memory0", READS, "i32.rem_u"] == 2
    )  # what a load writes is a temporary: the remainder alone reads it
