"""A guest does the same on this CPU and on another: values, traps with their places, fuel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arenite.api.text import wat2wasm

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GUEST = """
(module
  (memory 1)
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func $load (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "store") (param i32) (result i32) (i64.store (local.get 0) (i64.const -1)) (i32.const 0))
  (func (export "divide") (param i32) (result i32) (i32.div_s (i32.const -2147483648) (local.get 0)))
  (func (export "float") (param i32) (result i32)
    (i32.reinterpret_f32 (f32.sqrt (f32.div (f32.convert_i32_u (local.get 0)) (f32.const 7))))))
"""
PROGRAM = """
import sys, warnings
from pathlib import Path
from arenite import Config, Engine, Instance, Module, Store, Trap
warnings.simplefilter("error")  # the tier that was asked for, no other
engine = Engine(Config(tier=sys.argv[2], consume_fuel=True))
module = Module(engine, Path(sys.argv[1]).read_bytes())
for name, argument in (("fib", 15), ("load", 65532), ("load", 65533), ("load", -1), ("store", 65536), ("divide", -1), ("divide", 0), ("float", 3)):
    with Store(engine) as store:
        store.set_fuel(1_000_000)
        try:
            print(name, Instance(store, module, []).exports(store)[name](store, argument))
        except Trap as trap:
            print(name, trap)
        print(store.get_fuel())
"""


@pytest.mark.parametrize("tier", ["threaded", "baseline", "auto", "safe"])
def test_values_traps_and_fuel(
    elsewhere: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tier: str
) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(wat2wasm(GUEST))
    monkeypatch.setattr("sys.argv", ["", str(guest), tier])
    exec(PROGRAM, {})
    here = capsys.readouterr().out
    assert "out of bounds memory access" in here
    assert elsewhere("import platform; print(platform.machine())") == "aarch64\n"
    assert elsewhere(PROGRAM, guest, tier) == here
