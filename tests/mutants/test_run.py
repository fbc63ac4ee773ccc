"""What the runner of mutants says of tests that pass, fail, cannot be run and do not end."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mutants import run
from mutants.listed import ROOT, Mutant


class Copy(run.Copy):
    """One in which nothing is run: every test ends as it is told."""

    def __init__(self, status: int | None) -> None:
        self.status = status
        self.written: list[str] = []

    def test(self, *tests: str, limit: float) -> tuple[int | None, str]:
        clean = f"--timeout={limit / 4}" in tests  # the run without any fault
        return (run.PASSED if clean else self.status), "its last words"

    def write(self, file: Path, text: str) -> None:
        del file
        self.written.append(text)


MUTANT = Mutant(
    name="no-tests",
    wrong="no suite of ours is run",
    file=Path("tests/mutants/run.py"),
    before="PASSED, FAILED = 0, 1",
    after="PASSED, FAILED = 1, 0",
    tests=("tests/mutants/test_run.py::test_none",),
)


@pytest.mark.parametrize(
    ("status", "verdict", "complaints"), [(0, "SURVIVES", 1), (1, "noticed", 0), (2, "SURVIVES", 1), (None, "TIME IS UP", 1)]
)
def test_only_a_test_that_fails_has_noticed(
    status: int | None, verdict: str, complaints: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Copy(status)
    monkeypatch.setattr(run, "Copy", lambda _: copy)
    assert run.run([MUTANT], 1) == complaints
    original = (ROOT / MUTANT.file).read_text("utf-8")
    assert copy.written == [MUTANT.of(original), original]
    said = capsys.readouterr().out
    assert f"no-tests ... {verdict} (" in said
    late = int(status is None)
    assert said.endswith(f"1 mutants, {complaints - late} complaints, {late} times the time was up\n")


def test_a_run_that_does_not_end_is_no_failure(tmp_path: Path) -> None:
    endless = tmp_path / "test_endless.py"
    endless.write_text("import time\ndef test_endless(): time.sleep(600)\n", "utf-8")
    copy = Copy.__new__(Copy)
    copy.root, copy.environment = tmp_path, {}
    began = time.monotonic()
    assert run.Copy.test(copy, str(endless), limit=3) == (None, "no end after 3 s")
    assert time.monotonic() - began < 300
