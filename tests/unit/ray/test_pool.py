"""What a pool is told of work, before any of it is done."""

from __future__ import annotations

import functools

import pytest

pytest.importorskip("ray", reason="the extra ray is not there for every Python")

from arenite.ray.options import Options
from arenite.ray.pool import SLACK, Pool, named, silence


def answered(store: object, item: object) -> object:
    del store
    return item


def options(**asked: object) -> Options:
    usual = dict.fromkeys(("every", "timeout", "seconds", "fuel", "progress"))
    return Options(**(usual | {"ordered": True, "ahead": 1, "window": 1, "tries": 1, "patience": 1.0, "output": 1} | asked))  # type: ignore[arg-type]  # what they are is the question


@pytest.mark.parametrize("asked", [{"window": 0}, {"tries": 0}, {"ahead": -1}, {"every": 0.0}, {"every": -1.0}])
def test_what_would_never_end_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(asked))):
        options(**asked)


def test_a_pool_has_a_worker() -> None:
    with pytest.raises(ValueError, match="size 0"):
        Pool(None, size=0)  # type: ignore[arg-type]  # it is not looked at


@pytest.mark.parametrize(
    ("timeout", "longest", "found"), [(5.0, None, 5.0), (5.0, 30.0, 5.0), (None, 30.0, 30.0 + SLACK), (None, None, None)]
)
def test_a_worker_may_be_silent_for_as_long_as_was_said(
    timeout: float | None, longest: float | None, found: float | None
) -> None:
    assert silence(timeout, longest) == found


def test_recorded_work_is_known_by_code_or_name() -> None:
    assert named("item + 1") == "item + 1"
    assert named(answered) == f"{__name__}.answered"
    for what in (lambda _, item: item, functools.partial(answered, None)):
        with pytest.raises(TypeError, match="known again"):
            named(what)
