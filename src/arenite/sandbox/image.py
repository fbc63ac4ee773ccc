"""The image that boxes are forked from: a guest that has started, imported and waits for its first request.

It is made once and kept in the user's cache, under the rules that hold there (only what one of the user's own processes wrote is used), by
everything that it was made from.  A process has one of each guest.

Example:  image(CPython()).fork(wasi=…)
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import struct
import threading
from typing import TYPE_CHECKING, Final

from arenite import (
    Config,
    Engine,
    Failure,
    Linker,
    Memory,
    MemoryFS,
    Module,
    Paused,
    PauseReason,
    Snapshot,
    SnapshotError,
    WasiConfig,
)
from arenite.driver.driver import Driver
from arenite.driver.entry import exported, function
from arenite.platform import sources
from arenite.platform.cache import Cache, identity
from arenite.sandbox.guests.bodies import with_bodies
from arenite.sandbox.guests.guest import ANSWERS, FILES, MOST_ANSWER, TOOLS
from arenite.sandbox.guests.stack import with_stack
from arenite.wasi.files import files_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from arenite import Instance, Store
    from arenite.driver.entry import Call
    from arenite.sandbox.guests.guest import Guest, Start
    from arenite.snapshot.limits import FileLimits
    from arenite.snapshot.relative import Base

IMAGES: Final = 8  # that a process has at a time
FRAMES: Final = (
    4 << 20
)  # bytes of calls in calls: recursion in C that its program does not bound ends here, before it has used its own stack up
PAGE: Final = 1 << 16
MOST_MEMORY: Final = 1 << 30  # bytes of a guest that comes up: packages are compiled there
PATIENCE: Final = 600.0  # seconds
SOURCES: Final = tuple(
    f"{folder}/**/*.py"
    for folder in ("bytecode", "layout", "machine", "sandbox", "snapshot", "translate", "wasi", "wasm", "world")
)
_making = threading.Lock()


@functools.cache
def engine() -> Engine:
    """The engine of all sandboxes of this process."""
    return Engine(Config(consume_fuel=True, max_wasm_stack=FRAMES))


@functools.cache
def limits() -> FileLimits:
    """What a snapshot may ask of it."""
    from arenite.snapshot.limits import FileLimits  # noqa: PLC0415 (as below)

    return FileLimits.of(engine().config)


def image(guest: Guest) -> Snapshot:
    """The image of this process.  Raises: `ImportError` where the guest's program is not installed."""
    with _making:
        return _image(guest, os.getpid())


def base(guest: Guest) -> Base:
    """The same, as what boxes are written beside: `Base`.  Raises: as `image`."""
    with _making:
        return _base(guest, os.getpid())


@functools.lru_cache(maxsize=IMAGES)
def _base(guest: Guest, process: int) -> Base:
    from arenite.snapshot.relative import Base  # noqa: PLC0415 (who dumps nothing does not wait for it)

    snapshot = _image(guest, process)
    frozen = snapshot.frozen({"wasi": given(guest)})
    try:
        return Base(frozen, bytes.fromhex(snapshot.known().id))
    except SnapshotError:  # it could not be kept, so no other process has it
        return Base(frozen, os.urandom(32))


def given(guest: Guest) -> WasiConfig:
    """What a guest is linked with before any goes on."""
    return WasiConfig(dirs=dict.fromkeys((FILES, ANSWERS, *guest.shared), MemoryFS()))


@functools.lru_cache(maxsize=IMAGES)
def _image(guest: Guest, process: int) -> Snapshot:  # noqa: ARG001 (a child that was forked off has an engine's memory of its own)
    start, cache = guest.image(), Cache.usual()
    name = named(guest, start)
    kept = cache.file(name)
    found = opened(kept, guest)
    if found is None:
        if kept is not None:  # it is of no use, and the first stays
            with contextlib.suppress(OSError):
                kept.unlink()
        found = booted(guest, start, start.wasm.read_bytes())
        cache.put_file(name, found.save, f"image of a sandbox: {guest.name}")
        found = opened(cache.file(name), guest) or found
    return found


def named(guest: Guest, start: Start) -> str:
    """A digest of everything that a guest is given to come up; of its module's file, which file it is: it is read when it is needed."""
    said = json.dumps(
        [
            start.argv,
            sorted(start.env.items()),
            start.entry,
            start.stack,
            sorted((known, body.hex()) for known, body in start.bodies.items()),
            [(name, one.digest) for name, one in sorted(start.shared.items())],
        ]
    )
    parts = [sources.digest(*SOURCES).encode(), str(start.wasm).encode(), identity(start.wasm.stat()), said.encode()]
    parts.append(repr(sorted(guest.unused.items())).encode())
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:40]


def opened(path: Path | None, guest: Guest) -> Snapshot | None:
    """The image in a file of the cache, which is mapped; None where there is none that can be used."""
    if path is None:
        return None
    try:
        return linked(Snapshot.open(path, engine()), guest)
    except SnapshotError:
        return None


def linked(snapshot: Snapshot, guest: Guest) -> Snapshot:
    """One out of a file, with everything that it imports.  Raises: `SnapshotError`, `LinkError`."""
    if guest.unused:
        snapshot.link(linker(guest), wasi=given(guest))
    return snapshot


def linker(guest: Guest) -> Linker:
    """What a guest's module imports."""
    found = Linker(engine())
    found.define_wasi()
    for (module, name), kind in guest.unused.items():
        found.define_func(module, name, kind, lambda *_: -1)
    return found


def booted(guest: Guest, start: Start, wasm: bytes) -> Snapshot:
    """A guest that has started and waits.  Raises: `Failure` that says what it printed."""
    said = bytearray()
    streams = WasiConfig(
        argv=start.argv,
        env=start.env,
        stdin=lambda _: None,
        stdout=said,
        stderr=said,
        dirs={FILES: MemoryFS(), ANSWERS: answers(), **{name: one.files() for name, one in start.shared.items()}},
    )
    try:
        if start.bodies:
            wasm = with_bodies(wasm, start.bodies)
        module = Module(engine(), with_stack(wasm, start.stack) if start.stack else wasm)
        with Driver.begin(module, lambda store, up: entry(store, up, start), wasi=streams, linker=linker(guest)) as driver:
            driver.store.set_limits(memory_size=MOST_MEMORY)
            outcome = driver.run(deadline=PATIENCE)
            if not isinstance(outcome, Paused) or outcome.reason is not PauseReason.NOT_READY:
                raise Failure(f"it waits for no request, and has {'gone on' if isinstance(outcome, Paused) else 'ended'}")  # noqa: TRY301
            if start.ready is not None:
                with memory(driver.store, driver.store.instances[-1]).view(driver.store) as view:
                    start.ready(view, files_of(driver.store, ANSWERS))
            return driver.store.snapshot()
    except Exception as error:
        raise Failure(f"the guest did not start: {error}: {said.decode(errors='replace')}") from error


def answers() -> MemoryFS:
    """What a guest finds where its answers go."""
    found = MemoryFS()
    found.add_device(TOOLS, TOOLS, max_request=MOST_ANSWER)
    return found


def entry(store: Store, instance: Instance, start: Start) -> Iterable[Call]:
    """What is called of an instance."""
    if function(store, instance, start.entry).type(store).params:
        return exported(store, instance, start.entry, len(start.argv), arguments(store, instance, start.argv))
    return exported(store, instance, start.entry)


def memory(store: Store, instance: Instance) -> Memory:
    """A guest's.  Raises: `Failure` without one."""
    found = instance.exports(store).get("memory")
    if not isinstance(found, Memory):
        raise Failure("the guest exports no memory")
    return found


def arguments(store: Store, instance: Instance, argv: tuple[str, ...]) -> int:
    """Where the vector of C's `main` lies, in pages that memory is grown by.  Raises: `Failure` without such a memory."""
    room = memory(store, instance)
    texts = [text.encode() + b"\0" for text in argv]
    vector = 4 * (len(texts) + 1)
    at = PAGE * room.grow(store, -(-(vector + sum(map(len, texts))) // PAGE))
    places, place = [], at + vector
    for text in texts:
        places.append(place)
        place += len(text)
    room.write(store, struct.pack(f"<{len(texts) + 1}I", *places, 0) + b"".join(texts), at)
    return at
