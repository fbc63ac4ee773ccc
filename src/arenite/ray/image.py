"""`Image`: what forks are made of, as it travels: the bytes of a snapshot, and what has to be known to go on from it.

The bytes are put into the object store once.  A node's first worker copies them from there into a sealed file in memory, which is what is mapped (the store's
buffers begin at any 64th byte, and go when they are not used); others on the node open that file.  It is an image as of `Snapshot.save`, checked as
all that are opened: one of another version, with another module, or with another key is refused before anything of it runs.

Example:  image = Image.of(Sandbox.python()); image.save("s3://bucket/image"); Image.open("s3://bucket/image")
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from arenite import Engine, Failure, Sandbox, Snapshot, SnapshotError, Store
from arenite.api.hosts import WASI
from arenite.machine.space.file import sealed as sealed_file
from arenite.machine.space.pages import CHUNK
from arenite.sandbox.guests.saved import Saved
from arenite.sandbox.image import engine as engine_of_boxes
from arenite.sandbox.image import given, image, limits, linked
from arenite.sandbox.options import Bounds, Checkpoint
from arenite.snapshot.file import Opened
from arenite.snapshot.private import write_runs
from arenite.snapshot.relative import Base

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from arenite import Config
    from arenite.sandbox.guests.guest import Guest
    from arenite.sandbox.tools.toolbox import Toolbox

    Link: TypeAlias = Callable[[Snapshot], object]
    """Links a snapshot that has just been opened."""

NAME: Final = "arenite image"
MOST: Final = 16 << 30  # bytes of a file


@dataclass(frozen=True)
class Kind:
    """What is to be known of an image beside its bytes, for who opens it.

    `guest`: what runs the code of boxes, None for a snapshot that is none of a box.   `bounds`: of boxes.   `link`, `config`: of other snapshots.
    `key`: with which it was saved.   `id`: what the snapshot is known by.   `size`: of its bytes.
    """

    id: str
    size: int
    guest: Guest | None
    bounds: Bounds
    config: Config | None
    link: Link | None
    key: bytes | None = field(repr=False)


@dataclass(frozen=True)
class Image:
    """What forks are made of.  `data`: the bytes of a snapshot."""

    kind: Kind
    data: bytes = field(repr=False)

    @classmethod
    def of(
        cls,
        what: Sandbox | Checkpoint | Snapshot,
        *,
        key: bytes | None = None,
        link: Link | None = None,
        bounds: Bounds | None = None,
    ) -> Image:
        """Of a box as it is now, a checkpoint of one, or a snapshot.

        `key`: whoever opens it must have it (`Snapshot.save`).   `link`: is called with the snapshot in each worker, to link it (`Snapshot.link`); it travels by
        pickle.   `bounds`: of the boxes; by default as those of the box.
        Raises: `Failure` for a box that is dead or in the middle of a run, `SnapshotError` for what cannot travel.
        """
        if isinstance(what, Sandbox):
            if what.stopped:
                raise Failure("the box is stopped in the middle of a run: an image's forks are asked something new")
            bounds = what._bounds if bounds is None else bounds  # noqa: SLF001 - it is one of ours
            what = beginning(what)
        snapshot, guest = (what.snapshot, what.guest) if isinstance(what, Checkpoint) else (what, None)
        with tempfile.TemporaryDirectory(prefix="arenite") as folder:
            path = Path(folder) / "image"
            snapshot.save(path, key=key)
            data = path.read_bytes()
        config = None if guest is not None else snapshot.engine.config
        kind = Kind(snapshot.known().id, len(data), guest, Bounds() if bounds is None else bounds, config, link, key)
        return cls(kind, data)

    def save(self, url: str) -> None:
        """Write it to a path, or any URL that fsspec knows; see `Place`.  It is a file as of `Snapshot.save`.  Raises: `SnapshotError`."""
        from arenite.ray.places import Place  # noqa: PLC0415 (it imports fsspec)

        Place(url).write(self.data)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        key: bytes | None = None,
        guest: Guest | None = None,
        bounds: Bounds | None = None,
        link: Link | None = None,
        config: Config | None = None,
        box: bool = True,
    ) -> Image:
        """What `save` has written, of a box, or without `box` of any other snapshot.  Without a key the file may be anybody's, and is checked as such.

        `guest`: what runs the code, if that is one of your own.   `config`: of the engine, for snapshots that are none of boxes.   `key`, `bounds`, `link`: as
        for `of`.  Raises: `SnapshotError` for what is no such file, `Limit`.
        """
        from arenite.ray.places import Place  # noqa: PLC0415 (it imports fsspec)

        data = Place(url).read(MOST)
        engine = engine_of_boxes() if box else Engine(config)
        snapshot = Snapshot.loads(data, engine, key=key)
        runs = (Saved() if guest is None else guest) if box else None
        if box and WASI not in hosts(snapshot):
            raise SnapshotError(f"{url} is a snapshot, but none of a box: open it with box=False")
        kind = Kind(
            snapshot.known().id,
            len(data),
            runs,
            Bounds() if bounds is None else bounds,
            None if box else engine.config,
            link,
            key,
        )
        return cls(kind, data)


class Mapped:
    """An image that this process has mapped.  `path`: where others of this machine find what it has mapped, if they can."""

    def __init__(self, kind: Kind, snapshot: Snapshot, fd: int | None) -> None:
        self.kind = kind
        self.snapshot = snapshot
        self._fd = fd

    @property
    def path(self) -> str | None:
        """As long as this process lives."""
        return None if self._fd is None else f"/proc/{os.getpid()}/fd/{self._fd}"

    @classmethod
    def copied(cls, kind: Kind, data: bytes | memoryview) -> Mapped:
        """Out of its bytes, which are not used any more then.  Raises: `SnapshotError`, `LinkError`, `Limit`."""
        if len(data) != kind.size:
            raise SnapshotError(f"the image has {len(data)} bytes; expected {kind.size}")
        if sys.platform != "linux":
            return cls(kind, _checked(kind, Snapshot.loads(bytes(data), engine(kind), key=kind.key)), None)
        fd = sealed(data)
        try:
            return cls(kind, _opened(kind, f"/proc/self/fd/{fd}", verify=True), fd)
        except BaseException:
            os.close(fd)
            raise

    @classmethod
    def shared(cls, kind: Kind, path: str) -> Mapped:
        """What another process of this machine has mapped.  Raises: as `copied`; `OSError` where that process is no more."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return cls(kind, _opened(kind, f"/proc/self/fd/{fd}", verify=False), fd)
        except BaseException:
            os.close(fd)
            raise

    def box(self, tools: Toolbox | None = None) -> Sandbox:
        """A fork, as a box; its chance is its own."""
        assert self.kind.guest is not None
        return Sandbox(Checkpoint(self.snapshot, fresh=True, guest=self.kind.guest), self.kind.bounds, tools)

    def store(self) -> Store:
        """A fork."""
        return self.snapshot.fork()

    @cached_property
    def base(self) -> Base:
        """It, as what boxes are written beside."""
        assert self.kind.guest is not None
        return Base(self.snapshot.frozen({"wasi": given(self.kind.guest)}), bytes.fromhex(self.kind.id))

    def after(self, box: Sandbox) -> bytes:
        """What a box has become, beside the image.  Raises: `Failure` where it is dead, `SnapshotError`."""
        frozen = box.checkpoint().snapshot.frozen()
        if not self.base.carries(frozen):
            raise SnapshotError("the box has become another program than that of its image")
        return self.base.dumps(frozen, limits(), self.kind.key)

    def again(self, data: bytes) -> Sandbox:
        """That box.  Raises: `SnapshotError`, `Limit`."""
        assert self.kind.guest is not None
        snapshot = Snapshot(engine(self.kind), self.base.loads(data, limits(), self.kind.key))
        box = Sandbox(Checkpoint(snapshot, fresh=False, guest=self.kind.guest), self.kind.bounds, same=True)
        if box.alive and box.channel.fits:
            return box
        box.close()
        raise SnapshotError("what has come is none of a box")


def beginning(box: Sandbox) -> Checkpoint:
    """A box as it is now; where nothing has happened to it yet that is the image of its guest, whose forks take half the time.  Raises: as `checkpoint`."""
    found = box.checkpoint()
    if found.fresh and found.of_image and not box.files.listdir("."):
        return Checkpoint(image(box.guest), fresh=True, guest=box.guest)
    return found


def hosts(snapshot: Snapshot) -> Container[str]:
    """The host modules that have something in a snapshot out of a file."""
    known = snapshot.known()
    return known.manifest.fields("hosts").values if isinstance(known, Opened) else ()


def engine(kind: Kind) -> Engine:
    """The engine of this process that runs forks of it."""
    return engine_of_boxes() if kind.guest is not None else Engine(kind.config)


def sealed(data: bytes | memoryview) -> int:
    """A sealed file in memory of these bytes; zeros take no room in it."""
    with sealed_file(NAME, len(data)) as fd:
        for at in range(0, len(data), CHUNK):
            write_runs(fd, bytes(data[at : at + CHUNK]), at)
    return fd


def _opened(kind: Kind, path: str, *, verify: bool) -> Snapshot:
    return _checked(kind, Snapshot.open(path, engine(kind), key=kind.key, verify=verify))


def _checked(kind: Kind, snapshot: Snapshot) -> Snapshot:
    """With everything that it imports.  Raises: `SnapshotError`, `LinkError`."""
    if snapshot.known().id != kind.id:
        raise SnapshotError("it is another image than the one that was put into the store")
    if kind.link is not None:
        kind.link(snapshot)
    return snapshot if kind.guest is None else linked(snapshot, kind.guest)
