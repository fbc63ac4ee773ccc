"""Public classes as others see them: in pickles, and as types at run time."""

from __future__ import annotations

import pickle
import typing

import arenite
from arenite import Caller, Engine, PauseReason, Snapshot, Store, Storelike


def test_pickles_name_the_package() -> None:
    data = pickle.dumps(Store(Engine()).snapshot(), protocol=0)
    assert b"carenite\nSnapshot\n" in data
    assert b"arenite.api" not in data
    assert isinstance(pickle.loads(data), Snapshot)
    assert pickle.loads(pickle.dumps(PauseReason.FUEL)) is PauseReason.FUEL


def test_pickles_of_the_first_version_name_a_file() -> None:
    assert pickle.loads(b"carenite.api.snapshot\nSnapshot\n.") is Snapshot


def test_storelike_is_a_type() -> None:
    assert isinstance(Store(Engine()), Storelike)
    assert typing.get_args(Storelike) == (Store, Caller)
    assert arenite.Storelike is Storelike
