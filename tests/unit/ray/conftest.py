"""A small cluster on this machine, for all tests of this folder; one that loses nodes begins them itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arenite import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ray.cluster_utils import Cluster

    from arenite.ray.image import Image

SMALL = 80 << 20  # bytes of a node's object store: the least that Ray takes


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    ray = pytest.importorskip("ray", reason="the extra ray is not there for every Python")
    from ray.cluster_utils import Cluster  # noqa: PLC0415 (it is an extra)

    found = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "object_store_memory": 2 * SMALL, "include_dashboard": False, "node_name": "one"},
    )
    try:
        found.add_node(num_cpus=1, object_store_memory=SMALL, node_name="two")
        ray.init(address=found.address, log_to_driver=False, logging_level="warning")
        yield found
    finally:
        ray.shutdown()
        found.shutdown()  # type: ignore[no-untyped-call]  # Ray's own have no types


@pytest.fixture(scope="package")
def image() -> Image:
    pytest.importorskip("ray", reason="the extra ray is not there for every Python")
    from arenite.ray.image import Image  # noqa: PLC0415 (as above)

    with Sandbox.python(seconds=20.0) as box:
        return Image.of(box)
