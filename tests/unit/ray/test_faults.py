"""What Ray does not have, or says that went wrong, by names of ours."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, NoReturn, cast

import pytest

pytest.importorskip("ray", reason="the extra ray is not there for every Python")

import ray
from ray import exceptions

from arenite import Limit, SnapshotError
from arenite.ray import cluster as door
from arenite.ray.answer import Outcome, Work
from arenite.ray.cluster import Cluster, LostWorkerError, WorkerError
from arenite.ray.errors import PoolError, StoreFullError
from arenite.ray.image import Mapped
from arenite.ray.worker import Job, Stretch, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.ray.image import Image

WITHOUT = """
import sys
sys.modules[{missing!r}] = None
import arenite.ray
try:
    {use}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("missing", "use"),
    [("ray", "arenite.ray.Pool"), ("fsspec", "import arenite.ray.places"), ("fsspec.core", "import arenite.ray.places")],
)
def test_without_the_package_an_error_names_the_extra(missing: str, use: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(missing=missing, use=use)], capture_output=True, text=True, check=True
    )
    assert "pip install 'arenite[ray]'" in done.stdout


def test_importing_the_package_imports_no_ray() -> None:
    code = "import sys, arenite.ray, arenite.ray.__main__; assert not {'ray', 'fsspec'} & sys.modules.keys()"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_full_store_is_tried_again_and_then_told(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []

    def put(value: object) -> object:
        tried.append(value)
        if len(tried) < 3:
            raise exceptions.ObjectStoreFullError("no room")
        return "there"

    monkeypatch.setattr(ray, "put", put)
    monkeypatch.setattr(door, "FULL_WAITS", (0.001, 0.001))
    assert Cluster.put(1) == "there"
    tried.clear()
    monkeypatch.setattr(door, "FULL_WAITS", (0.001,))
    with pytest.raises(StoreFullError, match="no room"):
        Cluster.put(1)
    assert len(tried) == 2


def raising(error: BaseException) -> object:
    def get(_ref: object, timeout: float | None = None) -> NoReturn:
        del timeout
        raise error

    return get


LOST = [
    exceptions.ActorDiedError(),
    exceptions.ActorUnavailableError("gone", b"a" * 16),
    exceptions.OutOfMemoryError("the node ran low on memory"),  # type: ignore[no-untyped-call]  # Ray's own have no types
    exceptions.WorkerCrashedError(),
    exceptions.ObjectLostError("0" * 56, None, ""),
    exceptions.GetTimeoutError("late"),
]


@pytest.mark.parametrize("error", LOST, ids=[type(error).__name__ for error in LOST])
def test_a_worker_that_is_lost_is_told_by_what_ray_says(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "get", raising(error))
    with pytest.raises(LostWorkerError, match=r"Error: |could not be fetched"):
        Cluster.result(None)


def test_what_a_worker_raises_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    task = cast("Callable[..., Exception]", exceptions.RayTaskError)
    monkeypatch.setattr(ray, "get", raising(task("hold", "traceback", SnapshotError("another version"))))
    with pytest.raises(SnapshotError, match="another version"):
        Cluster.result(None)
    monkeypatch.setattr(ray, "get", raising(task("hold", "traceback", None)))
    with pytest.raises(WorkerError, match="traceback"):
        Cluster.result(None)


def test_a_cluster_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def nodes() -> NoReturn:
        raise cast("Callable[..., Exception]", exceptions.RaySystemError)(Exception("no head"))

    monkeypatch.setattr(ray, "nodes", nodes)
    with pytest.raises(PoolError, match="no head"):
        Cluster.nodes()


@pytest.fixture
def worker(image: Image, monkeypatch: pytest.MonkeyPatch) -> Worker:
    monkeypatch.setattr(Cluster, "here", staticmethod(lambda: "here"))
    found = Worker()
    found._mapped = Mapped.copied(image.kind, image.data)
    return found


@pytest.mark.parametrize("path", ["/proc/self/fd/100000", __file__])
def test_where_another_has_not_the_image_any_more_it_is_taken_from_the_store(
    path: str, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cluster, "here", staticmethod(lambda: "here"))
    monkeypatch.setattr(Cluster, "result", staticmethod(lambda _: image.data))
    assert Worker().hold(image.kind, [None], path)["image"] == image.kind.id


def ask(worker: Worker, what: object, **asked: object) -> Outcome:
    worker._jobs["job"] = Job("job", what)  # type: ignore[arg-type]
    return worker.stretch(Stretch(Work("job/0", 1), "job", **asked), [])  # type: ignore[arg-type]


def test_code_that_takes_all_memory_has_an_error_of_its_own(worker: Worker) -> None:
    found = ask(worker, "bytearray(1 << 30)")
    assert "MemoryError" in str(found.error)
    assert ask(worker, "6 * 7").value == 42


def test_a_function_that_takes_all_memory_has_an_error_of_its_own(worker: Worker) -> None:
    found = ask(worker, lambda _box, _item: bytearray(1 << 60))
    assert isinstance(found.raised, MemoryError | OverflowError)


def test_errors_that_cannot_travel_are_told_in_words(worker: Worker) -> None:
    class OddError(Exception):
        def __reduce__(self) -> NoReturn:
            raise TypeError("not me")

    def odd(_box: object, _item: object) -> NoReturn:
        raise OddError("why")

    found = ask(worker, odd)
    assert found.raised is None
    assert "OddError: why" in str(found.error)
    kept = ask(worker, lambda _box, _item: (_ for _ in ()).throw(Limit("so much")))
    assert isinstance(kept.raised, Limit)


def test_inputs_that_are_no_plain_data_are_an_error_of_their_item(worker: Worker) -> None:
    assert "TypeError" in str(ask(worker, "item", item=object()).error)


def test_a_box_that_has_come_damaged_is_an_error_of_its_item(worker: Worker) -> None:
    worker._jobs["job"] = Job("job", "1")
    for after in (b"", b"no box", b"\x89arn-rel" + bytes(100)):
        found = worker.stretch(Stretch(Work("job/0", 2), "job", after=after), [])
        assert isinstance(found.raised, SnapshotError), found


def test_a_job_that_is_not_there_is_missed_and_not_done(worker: Worker) -> None:
    assert worker.stretch(Stretch(Work("job/0", 1), "unknown"), []).missing
