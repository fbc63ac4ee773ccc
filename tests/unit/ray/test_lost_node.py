"""A node that is killed in the middle; here, so that the workers of other tests have given their CPUs back."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("ray", reason="the extra ray is not there for every Python")

from arenite.ray.pool import Pool
from arenite.sandbox.tools.toolbox import current_call
from unit.ray.conftest import SMALL

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

    from arenite.ray.image import Image


def test_a_node_that_is_lost_in_the_middle_loses_nothing(cluster: Cluster, image: Image) -> None:
    third = cluster.add_node(num_cpus=1, object_store_memory=SMALL, node_name="three")
    code = """
import time
total = 0
for n in range(24):
    total += look(n)
    print(n)
total + item
"""
    calls: list[str] = []

    def look(n: int) -> int:
        found = current_call()
        assert found is not None
        calls.append(found.id)
        if len(calls) == 80:
            cluster.remove_node(third, allow_graceful=False)
        return n

    with Pool(image, nodes=["two", "three"]) as pool:
        run = pool.start(code, range(8), tools=[look], every=0.5, window=8)
        answers = list(run)
    assert [answer.get() for answer in answers] == [276 + n for n in range(8)]
    assert {answer.stdout for answer in answers} == {"".join(f"{n}\n" for n in range(24))}
    assert len(calls) == len(set(calls)) == 8 * 24  # each once, though the node is gone
    assert ("three", "two") in {pair for answer in answers for pair in pairwise(answer.nodes)}
    assert run.progress.moved > 0
