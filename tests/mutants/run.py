"""Put small faults into the code, one by one: the tests that are named for each must notice it.

    python tests/mutants/run.py                      all
    python tests/mutants/run.py --only NAME …        some
    python tests/mutants/run.py --list               names, and what is wrong in each

It works in a copy of the checkout, which has no compiled modules: there the translator and the validator are the Python that they are
written in, so a change of theirs needs no compiler.  First the named tests are run as they are, and must pass.  `listed.py` says how
the list is written.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import testdata
from mutants.listed import ROOT, Mutant, Stale, mutants

if TYPE_CHECKING:
    from collections.abc import Sequence

LEFT_OUT: Final = shutil.ignore_patterns(".*", "__pycache__", "build", "*.egg-info", "*.so", "*.pyd")
PASSED, FAILED = 0, 1  # exit statuses of pytest; others say that it could not run the tests


class Copy:
    """A copy of the checkout in which a file at a time is changed."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "copy"
        shutil.copytree(ROOT, self.root, ignore=LEFT_OUT)
        environment = {"PYTHONPATH": str(self.root / "src"), "ARENITE_CACHE_DIR": str(folder / "cache"), "ARENITE_PURE": "1"}
        there = next((place for place in testdata.places() if place.exists()), None)
        if there is not None:
            environment["ARENITE_TESTDATA"] = str(there)
        self.environment = environment | {
            name: value for name, value in os.environ.items() if name != "CI" and name not in environment
        }
        found = self.python("-c", "import arenite; print(arenite.__file__)", limit=60).stdout.strip()
        if not Path(found).is_relative_to(self.root):
            raise Stale(f"the tests would be those of {found}, not of the copy")

    def python(self, *arguments: str, limit: float) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy, with all that it starts.  Raises: `subprocess.TimeoutExpired`."""
        with subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                words, _ = process.communicate(timeout=limit)
            finally:
                with suppress(ProcessLookupError):  # a child of its own that hangs would hold the pipe
                    os.killpg(process.pid, signal.SIGKILL)
        return subprocess.CompletedProcess(process.args, process.returncode, words)

    def test(self, *tests: str, limit: float) -> tuple[int | None, str]:
        """Exit status of pytest, None when the time was up, and its last words."""
        try:
            done = self.python("-m", "pytest", "-q", "-x", "--tb=short", "-p", "no:cacheprovider", *tests, limit=limit)
        except subprocess.TimeoutExpired:
            return None, f"no end after {limit:.0f} s"
        return done.returncode, "\n".join(done.stdout.strip().splitlines()[-30:])

    def write(self, file: Path, text: str) -> None:
        """Change a file.  What was compiled of it goes: its name holds size and second, which may be the same."""
        path = self.root / file
        path.write_text(text, "utf-8")
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


class Verdict(NamedTuple):
    """What is to be said of a mutant.  `wrong`: tests that did not notice it, and such as could not be run.

    `late`: tests that had not ended when the time was up: on a machine that is busy, they may not have noticed it either.
    """

    wrong: list[str]
    late: list[str]

    def __str__(self) -> str:
        return "SURVIVES" if self.wrong else "TIME IS UP" if self.late else "noticed"


def tried(copy: Copy, mutant: Mutant, limit: float) -> Verdict:
    """Run the tests of a mutant."""
    text = (ROOT / mutant.file).read_text("utf-8")
    copy.write(mutant.file, mutant.of(text))
    wrong, late = [], []
    try:
        for test in mutant.tests:
            status, words = copy.test(test, "--timeout=0", limit=limit)  # pytest's own would end it as if it had failed
            if status is None:
                late.append(f"{test}, {mutant.name}: {words}")
            elif status == PASSED:
                wrong.append(f"{test} passes: {mutant.wrong}, and it does not notice")
            elif status > FAILED:
                wrong.append(f"{test} could not be run:\n{words}")
    finally:
        copy.write(mutant.file, text)
    return Verdict(wrong, late)


def run(chosen: Sequence[Mutant], limit: float) -> int:
    """Try the mutants; how many are wrong."""
    with tempfile.TemporaryDirectory(prefix="arenite-mutants") as folder:
        copy = Copy(Path(folder))
        tests = sorted({test for mutant in chosen for test in mutant.tests})
        print(f"{len(tests)} tests without any fault ...", end=" ", flush=True)
        began = time.monotonic()
        status, words = copy.test(
            *tests, f"--timeout={limit / 4}", limit=limit * len(tests)
        )  # one that is slow would seem to notice all
        if status != PASSED:
            print(f"they must pass\n{words}")
            return 1
        print(f"pass ({time.monotonic() - began:.0f} s)")
        verdicts = []
        for number, mutant in enumerate(chosen, 1):
            print(f"{number:3}/{len(chosen)} {mutant.name} ...", end=" ", flush=True)
            began = time.monotonic()
            verdicts.append(tried(copy, mutant, limit))
            print(f"{verdicts[-1]} ({time.monotonic() - began:.1f} s)", flush=True)
    wrong = [text for verdict in verdicts for text in verdict.wrong]
    late = [text for verdict in verdicts for text in verdict.late]
    for text in (*wrong, *late):
        print(f"\n{text}")
    print(f"\n{len(chosen)} mutants, {len(wrong)} complaints, {len(late)} times the time was up")
    return len(wrong) + len(late)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME", nargs="+", help="these alone")
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument(
        "--limit", type=float, default=120.0, metavar="SECONDS", help="for a test with a fault; more is a failure (%(default)s)"
    )
    args = parser.parse_args()
    try:
        known = mutants()
        if args.list:
            for mutant in known:
                print(f"{mutant.name:40} {mutant.file.relative_to('src/arenite')}: {mutant.wrong}")
            return 0
        missing = set(args.only or ()) - {mutant.name for mutant in known}
        if missing:
            parser.error(f"there is no mutant {', '.join(sorted(missing))}: --list names them")
        return 1 if run([mutant for mutant in known if not args.only or mutant.name in args.only], args.limit) else 0
    except Stale as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
