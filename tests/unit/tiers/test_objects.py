"""The interpreter's object is found by what it is made from, in the package or the cache."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from arenite.bytecode import numbers
from arenite.platform import cache, faults
from arenite.platform.sources import PACKAGE
from arenite.tiers.baseline.stencil_table import kept
from arenite.tiers.threaded import build
from arenite.tiers.threaded.objects import SOURCES, Variant, object_file

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NOT_MADE_FROM = {
    *("errors.py", "emit/__init__.py", "platform/__init__.py", "platform/aside.py", "platform/cache.py", "platform/cache_key.py"),
    *("platform/cpu.py", "platform/reading.py"),  # what the CPU can do is in the key by the name that llvm gives it
    *("platform/ours.py", "platform/reserve.py", "platform/folders.py", "lazy.py", "light.py", "visible.py"),
}
IMPORTED = """
import sys, types
package = types.ModuleType("arenite")
package.__path__ = [sys.argv[1]]
sys.modules["arenite"] = package
import arenite.emit.interpreter, arenite.platform.llvm
print(*(module.__spec__.name for name, module in sys.modules.items() if name.startswith("arenite.")))
"""


def test_its_name_covers_every_source() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED, str(PACKAGE)], capture_output=True, text=True, check=True)
    paths = [PACKAGE.joinpath(*name.split(".")[1:]) for name in done.stdout.split()]
    files = [path / "__init__.py" if path.is_dir() else path.with_suffix(".py") for path in paths]
    covered = {path for pattern in SOURCES for path in PACKAGE.glob(pattern)}
    assert {path.relative_to(PACKAGE).as_posix() for path in set(files) - covered} == NOT_MADE_FROM


def test_what_is_built_is_found_where_it_is_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {Variant().key: object_file(Variant()), **dict([kept(Variant()), numbers.kept(), faults.object_file()])}
    shipped = tmp_path / "built"
    shipped.mkdir()
    (shipped / "old").write_bytes(b"of another version")
    build.build(shipped)
    assert set(shipped.iterdir()) == {cache.entry(shipped, key) for key in wanted}
    monkeypatch.setenv("ARENITE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "SHIPPED", shipped)
    assert {key: cache.get(key) for key in wanted} == wanted
    assert not (tmp_path / "cache").exists()


def test_a_damaged_one_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENITE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "SHIPPED", tmp_path)
    path = cache.ship(tmp_path, "beef", b"sand")
    assert cache.get("beef") == b"sand"
    path.write_bytes(path.read_bytes()[:-1] + b"t")  # as long as it was
    assert cache.get("beef") is None
    cache.put("beef", b"other sand")
    assert cache.get("beef") == b"other sand"
