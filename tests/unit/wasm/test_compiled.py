"""The compiled walk over bodies and the same files uncompiled say the same, down to offsets and messages."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import wasmtime

import arenite.wasm.body.walk
import arenite.wasm.sink
import testdata
from arenite.errors import DecodeError, ValidationError
from arenite.wasm.decode import decode
from arenite.wasm.validate import validate_module
from unit.uncompiled import need_compiled, uncompiled
from unit.wasm.recorder import Recorder
from unit.wasm.test_hostile import SEED

if TYPE_CHECKING:
    from types import ModuleType

    from arenite.wasm.module import Module

FILETESTS = Path(__file__).parents[2] / "filetests" / "validate"


def told(module: Module, walk: ModuleType, sink: ModuleType) -> list[object]:
    """What a validator says of all bodies, errors included."""
    recorder = Recorder(sink.Sink)
    validator = walk.BodyValidator(module, recorder.sink)
    said: list[object] = []
    for index in range(len(module.bodies)):
        try:
            validator.body(index)
        except (DecodeError, ValidationError) as error:
            said.append((type(error).__name__, str(error)))
    return [*recorder.log, *said]


def corpus() -> list[bytes]:
    """Modules of the filetests, and one with bytes changed at random."""
    modules = [bytes(wasmtime.wat2wasm(path.read_text())) for path in testdata.files(FILETESTS, "*.wat")]
    chance = random.Random(1)
    for _ in range(2000):
        data = bytearray(SEED)
        data[chance.randrange(len(data) // 2, len(data))] = chance.choice([chance.randrange(256), 0x0B, 0x1A, 0x00])
        modules.append(bytes(data))
    return modules


def test_compiled_and_pure_say_the_same() -> None:
    need_compiled(arenite.wasm.body.walk)
    walk, sink = uncompiled("arenite.wasm.body.walk", "arenite.wasm.sink")
    compared = 0
    for data in corpus():
        try:
            module = decode(data)
            validate_module(module)
        except (DecodeError, ValidationError):
            continue
        assert told(module, arenite.wasm.body.walk, arenite.wasm.sink) == told(module, walk, sink)
        compared += 1
    assert compared > 1000
