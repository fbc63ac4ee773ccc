"""`Guest`: what a box has to know of the program that runs its code.

- It is started once, up to where it waits for its first request, and frozen there: the *image*, of which every box is a fork.
- It reads requests from its standard input (`encode`), prints as the code does, and writes the answer into a file of `ANSWERS`.
- When it waits for input and there is something in that file, it is at its *prompt*: the answer is whole (`decode`), the next request may come.
  So it is when it asks for exactly `SILENT` bytes of input: then the code gave nothing and raised nothing, and there need be no answer.
- It finds the box's files from `FILES` on.
- If it `calls_tools`, its code calls functions of the host's by writing to the device `TOOLS` of `ANSWERS`, and reading on (`arenite.sandbox.tools.call`).

Example:  Sandbox.of(CPython())
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import field
from typing import TYPE_CHECKING, Final, Protocol

from arenite import MemoryFS
from arenite.errors import Failure
from arenite.light import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from arenite import FuncType

FILES: Final = "/"
ANSWERS: Final = "/run/arenite"
MOST_ANSWER: Final = 1 << 20  # bytes
TOOLS: Final = "tools"
SILENT: Final = 4_133  # bytes: a read of as many says that there is no value and no error


class AnswerError(Failure):
    """The guest's answer is none."""


class Shared(Protocol):
    """A directory that all boxes of a guest share."""

    @property
    def digest(self) -> str:
        """Of all that is in it, or what else tells that it is the same."""

    def files(self) -> MemoryFS:
        """It, where an image is made: the guest may write to it until it waits for its first request, and never again."""


@dataclass(frozen=True)
class Files:
    """A directory of a few files.  `content`: by their paths."""

    content: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Of all that is in it."""
        return hashlib.sha256(json.dumps(sorted(self.content.items())).encode()).hexdigest()

    def files(self) -> MemoryFS:
        """It, in memory."""
        return MemoryFS(self.content)


@dataclass(frozen=True)
class Start:
    """How a guest comes up.

    `wasm`: its module's file.   `argv`, `env`: as for `WasiConfig`.   `shared`: the directories that `Guest.shared` names.
    `entry`: the export that is called, after `_initialize` where that is.  One of two parameters is given `argc` and `argv`, as a C `main`.
    `stack`: bytes of its C stack, 0: as it is built (`with_stack`).
    `bodies`: of functions, in place of those with these digests (`with_bodies`).
    `ready`: what is done to it when it waits, before it is frozen: with its memory, and the files of `ANSWERS`.
    """

    wasm: Path
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    shared: Mapping[str, Shared] = field(default_factory=dict)
    entry: str = "_start"
    stack: int = 0
    bodies: Mapping[str, bytes] = field(default_factory=dict)
    ready: Callable[[memoryview, MemoryFS], None] | None = None


@dataclass(frozen=True)
class Request:
    """What a guest is asked.  `inputs`: variables that the code finds, plain data.   `seed`: what chance begins with from now on, None: as it goes on.

    `tools`: name, signature and docstring of each that there is from now on; None: as before.
    """

    code: str
    inputs: Mapping[str, object]
    seed: str | None
    tools: tuple[tuple[str, str, str], ...] | None = None


class Guest(Protocol):
    """One that runs code."""

    def __hash__(self) -> int:
        """A process keeps an image of each guest: those that are equal have the same."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def prompt(self) -> str:
        """The file of `ANSWERS` that is not empty when it waits for the next request."""

    @property
    def calls_tools(self) -> bool:
        """Whether its code can."""

    @property
    def shared(self) -> tuple[str, ...]:
        """Directories that it has beside the box's own, for reading only: all its boxes have the same."""

    @property
    def unused(self) -> Mapping[tuple[str, str], FuncType]:
        """Functions that it imports beside WASI's, by module and name, though nothing here has need of them: each gives -1."""

    def image(self) -> Start:
        """How it comes up.  Raises: `ImportError` that says what to install."""

    def encode(self, request: Request) -> bytes:
        """What it reads.  Raises: `TypeError` for inputs that it cannot be given."""

    def decode(self, answer: bytes) -> tuple[object, str | None]:
        """Value and error.  The answer may be anything.  Raises: `AnswerError`."""
