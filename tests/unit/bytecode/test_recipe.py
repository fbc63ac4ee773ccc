"""The recipe for a chapter of ops with operands of a new form, followed to the letter in a copy of the package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import arenite.bytecode.ops
import testdata

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = re.compile(r"```python\n# ([\w/]+\.py)(?:, below (?:the last )?`([^\n]*)`)?\n(.*?)```", re.DOTALL)
USE = """
import sys
from dataclasses import replace
from arenite import Config, Engine, Instance, Module, Store
from arenite.bytecode.encode import encode, ops
from arenite.bytecode.text import op_text
from arenite.bytecode.verify import verify_module
engine = Engine(Config(tier=sys.argv[1]))
module = Module(engine, '(module (func (export "f") (param i32) (result i32) (i32.clz (local.get 0))))')
code = module.code
clz = next(op for op in ops(code.bytecode, 0, len(code.bytecode)) if op.row.name == "i32.clz")
lane = encode("i32.lane8", dst=clz.values["dst"], a=clz.values["a"], lane=2)
module.code = replace(code, bytecode=code.bytecode[:clz.pc] + lane + code.bytecode[clz.end:])
verify_module(module.code)
print(op_text(next(op for op in ops(module.code.bytecode, clz.pc, len(code.bytecode)))))
store = Store(engine)
print(hex(Instance(store, module, []).exports(store)["f"](store, 0x12345678)))
"""


def followed(package: Path) -> None:
    """Do what the recipe says."""
    blocks = BLOCK.findall((testdata.ROOT / "docs" / "recipes.md").read_text("utf-8"))
    assert len(blocks) == 7
    for name, below, text in blocks:
        path = package / name
        if not below:
            path.write_text(text, "utf-8")
            continue
        lines = path.read_text("utf-8").splitlines(keepends=True)
        *_, at = (n for n, line in enumerate(lines) if line.strip("\n").strip() == below.strip())
        path.write_text("".join((*lines[: at + 1], text, *lines[at + 1 :])), "utf-8")


@pytest.mark.parametrize("tier", ["safe", "threaded"])  # making all stencils anew takes long
def test_it_is_followed(tier: str, tmp_path: Path) -> None:
    package = tmp_path / "src" / "arenite"
    shutil.copytree(testdata.ROOT / "src" / "arenite", package, ignore=shutil.ignore_patterns("*.so", "__pycache__", "built"))
    followed(package)
    environment = os.environ | {"PYTHONPATH": str(package.parent), "ARENITE_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-c", USE, tier]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stderr, done.stdout.splitlines()) == ("", ["r0 = i32.lane8 r0, 2", "0x34"])


def test_chapters_come_in_order() -> None:
    """Behind all of them stands what is made of their rows."""
    base = [row.name for chapter in arenite.bytecode.ops.CHAPTERS for row in chapter.rows()]
    assert [row.name for row in arenite.bytecode.ops.TABLE[: len(base)]] == base
