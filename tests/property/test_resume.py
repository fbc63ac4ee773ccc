"""resume(snapshot(run(n))) = run(n): guests frozen at random points go on in other processes and on either tier, and end as unbroken ones.

A way has two to four legs.  Each leg is made by another child process than the one before, which opens the file that it left; the children
live long, and each has address space of its own.  `ARENITE_RESUME=200` goes so many ways with each guest (`make fuzz`); by default it is
a few.  A failure names seed, guest and number: `ARENITE_RESUME_SEED=5 ARENITE_RESUME=200 pytest tests/property/test_resume.py -k linked`.
"""

from __future__ import annotations

import filecmp
import json
import os
import random
import secrets
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import testdata
from property.guests import GUESTS, Guest
from tiers import GENERATED, WAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).with_name("travellers.py")
COUNT = int(os.environ.get("ARENITE_RESUME", "0"))
SEED = int(os.environ.get("ARENITE_RESUME_SEED") or (secrets.randbits(32) if COUNT else 1))
SAMPLE = {"python": 2, "quickjs": 3, "coremark": 3}
FORMS = ("image", "packed", "delta")
SLOW = 4_000  # units that the tier in Python may run of a large guest
SILENCE = 300.0


class Child:
    """A process in which guests go on."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), "serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request of `Place.go`."""
        assert self.process.stdin
        assert self.process.stdout
        watch = threading.Timer(SILENCE, self.process.kill)
        watch.start()
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        finally:
            watch.cancel()
        assert line, f"the child died or hung (status {self.process.poll()}) at {request}"
        answer: dict[str, Any] = json.loads(line)
        assert "error" not in answer, f"{request}\n{answer['error']}"
        return answer

    def close(self) -> None:
        """Let it end."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(60) == 0


@pytest.fixture(scope="module")
def children() -> Iterator[tuple[Child, Child]]:
    both = Child(), Child()
    yield both
    for child in both:
        child.close()


def found(name: str) -> Guest:
    """The guest, if its program is at hand."""
    guest = GUESTS[name]
    try:
        for load in guest.wasm:
            load()
    except FileNotFoundError as error:
        testdata.absent(str(error))
    return guest


def way(choose: random.Random, guest: Guest, total: int) -> list[tuple[str, int | None]]:
    """Legs: (tier, units); the last one goes to the end.  In Python a large guest runs a few units only, in the middle or at the end."""
    if not guest.large:
        cuts = sorted(choose.sample(range(1, total), choose.choice((1, 1, 2, 3))))
        units: list[int | None] = [b - a for a, b in zip([0, *cuts], cuts, strict=False)]
        return [(choose.choice(WAYS), n) for n in [*units, None]]

    def fast() -> str:
        return choose.choice(GENERATED)

    kind = choose.random()
    if kind < 0.4:
        return [(fast(), choose.randrange(guest.boot + 1, total)), (fast(), None)]
    if kind < 0.8:
        return [(fast(), total - choose.randrange(1, SLOW)), ("safe", None)]
    slow = choose.randrange(1, SLOW)
    return [(fast(), choose.randrange(guest.boot + 1, total - slow)), ("safe", slow), (fast(), None)]


@pytest.mark.parametrize("name", GUESTS)
def test_guests_go_on_elsewhere(name: str, children: tuple[Child, Child], tmp_path: Path) -> None:
    guest = found(name)
    base = tmp_path / "base.arn"
    expected = children[0].ask(guest=name, tier="threaded", fuel=None)["end"]
    total = expected["fuel"]
    assert total > 500
    booted = ""
    if guest.boot:
        booted = children[0].ask(guest=name, tier="threaded", fuel=guest.boot, save=str(base), form="image")["output"]
    print(f"seed {SEED}: {name}, {total:,} units")
    for number in range(COUNT or SAMPLE.get(name, 6)):
        choose = random.Random(f"{SEED} {name} {number}")
        legs, who, output = way(choose, guest, total), choose.randrange(2), booted
        start: dict[str, Any] = {"path": str(base)} if guest.boot else {"guest": name}
        used, files = list[str](), list[Path]()
        for gone, (tier, units) in enumerate(legs):
            fuel = None if units is None else units - (guest.boot if gone == 0 else 0)
            after = tmp_path / f"{number}-{gone}.arn"
            form = choose.choice(FORMS if "path" in start else FORMS[:2])
            used.append(form)
            answer = children[(who + gone) % 2].ask(**start, tier=tier, fuel=fuel, save=str(after), form=form)
            output += answer["output"]
            start = {"path": str(after)}
            files.append(after)
        end = answer["end"] | {"output": output}
        assert end == expected, f"seed {SEED}, way {number}: {legs}, saved as {used}"
        for file in files:
            file.unlink(missing_ok=True)


@pytest.mark.parametrize("name", GUESTS)
def test_equal_runs_give_equal_files(name: str, children: tuple[Child, Child], tmp_path: Path) -> None:
    """In two processes, of which one has used its engine for other stores, types and modules before, and the store's stack too."""
    guest = found(name)
    total = children[0].ask(guest=name, tier="threaded", fuel=None)["end"]["fuel"]
    choose = random.Random(f"{SEED} {name} equal")
    for number in range(COUNT // 20 or (1 if guest.large else 5)):
        point = choose.randrange(
            guest.boot + 1, total if number % 2 == 0 else guest.boot + 20
        )  # early, frames lie where nothing has been
        tiers = choose.sample(GENERATED if guest.large else WAYS, 2)
        files = [tmp_path / f"{number}-{who}.arn" for who in range(2)]
        for who, child in enumerate(children):
            child.ask(guest=name, tier=tiers[who], fuel=point, save=str(files[who]), form="image", noise=who == 1)
        same = filecmp.cmp(files[0], files[1], shallow=False)
        assert same, f"seed {SEED}, at {point}: {first_difference(files[0], files[1])}"
        for file in files:
            file.unlink()


def first_difference(first: Path, second: Path) -> str:
    """Where two files are not the same, for people."""
    one, other = first.read_bytes(), second.read_bytes()
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"at {at:#x} of {len(one):#x} and {len(other):#x}: {one[at - 16 : at + 48]!r} {other[at - 16 : at + 48]!r}"


def test_a_folder_of_travellers_goes_on(tmp_path: Path) -> None:
    """The program that writes guests here and goes on with them on another machine."""
    travel("write", str(tmp_path))
    for tier in WAYS:
        status, said = travel("resume", str(tmp_path), "--tier", tier)
        assert status == 0, said
        assert said.count("ok\n") >= 9, said
    index = tmp_path / "index.json"
    index.write_text(index.read_text().replace('"notes": [', '"notes": [7,', 1))
    status, said = travel("resume", str(tmp_path))
    assert status == 1
    assert "1 failures" in said


def travel(*arguments: str) -> tuple[int, str]:
    """Run the program: its exit code and what it said."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *arguments], check=False, text=True, timeout=SILENCE, capture_output=True
    )
    return done.returncode, done.stdout + done.stderr
