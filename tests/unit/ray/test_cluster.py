"""On a cluster: an image that is put once and mapped on each node, and forks of it that answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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
