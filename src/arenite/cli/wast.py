"""`arenite wast`: run scripts of the official test suite."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from arenite import Config
from arenite.cli.command import argument, command
from arenite.cli.ending import REFUSED, complain
from arenite.cli.loading import refusing
from arenite.cli.options import PATH, tier_option
from arenite.cli.script import Result, Verdict
from arenite.cli.script_engine import run_wast

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName

BAD = (Verdict.FAILED, Verdict.CRASHED, Verdict.SKIPPED)


def summary(verdicts: Counter[Verdict]) -> str:
    """`12 passed, 1 failed`."""
    return ", ".join(f"{verdicts[verdict]:,} {verdict.value}" for verdict in Verdict if verdicts[verdict]) or "nothing to do"


def show(result: Result) -> None:
    """A command that did not pass, where editors can jump to it."""
    click.echo(f"{result.file}:{result.line}: {result.command} {result.verdict.value}: {result.message}")


@command()
@argument("files", type=PATH, nargs=-1, required=True, metavar="FILE...", help="Scripts: .wast.")
@tier_option
def wast(files: tuple[Path, ...], tier: TierName) -> None:
    """Run test scripts; exit code 0 when every assertion passes.

    Scripts are those of https://github.com/WebAssembly/testsuite; wasm-tools splits them (the extra `wat`).
    Assertions about a module's text are counted as `text`: arenite reads binaries.
    """
    total = Counter[Verdict]()
    for file in files:
        verdicts = Counter[Verdict]()
        with refusing(file):
            file.open("rb").close()
            for result in run_wast(file, Config(tier=tier)):
                verdicts[result.verdict] += 1
                if result.verdict in BAD:
                    show(result)
        click.echo(f"{file}: {summary(verdicts)}")
        total += verdicts
    failures = sum(total[verdict] for verdict in BAD)
    if failures:
        complain(f"{failures} of {total.total()} commands did not pass")
        raise click.exceptions.Exit(REFUSED)
