"""`arenite objdump`: the bytecode that a module is translated to, as text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arenite import Engine
from arenite.cli.loading import load, read
from arenite.inspect.module import function_index


def objdump(
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False, help="A module: .wasm, or text in .wat.")],
    func: Annotated[
        str | None, typer.Argument(metavar="FUNC", show_default=False, help="Only this function: its index or name.")
    ] = None,
) -> None:
    """Print the bytecode of a module, or of one of its functions.

    This is what runs: WebAssembly is translated to it once, and every tier executes it.
    """
    module = load(Engine(), file)
    typer.echo(module.disassemble(None if func is None else function_index(read(file), func)))
