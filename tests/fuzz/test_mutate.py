"""Two thousand mutated modules, judged as wasm-tools does; `mutate.py` says how to play more, or one of them again."""

from __future__ import annotations

from wasmtime import wat2wasm

from fuzz.mutate import ALL_KINDS, EXCEPTIONS, MEMORIES, corpus, differences, ours

COUNT = 2000


def test_wasm_tools_agrees() -> None:
    assert [line for line in differences(1, 0, COUNT) if line] == []


def test_what_is_mutated_is_valid() -> None:
    assert all(bytes(wat2wasm(ALL_KINDS % memory)) in corpus() for memory in MEMORIES)
    assert bytes(wat2wasm(EXCEPTIONS)) in corpus()
    assert len(corpus()) > 150
    assert [ours(wasm) for wasm in corpus()] == [""] * len(corpus())
