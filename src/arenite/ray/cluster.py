"""Ray, as far as it is used here.  Its errors come out as ours, by name; everything else here says what is wanted, not how Ray is asked.

Example:  cluster = Cluster(); seat = cluster.seat(cluster.nodes()[0]); cluster.result(cluster.call(seat, "facts"))
"""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import dataclass
from pickle import PickleBuffer
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

try:
    import ray
    from ray import cloudpickle, exceptions
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError as error:
    raise ImportError(f"arenite.ray needs Ray: pip install 'arenite[ray]' ({error})") from error

from arenite.ray.errors import PoolError, StoreFullError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ray import ObjectRef
    from ray.actor import ActorHandle


Ref: TypeAlias = object
"""Of an object in the store, or of an answer that comes."""
Handle: TypeAlias = object
"""Of a worker."""
NAMESPACE: Final = "arenite"
LONGEST: Final = 600  # characters of what is told of an error
FETCH: Final = 20.0  # seconds to fetch what is said to be there
PIECES: Final = 4
FULL_WAITS: Final = (0.2, 0.5, 1.0, 2.0)  # seconds between tries to put something into a full store


@dataclass(frozen=True)
class Node:
    """A machine of the cluster.  `id`: Ray's; `name`: its address, or how its owner has called it."""

    id: str
    name: str
    cpus: int
    address: str = ""


class LostWorkerError(Exception):
    """The worker is no more, or cannot be reached; what it was asked may have been done or not."""


class WorkerError(Exception):
    """The worker itself has failed at something, and is there."""


class Cluster:
    """The cluster that this process belongs to; it joins the one that is there, or begins one on this machine.

    `address`: of the one to join, "auto" for any that is there.  Raises: `ConnectionError`.
    """

    def __init__(self, address: str | None = None) -> None:
        if not ray.is_initialized():
            ray.init(address, log_to_driver=False, include_dashboard=False if address is None else None)

    @staticmethod
    def nodes() -> list[Node]:
        """Those that are alive and can work, in a fixed order.  Raises: `PoolError` where the cluster does not answer."""
        try:
            found: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]  # Ray's own have no types
        except exceptions.RayError as error:
            raise PoolError(f"the cluster does not answer: {error}") from error
        alive = [
            Node(
                one["NodeID"],
                one.get("NodeName") or one["NodeManagerAddress"],
                int(one["Resources"].get("CPU", 0)),
                one["NodeManagerAddress"],
            )
            for one in found
            if one["Alive"]
        ]
        return sorted((node for node in alive if node.cpus), key=lambda node: node.id)

    @staticmethod
    def put(value: object) -> Ref:
        """Into the object store.  Raises: `StoreFullError` where it is full and stays so."""
        for pause in (*FULL_WAITS, None):
            try:
                return ray.put(value)
            except (exceptions.ObjectStoreFullError, exceptions.OutOfDiskError) as error:
                if pause is None:
                    raise StoreFullError(
                        f"Ray's object store has no room, and none was made in {sum(FULL_WAITS)} s: {error}"
                    ) from error
                time.sleep(pause)
        raise AssertionError

    def put_bytes(self, data: bytes | memoryview) -> Ref:
        """Bytes, which whoever gets them sees where they lie in the store, and does not copy.  Raises: as `put`."""
        return self.put(PickleBuffer(data))

    @staticmethod
    def seat(node: Node, worker: type, name: str) -> Handle:
        """A new actor of a class on a node, which it has one CPU of.  `name`: by which others find it."""
        pinned = NodeAffinitySchedulingStrategy(node_id=node.id, soft=False)
        return (
            ray.remote(worker)
            .options(name=name, namespace=NAMESPACE, num_cpus=1, max_restarts=0, max_task_retries=0, scheduling_strategy=pinned)
            .remote()
        )

    @staticmethod
    def here() -> str:
        """The id of the node of this process."""
        found: str = ray.get_runtime_context().get_node_id()
        return found

    @staticmethod
    def workers(seconds: float) -> Iterator[tuple[str, dict[str, object] | None]]:
        """Of all pools of the cluster, by name, and what each tells of itself; None for those that do not in time."""
        names = sorted(one["name"] for one in ray.util.list_named_actors(all_namespaces=True) if one["namespace"] == NAMESPACE)
        calls = dict[str, Any]()
        for name in names:
            with contextlib.suppress(ValueError):  # it has gone meanwhile
                calls[name] = ray.get_actor(name, namespace=NAMESPACE).facts.remote()
        if calls:
            ray.wait(list(calls.values()), num_returns=len(calls), timeout=seconds)
        for name, call in calls.items():
            try:
                yield name, ray.get(call, timeout=0)
            except exceptions.RayError:
                yield name, None

    @staticmethod
    def call(handle: Handle, method: str, *args: object) -> Ref:
        """Ask a worker for something."""
        return getattr(handle, method).remote(*args)

    @staticmethod
    def call_in_pieces(handle: Handle, method: str, *args: object) -> tuple[Ref, ...]:
        """The same; it answers with something and `PIECES` of bytes.

        What is at most 100 KiB comes with the answer itself.  Longer things stay in the store of the worker's node until they are fetched: if that is lost
        then, they are lost.
        """
        return tuple(getattr(handle, method).options(num_returns=1 + PIECES).remote(*args))

    @staticmethod
    def ready(refs: Sequence[Ref], seconds: float) -> list[Ref]:
        """Those that have come, after so many seconds at most, or as soon as one has."""
        found, _ = ray.wait(list(refs), num_returns=len(refs), timeout=0)
        if not found and seconds > 0:
            found, _ = ray.wait(list(refs), num_returns=1, timeout=seconds)
        return list(found)

    @staticmethod
    def result(ref: Ref) -> object:
        """What has come.  Raises: `LostWorkerError`, `WorkerError`, what the worker raised that is arenite's."""
        try:
            return ray.get(cast("ObjectRef[object]", ref), timeout=FETCH)
        except exceptions.GetTimeoutError as error:
            raise LostWorkerError(f"what it answered could not be fetched in {FETCH:g} s") from error
        except (
            exceptions.RayActorError,
            exceptions.WorkerCrashedError,
            exceptions.OutOfMemoryError,
            exceptions.ObjectLostError,
        ) as error:
            raise LostWorkerError(f"{type(error).__name__}: {shortened(error)}") from error
        except exceptions.RayTaskError as error:
            cause = error.cause
            raise (cause if isinstance(cause, Exception) else WorkerError(str(error))) from error
        except exceptions.RayError as error:
            raise LostWorkerError(f"{type(error).__name__}: {shortened(error)}") from error

    @staticmethod
    def travels(value: object) -> bool:
        """Whether another process can have it, as what it is."""
        try:
            found = cloudpickle.loads(cloudpickle.dumps(value))  # type: ignore[no-untyped-call]  # Ray's own have no types
        except Exception:  # noqa: BLE001 (its own methods)
            return False
        return type(found) is type(value)

    @staticmethod
    def end(handles: Iterable[Handle]) -> None:
        """End workers at once."""
        for handle in handles:
            ray.kill(cast("ActorHandle[object]", handle), no_restart=True)


def shortened(error: Exception) -> str:
    """What Ray says, without the colours, and of a traceback the end."""
    text = " ".join(re.sub(r"\x1b\[[0-9;]*m|\^{2,}", "", str(error)).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"
