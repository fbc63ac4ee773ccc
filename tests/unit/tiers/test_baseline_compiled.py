"""The baseline compiler compiled by mypyc and the same file as plain Python make the same machine code, byte for byte."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import wasmtime

import arenite.tiers.baseline.compiler
import testdata
from arenite.bytecode.handlers import handler_pcs
from arenite.bytecode.module import FUNCTION
from arenite.errors import AreniteError
from arenite.platform import HAS_OBJECTS
from arenite.tiers.baseline.stencil_table import stencils_of
from arenite.tiers.threaded.objects import USUAL
from arenite.translate.module import translate
from unit.uncompiled import need_compiled, uncompiled

if TYPE_CHECKING:
    from arenite.bytecode.module import ModuleCode

pytestmark = pytest.mark.skipif(not HAS_OBJECTS, reason="the baseline tier needs machine code")

GUESTS = Path(__file__).parents[2]
ORIGIN, AT, POOL = 1 << 18, 1 << 12, 64


def outcomes(compiling: Any, tables: Any, routines: int, code: ModuleCode) -> list[object]:
    """All that a compiler says of each function, which knows those before it."""
    ids, ways = (
        struct.pack(f"<{len(code.types)}i", *range(7, 7 + len(code.types))),
        struct.pack(f"<{routines}i", *range(routines)),
    )
    known: dict[int, int] = {}
    handlers = handler_pcs(code.handlers)
    compiler = compiling.Compiler(tables, code.bytecode, ORIGIN, ids, ways, POOL, handlers, known)
    found, at = list[object](), AT
    for begin, end, *_ in FUNCTION.iter_unpack(code.functions):
        try:
            machine_code = compiler.function(begin, end, at)
        except compiling.UncompilableError:
            found.append("refused")
            continue
        said = [bytes(part.getvalue()) for part in (compiler.entries, compiler.return_points, compiler.calls)]
        found.append((bytes(machine_code), said, compiler.op_offsets(begin, end)))
        known[ORIGIN + begin] = at
        at += len(machine_code) + -len(machine_code) % 16
    return found


def test_compiled_and_pure_make_the_same_machine_code() -> None:
    need_compiled(arenite.tiers.baseline.compiler)
    plain, plain_sheets = uncompiled("arenite.tiers.baseline.compiler", "arenite.tiers.baseline.stencil_table")
    kept = stencils_of(USUAL)
    tables, plain_tables = kept.tables(), plain_sheets.StencilTable(*kept).tables()
    assert type(tables) is not type(plain_tables)
    compared = 0
    for path in [*testdata.files(GUESTS / "filetests", "*/*.wat"), *testdata.files(GUESTS / "differential" / "kernels", "*.wat")]:
        try:
            code = translate(bytes(wasmtime.wat2wasm(path.read_text())))
        except (AreniteError, wasmtime.WasmtimeError):
            continue
        compiled = outcomes(arenite.tiers.baseline.compiler, tables, len(kept.routines), code)
        assert compiled == outcomes(plain, plain_tables, len(kept.routines), code), path
        compared += len(compiled)
    assert compared > 50
