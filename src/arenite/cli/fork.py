"""`arenite fork`: go on from a snapshot many times, each time with another line of input.

Only as many forks live at a time as run at a time, and only so many outputs are held.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from arenite import Engine, Finished
from arenite.cli.command import command, option
from arenite.cli.ending import Refused, complain, judged
from arenite.cli.guest import directories, dirs_option, entry, fuel_option
from arenite.cli.loading import refusing
from arenite.cli.options import PATH, configured, number, settings_option, tier_option
from arenite.cli.progress import progress
from arenite.cli.snapshot_file import (
    key,
    key_file_option,
    modules_option,
    opened,
    snapshot_argument,
    untrusted_option,
    verify_option,
)
from arenite.cli.waiting import wait_for_input
from arenite.driver import Driver
from arenite.errors import AreniteError
from arenite.inspect.words import plural
from arenite.wasi import WasiConfig

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from pathlib import Path

    from arenite import Snapshot
    from arenite.config import TierName

JOBS: Final = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class Ended:
    """A fork that has run: what it wrote, its exit code, and what to say about that."""

    out: bytearray
    err: bytearray
    code: int
    message: str


def lines_of(file: Path, count: int | None) -> list[bytes]:
    """The first `count` lines, or all, each with its newline.  Raises: Refused, click.BadParameter when there are fewer."""
    if str(file) == "-":
        found = list(islice(sys.stdin.buffer, count))
    else:
        with refusing(file), file.open("rb") as opened_file:
            found = list(islice(opened_file, count))
    if len(found) < (count or 1):
        wanted = "one per fork is needed" if count is None else f"-n {count} needs as many"
        raise click.BadParameter(f"{file} has {plural(len(found), 'line')}; {wanted}", param_hint="--each-line")
    return [line if line.endswith(b"\n") else line + b"\n" for line in found]


class Forks:
    """Forks of a snapshot, begun here and run by threads."""

    def __init__(self, snapshot: Snapshot, file: Path, dirs: Sequence[str], fuel: int | None) -> None:
        self._snapshot = snapshot
        self._file = file
        self._dirs = directories(dirs)
        self._fuel = fuel

    def config(self, line: bytes, out: bytearray, err: bytearray) -> WasiConfig:
        """What a fork is given."""
        return WasiConfig(stdin=line, stdout=out, stderr=err, dirs=self._dirs)

    def run(self, driver: Driver, out: bytearray, err: bytearray) -> Ended:
        """A fork's whole life, in a thread."""
        with driver:
            try:
                outcome = driver.run()
            except (AreniteError, Refused) as error:
                return Ended(out, err, *judged(error))
        assert isinstance(outcome, Finished)
        out += "".join(f"{value}\n" for value in outcome.values).encode()
        return Ended(out, err, 0, "")

    def begin(self, pool: ThreadPoolExecutor, line: bytes) -> Future[Ended]:
        """A fork, on its way.  Raises: Refused."""
        out, err = bytearray(), bytearray()
        with refusing(self._file):
            driver = Driver.resume(
                self._snapshot, entry(self._file), wasi=self.config(line, out, err), fuel=self._fuel, wait=wait_for_input
            )
        driver.store.set_epoch_deadline(1)
        return pool.submit(self.run, driver, out, err)

    def each(self, lines: Iterable[bytes], jobs: int) -> Generator[Ended]:
        """A fork for each line, in their order."""
        with ExitStack() as stack:
            pool = stack.enter_context(ThreadPoolExecutor(jobs))
            stack.callback(self._snapshot.engine.increment_epoch)  # when something else ends this, what runs still
            going: deque[Future[Ended]] = deque()
            for line in lines:
                if len(going) == jobs:
                    yield going.popleft().result()
                going.append(self.begin(pool, line))
            while going:
                yield going.popleft().result()


@command()
@snapshot_argument
@option(
    "--each-line",
    "lines",
    type=PATH,
    required=True,
    metavar="LINES.txt",
    help="Each fork gets one line of this file as all of its standard input; `-`: lines of standard input.",
)
@option("-n", "count", type=number(1), metavar="N", help="Fork so often; by default once per line.")
@option(
    "--jobs",
    type=number(1),
    default=JOBS,
    show_default="one per processor, up to 4",
    metavar="N",
    help="So many forks live and run at a time.",
)
@dirs_option
@fuel_option
@tier_option
@settings_option
@modules_option
@verify_option
@key_file_option
@untrusted_option
def fork(
    file: Path,
    *,
    lines: Path,
    count: int | None,
    jobs: int,
    dirs: tuple[str, ...],
    fuel: int | None,
    tier: TierName,
    settings: tuple[str, ...],
    modules: tuple[Path, ...],
    verify: bool,
    key_file: Path | None,
    untrusted: bool,
) -> None:
    """Go on from a snapshot once for each line of a file.

    Each fork reads its line as its standard input, then end of file, and runs to its end; none sees another.
    What it writes is printed when it has ended, in the order of the lines.
    The exit code is 0 if every fork ends with 0, otherwise that of the first that does not.

    For example:

    arenite fork --each-line questions.txt booted.arn

    seq 1000 | arenite fork -n 10 --each-line - booted.arn
    """
    inputs = lines_of(lines, count)
    config = configured(tier, settings, fuel=fuel is not None)
    config.epoch_interruption = True  # so that Ctrl-C reaches guests in threads
    engine = Engine(config)
    snapshot = opened(file, engine, WasiConfig(), modules=modules, verify=verify, key=key(key_file), trusted=not untrusted)
    code = 0
    with (
        progress("forks", shown=not sys.stdout.isatty()) as advance,
        closing(Forks(snapshot, file, dirs, fuel).each(inputs, jobs)) as forks,
    ):
        advance(0, len(inputs))
        for number, ended in enumerate(forks, 1):
            sys.stdout.buffer.write(ended.out)
            sys.stdout.flush()
            sys.stderr.write(ended.err.decode(errors="replace"))
            if ended.code:
                complain(f"line {number}: {ended.message}")
            code = code or ended.code
            advance(number, len(inputs))
    if code:
        raise click.exceptions.Exit(code)
