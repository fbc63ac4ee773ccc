"""The official wasi-testsuite (preview 1: C, AssemblyScript and Rust programs), on arenite's tiers and on an outside engine.

The outside engine runs the programs with arenite's WASI too: what fails there as well is a fault of WASI, not of a tier.
Expectations are those of the JSON file beside a program; a stream that it does not name may hold anything, as in the official runner.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, Literal

import pytest

import testdata
from arenite import Exit, MemoryFS, WasiConfig
from tiers import TIERS
from wasi import under_arenite, under_wasmtime

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.wasi.config import HostDirectory
    from tiers import Way

SUITE = testdata.find("wasi-testsuite")
PROGRAMS = [
    path for language in ("assemblyscript", "c", "rust") for path in testdata.files(SUITE / language / "wasm32-wasip1", "*.wasm")
]


def name_of(program: Path) -> str:
    return f"{program.parent.parent.name}-{program.stem}"


def exit_code(program: Path, config: WasiConfig, engine: Way | Literal["wasmtime"]) -> int:
    try:
        if engine == "wasmtime":
            under_wasmtime.run(program, config)
        else:
            under_arenite.run(program, config, engine)
    except Exit as ended:
        return ended.code
    return 0


def test_the_suite_is_whole() -> None:
    assert len(PROGRAMS) == 72


def described(program: Path) -> dict[str, Any]:
    """What the file beside a program says."""
    beside = program.with_suffix(".json")
    found: dict[str, Any] = json.loads(beside.read_text()) if beside.exists() else {}
    return found


WITH_FILES = [program for program in PROGRAMS if described(program).get("root")]


@pytest.mark.parametrize("engine", [*TIERS, "wasmtime"])
@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_program(program: Path, engine: Way | Literal["wasmtime"], tmp_path: Path) -> None:
    spec = described(program)
    dirs: dict[str, HostDirectory] = {}
    if spec.get("root"):
        dirs["/"] = shutil.copytree(program.parent / spec["root"], tmp_path / "root", symlinks=True)
    check(program, spec, engine, dirs)


@pytest.mark.parametrize("engine", [*TIERS, "wasmtime"])
@pytest.mark.parametrize("program", WITH_FILES, ids=name_of)
def test_program_in_memory(program: Path, engine: Way | Literal["wasmtime"]) -> None:
    spec = described(program)
    check(program, spec, engine, {"/": MemoryFS.of(program.parent / spec["root"])})


def check(program: Path, spec: dict[str, Any], engine: Way | Literal["wasmtime"], dirs: dict[str, HostDirectory]) -> None:
    """Run a program, with directories, and see what it does."""
    streams = {"stdout": bytearray(), "stderr": bytearray()}
    config = WasiConfig(
        argv=[program.name, *spec.get("args", [])],
        env=spec.get("env", {}),
        stdout=streams["stdout"],
        stderr=streams["stderr"],
        dirs=dirs,
    )
    assert exit_code(program, config, engine) == spec.get("exit_code", 0), streams
    for stream, written in streams.items():
        assert spec.get(stream, written.decode()) == written.decode()
