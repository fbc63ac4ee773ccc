"""What the documents say holds: the commands of the tour print what stands there, the Python of pages for users runs, links lead somewhere, and
what they name is there.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import testdata

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *testdata.files(ROOT / "docs", "**/*.md")]
COMMAND = re.compile(r"```console\n\$ arenite (.*)\n((?:.*\n)*?)```")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
PATH = re.compile(r"`([\w./-]+\.(?:py|md|html))`")
MEMBER = re.compile(r"`([A-Z]\w+)\.(\w+)[`(]")
CODE = re.compile(r"```.*?```", re.DOTALL)
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


@pytest.mark.parametrize(
    ("page", "before", "printed"),
    [
        ("README.md", "", "42\n"),
        ("docs/exceptions.md", "examples/exceptions.py", ""),
        ("docs/async.md", "", "7\n"),
        ("docs/sandbox.md", "", ""),
        ("docs/own-guest.md", "examples/micropython.py", ""),
        ("docs/guests.md", "", "[Errno 2] No such file or directory: 'requirements.lock'\n"),
    ],
)
def test_the_python_of_a_page_runs(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
    before: str,
    printed: str | None,
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = PYTHON.findall((ROOT / page).read_text("utf-8"))
    assert blocks
    names: dict[str, object] = {}
    if before:
        exec((ROOT / before).read_text("utf-8"), names)
        capsys.readouterr()
    for block in blocks:
        exec(textwrap.dedent(block), names)
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", document.read_text("utf-8"), flags=re.DOTALL)
    assert [target for target in LINK.findall(text) if not (document.parent / target).exists()] == []


def members() -> dict[str, set[str]]:
    """Every name in a class of the package and in what it is derived from, by the class's name."""
    found: dict[str, set[str]] = {}
    derived: dict[str, set[str]] = {}
    for path in testdata.files(ROOT / "src", "**/*.py"):
        for cls in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(cls, ast.ClassDef):
                derived.setdefault(cls.name, set()).update(ast.unparse(base) for base in cls.bases)
                words = re.findall(r"\w+", ast.unparse(cls))
                found.setdefault(cls.name, set()).update(words)
    for name, bases in derived.items():
        found[name] = set.union(found[name], *(found.get(base, set()) for base in bases))
    return found


MEMBERS = members()
FILES = [
    path.as_posix() for place in ("src", "tests", "tools", "bench", "docs", "examples") for path in (ROOT / place).rglob("*")
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_named_is_there(document: Path) -> None:
    text = CODE.sub("", document.read_text("utf-8"))
    known = [*FILES, *(path.as_posix() for path in ROOT.iterdir())]
    paths = {path for path in PATH.findall(text) if not any(f"/{file}".endswith(f"/{path}") for file in known)}
    foreign = document.name == "wasmtime.md"  # it says what another package has
    named = {f"{cls}.{name}" for cls, name in MEMBER.findall(text) if not foreign and name not in MEMBERS.get(cls, {name})}
    assert paths | named == set()
