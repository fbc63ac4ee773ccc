"""Changed pages that lie apart: many more runs of them than the system takes in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite import Instance, Memory, Snapshot, Store
from arenite.layout.cage import HOST_PAGE
from marks import EACH_TIER
from unit.machine.guests import engine, module

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName

RUNS = 2500  # more than twice as many as one call takes
PAGES = 3 * RUNS  # of the template, so that it stays one


@EACH_TIER
def test_every_run_arrives(tier: TierName, tmp_path: Path) -> None:
    store = Store(engine(tier=tier))
    wat = f'(module (memory (export "m") {-(-PAGES * HOST_PAGE // 65536)}))'
    memory = Instance(store, module(store.engine, wat), []).exports(store)["m"]
    assert isinstance(memory, Memory)
    with memory.view(store) as view:
        view[:: HOST_PAGE // 2] = b"\1" * len(range(0, len(view), HOST_PAGE // 2))
    template = store.snapshot()
    with memory.view(store) as view:
        for run in range(RUNS):
            view[2 * run * HOST_PAGE + 7 : 2 * run * HOST_PAGE + 11] = run.to_bytes(4, "little")
    expected = memory.read(store)
    snapshot = store.snapshot()
    if tier != "safe":
        assert len(snapshot.frozen().image.changed[1].places) == RUNS, "it has no template of its own"
    template.save(tmp_path / "template.arn")
    snapshot.save(tmp_path / "changed.arn", parent=template)
    for fork in (snapshot.fork(), Snapshot.open(tmp_path / "changed.arn", store.engine).fork()):
        area = fork.machine.cage.memory(0)
        assert area == expected
