"""`arenite objdump`: the bytecode that a module is translated to, as text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arenite.api import Engine
from arenite.cli.ending import Refused
from arenite.cli.loading import load, read
from arenite.wasm.decode import decode
from arenite.wasm.module import Kind

if TYPE_CHECKING:
    from arenite.wasm.module import Module


def find(module: Module, wanted: str) -> int:
    """The index of the function that has this index or name, exported or of the name section.  Raises: Refused."""
    named = {name: index for index, name in module.names.funcs.items()}
    named |= {export.name: export.index for export in module.exports if export.kind == Kind.FUNC}
    index = named.get(wanted, int(wanted) if wanted.isdecimal() else -1)
    first, end = module.imported(Kind.FUNC), len(module.funcs)
    if not 0 <= index < end:
        raise Refused(f"no function {wanted!r}: give a name or an index below {end}")
    if index < first:
        raise Refused(f"function {wanted} is imported: it has no code here")
    return index


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
    typer.echo(module.disassemble(None if func is None else find(decode(read(file)), func)))
