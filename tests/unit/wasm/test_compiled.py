"""The compiled walk over bodies and the same files uncompiled say the same, down to offsets and messages."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import wasmtime

import arenite.wasm.body
import arenite.wasm.context
import arenite.wasm.control
import arenite.wasm.entities
import arenite.wasm.reader
import arenite.wasm.sink
import arenite.wasm.stacks
import testdata
from arenite.errors import DecodeError, ValidationError
from arenite.layout.types import BOTTOM
from arenite.wasm.decode import decode
from arenite.wasm.validate import validate_module
from unit.wasm.recorder import Recorder
from unit.wasm.test_hostile import SEED

if TYPE_CHECKING:
    from types import ModuleType

    from arenite.wasm.module import Module

COMPILED = (
    *(arenite.wasm.reader, arenite.wasm.stacks, arenite.wasm.sink),
    *(arenite.wasm.context, arenite.wasm.control, arenite.wasm.entities, arenite.wasm.body),
)
FILETESTS = Path(__file__).parents[2] / "filetests" / "validate"


def pure() -> dict[str, ModuleType]:
    """The hot modules, loaded anew from their source, using each other."""
    kept = {module.__name__: module for module in COMPILED}
    try:
        for name, module in kept.items():
            source = Path(module.__file__ or "").with_name(name.rpartition(".")[2] + ".py")
            spec = importlib.util.spec_from_file_location(name, source)
            assert spec is not None
            assert spec.loader is not None
            sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[name])
        return {name: sys.modules[name] for name in kept}
    finally:
        sys.modules.update(kept)


def told(module: Module, modules: dict[str, ModuleType]) -> list[object]:
    """What a validator says of all bodies, errors included."""
    recorder = Recorder(modules["arenite.wasm.sink"].Sink)
    validator = modules["arenite.wasm.body"].BodyValidator(module, recorder.sink)
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
    if (arenite.wasm.body.__file__ or "").endswith(".py"):
        testdata.absent("the hot modules are not compiled here: tools/build.py")
    compiled, plain = {module.__name__: module for module in COMPILED}, pure()
    assert (plain["arenite.wasm.body"].__file__ or "").endswith(".py")
    compared = 0
    for data in corpus():
        try:
            module = decode(data)
            validate_module(module)
        except (DecodeError, ValidationError):
            continue
        assert told(module, compiled) == told(module, plain)
        compared += 1
    assert compared > 1000


def test_the_validator_s_bottom_is_that_of_types() -> None:
    """Compiled code has constants of its own, since those of other modules are looked up."""
    assert arenite.wasm.stacks.BOTTOM == BOTTOM
