"""IR becomes objects; errors name the line; probing never ends this process."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from arenite.errors import InternalError, Limit
from arenite.platform import HAS_OBJECTS, cache, llvm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADD = "define i32 @add(i32 %a, i32 %b) {\n  %c = add i32 %a, %b\n  ret i32 %c\n}\n"


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty cache on disk and in the process."""
    monkeypatch.setenv("ARENITE_CACHE_DIR", str(tmp_path))
    llvm.preserve_none_supported.cache_clear()
    yield
    llvm.preserve_none_supported.cache_clear()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other formats")
def test_ir_becomes_an_object() -> None:
    assert llvm.compile_object(ADD).startswith(b"\x7fELF")


def test_the_same_ir_gives_the_same_object() -> None:
    assert llvm.compile_object(ADD) == llvm.compile_object(ADD)
    assert llvm.compile_object(ADD, opt=0) != llvm.compile_object(ADD)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("define i32 @f() {\n  ret i33 0\n}", "line 2: ret i33 0"),
        ("declare void @g()\ndefine i32 @f() {\n  %x = bogus i32 0\n}", "line 3: %x = bogus i32 0"),
        ("define void @f() {\na:\n  br label %a\n}", "Entry block .* must not have predecessors"),
        (
            "define i32 @f(i1 %c) {\n  br i1 %c, label %a, label %b\na:\n  %x = add i32 1, 1\n  br label %b\nb:\n  ret i32 %x\n}",
            "%x",
        ),
    ],
    ids=["type", "syntax", "structure", "dominance"],
)
def test_errors_name_what_is_wrong(wrong: str, named: str) -> None:
    with pytest.raises(InternalError, match=named):
        llvm.compile_object(wrong)


def test_the_host_has_a_level() -> None:
    assert llvm.host_cpu() in {"generic", "x86-64", *llvm.LEVELS}


@pytest.mark.skipif(not HAS_OBJECTS, reason="known where objects can be loaded")
def test_preserve_none_is_asked_once(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert llvm.preserve_none_supported()
    llvm.preserve_none_supported.cache_clear()
    monkeypatch.setattr(llvm, "_compile_elsewhere", lambda _: pytest.fail("asked again"))
    assert llvm.preserve_none_supported()


@pytest.mark.parametrize("safe_path", ["", "1"])
def test_another_process_compiles_by_this_ones_modules(monkeypatch: pytest.MonkeyPatch, safe_path: str) -> None:
    monkeypatch.setenv("PYTHONSAFEPATH", safe_path)  # set, a program's folder is not in sys.path
    assert llvm._compile_elsewhere(ADD) == (0, "")
    assert llvm._compile_elsewhere("no IR")[0] == 1


def test_a_probe_that_llvm_ends_means_no(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llvm, "_compile_elsewhere", lambda _: (-6, ""))
    assert not llvm.preserve_none_supported()
    assert len(list(cache.usual_folder().iterdir())) == 1


@pytest.mark.parametrize("status", [1, -9, -15])
def test_a_probe_that_ends_otherwise_says_nothing_about_llvm(fresh: None, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setattr(llvm, "_compile_elsewhere", lambda _: (status, "OSError: no library"))
    with pytest.raises(Limit, match=f"LLVM could not be tried: .* {status}: OSError: no library"):
        llvm.preserve_none_supported()
    assert not cache.usual_folder().exists() or not list(cache.usual_folder().iterdir())


def test_an_llvmlite_that_does_not_load_is_named(fresh: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In the process that tries it, as one is whose library is missing."""
    (tmp_path / "llvmlite").mkdir()
    (tmp_path / "llvmlite" / "__init__.py").write_text("__version__ = '1'")
    (tmp_path / "llvmlite" / "binding.py").write_text("raise OSError('the library is not there')")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(Limit, match="OSError: the library is not there"):
        llvm.preserve_none_supported()


def test_a_python_that_cannot_be_started_is_no_answer(fresh: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "python").write_bytes(b"\x7fELF of another CPU")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(Limit, match="does not start"):
        llvm.preserve_none_supported()
    assert [path.name for path in cache.usual_folder().iterdir()] == ["python"]


def test_llvmlite_is_loaded_on_first_use_only() -> None:
    program = "import sys; from arenite.platform import llvm; llvm.host_cpu(); sys.exit('llvmlite' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], env=environment, timeout=60, check=True)
