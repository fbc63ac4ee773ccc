"""Where the system refuses executable memory, guests run on in the interpreter, and one warning says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arenite import Instance, Module, Store
from arenite.errors import Limit
from arenite.platform import HAS_OBJECTS
from arenite.platform.codespace import CodeSpace
from arenite.tiers.baseline.code import warn_once
from tiers import Way, engine_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not HAS_OBJECTS, reason="the baseline tier needs machine code")


@pytest.fixture(autouse=True)
def nothing_said() -> Iterator[None]:
    warn_once.cache_clear()
    yield
    warn_once.cache_clear()


@pytest.mark.parametrize("way", ["auto", "baseline"])
def test_guests_run_on_and_it_is_said_once(way: Way, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_space: CodeSpace, **_options: object) -> int:
        raise Limit("no executable memory")

    monkeypatch.setattr(CodeSpace, "publish", refuse)
    engine = engine_of(way)
    for number in range(3):  # a window each
        store = Store(engine)
        text = f'(module (func (export "f") (result i32) (i32.const {number})))'
        run: Any = Instance(store, Module(engine, text), []).exports(store)["f"]
        assert [run(store) for _ in range(5)] == [number] * 5
    assert [record.getMessage() for record in caplog.records] == ["guests run on in the interpreter: no executable memory"]
