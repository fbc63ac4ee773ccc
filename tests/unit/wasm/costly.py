"""Files that ask for much more than their size, and what loading one takes: `python costly.py SHAPE=COUNT…` prints a line for each."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from arenite.errors import Limit
from arenite.translate.module import translate
from differential.binary import MAGIC, section, sized, u

if TYPE_CHECKING:
    from collections.abc import Callable

MANY = 1000  # parameters, results
NOTHING, GIVES, TAKES = b"\x60\0\0", b"\x60\0" + u(MANY) + b"\x7f" * MANY, b"\x60" + (u(MANY) + b"\x7f" * MANY) * 2
CONSTANTS = b"\x41\0" * MANY
DECLARED, BODY = section(1, NOTHING) + section(3, b"\0"), section(10, sized(b"\0\x0b"))
COMPUTED = b"\x41\0\x67"  # an operand that lies in a slot
EMPTY = DECLARED + BODY


def bodies(*found: bytes) -> bytes:
    """Functions () -> () in a module that also has a function 0 -> 1000 and one 1000 -> 1000; their types: 0, 1, 2."""
    types = b"\0" * len(found) + b"\1\2"
    traps = sized(b"\0\0\x0b")
    return (
        section(1, NOTHING, GIVES, TAKES)
        + section(3, *(bytes([t]) for t in types))
        + section(10, *map(sized, found), traps, traps)
    )


def named(count: int) -> bytes:
    """A name section with so many functions."""
    names = u(count) + b"".join(u(n) + b"\2ab" for n in range(count))
    return EMPTY + b"\0" + sized(b"\4name\1" + sized(names))


SHAPES: dict[str, Callable[[int], bytes]] = {
    "locals": lambda n: bodies(*[b"\1" + u(50_000) + b"\x7f\x0b"] * n),
    "different locals": lambda n: bodies(*[b"\2" + u(40_000 + i) + b"\x7f\1\x7e\x0b" for i in range(n)]),
    "calls of many arguments": lambda n: bodies(b"\0\x10\1" + b"\x10\2" * n + b"\0\x0b"),
    "branches with many results": lambda n: bodies(b"\0\x02\1" + CONSTANTS + b"\x41\0\x0d\0" * n + b"\x0b\0\x0b"),
    "branches past operands": lambda n: bodies(b"\0\x02\1\x41\0" + CONSTANTS + b"\x41\0\x0d\0" * n + b"\0\x0b\0\x0b"),
    "blocks of many results": lambda n: bodies(b"\0" + CONSTANTS + b"\x41\0\x04\2" * n + b"\0" + b"\x0b" * n + b"\0\x0b"),
    "open blocks": lambda n: bodies(b"\0" + b"\x02\x40" * n + b"\x0b" * n + b"\x0b"),
    "operands": lambda n: bodies(b"\0" + b"\x41\0" * n + b"\0\x0b"),
    "results on the stack": lambda n: bodies(b"\0" + b"\x10\1" * n + b"\0\x0b"),
    "labels": lambda n: bodies(b"\0" + (b"\x02\x40\x41\0\x0e" + u(60_000) + bytes(60_001) + b"\x0b") * n + b"\x0b"),
    "operands that wait": lambda n: bodies(b"\2\1\x7f\1\x7f" + b"\x20\1" * n + b"\x41\0\x21\0" * n + b"\0\x0b"),
    "operands below calls": lambda n: bodies(b"\0" + b"\x41\0" * n + b"\x10\0" * n + b"\0\x0b"),
    "operands at open labels": lambda n: bodies(
        b"\0" + COMPUTED * n + b"\x41\0\x04\x40" * n + (b"\x0b" + COMPUTED + b"\x1a") * n + b"\0\x0b"
    ),
    "operands at many labels": lambda n: bodies(b"\0" + COMPUTED * n + b"\x02\x40\x41\0\x0d\0\x0b" * n + b"\0\x0b"),
    "operands at many back-edges": lambda n: bodies(
        b"\0" + COMPUTED * n + b"\x03\x40" + b"\x41\0\x0d\0\x41\0\x67\x1a" * n + b"\x0b\0\x0b"
    ),
    "tags": lambda n: section(1, NOTHING) + section(13, *[b"\0\0"] * n),
    "catches": lambda n: bodies(b"\0\x1f\x40" + u(n) + b"\2\0" * n + b"\x10\0\x0b\x0b"),
    "blocks that catch": lambda n: bodies(b"\0" + b"\x1f\x40\1\2\0\x10\0\x0b" * n + b"\x0b"),
    "older blocks that catch": lambda n: bodies(b"\0" + b"\x06\x40\x10\0\x19\x0b" * n + b"\x0b"),
    "types": lambda n: section(1, *[NOTHING] * n),
    "imports": lambda n: section(1, NOTHING) + section(2, *[b"\1a\1b\0\0"] * n),
    "functions": lambda n: bodies(*[b"\0\x0b"] * n),
    "globals": lambda n: section(6, *[b"\x7f\0\x41\0\x0b"] * n),
    "tables": lambda n: section(4, *[b"\x70\0\0"] * n),
    "exports": lambda n: DECLARED + section(7, *(sized(b"%x" % i) + b"\0\0" for i in range(n))) + BODY,
    "element segments": lambda n: section(4, b"\x70\0\0") + section(9, *[b"\0\x41\0\x0b\0"] * n),
    "elements": lambda n: section(1, NOTHING) + section(2, *[b"\0\0\0\0"] * 300) + section(9, b"\1\0" + u(n) + u(299) * n),
    "data segments": lambda n: section(11, *[b"\1\0"] * n),
    "a constant expression": lambda n: section(6, b"\x7e\0\x42\0" + b"\x42\1\x7c" * n + b"\x0b"),
    "custom sections": lambda n: b"\0\2\1a" * n,
    "names": named,
}


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def load(shape: str, count: int) -> None:
    """Print the file's size, what loading it took, and whether it was loaded."""
    wasm = MAGIC + SHAPES[shape](count)
    Path("/proc/self/clear_refs").write_text("5")  # the peak is from here on
    before = peak()
    try:
        translate(wasm)
    except Limit:
        outcome = "Limit"
    else:
        outcome = "loaded"
    print(shape, count, len(wasm), peak() - before, outcome, sep=",", flush=True)


def main() -> None:
    """Each file in a child: what one took must not be there already for the next."""
    translate(MAGIC + EMPTY)  # what is imported late is no file's
    for job in sys.argv[1:]:
        shape, _, count = job.partition("=")
        child = os.fork()
        if child == 0:
            load(shape, int(count))
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
