from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from bench import variants, workloads
from bench.measure import PACKAGES
from bench.subjects import SUBJECTS, Package, Timed, subject
from bench.workloads import KERNELS, OWN, Workload

import arenite
import testdata
from arenite.platform import HAS_OBJECTS
from arenite.tiers.baseline.code import CodeOfWindow

pytestmark = pytest.mark.skipif(not HAS_OBJECTS, reason="the threaded tier needs machine code")


def test_every_kernel_is_listed() -> None:
    assert {work.path for work in OWN} == set(testdata.files(KERNELS, "*.wat"))


@pytest.mark.parametrize("work", OWN, ids=lambda work: work.name)
@pytest.mark.parametrize("name", ["safe", "baseline", "auto", "fresh", "native", "no fuel"])
def test_engines_agree(work: Workload, name: str) -> None:
    first, other = subject("threaded"), subject(name)
    assert first is not None
    assert other is not None
    assert first.run(work, work.small).result == other.run(work, work.small).result


def test_the_control_takes_no_fuel() -> None:
    engine = arenite.Engine(arenite.Config(consume_fuel=True))
    engine.tier = variants.without_fuel()
    with arenite.Store(engine) as store:
        store.set_fuel(1)
        run = arenite.Instance(store, arenite.Module(engine, OWN[0].wasm), []).exports(store)["run"]
        assert isinstance(run, arenite.Func)
        assert run(store, 10) == 55
        assert store.get_fuel() == 1


def test_the_tier_itself_still_takes_fuel() -> None:
    variants.without_fuel()
    engine = arenite.Engine(arenite.Config(consume_fuel=True))
    with arenite.Store(engine) as store:
        store.set_fuel(1)
        run = arenite.Instance(store, arenite.Module(engine, OWN[0].wasm), []).exports(store)["run"]
        assert isinstance(run, arenite.Func)
        with pytest.raises(arenite.Trap, match="fuel"):
            run(store, 10)


def test_epochs_have_a_deadline() -> None:
    epoch = subject("epoch")
    assert isinstance(epoch, Package)
    assert epoch.epochs
    assert epoch.run(OWN[0], 10).result == 55


@pytest.mark.parametrize("name", ["threaded", "baseline", "auto", "safe"])
def test_a_tier_is_the_one_that_it_is_named_for(name: str) -> None:
    package = subject(name)
    assert isinstance(package, Package)
    assert isinstance(package.engine, arenite.Engine)
    assert package.engine.config.tier == name


@pytest.mark.parametrize(("name", "windows"), [("auto", 1), ("baseline", 1), ("fresh", 3)])
def test_what_is_compiled_stays_but_for_first_runs(monkeypatch: pytest.MonkeyPatch, name: str, windows: int) -> None:
    calls = list[None]()

    class Noted(CodeOfWindow):
        def __init__(self, *args: Any) -> None:
            calls.append(None)
            super().__init__(*args)

    monkeypatch.setattr("arenite.tiers.baseline.CodeOfWindow", Noted)
    package = subject(name)
    assert package is not None
    for _ in range(3):
        package.run(OWN[0], 10)
    assert len(calls) == windows


def test_runs_that_warm_up_come_once(monkeypatch: pytest.MonkeyPatch) -> None:
    package, runs = Package(arenite, arenite.Engine(), warm=2), list[int]()
    run = package._run

    def noted(work: Workload, size: int) -> Timed:
        runs.append(size)
        return run(work, size)

    monkeypatch.setattr(package, "_run", noted)
    for size in (5, 6):
        package.run(OWN[0], size)
    assert runs == [5, 5, 5, 6]


def test_what_is_not_here_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(workloads.workloads()) + len(workloads.missing()) >= len(OWN) + 1
    monkeypatch.setattr(workloads, "wasure_file", lambda _program: None)
    monkeypatch.setattr(workloads, "python_guest", lambda: None)
    assert workloads.workloads() == list(OWN)
    assert [what.partition(":")[0] for what in workloads.missing()] == ["programs of wasure", "CPython"]


def test_an_extra_installs_all_that_takes_part() -> None:
    extras = tomllib.loads((KERNELS.parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    optional = extras["optional-dependencies"]
    others = re.findall(
        r"\w+", optional["bench"][0].partition("[")[2]
    )  # "arenite[wat,python]" is all that these extras name, too
    lines = (*extras["dependencies"], *optional["bench"], *(line for other in others for line in optional[other]))
    assert set(PACKAGES) <= {re.split(r"[=>\[]", line)[0] for line in lines}


def test_an_engine_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SUBJECTS, "absent", ("", "no_such_package", lambda: pytest.fail("made")))
    assert subject("absent") is None
