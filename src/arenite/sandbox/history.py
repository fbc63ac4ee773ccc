"""`History`: the checkpoints of a long conversation, each as what has changed since the one before.

- Every so many there is one that is written beside the image alone, so whichever is wanted, few are read.
- One is found by what lies before it: a step that is missing, damaged, or another's is noticed by whoever reads the next.
- In a folder, each is a file; what is there already is gone on with.

    history = History()
    box.run("x = 1"); first = history.add(box)
    box.run("x = 2"); history.add(box)
    box.restore(history[first])
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arenite import Snapshot
from arenite.errors import SnapshotError
from arenite.platform import aside
from arenite.sandbox.guests.cpython import CPython
from arenite.sandbox.image import base, engine, limits
from arenite.sandbox.options import Checkpoint
from arenite.snapshot.private import checked_key
from arenite.snapshot.relative import Base

if TYPE_CHECKING:
    import os

    from arenite.machine.frozen.freeze import FrozenMachine
    from arenite.sandbox.guests.guest import Guest
    from arenite.sandbox.sandbox import Sandbox

APART: Final = 32  # steps from one that is beside the image to the next
BESIDE_IMAGE, FRESH = 1, 2  # bits of a step's first byte
ENDING: Final = ".step"
LARGEST: Final = 1 << 30  # bytes of a file


class History:
    """Checkpoints by number.  `folder`: where they are kept, and are found again; without one they are kept in memory.

    `guest`: what runs the boxes' code, CPython by default.   `key`: 16 to 64 bytes; whoever opens the folder with the same key knows that what is under a number was added there.
    """

    def __init__(
        self, folder: str | os.PathLike[str] | None = None, *, guest: Guest | None = None, key: bytes | None = None
    ) -> None:
        self._guest: Guest = CPython() if guest is None else guest
        self._key = checked_key(key)
        self._folder = None if folder is None else Path(folder)
        self._steps: list[bytes] = []
        self._count = 0
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            while self._file(self._count).exists():
                self._count += 1
        self._last: Base | None = None  # the newest, as what the next is written beside

    def __len__(self) -> int:
        return self._count

    @property
    def size(self) -> int:
        """Bytes of all steps."""
        if self._folder is None:
            return sum(map(len, self._steps))
        return sum(self._file(number).stat().st_size for number in range(self._count))

    def add(self, box: Sandbox) -> int:
        """Keep what a box is now, also in the middle of a run; its number.

        Raises: `Failure` when it is dead; `SnapshotError` for a box that is not of this guest's image, or what cannot travel; OSError.
        """
        checkpoint = box.checkpoint()
        frozen = checkpoint.snapshot.frozen()
        beside = base(self._guest)
        if not checkpoint.of_image or checkpoint.guest != self._guest or not beside.carries(frozen):
            raise SnapshotError("a history has boxes that were forked from the image of its guest, and this one was not")
        number = self._count
        if number and self._last is None:
            self._last = Base(self._frozen(number - 1), named(self._step(number - 1)))
        flags = FRESH if checkpoint.fresh else 0
        if number % APART == 0 or self._last is None or not self._last.carries(frozen):
            flags |= BESIDE_IMAGE
        else:
            beside = self._last
        step = bytes([flags]) + beside.dumps(frozen, limits(), self._own(number, flags))
        self._keep(number, step)
        self._last = Base(frozen, named(step))
        self._count = number + 1
        return number

    def __getitem__(self, number: int) -> Checkpoint:
        """A checkpoint, for `Sandbox.restore` and `Sandbox.pool`.  Raises: `IndexError`; `SnapshotError` for steps that are damaged; OSError."""
        if not -self._count <= number < self._count:
            raise IndexError(number)
        number %= self._count
        fresh = bool(self._step(number)[0] & FRESH)
        return Checkpoint(Snapshot(engine(), self._frozen(number)), fresh=fresh, guest=self._guest, of_image=True)

    def _frozen(self, number: int) -> FrozenMachine:
        """From the nearest step that is beside the image."""
        steps = [self._step(number)]
        while not steps[-1][0] & BESIDE_IMAGE:
            if len(steps) > number or len(steps) > APART:
                raise SnapshotError(f"step {number} of a history: none before it is beside the image")
            steps.append(self._step(number - len(steps)))
        beside = base(self._guest)
        while True:
            step = steps.pop()
            found = beside.loads(step[1:], limits(), self._own(number - len(steps), step[0]))
            if not steps:
                return found
            beside = Base(found, named(step))

    def _own(self, number: int, flags: int) -> bytes | None:
        """A step's own key: with another number, or another first byte, it is not what was added."""
        if self._key is None:
            return None
        said = number.to_bytes(8, "little") + bytes([flags])
        return hashlib.blake2b(said, key=self._key, digest_size=32, person=b"arenite step").digest()

    def _file(self, number: int) -> Path:
        assert self._folder is not None
        return self._folder / f"{number:06}{ENDING}"

    def _step(self, number: int) -> bytes:
        if self._folder is None:
            return self._steps[number]
        file = self._file(number)
        if file.stat().st_size > LARGEST:
            raise SnapshotError(f"{file}: too large for a step")
        found = file.read_bytes()
        if not found:
            raise SnapshotError(f"{file}: there is nothing in it")
        return found

    def _keep(self, number: int, step: bytes) -> None:
        if self._folder is None:
            self._steps.append(step)
        else:
            aside.put(self._file(number), [step], 0o600)


def named(step: bytes) -> bytes:
    """What a step is known by to the next."""
    return hashlib.blake2b(step, digest_size=32, person=b"arenite history").digest()
