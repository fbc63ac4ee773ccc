"""Node's engine, V8, as the one that arenite is compared with where `wasmtime` is none: it runs exceptions of the older form.

answers = play([Job(wasm, calls, types, tags)])
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from differential.binary import MAGIC, section, sized

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = Path(__file__).with_suffix(".mjs")
OLDER = (
    MAGIC + section(1, b"\x60\0\0") + section(3, b"\0") + section(10, sized(b"\0\x06\x40\x19\x0b\x0b"))
)  # a try and a catch_all
"""The smallest module in the older form."""


@dataclass(frozen=True)
class Job:
    """A module; calls of its exports, by name, with arguments as bits; the types of functions, and what tags carry."""

    wasm: bytes
    calls: Sequence[tuple[str, tuple[int | None, ...]]]
    types: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
    tags: dict[str, tuple[str, ...]]


@cache
def missing() -> str:
    """Why there is no Node here that runs the older form, or nothing."""
    node = shutil.which("node")
    if node is None:
        return "no node on the path"
    program = f"new WebAssembly.Module(Uint8Array.from({list(OLDER)}))"
    done = subprocess.run([node, "-e", program], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else "the node on the path does not run exceptions of the older form"


def play(jobs: Sequence[Job]) -> list[list[str]]:
    """What each module does: a line for each call, and two for what it holds in the end."""
    lines = [
        {
            "wasm": base64.b64encode(job.wasm).decode(),
            "calls": [(name, [None if bits is None else hex(bits) for bits in args]) for name, args in job.calls],
            "types": job.types,
            "tags": job.tags,
        }
        for job in jobs
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run([shutil.which("node") or "node", PROGRAM], input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]
