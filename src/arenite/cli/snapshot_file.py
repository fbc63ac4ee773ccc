"""The options that say what snapshot is opened and what it needs, and opening it.

Example:  snapshot = opened(Path("booted.arn"), engine, config, modules=[], verify=False)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arenite import Snapshot
from arenite.api.hosts import WASI
from arenite.cli.loading import load, refusing
from arenite.cli.progress import progress

if TYPE_CHECKING:
    from arenite import Engine
    from arenite.wasi import WasiConfig

SnapshotFile = Annotated[
    Path, typer.Argument(metavar="FILE.arn", show_default=False, help="A snapshot, as `arenite freeze` writes them.")
]
Modules = Annotated[
    list[Path] | None,
    typer.Option(
        "--module", metavar="FILE.wasm", show_default=False, help="A module that the snapshot needs and that was not embedded."
    ),
]
Verify = Annotated[bool, typer.Option("--verify", help="Read and check the whole file first, not only what is used.")]


def opened(
    file: Path,
    engine: Engine,
    config: WasiConfig,
    *,
    modules: list[Path] | None,
    verify: bool,
    key: bytes | None = None,
    trusted: bool = True,
) -> Snapshot:
    """The snapshot in a file, with all that it refers to found; nothing of the guest has run.  Raises: Refused."""
    found = [load(engine, path) for path in modules or []]
    with refusing(file), progress(f"opening {file.name}"):
        snapshot = Snapshot.open(file, engine, verify=verify, key=key, trusted=trusted)
        return snapshot.link(modules=found, hosts={WASI: config})
