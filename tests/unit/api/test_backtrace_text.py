"""How a trap prints."""

from __future__ import annotations

import pytest

from arenite import Engine, Instance, Module, Store, Trap

GUEST = """(module $deep
  (func $down (export "down") (param i32)
    (if (i32.eqz (local.get 0)) (then (unreachable)))
    (call $down (i32.sub (local.get 0) (i32.const 1)))))"""


@pytest.mark.parametrize(("depth", "lines"), [(0, 1), (1, 2), (40, 2), (1000, 2)])
def test_equal_frames_are_one_line(depth: int, lines: int) -> None:
    engine = Engine()
    with Store(engine) as store:
        instance = Instance(store, Module(engine, GUEST), [])
        with pytest.raises(Trap) as raised:
            instance.call(store, "down", depth)
    frames = min(depth + 1, 64)
    assert len(raised.value.frames) == frames
    text = str(raised.value).splitlines()
    assert text[:2] == ["unreachable", "wasm backtrace (innermost first):"]
    assert len(text[2:]) == lines
    assert text[2].endswith("deep!down")
    assert text[-1].endswith(f"deep!down  ({frames - 1} times)") or frames <= 2
