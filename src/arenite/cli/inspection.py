"""`arenite inspect`: what a module imports and exports, what it is made of, and where its size goes; or what a snapshot holds.

Of a module it reads the binary format alone: nothing is translated, nothing runs.  For snapshots see `snapshots`.

Example:  inspect(Path("hello.wasm"))
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from arenite.cli.command import argument, command, option
from arenite.cli.ending import Refused
from arenite.cli.loading import refusing
from arenite.cli.options import DEFAULTS, PATH, configured, settings_option
from arenite.cli.snapshot_file import key, key_file_option, untrusted_option
from arenite.inspect.files import is_snapshot

if TYPE_CHECKING:
    from pathlib import Path


@command()
@argument("file", type=PATH, metavar="FILE", help="A module (.wasm, or text in .wat), or a snapshot (.arn).")
@option("--all", "everything", is_flag=True, help="Show whole lists, not the first or largest entries.")
@option("--html", type=PATH, metavar="OUT", help="Of a snapshot: write a page to look around in, and no list.")
@option(
    "--module",
    "modules",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="Of a snapshot: a module that does not travel along.",
)
@option("--parent", type=PATH, metavar="FILE", help="Of a delta: its parent, if it lies in another folder.")
@key_file_option
@untrusted_option
@settings_option
def inspect(
    file: Path,
    *,
    everything: bool,
    html: Path | None,
    modules: tuple[Path, ...],
    parent: Path | None,
    key_file: Path | None,
    untrusted: bool,
    settings: tuple[str, ...],
) -> None:
    """Show what is in a module or a snapshot, without running it.

    Of a module its imports and exports, the features of WebAssembly it needs, and where its bytes go.  Of a snapshot where its guest
    stands, what it imports and holds, and a picture of its arena and memories.
    """
    with refusing(file):
        snapshot = is_snapshot(file)
    from arenite.cli import look  # noqa: PLC0415 (it draws with rich, for which --help and a refusal need not wait)

    if snapshot:
        from arenite.cli import snapshots  # noqa: PLC0415 (as above)

        config = configured(DEFAULTS.tier, settings)
        wanted = snapshots.Wanted(modules, parent, html, everything, config, key(key_file), trusted=not untrusted)
        snapshots.inspect(file, wanted, look.console())
        return
    options = {
        "--html": html,
        "--module": modules,
        "--parent": parent,
        "--key-file": key_file,
        "--untrusted": untrusted,
        "--set": settings,
    }
    given = [name for name, value in options.items() if value]
    if given:
        are = "is" if len(given) == 1 else "are"
        raise Refused(f"{file} is no snapshot: {' and '.join(given)} {are} for snapshots, which `arenite freeze` writes")
    from arenite.cli.charts import show_module  # noqa: PLC0415 (as above)

    show_module(file, look.console(), sys.maxsize if everything else look.SHOWN)
