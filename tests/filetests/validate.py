"""`test = "validate"`: what the validator reports of each body, or the error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.errors import DecodeError, ValidationError
from arenite.layout.types import FuncType
from arenite.wasm.opcodes import OPCODES
from unit.wasm.recorder import Entry, report

if TYPE_CHECKING:
    from collections.abc import Iterator


def show(wasm: bytes, _options: dict[str, object]) -> str:
    try:
        return "\n".join(lines(report(wasm)))
    except (DecodeError, ValidationError) as error:
        return f"{type(error).__name__}: {error}"


def lines(log: list[Entry]) -> Iterator[str]:
    for at, method, args in log:
        if method == "begin":
            func, params, results, locals_, size = args
            assert isinstance(params, tuple)
            assert isinstance(results, tuple)
            yield f"func {func} {FuncType(params, results)} locals {locals_} size {size}"
        elif method != "finish":
            words = list(map(str, args))
            if method in {"numeric", "load", "store", "bulk"}:
                words[0] = next(opcode.name for opcode in OPCODES if str(opcode.code) == words[0])
            yield " ".join(["", f"{at:#04x}", method, *words])
