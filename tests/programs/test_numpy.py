"""numpy frozen in the middle of a program and forked: with `make programs` alone, for its CPython is 99 MB."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import testdata
from arenite import Config, Engine, FuncType, Linker, Module, Snapshot, WasiConfig
from arenite.driver import Driver, exported
from arenite.world.feed import Feed
from programs.fetch import fetch, programs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from arenite import Instance, Store
    from arenite.driver import Call

READER = """
import sys, numpy
a = numpy.arange(9.0).reshape(3, 3)
print("ready", flush=True)
for line in sys.stdin:
    print(int((a @ (a + int(line))).sum()), flush=True)
"""
FORKS = 100


def entry(store: Store, instance: Instance) -> Iterable[Call]:
    return exported(store, instance, "run")


@pytest.mark.skipif(os.environ.get("ARENITE_PROGRAMS_RUN") != "all", reason="fetches 98 MB; `make programs` runs it")
@pytest.mark.timeout(900)
def test_a_frozen_numpy_is_forked_a_hundred_times_and_each_fork_answers(tmp_path: Path) -> None:
    fetched = fetch(programs(testdata.find("programs.toml"))["numpy"])
    engine = Engine(Config(tier="auto"))

    def wasi(feed: Feed, out: bytearray) -> WasiConfig:
        config = WasiConfig(argv=["python", "-c", READER], env=fetched.program.environment, stdin=feed, stdout=out)
        for guest, inside in fetched.program.preopens.items():
            config.preopen_dir(str(fetched.folder / inside), guest)
        return config

    linker = Linker(engine)
    linker.define_wasi()
    module = Module.from_file(engine, fetched.wasm)
    for item in module.imports:
        if item.module == "host":
            assert isinstance(item.type, FuncType)
            linker.define_func(item.module, item.name, item.type, lambda *_: -1)
    out = bytearray()
    with Driver.begin(module, entry, wasi=wasi(Feed(), out), linker=linker) as driver:
        driver.run()
        assert out == b"ready\n"
        driver.store.snapshot().save(tmp_path / "numpy.arn")
    snapshot = Snapshot.open(tmp_path / "numpy.arn", engine).link(linker, wasi=WasiConfig())
    for n in range(FORKS):
        out, feed = bytearray(), Feed(b"%d\n" % n)
        feed.close()
        with Driver.resume(snapshot, entry, wasi=wasi(feed, out)) as driver:
            driver.run()
        wanted = sum((3 * i + k) * (3 * k + j + n) for i in range(3) for j in range(3) for k in range(3))
        assert out == b"%d\n" % wanted
