"""Relative pointers beside raw ones: what is worked out from samples, and that the page is what they say."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import typer
from bench.relative import caches, facts, page, pictures, statistics, turns, verdicts
from bench.relative.__main__ import differing, main, state
from bench.relative.kernels import KERNELS, LARGE
from bench.relative.running import built
from bench.relative.statistics import Estimate, bootstrap, compared, mean
from bench.relative.turns import Lives, Process, Wrong, measured
from bench.relative.verdicts import Beside, Loss, judge
from bench.relative.ways import AGAIN, DEFAULT_TIER, KERNEL_TIERS, RAW, RELATIVE, SINGLE, SPACES, TIERS, WAYS
from typer.testing import CliRunner

import arenite
from arenite import Config, Engine
from arenite.platform import HAS_OBJECTS
from unit.bench.invented import data

HERE = (SINGLE, SPACES)
machine_code = pytest.mark.skipif(not HAS_OBJECTS, reason="the ways differ in generated code only")


def verdict(key: str, **changes: Any) -> str:
    return {judged.key: judged.verdict for judged in judge(data(**changes))}[key]


def test_the_default_is_the_default() -> None:
    assert Config().tier == DEFAULT_TIER
    assert set(KERNEL_TIERS) < set(TIERS)
    assert set(RELATIVE) < set(WAYS)


# ------------------------------------------------------------------------------------------------------------ statistics


def test_a_life_counts_by_its_least_disturbed_run() -> None:
    assert statistics.ratios([[3.0, 2.0], [9.0, 4.0]], [[1.0, 5.0], [2.0, 2.0]]) == [2.0, 2.0]


def test_a_ratio_is_the_median_of_lives_and_its_interval_holds_it() -> None:
    found = compared({"fib": {"a": [[1.0], [1.1], [9.0]], "b": [[1.0], [1.0], [1.0]]}}, "a", "b")["fib"]
    assert found.value == 1.1
    assert (found.low, found.high) == pytest.approx((1.0, 9.0))
    assert found.off == pytest.approx(8.0)


def test_equal_samples_give_equal_numbers() -> None:
    one, two = (bootstrap([[1.0, 1.2, 0.9, 1.1]]) for _ in range(2))
    assert one == two
    assert one.low < one.value < one.high


def test_a_mean_is_geometric_and_of_things_that_both_ran() -> None:
    seconds = {"x": {"a": [[2.0]], "b": [[1.0]]}, "y": {"a": [[1.0]], "b": [[8.0]]}, "z": {"a": [[5.0]]}}
    found = mean(seconds, "a", "b")
    assert found is not None
    assert found.value == pytest.approx(0.5)
    assert mean(seconds, "a", "b", ["z"]) is None
    assert mean(seconds, "a", "b", ["x"]) == pytest.approx((2.0, 2.0, 2.0))


def test_how_far_off_counts_both_ways() -> None:
    assert Estimate(1.0, 0.5, 1.5).off == 1.0


# -------------------------------------------------------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("ratio", "floor", "expected"),
    [
        (Estimate(1.02, 1.01, 1.03), 0.03, "no difference"),
        (Estimate(1.02, 0.99, 1.03), 0.0, "no difference"),
        (Estimate(1.009, 1.008, 1.0095), 0.0, "no difference"),
        (Estimate(1.02, 1.01, 1.03), 0.015, "slower"),
        (Estimate(0.95, 0.94, 0.96), 0.02, "faster"),
        (Estimate(0.985, 0.98, 0.99), 0.02, "no difference"),
    ],
)
def test_a_difference_is_beyond_the_noise(ratio: Estimate, floor: float, expected: str) -> None:
    assert Beside(SINGLE, "threaded", ratio, floor).verdict == expected


@pytest.mark.parametrize(
    ("key", "changes", "expected"),
    [
        ("provenance", {}, "confirmed"),
        ("mitigation", {}, "confirmed: it costs nothing that can be measured"),
        ("mitigation", {"single": 1.03, "spaces": 1.04}, "confirmed"),
        ("mitigation", {"single": 1.08, "spaces": 1.07}, "refuted: it costs more than a little"),
        ("mitigation", {"escapes": 1}, "refuted: there are escapes"),
        ("base", {}, "confirmed: less than can be measured"),
        ("base", {"single": 1.06}, "confirmed: single digits of a percent"),
        ("base", {"single": 1.2}, "refuted: more than that"),
        ("handle", {}, "no difference"),
        ("handle", {"single": 1.06}, "slower by single digits of a percent"),
        ("handle", {"single": 1.2}, "slower by 10 % or more"),
        ("handle", {"single": 0.9}, "faster"),
        ("tables", {}, "not seen"),
        ("tables", {"large": 0.7}, "confirmed"),
        ("tables", {"large": 1.3}, "refuted"),
        ("neutral", {}, "confirmed: no difference"),
        ("neutral", {"single": 0.9}, "better than neutral"),
        ("neutral", {"single": 0.9, "spaces": 1.1}, "neutral on some tiers"),
        ("neutral", {"spaces": 1.1}, "worse than neutral"),
        ("snapshots", {}, "confirmed"),
        ("snapshots", {"words": 1}, "refuted"),
        ("bar", {}, "reached"),
        ("bar", {"single": 1.05, "spaces": 0.98}, "reached"),
        ("bar", {"single": 1.05, "spaces": 1.02}, "missed"),
    ],
)
def test_verdicts(key: str, changes: dict[str, Any], expected: str) -> None:
    assert verdict(key, **changes) == expected


def test_a_cast_refutes_provenance() -> None:
    samples = data()
    samples["facts"][SPACES]["casts"]["inttoptr, stencils"] = 1
    assert judge(samples)[0].verdict == "refuted"


def test_a_control_without_escapes_decides_nothing() -> None:
    samples = data()
    samples["escapes"][RAW]["escapes"] = 0
    assert {j.key: j.verdict for j in judge(samples)}["mitigation"].startswith("undecided")


def test_other_failures_of_the_fuzzer_decide_nothing() -> None:
    samples = data()
    samples["escapes"][SINGLE]["failures"] = ["a child hung"]
    assert {j.key: j.verdict for j in judge(samples)}["mitigation"].startswith("undecided")


def test_a_machine_that_does_not_fork_refutes_snapshots() -> None:
    samples = data()
    samples["facts"][SINGLE]["forks"] = {"refused": "no"}
    assert {j.key: j.verdict for j in judge(samples)}["snapshots"] == "refuted"


def test_without_the_control_nothing_is_claimed() -> None:
    samples = data()
    for kind in ("programs", "kernels"):
        for seconds in samples[kind].values():
            for by_way in seconds.values():
                del by_way[RAW]
    for kind in ("facts", "escapes", "ways"):
        del samples[kind][RAW]
    found = {j.key: j.verdict for j in judge(samples)}
    assert {key for key, said in found.items() if said != "not measured"} == {"provenance", "snapshots"}
    assert "The control has not been measured." in page.text(samples)


def test_more_noise_may_hide_a_loss_but_no_noise_does_not() -> None:
    assert verdict("neutral", single=1.04, spaces=1.04, noise=0.0) == "worse than neutral"
    assert verdict("neutral", single=1.02, spaces=1.02, noise=0.2) == "confirmed: no difference"


def test_programs_that_lose_are_listed_with_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reasons = tmp_path / "reasons.toml"
    reasons.write_text('[baseline]\nfib = "because"\n')
    monkeypatch.setattr(page, "REASONS", reasons)
    said = page.Page(data(single=1.05)).losses()
    lines = [line for line in said.splitlines()[2:] if "`baseline`" in line]
    assert {line.split(" | ")[0].strip("| ") for line in lines} == {"fib", "sieve", "cpython"}
    assert [line for line in lines if "because" in line] == [line for line in lines if line.startswith("| fib ")]
    assert sum(page.NO_REASON in line for line in lines) == 2
    assert "No program" in page.Page(data(single=1.02)).losses()


@pytest.mark.parametrize(
    ("ratio", "floor", "noise"),
    [(Estimate(1.05, 1.04, 1.06), 0.0, False), (Estimate(1.05, 1.04, 1.06), 0.06, True), (Estimate(1.05, 0.99, 1.06), 0.0, True)],
)
def test_a_loss_within_its_noise(ratio: Estimate, floor: float, *, noise: bool) -> None:
    assert Loss("threaded", "fib", SINGLE, ratio, floor).noise is noise


# --------------------------------------------------------------------------------------------------------------- kernels


def test_kernels_have_names_of_their_own_and_each_claim_has_some() -> None:
    names = [kernel.name for kernel in KERNELS]
    assert len(set(names)) == len(names)
    chosen = {claim: set(verdicts.kernels(data(), claim)) for claim in verdicts.CHOSEN}
    assert all(chosen.values())
    assert sum(map(len, chosen.values())) == len(set.union(*chosen.values()))


def test_kernels_are_what_the_page_says() -> None:
    called = {(k.elements, k.targets, k.order) for k in KERNELS if k.group == "call_indirect"}
    assert {order for *_, order in called} == {"sequential", "random"}
    assert {targets for _, targets, _ in called} == {1, 16, 4096}
    assert max(elements for elements, *_ in called) == 10_000_000


TRIED = [kernel for kernel in KERNELS if kernel.elements < LARGE or kernel.targets == 16]
"""All there are, but of the large tables those that are filled soonest."""


@machine_code
@pytest.mark.parametrize("kernel", TRIED, ids=lambda kernel: kernel.name)
def test_kernels_give_what_another_engine_gives(kernel: Any) -> None:
    wasmtime = pytest.importorskip("wasmtime", reason="the other engine")
    rounds = 1000 if kernel.group != "frames" else 2
    engine = wasmtime.Engine()
    store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
    for part in kernel.parts:
        module = wasmtime.Module(engine, part.text)
        for number in range(part.copies):
            instance = linker.instantiate(store, module)
            exports = instance.exports(store)
            if "place" in exports:
                exports["place"](store, number)
        linker.define_instance(store, part.name, instance)
    expected = exports["run"](store, rounds)
    for tier in KERNEL_TIERS:
        with (made := built(Engine(Config(tier=tier)), kernel, {}))[0] as own:
            assert made[1](own, rounds) == expected


# ----------------------------------------------------------------------------------------------------------------- turns


@pytest.fixture
def process() -> Any:
    child = Process(SINGLE)
    yield child
    child.close()


@machine_code
def test_a_process_answers(process: Process, tmp_path: Path) -> None:
    answer = process.ask(do="run", tier="threaded", name="fib", samples=2, size=10)
    assert answer["result"] == 55
    assert len(answer["seconds"]) == 2  # type: ignore[arg-type]
    name = "call of another instance"
    assert process.ask(do="run", tier="baseline", name=name, samples=1, size=5)["result"] == 15
    assert process.ask(do="drop") == {}
    files = process.ask(do="state", folder=str(tmp_path))["files"]
    assert all(Path(path).stat().st_size for path in files)  # type: ignore[attr-defined]


@machine_code
def test_a_process_that_ends_is_told(process: Process) -> None:
    with pytest.raises(Wrong, match="ended at"):
        process.ask(do="nothing that there is")
    with pytest.raises(Wrong, match="ended at"):
        process.ask(do="drop")


class Invented(Lives):
    """Processes that answer at once, with other times each; `results`: what the guest gives, by way."""

    def __init__(self, seconds: float, results: dict[str, int]) -> None:
        super().__init__(list(results))
        self.asked = list[tuple[str, Any]]()

        class Answering:
            def __init__(self, way: str, asked: list[tuple[str, Any]]) -> None:
                self.way, self.asked = way, asked

            def ask(self, **asked: Any) -> dict[str, object]:
                self.asked.append((self.way, asked))
                return {"seconds": [seconds], "result": results[self.way]}

        self.processes = {way: Answering(way, self.asked) for way in results}  # type: ignore[misc]


def test_ways_take_turns_run_by_run() -> None:
    lives = Invented(0.03, {"a": 1, "b": 1})
    assert lives.turns("threaded", "fib") == {"a": [0.03] * 4, "b": [0.03] * 4}
    assert [way for way, _ in lives.asked] == ["a", "b"] * 4
    assert len(Invented(1.0, {"a": 1}).turns("threaded", "fib")["a"]) == 1
    assert len(Invented(1e-9, {"a": 1}).turns("threaded", "fib")["a"]) == turns.MOST


def test_every_life_runs_as_often_as_the_first() -> None:
    lives = Invented(0.03, {"a": 1})
    assert len(lives.turns("threaded", "fib")["a"]) == len(lives.turns("threaded", "fib")["a"]) == 4


def test_ways_that_differ_are_wrong() -> None:
    with pytest.raises(Wrong, match="results differ"):
        Invented(0.03, {"a": 1, "b": 2}).turns("threaded", "fib")


def test_samples_are_kept_by_tier_thing_way_and_life() -> None:
    lives, into = Invented(1.0, {"a": 1, "b": 1}), dict[str, Any]()
    for _ in range(2):
        measured(lives, ["threaded"], ["fib"], into, most=1, step=lambda _what: None)
    assert into == {"threaded": {"fib": {"a": [[1.0], [1.0]], "b": [[1.0], [1.0]]}}}
    assert {"do": "drop"} in [asked for _, asked in lives.asked]


CHILD = """
import json, sys
for line in sys.stdin:
    print(json.dumps(json.loads(sys.argv[1])[json.loads(line)["do"]]), flush=True)
"""


@pytest.fixture
def invented_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes answer at once what is invented: what true ones take is making the code of their way."""
    answers = {"run": {"seconds": [1.0], "result": 55}, "drop": {}, "state": {"files": []}, "facts": data()["facts"][SINGLE]}
    monkeypatch.setattr(turns, "command", lambda _way: [sys.executable, "-S", "-c", CHILD, json.dumps(answers)])


def test_a_way_is_a_command() -> None:
    assert turns.command(SPACES)[1:] == ["-m", "bench.relative.child", SPACES]


@pytest.mark.usefixtures("invented_processes")
def test_lives_are_new_processes_in_another_order() -> None:
    with Lives([SINGLE, SPACES]) as lives:
        lives.begin(0)
        first = dict(lives.processes)
        assert lives.turns("threaded", "fib", 1, 5) == {SINGLE: [1.0], SPACES: [1.0]}
        lives.begin(1)
        assert list(lives.processes) == [SPACES, SINGLE]
        with pytest.raises((Wrong, ValueError)):
            first[SINGLE].ask(do="drop")


# ----------------------------------------------------------------------------------------------------------------- facts


@machine_code
@pytest.mark.parametrize("way", HERE)
def test_facts_of_a_way(way: str) -> None:
    assert facts.casts(way) == dict.fromkeys(("inttoptr, interpreter", "ptrtoint, interpreter", "inttoptr, stencils"), 0)
    assert facts.records()["FuncRefRecord"] == 16
    assert facts.forks(way).keys() == {"microseconds"}


@machine_code
def test_two_processes_have_the_same_words(tmp_path: Path) -> None:
    files: dict[str, dict[str, list[Path]]] = {}
    with Lives([SINGLE]) as lives:
        for life in range(2):
            lives.begin(life)
            differing(lives, files, tmp_path)
    found = state(files)
    assert len(found) >= 1
    assert all(of[SINGLE]["words"] > 0 == of[SINGLE]["differ"] for of in found.values())


def test_words_that_differ_are_counted(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(bytes(range(16)) + bytes(8))
    two.write_bytes(bytes(range(8)) + bytes(8) + bytes(8))
    assert state({"x": {"a": [one, two]}}) == {"x": {"a": {"words": 2, "differ": 1}}}


# ---------------------------------------------------------------------------------------------------------------- caches

PRINTED = {
    "perf": "100;;instructions:u;1;100.00;;\n20;;L1-dcache-load-misses:u;1;100.00;;\n3;;cache-misses:u;1;100.00;;\n",
    "cachegrind": "==1== I   refs:      1,00\n==1== D1  misses:  20  (1 rd + 2 wr)\n==1== LLd misses:    3  (\n",
}


@pytest.mark.parametrize("how", PRINTED)
def test_what_counters_print(how: str) -> None:
    assert caches.figures(how, PRINTED[how]) == {"instructions": 100, "L1": 20, "last": 3}
    assert caches.figures(how, PRINTED[how].rpartition("\n3" if how == "perf" else "\n==1== LLd")[0]) is None
    assert caches.figures(how, "<not supported>;;instructions:u;0;100.00;;") is None


def test_a_round_is_the_difference_of_many_and_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", lambda *_args, **_options: None)  # the run that fills caches of files
    monkeypatch.setattr(caches, "write", lambda _kernel, _folder: None)
    monkeypatch.setattr(caches, "run", lambda _how, _way, program: {"L1": 1000 + 3.0 * int(program[-1])})
    assert caches.counted("cachegrind", SINGLE, "baseline", KERNELS[0]) == {"L1": 3.0}


def test_what_cannot_be_counted_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None if name == "perf" else name)
    monkeypatch.setattr(caches, "run", lambda *_: None)
    with ThreadPoolExecutor(1) as pool:
        found = caches.caches([SINGLE], "baseline", pool)
    assert found == {"perf": "perf is not installed", "cachegrind": "valgrind counts nothing on this system"}


def test_misses_are_gathered_by_kernel_and_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caches, "why_not", lambda how: "no" if how == "perf" else None)
    monkeypatch.setattr(caches, "counted", lambda _how, way, _tier, _kernel: None if way == SPACES else {"L1": 1.0})
    with ThreadPoolExecutor(1) as pool:
        found = caches.caches([SINGLE, SPACES], "baseline", pool)
        assert found["perf"] == "no"
        jobs = found["cachegrind"]
        assert not isinstance(jobs, str)
        assert caches.gathered(jobs) == {kernel.name: {SINGLE: {"L1": 1.0}} for kernel in caches.COUNTED}


def test_kernels_whose_misses_are_counted_are_of_three_sizes() -> None:
    assert len({kernel.elements for kernel in caches.COUNTED}) == len(caches.COUNTED) == 3


# ------------------------------------------------------------------------------------------------------------------ page


def test_the_page_asks_for_what_there_is_and_for_all_of_it() -> None:
    asked = set(re.findall(r"\{\{([\w ]+)\}\}", page.TEMPLATE.read_text("utf-8")))
    known = page.Page(data()).values().keys()
    assert asked <= known
    assert known - asked <= {"verdict bar"}  # the headline says it


@pytest.mark.parametrize("changes", [{}, {"single": 1.05, "large": 0.8}, {"escapes": 3, "words": 7}])
def test_the_page_of_any_samples(changes: dict[str, Any]) -> None:
    text = page.text(data(**changes))
    assert "{{" not in text
    for judged in judge(data(**changes)):
        assert judged.verdict in text


def test_verdicts_in_the_table_lead_to_their_claims() -> None:
    text = page.text(data())
    keys = re.findall(r"\]\(#(\w+)\)", text)
    assert keys == [judged.key for judged in judge(data()) if judged.key != "bar"]
    assert re.findall(r'<a id="(\w+)">', text) == keys


def test_every_reason_is_of_a_tier() -> None:
    assert tomllib.loads(page.REASONS.read_text("utf-8")).keys() <= set(TIERS)


def test_a_list_of_numbers_is_one_line() -> None:
    packed = page.packed(data())
    assert json.loads(packed) == data()
    assert re.search(r"\[[\d.]+, [\d.]+\]", packed)


def kept() -> dict[str, Any]:
    return dict(json.loads(page.FIGURES.read_text("utf-8")))


def test_the_page_is_what_the_samples_say() -> None:
    assert page.PAGE.read_text("utf-8") == page.text(kept())


def test_pictures_are_those_of_the_samples() -> None:
    drawn = {path.stem: path.read_text("utf-8") for path in page.FOLDER.glob("*.svg")}
    assert drawn.keys() == pictures.PICTURES.keys()
    digest = pictures.digest(kept())
    assert [name for name, text in drawn.items() if digest not in text] == []
    linked = re.findall(r"\(relative-pointers/([\w-]+)\.svg\)", page.TEMPLATE.read_text("utf-8"))
    assert sorted(linked) == sorted(pictures.PICTURES)
    assert len(linked) <= 10


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_a_picture_has_no_ink_of_its_own_and_a_style(name: str) -> None:
    drawn = pictures.svg(data(), name)
    assert drawn == pictures.svg(data(), name)
    assert pictures.INK not in drawn
    assert "prefers-color-scheme: dark" in drawn
    assert "#000000" not in drawn


def test_what_is_written_is_the_page_and_its_pictures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(page, "FOLDER", tmp_path / "page")
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "old.svg").write_text("")
    written = page.write(data())
    assert {path.name for path in written} == {"page.md", *(f"{name}.svg" for name in pictures.PICTURES)}
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(written)


@pytest.mark.usefixtures("invented_processes")
def test_the_command_keeps_its_samples_and_leaves_the_page_alone(tmp_path: Path) -> None:
    before, samples = page.PAGE.read_bytes(), tmp_path / "samples.json"
    words = ["--only", "fib", "--quick", "--tiers", "threaded", "--ways", "single,single again,spaces", "--json", str(samples)]
    command = typer.Typer()
    command.command()(main)
    done = CliRunner().invoke(command, words)
    assert done.exit_code == 0, done.exception
    assert "bar: not measured" in done.stdout
    found = json.loads(samples.read_text("utf-8"))
    assert found["programs"]["threaded"].keys() == {"fib", "fib_indirect"}
    assert found["programs"]["threaded"]["fib"] == {way: [[1.0], [1.0]] for way in (SINGLE, AGAIN, SPACES)}
    assert page.PAGE.read_bytes() == before


def test_the_engine_is_that_of_this_checkout() -> None:
    assert Path(arenite.__file__).is_relative_to(turns.ROOT)
