"""What the documents say holds: the commands of the tour print what stands there, the README's Python runs, links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import testdata

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *testdata.files(ROOT / "docs", "**/*.md")]
COMMAND = re.compile(r"```console\n\$ arenite (.*)\n((?:.*\n)*?)```")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize(("command", "expected"), COMMAND.findall((ROOT / "docs" / "tour.md").read_text("utf-8")))
def test_the_tour_prints_what_stands_there(command: str, expected: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "arenite", *command.split()],
        cwd=ROOT / "docs",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    printed = "".join(f"{line.rstrip()}\n" for line in (done.stdout + done.stderr).splitlines())
    assert printed == expected


def test_the_python_of_the_readme_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = PYTHON.findall((ROOT / "README.md").read_text("utf-8"))
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    assert capsys.readouterr().out == "42\n"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", document.read_text("utf-8"), flags=re.DOTALL)
    assert [target for target in LINK.findall(text) if not (document.parent / target).exists()] == []
