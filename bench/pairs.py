"""`python -m bench.pairs FILE ARGS`: which ops a program executes one after the other, and what fusing them would save.

FILE is a WASI program, a module that exports `run (param i32)`, or the name of a workload of `python -m bench`.  Every execution of
every op is counted, by an interpreter made for it; so the numbers are exact, and the program runs somewhat slower.

A pair is two ops in a straight line: no branch leads between them.  What stands between their names says what they have to do:

    a -> b    b reads what a wrote, a temporary: nobody else will (a superinstruction, `fused`)
    a => b    b reads what a wrote, a local: it must be written as well (`fused(…, keep=True)`)
    a ,  b    neither; fusing them saves the dispatch alone

Pairs overlap, so their shares do not add up.  The last table therefore fuses the pair that saves most, counts again, and so on:
its shares do add up.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from bench.report import Report, table
from bench.variants import Counting
from bench.workloads import Workload, workloads
from rich.console import Console

from arenite import Config, Engine, Exit, Func, Linker, Module, Store, WasiConfig
from arenite.bytecode.encode import ops
from arenite.bytecode.row import Form
from arenite.layout.records import FrameHeader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.bytecode.encode import Op
    from arenite.bytecode.module import FunctionCode, ModuleCode

SLOT: Final = 8
READS, KEEPS, BESIDE = " -> ", " => ", " , "
NEVER_FIRST: Final = ("call", "return", "unreachable", "halt", "br")  # by the name's first word: what follows is not next
Line = tuple[str, ...]  # ops in a straight line, each but the first behind how it depends on the one before
Lines = Counter[Line]  # line -> how often it was executed


@dataclass(frozen=True)
class Executed:
    """An op and how often it was executed."""

    op: Op
    count: int

    @property
    def word(self) -> str:
        """The first word of its name."""
        return self.op.row.name.partition(" ")[0].partition("_")[0]


def first_temporary(code: ModuleCode, index: int, function: FunctionCode) -> int:
    """Byte offset of a function's first temporary: behind parameters, results, header and declared locals."""
    declared = len(code.locals[index]) // 4 - len(code.types[function.type_index].params)
    return function.header + FrameHeader.size + SLOT * declared


def joint(first: Op, second: Op, temporaries: int) -> str:
    """How `second` depends on `first`."""
    destination = first.row.destination
    if destination is None:
        return BESIDE
    written = first.values[destination.name]
    read = {second.values[o.name] for o in second.row.operands if o.form is Form.SLOT and o.name in second.values}
    if written not in read:
        return BESIDE
    return READS if written >= temporaries else KEEPS


def straight_lines(executed: list[Executed], temporaries: int) -> Iterator[tuple[Line, int]]:
    """A function's ops, cut where a branch leads to, behind what does not go on at the next op, and where counts change."""
    targets = {label for e in executed for label in e.op.labels}
    line: list[str] = []
    for before, e in zip([None, *executed], executed, strict=False):
        cut = before is None or before.word in NEVER_FIRST or before.count != e.count or e.op.pc in targets
        if cut or before is None:
            if line and before is not None:
                yield tuple(line), before.count
            line = [e.op.row.name]
        else:
            line += [joint(before.op, e.op, temporaries), e.op.row.name]
    if line:
        yield tuple(line), executed[-1].count


def profile(tier: Counting, code: ModuleCode, origin: int) -> Lines:
    """What was executed of a module whose bytecode stands at `origin`."""
    lines: Lines = Counter()
    for index, function in enumerate(code.all_functions()):
        counts = tier.counts(origin + function.begin, origin + function.end)
        if not any(counts):
            continue
        listing = ops(code.bytecode, function.begin, function.end)
        executed = [Executed(op, counts[(op.pc - function.begin) // SLOT]) for op in listing]
        for line, count in straight_lines(executed, first_temporary(code, index, function)):
            if count:
                lines[line] += count
    return lines


def run(work: Workload, args: list[str]) -> Lines:
    """Run a program with arguments, or a kernel with a size, while counting."""
    engine = Engine(Config(tier="threaded"))
    tier = engine.tier = Counting()
    module, linker = Module(engine, work.wasm), Linker(engine)
    with Store(engine) as store:
        wasi = WasiConfig(argv=[work.path.name, *args])
        wasi.inherit_stdout()
        wasi.inherit_stderr()
        store.set_wasi(wasi)
        linker.define_wasi()
        exports = linker.instantiate(store, module).exports(store)
        name, given = ("_start", []) if "_start" in exports else ("run", [int(arg, 0) for arg in args])
        begin = exports[name]
        assert isinstance(begin, Func)
        with suppress(Exit):
            begin(store, *given)
        return profile(tier, module.code, store.machine.window.modules[0].origin)


def find(file: str, args: list[str]) -> tuple[Workload, list[str]]:
    """What FILE and ARGS of the command line mean."""
    path = Path(file)
    for work in workloads():
        if work.name == file and not path.exists():
            return work, args or list(work.argv[1:]) or [str(work.size)]
    return Workload(path.name, path, ""), args


def executions(lines: Lines) -> Counter[str]:
    """How often each op was executed."""
    found: Counter[str] = Counter()
    for line, count in lines.items():
        for name in line[::2]:
            found[name] += count
    return found


def pairs(lines: Lines) -> Counter[Line]:
    """How often each pair was executed."""
    found: Counter[Line] = Counter()
    for line, count in lines.items():
        for i in range(0, len(line) - 2, 2):
            found[line[i : i + 3]] += count
    return found


def fuse(lines: Lines, pair: Line) -> tuple[Lines, int]:
    """The lines with a pair fused wherever it occurs, and how many dispatches that saves."""
    fused: Lines = Counter()
    name, saved = "".join(pair), 0
    for line, count in lines.items():
        i, new = 0, list(line)
        while i < len(new) - 2:
            if tuple(new[i : i + 3]) == pair:
                new[i : i + 3] = [name]
                saved += count
            i += 2
        fused[tuple(new)] += count
    return fused, saved


def length(name: str) -> int:
    """How many of the table's ops a fused one is made of."""
    return 1 + sum(name.count(how) for how in (READS, KEEPS, BESIDE))


def choose(lines: Lines, number: int, *, longest: int, dependent: bool) -> Iterator[tuple[str, int]]:
    """The pairs to fuse, each the one that saves most after those before it.

    `longest`: ops that a fused one may be made of; `dependent`: only where one op reads the other's result.
    """
    for _ in range(number):
        found = pairs(lines)
        allowed = (p for p in found if length("".join(p)) <= longest and not (dependent and p[1] == BESIDE))
        best = max(allowed, key=lambda p: found[p], default=None)
        if best is None:
            return
        lines, saved = fuse(lines, best)
        yield "".join(best), saved


def ranking(title: str, counted: Counter[str], total: int, top: int) -> Report:
    """The most frequent, with their shares."""
    report = Report(title, ("", "executed", "% of ops"))
    report.rows = [(name, count, 100 * count / total) for name, count in counted.most_common(top)]
    return report


def fusing(lines: Lines, total: int, top: int, *, longest: int, dependent: bool) -> Report:
    """What fusing would save."""
    report = Report(
        "fused one after the other" + (", dependent pairs" if dependent else ", any pairs"), ("", "saved", "% of ops", "sum")
    )
    gone = 0
    for name, saved in choose(lines, top, longest=longest, dependent=dependent):
        gone += saved
        report.rows.append((name, saved, 100 * saved / total, 100 * gone / total))
    return report


def main(
    file: Annotated[
        str, typer.Argument(metavar="FILE", show_default=False, help="A program, a module with `run`, or a workload's name.")
    ],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="ARGS", show_default=False, help="Its arguments.")] = None,
    *,
    top: Annotated[int, typer.Option(min=1, help="Rows of each table.")] = 30,
    longest: Annotated[int, typer.Option(min=2, help="How many ops a fused one may be made of.")] = 2,
) -> None:
    """Count which ops are executed one after the other."""
    lines = run(*find(file, arguments or []))
    counted = executions(lines)
    total = sum(counted.values())
    joined = Counter({"".join(pair): count for pair, count in pairs(lines).items()})
    console = Console(width=None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "120")))
    console.print(f"{total:,} ops executed")
    for report in (
        ranking("ops", counted, total, top),
        ranking("pairs in a straight line", joined, total, top),
        fusing(lines, total, top, longest=longest, dependent=True),
        fusing(lines, total, top, longest=longest, dependent=False),
    ):
        console.print(table(report))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command(context_settings={"allow_interspersed_args": False})(main)
    app()
