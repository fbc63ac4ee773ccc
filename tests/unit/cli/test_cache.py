"""`arenite cache`: what is there, and emptying it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from arenite import wat2wasm
from arenite.bytecode.module import WORTH_KEEPING
from arenite.cli.cache import ago
from arenite.platform.cache import Cache

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """Variables of a user who has nothing yet."""
    places = {"HOME": "home", "XDG_DATA_HOME": "data", "ARENITE_CACHE_DIR": "cache"}
    return os.environ | {name: str(tmp_path / place) for name, place in places.items()}


def arenite(home: dict[str, str], *arguments: str | Path, code: int = 0) -> str:
    """Run the command; what it prints, errors behind."""
    command = [sys.executable, "-m", "arenite", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=home, stdin=subprocess.DEVNULL)
    assert done.returncode == code, done
    return done.stdout + done.stderr


def program(tmp_path: Path, name: str) -> Path:
    """One that is large enough."""
    path = tmp_path / "program.wasm"
    body = "(drop (i32.const 123456789))" * 200
    functions = f"(func {body})" * (1 + WORTH_KEEPING // 1200)
    path.write_bytes(wat2wasm(f'(module ${name} {functions} (func (export "_start")))'))
    assert path.stat().st_size > WORTH_KEEPING
    return path


def test_it_shows_and_clears_what_a_run_kept(tmp_path: Path, home: dict[str, str]) -> None:
    before = arenite(home, "cache")
    assert f"folder  {tmp_path / 'cache'} (made at first use)" in before
    assert f"{tmp_path / 'data' / 'arenite' / 'cache.key'} (made at first use)" in before
    assert "size    0 bytes of at most 1,073,741,824" in before
    assert "entries" not in before
    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / "data").exists()
    arenite(home, "run", program(tmp_path, "the_name"))
    shown = arenite(home, "cache")
    (file,) = (f for f in Cache(tmp_path / "cache", 1).listed() if "the_name" in f.label)
    assert shown.count("(used)\n") == 2
    assert "entries (1)" in shown
    assert "the translation of the_name" in shown
    assert f"{file.size:,} bytes" in shown
    size = sum(f.size for f in Cache(tmp_path / "cache", 1).listed())
    assert arenite(home, "cache", "--clear") == f"removed {size:,} bytes\n"
    assert list((tmp_path / "cache").iterdir()) == []
    assert "entries" not in arenite(home, "cache")
    assert arenite(home, "cache", "--clear") == "removed 0 bytes\n"


def test_a_run_goes_on_whatever_is_with_the_cache(tmp_path: Path, home: dict[str, str]) -> None:
    path = program(tmp_path, "the_name")
    arenite(home, "run", path)
    for file in (tmp_path / "cache").iterdir():
        file.write_bytes(b"foreign")
    words = arenite(home, "run", path)
    assert words.count("is not used") == 1
    assert arenite(home, "run", path) == ""
    (tmp_path / "cache").chmod(0o777)
    words = arenite(home, "run", path)
    assert words.count("others can write to it") == words.count("\n") == 2  # nothing is read, nothing is kept
    assert "(not used: others can write to it)" in arenite(home, "cache")


def test_names_of_modules_do_nothing_to_a_terminal(tmp_path: Path, home: dict[str, str]) -> None:
    Cache(tmp_path / "cache", 1 << 20).put("aa", [], "\x1b[31mred\n")
    shown = arenite(home, "cache")
    assert "\x1b" not in shown
    assert "red\\n" in shown


def test_settings_turn_it_off(tmp_path: Path, home: dict[str, str]) -> None:
    path = program(tmp_path, "the_name")
    arenite(home, "run", "--set", "cache=false", path)
    assert "the_name" not in arenite(home, "cache")
    arenite(home, "run", "--set", f"cache_dir={tmp_path / 'elsewhere'}", path)
    assert "the_name" not in arenite(home, "cache")
    assert [f.label for f in Cache(tmp_path / "elsewhere", 1).listed()] == ["the translation of the_name"]
    arenite(home | {"ARENITE_CACHE_SIZE": "0"}, "run", path)
    assert "the_name" not in arenite(home, "cache")


def test_ages_are_told_in_their_largest_unit() -> None:
    assert [ago(seconds) for seconds in (-1, 0.5, 1, 119, 7200, 86400 * 3)] == [
        *("0 seconds", "0 seconds", "1 second", "1 minute", "2 hours", "3 days")
    ]
