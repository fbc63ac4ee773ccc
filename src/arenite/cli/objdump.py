"""`arenite objdump`: the bytecode that a module is translated to, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from arenite import Engine
from arenite.cli.command import argument, command
from arenite.cli.loading import load, read
from arenite.cli.options import PATH
from arenite.inspect.module import function_index

if TYPE_CHECKING:
    from pathlib import Path


@command()
@argument("file", type=PATH, metavar="FILE", help="A module: .wasm, or text in .wat.")
@argument("func", required=False, metavar="[FUNC]", help="Only this function: its index or name.")
def objdump(file: Path, func: str | None) -> None:
    """Print the bytecode of a module, or of one of its functions.

    This is what runs: WebAssembly is translated to it once, and every tier executes it.
    """
    module = load(Engine(), file)
    click.echo(module.disassemble(None if func is None else function_index(read(file), func)))
