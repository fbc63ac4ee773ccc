"""Snapshot files on the command line: the options that say what is opened or written, by which key, and opening and writing it.

A key is never a word of a command line, which others can see and shells keep.

Example:  opened(Path("booted.arn"), engine, config, modules=[], verify=False); Saving.checked(engine, Path("warm.arn")).save(store)
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from arenite import Snapshot
from arenite.api.hosts import WASI
from arenite.api.keys import LONGEST_KEY, SHORTEST_KEY, checked_key
from arenite.cli.command import argument, option
from arenite.cli.loading import load, refusing
from arenite.cli.options import PATH
from arenite.cli.progress import progress
from arenite.light import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from arenite import Engine, Store
    from arenite.wasi import WasiConfig

snapshot_argument = argument("file", type=PATH, metavar="FILE.arn", help="A snapshot, as `arenite freeze` writes them.")
modules_option = option(
    "--module",
    "modules",
    type=PATH,
    multiple=True,
    metavar="FILE.wasm",
    help="A module that the snapshot needs and that was not embedded.",
)
verify_option = option("--verify", is_flag=True, help="Read and check the whole file first, not only what is used.")


def opened(
    file: Path,
    engine: Engine,
    config: WasiConfig,
    *,
    modules: Sequence[Path],
    verify: bool,
    key: bytes | None = None,
    trusted: bool = True,
) -> Snapshot:
    """The snapshot in a file, with all that it refers to found; nothing of the guest has run.  Raises: Refused."""
    found = [load(engine, path) for path in modules]
    with refusing(file), progress(f"opening {file.name}"):
        snapshot = Snapshot.open(file, engine, verify=verify, key=key, trusted=trusted)
        return snapshot.link(modules=found, hosts={WASI: config})


out_option = partial(option, "-o", "--output", "out", type=PATH, metavar="OUT.arn", help="The snapshot file to write.")
packed_option = option("--packed", is_flag=True, help="Write the small form, for shipping; it opens more slowly.")
no_embed_option = option("--no-embed", is_flag=True, help="Leave the module out: who opens the snapshot gives it with --module.")
parent_option = option("--parent", type=PATH, metavar="FILE.arn", help="Write only what differs from that snapshot.")


@dataclass(frozen=True)
class Saving:
    """A file to be written, and how."""

    out: Path
    packed: bool
    embed: bool
    parent: Snapshot | None
    key: bytes | None

    @staticmethod
    def none(*, packed: bool, no_embed: bool, parent: Path | None) -> None:
        """Refuse options about a file when none is written.  Raises: click.BadParameter."""
        if packed or no_embed or parent is not None:
            raise click.BadParameter("--packed, --no-embed and --parent go with -o and --at")

    @classmethod
    def checked(
        cls,
        engine: Engine,
        out: Path,
        *,
        packed: bool = False,
        no_embed: bool = False,
        parent: Path | None = None,
        key: bytes | None = None,
        trusted: bool = True,
    ) -> Saving:
        """What the options say, refused before anything runs.  Raises: click.BadParameter, Refused."""
        if not out.parent.is_dir():
            raise click.BadParameter(f"there is no folder {str(out.parent)!r}", param_hint="-o")
        if out.is_dir():
            raise click.BadParameter(f"{str(out)!r} is a directory", param_hint="-o")
        if packed and parent is not None:
            raise click.BadParameter("a delta is not packed: give --packed or --parent", param_hint="--parent")
        if parent is None:
            return cls(out, packed, not no_embed, None, key)
        with refusing(parent):
            return cls(out, packed, not no_embed, Snapshot.open(parent, engine, key=key, trusted=trusted), key)

    def save(self, store: Store) -> None:
        """Freeze the store and write the file.  Raises: Refused; no file appears then."""
        with refusing(self.out), progress(f"writing {self.out.name}") as advance:
            store.snapshot().save(
                self.out, parent=self.parent, packed=self.packed, embed=self.embed, progress=advance, key=self.key
            )


key_file_option = option(
    "--key-file",
    type=PATH,
    metavar="FILE",
    envvar="ARENITE_KEY_FILE",
    show_envvar=True,
    help=f"A file of {SHORTEST_KEY} to {LONGEST_KEY} random bytes: snapshots are written with this key, and refused unless they were.",
)
untrusted_option = option(
    "--untrusted", is_flag=True, help="Copy the file first: whoever supplied it may still change it or cut it off."
)


def key(file: Path | None) -> bytes | None:
    """The key in the file, which is its content as it is.  Raises: Refused, click.BadParameter."""
    if file is None:
        return None
    with refusing(file), file.open("rb") as opened:
        content = opened.read(LONGEST_KEY + 1)
    try:
        return checked_key(content)
    except ValueError:
        message = f"{file} is no key: it has not {SHORTEST_KEY} to {LONGEST_KEY} bytes"
        raise click.BadParameter(message, param_hint="--key-file") from None
