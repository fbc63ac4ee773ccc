"""`test = "translate"`: the bytecode of each function, verified; with `safepoints = true` what lives where the run may stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.bytecode.safepoints import safepoints_of
from arenite.bytecode.text import function_lines
from arenite.layout.types import type_name
from arenite.translate.module import translate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.bytecode.module import ModuleCode


def show(wasm: bytes, options: dict[str, object]) -> str:
    module = translate(wasm)
    return "\n".join(lines(module, safepoints=options.get("safepoints") is True))


def lines(module: ModuleCode, *, safepoints: bool) -> Iterator[str]:
    for index in range(module.function_count):
        yield from function_lines(module, index)
        if safepoints:
            begin = module.function(index).begin
            for s in safepoints_of(module, index):
                live = " ".join(f"r{slot}:{type_name(type_)}" for slot, type_ in s.slots)
                yield f"  safepoint .{s.pc - begin} {live}".rstrip()
