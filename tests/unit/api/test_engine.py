"""Engines where the threaded tier cannot run, and what modules carry beside their code."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
import wasmtime

from arenite import Config, Engine, Module, platform, wat2wasm
from arenite.config import WASMTIME

GUEST = """
import resource, sys, warnings
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
import arenite
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    engine = arenite.Engine()
(warning,) = caught
print(engine.tier.name, "|", warning.category.__name__, "|", warning.message)
module = arenite.Module(engine, bytes.fromhex("{module}"))
with arenite.Store(engine) as store:
    print(arenite.Instance(store, module, []).call(store, "f"))
"""
TEXT = """
(module (memory 1) (func (export "f") (result i32)
  (i32.store (i32.const 0) (i32.const 42)) (i32.load (i32.const 0))))
"""


@pytest.mark.skipif(not platform.HAS_CAGE, reason="without a cage every engine is portable")
def test_no_room_for_a_cage() -> None:
    command = [sys.executable, "-c", GUEST.format(module=wat2wasm(TEXT).hex())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("safe | RuntimeWarning | guests run on the slower tier 'safe': ")
    assert second == "42"


def test_custom_sections() -> None:
    wasm = bytes.fromhex("0061736d01000000" + "00060161" + "01020304" + "00020162" + "00030161" + "05")
    module = Module(Engine(), wasm)
    assert module.custom_sections("a") == [bytes((1, 2, 3, 4)), bytes((5,))]
    assert module.custom_sections("b") == [b""]
    assert module.custom_sections("c") == []


def test_switches_of_the_wasmtime_package() -> None:
    config = Config()
    config.wasm_multi_value = True
    config.wasm_simd = False
    config.debug_info = True
    config.strategy = "cranelift"
    assert config == Config()
    for name, value, words in (("wasm_simd", True, "does not have"), ("wasm_bulk_memory", False, "always has")):
        with pytest.raises(ValueError, match=f"{name} is {value}: arenite {words} that"):
            setattr(config, name, value)
    with pytest.raises(AttributeError):
        config.wasm_smid = False


def test_every_switch_of_the_wasmtime_package_is_known() -> None:
    theirs = {name for name, item in vars(wasmtime.Config).items() if isinstance(item, property)}
    assert theirs - {field.name for field in dataclasses.fields(Config)} == set(WASMTIME)
