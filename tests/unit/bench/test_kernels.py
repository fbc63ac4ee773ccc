from __future__ import annotations

import pytest
from bench import variants
from bench.subjects import SUBJECTS, Package, subject
from bench.workloads import KERNELS, OWN, Workload

import arenite
import testdata
from arenite.platform import HAS_OBJECTS

pytestmark = pytest.mark.skipif(not HAS_OBJECTS, reason="the threaded tier needs machine code")


def test_every_kernel_is_listed() -> None:
    assert {work.path for work in OWN} == set(testdata.files(KERNELS, "*.wat"))


@pytest.mark.parametrize("work", OWN, ids=lambda work: work.name)
@pytest.mark.parametrize("name", ["safe", "native", "no fuel"])
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


def test_an_engine_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SUBJECTS, "absent", ("", "no_such_package", lambda: pytest.fail("made")))
    assert subject("absent") is None
