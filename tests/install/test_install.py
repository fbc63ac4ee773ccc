"""What is installed from a source distribution, in an environment that holds nothing else: the interpreter is there, compiled.

Compiling the hot modules takes most of a minute, so that is left to `CI=true`; the rest of the build is the same without it.
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import wasmtime

import testdata

pytestmark = pytest.mark.timeout(1200)  # everything is compiled anew
PARTS = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "src", "tools")
MADE = shutil.ignore_patterns("built", "*.so", "__pycache__", "*.egg-info")
SLOW = pytest.mark.skipif(not testdata.CI, reason="compiling the hot modules once more is left to CI=true")
HELLO = """(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\\08\\00\\00\\00\\03\\00\\00\\00hi\\0a")
    (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))"""


def command(*words: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a command does that sees nothing of this environment's packages."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ARENITE_", "PYTHON", "PIP_BUILD"))}
    return subprocess.run(
        [*map(str, words)], cwd=cwd, env=kept | environment, capture_output=True, text=True, check=False, timeout=600
    )


def succeeded(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    """The same; a network that is not there is one of the things that fail."""
    assert done.returncode == 0, f"{done.args}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done


def sources(folder: Path) -> Path:
    """A copy of the project, with nothing that was made from it."""
    folder.mkdir()
    for part in PARTS:
        path = testdata.ROOT / part
        if path.is_dir():
            shutil.copytree(path, folder / part, ignore=MADE)
        else:
            shutil.copy(path, folder / part)
    return folder


@dataclass(frozen=True)
class Installed:
    """A wheel, and a fresh environment in which it is installed."""

    wheel: Path
    python: Path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Sources to a source distribution, that to a wheel, that into an environment of its own: as `pip install` does."""
    folder = tmp_path_factory.mktemp("install")
    source = sources(folder / "source")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    write = "import sys, setuptools.build_meta as backend; backend.build_sdist(sys.argv[1])"
    succeeded(command(sys.executable, "-c", write, folder, cwd=source))
    (archive,) = folder.glob("*.tar.gz")
    pure = {} if testdata.CI else {"ARENITE_PURE": "1"}
    succeeded(command(*pip, "wheel", "-q", "--no-deps", "-w", folder, archive, cwd=folder, **pure))
    (wheel,) = folder.glob("*.whl")
    succeeded(command(sys.executable, "-m", "venv", "--without-pip", folder / "env", cwd=folder))
    python = folder / "env" / "bin" / "python"
    succeeded(command(*pip, "--python", python, "install", "-q", wheel, cwd=folder))
    return Installed(wheel, python)


def test_the_wheel_holds_the_interpreter(installed: Installed) -> None:
    names = zipfile.ZipFile(installed.wheel).namelist()
    built = [name for name in names if name.startswith("arenite/built/")]
    assert len(built) == 4  # the interpreter, the numbers of its ops, its stencils, the handler of faults
    assert {"arenite/cli/snapshot.html", "arenite/sandbox/guests/inside/runner.js"} <= set(names)
    assert "arenite/py.typed" in names


@SLOW
def test_the_wheel_holds_the_compiled_modules(installed: Installed) -> None:
    names = [Path(name) for name in zipfile.ZipFile(installed.wheel).namelist()]
    compiled = {(str(name.parent), name.name.partition(".")[0]) for name in names if name.suffix == ".so"}
    hot = {(str(Path(name).relative_to("src").parent), Path(name).stem) for name in hot_modules()}
    assert compiled == hot | {(".", "arenite__mypyc")}


def test_the_first_run_compiles_nothing(installed: Installed, tmp_path: Path) -> None:
    guest, cache = tmp_path / "hello.wasm", tmp_path / "cache"
    guest.write_bytes(wasmtime.wat2wasm(HELLO))
    cli = "import sys; sys.modules['llvmlite'] = None; from arenite.cli.app import main; sys.exit(main())"
    run = (installed.python, "-W", "error", "-c", cli, "run", "--tier", "threaded", guest)
    done = command(*run, cwd=tmp_path, ARENITE_CACHE_DIR=str(cache))
    assert (done.returncode, done.stdout, done.stderr) == (0, "hi\n", "")
    assert not cache.exists()


def hot_modules() -> list[str]:
    """The sources of what is compiled."""
    kept = Path.cwd()
    os.chdir(testdata.ROOT)
    try:
        found: list[str] = runpy.run_path("setup.py", run_name="setup")["hot"]()
    finally:
        os.chdir(kept)
    return found


# --------------------------------------------------------------------------------------------------------- what fails


def test_an_interpreter_that_cannot_be_compiled_fails_the_build(tmp_path: Path) -> None:
    source = sources(tmp_path / "source")
    (source / "src/arenite/bytecode/ops.py").write_text("raise RuntimeError('no ops today')\n")
    done = command(sys.executable, "setup.py", "-q", "build", cwd=source, ARENITE_PURE="1")
    assert done.returncode != 0
    assert "no ops today" in done.stderr
    assert "the interpreter of the threaded tier could not be compiled" in done.stderr


def test_a_system_that_cannot_have_the_interpreter_is_told(tmp_path: Path) -> None:
    source = sources(tmp_path / "source")
    with (source / "src/arenite/platform/__init__.py").open("a") as file:
        file.write("\nHAS_OBJECTS = False\n")
    done = succeeded(command(sys.executable, "setup.py", "-q", "build", cwd=source, ARENITE_PURE="1"))
    assert "no interpreter is compiled: the threaded tier needs Linux on x86-64 or aarch64" in done.stdout
    assert not list(source.glob("build/lib*/arenite/built/*"))


def test_modules_that_cannot_be_compiled_fail_the_command(tmp_path: Path) -> None:
    source = sources(tmp_path / "source")
    with (source / "src/arenite/bytecode/verifier/walk.py").open("a") as file:
        file.write("\ndef broken(:\n")
    done = command(sys.executable, "tools/build.py", cwd=source)
    assert done.returncode != 0
    assert "walk.py" in done.stderr
    assert "the hot modules could not be compiled: the compiler's status is" in done.stderr


@SLOW
def test_without_a_compiler_all_modules_are_installed_as_they_are(tmp_path: Path) -> None:
    source = sources(tmp_path / "source")
    done = succeeded(command(sys.executable, "setup.py", "-q", "build", cwd=source, CC="/bin/false"))
    assert "WARNING: the hot modules are not compiled" in done.stderr
    assert not list(source.glob("build/lib*/**/*.so"))
    assert len(list(source.glob("build/lib*/arenite/built/*"))) == 4
