"""What a cluster looks like from outside: its nodes, and the workers of pools on them.

Example:  rows = looked(Cluster("auto"), seconds=2.0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arenite.ray.cluster import Cluster

Told = tuple[str, str, str, str, str, str, str]  # pool, worker, image, MiB, answered, boxes, state
Row = tuple[str, str, str, str, str, str, str, str, str, str]  # node, address, CPUs, and those
NOTHING: Told = ("", "", "", "", "", "", "")


def looked(cluster: Cluster, seconds: float) -> list[Row]:
    """A row for each worker, and for each node that has none."""
    workers: dict[str, list[Told]] = {}
    elsewhere = list[Told]()
    for name, facts in cluster.workers(seconds):
        pool, _, number = name.rpartition("/")
        if facts is None:
            elsewhere.append((pool, number, "", "", "", "", "busy, or not there"))
            continue
        size = facts.get("size")
        size_text = f"{size / (1 << 20):.0f}" if isinstance(size, int) else ""
        image = str(facts.get("image") or "")[:12]
        told = (pool, number, image, size_text, str(facts.get("done")), str(facts.get("boxes")), "ready" if image else "no image")
        workers.setdefault(str(facts.get("node")), []).append(told)
    rows = list[Row]()
    for node in cluster.nodes():
        for told in workers.get(node.id, [NOTHING]):
            rows.append((node.name, node.address, str(node.cpus), *told))
    rows += [("", "", "", *told) for told in elsewhere]
    return rows
