"""A sink that writes down what it is told, and the shortest way from text to a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import wasmtime

from arenite.wasm.decode import decode
from arenite.wasm.sink import Sink
from arenite.wasm.validate import BodyValidator, validate_module

if TYPE_CHECKING:
    from collections.abc import Callable

Entry = tuple[int, str, tuple[object, ...]]  # offset of the instruction, method of the sink, arguments


class Recorder:
    """`log` has an entry for each call of a method of `sink`."""

    def __init__(self, base: type[Sink] = Sink) -> None:
        self.log: list[Entry] = []
        methods = [name for name, value in vars(base).items() if callable(value) and not name.startswith("__")]
        overrides = {name: self.method(name) for name in methods}
        self.sink: Sink = type("Told", (base,), overrides)()

    def method(self, name: str) -> Callable[..., None]:
        def told(sink: Sink, *args: object) -> None:
            self.log.append((sink.at, name, tuple(list(arg) if isinstance(arg, list) else arg for arg in args)))

        return told


def report(wasm: bytes) -> list[Entry]:
    """What the validator says of all bodies of a module."""
    module = decode(wasm)
    validate_module(module)
    recorder = Recorder()
    validator = BodyValidator(module, recorder.sink)
    for index in range(len(module.bodies)):
        validator.body(index)
    return recorder.log


def report_wat(body: str) -> list[tuple[object, ...]]:
    """What the validator says of a function, without offsets, `begin` and `finish`."""
    entries = report(bytes(wasmtime.wat2wasm(f"(module {body})")))
    return [(name, *args) for _, name, args in entries if name not in {"begin", "finish"}]
