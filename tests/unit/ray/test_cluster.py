"""On a cluster: an image that is put once and mapped on each node, and forks of it that answer."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

pytest.importorskip("ray", reason="the extra ray is not there for every Python")

from arenite.ray.__main__ import main
from arenite.ray.errors import LostError
from arenite.ray.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ray.cluster_utils import Cluster

    from arenite import Sandbox
    from arenite.ray.image import Image


@pytest.fixture(scope="module")
def pool(cluster: Cluster, image: Image) -> Iterator[Pool]:
    del cluster
    with Pool(image) as found:
        yield found


def test_each_node_maps_the_image_once(pool: Pool, image: Image) -> None:
    facts = pool.facts()
    assert {one["node"] for one in facts} == {"one", "two"}
    assert [one["image"] for one in facts] == [image.kind.id] * 2


def test_status_shows_nodes_pools_and_images(pool: Pool, image: Image, cluster: Cluster) -> None:
    del pool
    done = CliRunner().invoke(main, ["status", "--address", cluster.address])
    assert done.exit_code == 0, done.output
    for word in ("one", "two", image.kind.id[:12], "ready"):
        assert word in done.output


def test_help_is_for_newcomers() -> None:
    done = CliRunner().invoke(main, ["--help"])
    assert "status" in done.output
    assert "image" in done.output


def test_code_answers_for_each_input_in_order(pool: Pool) -> None:
    answers = list(pool.map("print('for', item)\nitem ** 2", range(40)))
    assert [answer.get() for answer in answers] == [n * n for n in range(40)]
    assert [answer.stdout for answer in answers] == [f"for {n}\n" for n in range(40)]
    assert {node for answer in answers for node in answer.nodes} == {"one", "two"}


def test_a_function_has_a_fork(pool: Pool) -> None:
    def both(box: Sandbox, item: int) -> tuple[object, object]:
        box.run(f"x = {item}")
        return box.run("x + 1").value, item

    answers = list(pool.unordered(both, range(10)))
    assert sorted(answer.get() for answer in answers) == [(n + 1, n) for n in range(10)]  # type: ignore[type-var]


def test_an_error_is_its_items_own(pool: Pool) -> None:
    first, second = pool.map("1 // item", [0, 1])
    assert "ZeroDivisionError" in str(first.error)
    assert second.get() == 1


def test_tools_are_called_here_and_runs_are_cut_into_stretches(pool: Pool) -> None:
    here = []

    def look(word: str) -> int:
        """How long it is."""
        here.append(word)
        return len(word)

    code = """
import time
n = look('x' * item)
end = time.monotonic() + 0.3
while time.monotonic() < end: pass
print(n)
n + look('yy')
"""
    answers = list(pool.map(code, [3, 4], tools=[look], every=0.1))
    assert [(answer.get(), answer.stdout) for answer in answers] == [(5, "3\n"), (6, "4\n")]
    assert sorted(here) == ["xxx", "xxxx", "yy", "yy"]
    assert all(answer.work.sequence >= 4 for answer in answers)


def test_a_worker_that_is_killed_is_replaced_and_an_item_that_kills_them_is_told(pool: Pool) -> None:
    def kill(box: Sandbox, item: int) -> int:
        del box
        if item == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    answers = list(pool.map(kill, range(5), tries=2))
    assert [answer.index for answer in answers if answer.error] == [2]
    assert isinstance(answers[2].raised, LostError)
    assert "given up after 2 tries: worker " in str(answers[2].error)
    assert [answer.get() for answer in answers if not answer.error] == [0, 1, 3, 4]
