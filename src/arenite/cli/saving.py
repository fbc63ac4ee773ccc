"""The options that say what snapshot file is written, and writing it.

Example:  Saving.checked(engine, Path("booted.arn")).save(store)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arenite import Snapshot
from arenite.cli.loading import refusing
from arenite.cli.progress import progress

if TYPE_CHECKING:
    from arenite import Engine, Store

OUT = typer.Option("-o", "--output", metavar="OUT.arn", show_default=False, help="The snapshot file to write.")
Packed = Annotated[bool, typer.Option("--packed", help="Write the small form, for shipping; it opens more slowly.")]
NoEmbed = Annotated[bool, typer.Option("--no-embed", help="Leave the module out: who opens the snapshot gives it with --module.")]
Parent = Annotated[
    Path | None,
    typer.Option("--parent", metavar="FILE.arn", show_default=False, help="Write only what differs from that snapshot."),
]


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
        """Refuse options about a file when none is written.  Raises: typer.BadParameter."""
        if packed or no_embed or parent is not None:
            raise typer.BadParameter("--packed, --no-embed and --parent go with -o and --at")

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
        """What the options say, refused before anything runs.  Raises: typer.BadParameter, Refused."""
        if not out.parent.is_dir():
            raise typer.BadParameter(f"there is no folder {str(out.parent)!r}", param_hint="-o")
        if out.is_dir():
            raise typer.BadParameter(f"{str(out)!r} is a directory", param_hint="-o")
        if packed and parent is not None:
            raise typer.BadParameter("a delta is not packed: give --packed or --parent", param_hint="--parent")
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
