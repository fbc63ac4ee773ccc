"""The option that says by which key a snapshot file is written or known.

A key is never a word of a command line, which others can see and shells keep.

Example:  key(Path("team.key"))
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arenite.api.keys import LONGEST_KEY, SHORTEST_KEY, checked_key
from arenite.cli.loading import refusing

KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="FILE",
        show_default=False,
        envvar="ARENITE_KEY_FILE",
        help=f"A file of {SHORTEST_KEY} to {LONGEST_KEY} random bytes: snapshots are written with this key, and refused unless they were.",
    ),
]
Untrusted = Annotated[
    bool,
    typer.Option("--untrusted", help="Copy the file first: whoever supplied it may still change it or cut it off."),
]


def key(file: Path | None) -> bytes | None:
    """The key in the file, which is its content as it is.  Raises: Refused, typer.BadParameter."""
    if file is None:
        return None
    with refusing(file), file.open("rb") as opened:
        content = opened.read(LONGEST_KEY + 1)
    try:
        return checked_key(content)
    except ValueError:
        message = f"{file} is no key: it has not {SHORTEST_KEY} to {LONGEST_KEY} bytes"
        raise typer.BadParameter(message, param_hint="--key-file") from None
