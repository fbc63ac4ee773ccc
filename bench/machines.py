"""Suite `ray`: an image on the nodes of a cluster, all of them on this machine: what it takes to get there, to fork there, to move, and to go on when a node is lost.

Four nodes of one CPU each; a machine with fewer CPUs shows overheads, and no more throughput than it has.
"""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import ray
from bench.measure import median, percentile
from bench.report import Report
from ray.cluster_utils import Cluster as LocalCluster

from arenite import Sandbox
from arenite.ray.answer import Work
from arenite.ray.cluster import Cluster
from arenite.ray.image import Image, Mapped
from arenite.ray.pool import Pool
from arenite.ray.worker import Job, Stretch
from arenite.sandbox import Tool
from arenite.sandbox.tools.toolbox import current_call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from arenite.ray.seats import Seat

STORE: Final = 256 << 20  # bytes of each node's
NODES: Final = 4
FORKS: Final = 1000
CALLS: Final = 100
GUESTS: Final = 200
STEPS: Final = 10  # calls of a tool by each guest
QUICK: Final = 0.05
SLICE: Final = 0.02  # seconds
LONG: Final = "sum(n * n for n in range(item))"
ROUNDS: Final = 100_000
STEPPING: Final = f"""
found = []
for n in range({STEPS}):
    found.append(step(item, n))
    print(n)
sum(found)
"""


@contextmanager
def cluster() -> Iterator[LocalCluster]:
    """Nodes, whose head has no CPU."""
    found = LocalCluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False}
    )
    try:
        for number in range(NODES):
            found.add_node(num_cpus=1, object_store_memory=STORE, node_name=f"node-{number}")
        ray.init(address=found.address, log_to_driver=False, logging_level="warning")
        yield found
    finally:
        ray.shutdown()
        found.shutdown()  # type: ignore[no-untyped-call]  # Ray's own have no types


def milliseconds(samples: list[float]) -> tuple[float, float]:
    """Median and the quickest twentieth."""
    return 1e3 * median(samples), 1e3 * percentile(samples, QUICK)


def forks(report: Report, image: Image, pool: Pool, step: Callable[[str], None]) -> None:
    """One fork, and one with a line, beside Ray's own task and the same in this process: in turns, one after the other."""
    ask, seat = Cluster(), pool.seats.now[0]
    line, nothing = Job(secrets.token_hex(8), "item + 1"), Job(secrets.token_hex(8), lambda _, item: item)
    refs, mapped = {job.id: [ask.put(job)] for job in (line, nothing)}, Mapped.copied(image.kind, image.data)

    def task() -> None:
        ask.result(ask.call(seat.handle, "facts"))

    def there(job: Job) -> None:
        ask.result(ask.call(seat.handle, "stretch", Stretch(Work("bench/0", 1), job.id, 1), refs.pop(job.id, [])))

    def here() -> None:
        with mapped.box() as box:
            box.run("item + 1", inputs={"item": 1})

    ways: dict[str, Callable[[], None]] = {
        "Ray's own task": task,
        "a fork that is asked nothing, there": lambda: there(nothing),
        "a fork and a line, there": lambda: there(line),
        "a fork and a line, in this process": here,
    }
    samples: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(CALLS):
        step(f"forks {number}")
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            samples[name].append(time.perf_counter() - begin)
    both = {name: milliseconds(taken) for name, taken in samples.items()}
    report.rows += [(name, *found, None) for name, found in both.items()]
    own, fork, asked, alone = both.values()
    report.rows.append(("a fork, beyond Ray's own task", fork[0] - own[0], fork[1] - own[1], "1"))
    beyond = (asked[n] - own[n] - alone[n] for n in range(2))
    report.rows.append(("a fork and a line, beyond the task and the same in this process", *beyond, "1"))
    report.samples["forks"] = samples


def throughput(report: Report, pool: Pool, step: Callable[[str], None]) -> None:
    """Many forks, and work that takes longer, beside one process."""
    step("a thousand forks")
    begin = time.perf_counter()
    answers = list(pool.map("item + 1", range(FORKS)))
    seconds = time.perf_counter() - begin
    if [answer.value for answer in answers] != [n + 1 for n in range(FORKS)]:
        report.problems.append("a fork has answered wrongly")
    report.rows.append((f"{FORKS:,} forks on {len(pool.seats.now)} nodes, each", 1e3 * seconds / FORKS, None, None))
    with Sandbox.python() as box:
        step("longer work, here")
        begin = time.perf_counter()
        for _ in range(20):
            (fork,) = box.fork()
            with fork:
                fork.run(LONG, inputs={"item": ROUNDS})
        alone = (time.perf_counter() - begin) / 20
    step("longer work, there")
    begin = time.perf_counter()
    list(pool.map(LONG, [ROUNDS] * 80))
    there = (time.perf_counter() - begin) / 80
    report.rows += [
        ("a longer line, in this process", 1e3 * alone, None, None),
        (f"on {NODES} nodes, each", 1e3 * there, None, None),
    ]


def moving(report: Report, pool: Pool, shipped: float, step: Callable[[str], None]) -> None:
    """A guest in the middle of its run goes to and fro."""
    ask, seats = Cluster(), pool.seats.now[:2]
    job = Job(secrets.token_hex(8), "n = 0\nrows = list(range(item))\nwhile True:\n    n += 1")
    ref = ask.put(job)

    def stretch(seat: Seat, sequence: int, after: bytes | None) -> tuple[bytes, float]:
        asked = Stretch(Work("moving/0", sequence), job.id, 1000, after, every=SLICE)
        begin = time.perf_counter()
        _, *pieces = (ask.result(ref) for ref in ask.call_in_pieces(seat.handle, "stretch_in_pieces", asked, [ref]))
        return b"".join(piece for piece in pieces if isinstance(piece, bytes)), time.perf_counter() - begin - SLICE

    after, _ = stretch(seats[0], 1, None)
    taken = []
    for number in range(20):
        step(f"moves {number}")
        after, seconds = stretch(seats[number % 2 ^ 1], number + 2, after)
        taken.append(seconds)
    for seat in seats:
        ask.call(seat.handle, "forget", ["moving/0"])
    report.rows.append(("a running guest moves: from bytes, and to bytes again", *milliseconds(taken), None))
    report.rows.append(
        ("its first shipment takes so many times that", shipped / median(taken), shipped / percentile(taken, QUICK), "10")
    )
    report.notes.append(f"a guest that moves is {len(after) >> 10} KiB; its image {pool.image.kind.size >> 20} MiB")
    report.samples["moves"] = {"seconds": taken}


def killed(report: Report, pool: Pool, nodes: LocalCluster, step: Callable[[str], None]) -> None:
    """A node goes while guests run on it."""
    calls = list[tuple[str, int, float]]()
    lost = set[int]()
    when = 0.0

    def call(item: int, n: int) -> int:
        nonlocal when
        found = current_call()
        assert found is not None
        calls.append((found.id, item, time.perf_counter()))
        if len(calls) == GUESTS * STEPS // 2:
            victim = next(node for node in nodes.list_all_nodes() if node.node_id == pool.seats.now[-1].node.id)
            lost.update(index for index, name in run.places.items() if name == pool.seats.now[-1].node.name)
            when = time.perf_counter()
            nodes.remove_node(victim, allow_graceful=False)
        return n * item

    run = pool.start(STEPPING, range(GUESTS), tools=[Tool(call, "step")], every=0.25, window=GUESTS)
    answers = []
    for answer in run:
        step(f"guests {len(answers)}")
        answers.append(answer)
    end = time.perf_counter()
    printed = "".join(f"{n}\n" for n in range(STEPS))
    wrong = [a for a in answers if a.value != a.index * sum(range(STEPS)) or a.stdout != printed]
    if len(answers) != GUESTS or wrong:
        report.problems.append(f"{len(wrong)} of {len(answers)} guests have answered wrongly, such as {wrong[:1]}")
    if len({id_ for id_, _, _ in calls}) != len(calls) or len(calls) != GUESTS * STEPS:
        report.problems.append("a call of a tool was done twice, or not")
    again = [min((t for _, item, t in calls if item == index and t > when + 0.05), default=end) - when for index in lost]
    report.rows.append(
        (
            f"a node of {NODES} is killed, with {len(lost)} of {GUESTS} guests: until the first goes on, s",
            min(again, default=0.0),
            None,
            None,
        )
    )
    report.rows.append(("until all have, s", max(again, default=0.0), None, None))
    report.notes.append(
        f"{run.progress.repeated} stretches that had not counted were begun again; {run.progress.moved} moves; all answers right, each call done once"
    )


def machines(only: str, rounds: int, step: Callable[[str], None]) -> Report:
    """The suite."""
    del rounds
    report = Report(
        "forks on a cluster of this machine (milliseconds, where nothing else is said)", ("", "median", "quick", "wanted")
    )
    if only:
        return report
    with Sandbox.python() as box:
        image = Image.of(box)
    step("a cluster")
    with cluster() as nodes:
        begin = time.perf_counter()
        with Pool(image) as pool:
            step("the first shipment")
            came = time.perf_counter() - begin
            each = [seconds for seat in pool.seats.now if isinstance(seconds := seat.facts["seconds"], float)]
            begin = time.perf_counter()
            ref = Cluster().put_bytes(image.data)
            put = time.perf_counter() - begin
            del ref
            report.rows.append((f"an image is put into the store ({image.kind.size >> 20} MiB)", 1e3 * put, None, None))
            report.rows.append(("and mapped on a node: fetched, copied, checked, opened", *milliseconds(each), None))
            report.rows.append((f"a pool on {len(pool.seats.now)} nodes, with its workers' processes", 1e3 * came, None, None))
            forks(report, image, pool, step)
            throughput(report, pool, step)
            moving(report, pool, put + percentile(each, QUICK), step)
            killed(report, pool, nodes, step)
    return report
