"""Boxes on a cluster: here one of this machine, with two workers; `RAY_ADDRESS` names another."""

import logging

import ray

from arenite import Sandbox
from arenite.ray import Pool

ray.init(
    "local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR, object_store_memory=150 << 20
)


def price(item: str) -> int:
    """What it costs."""
    return {"tea": 3, "cake": 5}[item]


with Pool(Sandbox.python()) as pool:
    print([answer.get() for answer in pool.map("item ** 2", range(5))])

    # A tool runs here, once for each call; the code may move between nodes meanwhile.
    for answer in pool.map("print(item, price(item))", ["tea", "cake", "milk"], tools=[price], every=0.5):
        print(answer.index, answer.stdout.strip(), (answer.error or "no error").strip().splitlines()[-1])

ray.shutdown()

# Output:
# [0, 1, 4, 9, 16]
# 0 tea 3 no error
# 1 cake 5 no error
# 2  KeyError: 'milk'
