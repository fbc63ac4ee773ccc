"""Handlers in words: which are active where, and no more of them than people read."""

from __future__ import annotations

from arenite import wat2wasm
from arenite.bytecode.handlers_text import MOST_SHOWN, handlers_of
from arenite.bytecode.names import Names
from arenite.bytecode.text import function_lines
from arenite.translate.module import translate


def test_handlers_and_what_they_receive() -> None:
    module = translate(
        wat2wasm(
            """(module (import "" "" (tag $i)) (tag $e (param i32 i64)) (func $f)
            (func (block $h (result i32 i64) (block $r (result exnref) (try_table (catch $e $h) (catch_all_ref $r) call $f) return) throw_ref) drop drop)
            (func try call $f catch $i end))"""
        )
    )
    found = [[line.strip() for line in function_lines(module, index) if "handlers:" in line] for index in range(3)]
    assert found == [
        [],
        ["handlers: tag 1 .40 r2 to r3, all .32 exception r2", "handlers: none"],
        ["handlers: tag 0 . .32 null r2"],
    ]
    assert all(f".{at}:" in "\n".join(function_lines(module, 1)) for at in (32, 40))


def test_deep_blocks_are_told_in_short() -> None:
    depth = 300
    body = "try_table (catch_all 0) call 0 " * depth + "end " * depth
    module = translate(wat2wasm(f"(module (func) (func {body}))"))
    f = module.function(1)
    texts, targets = handlers_of(module, f.begin, f.end, Names(module))
    assert len(texts) == depth
    assert {text.count(",") for text in texts.values()} == set(range(MOST_SHOWN + 1))
    assert sum(text.endswith(", …") for text in texts.values()) == depth - MOST_SHOWN
    assert all(f.begin < target < f.end for target in targets)
