r"""`Sandbox`: a place for code that somebody else wrote.

with Sandbox.python() as box:
    box.files["/data/in.csv"] = "1,2\n"
    result = box.run("rows = open('/data/in.csv').read(); len(rows)")
    result.value, result.stdout, result.error
    box.run("rows")                               # what was there is still there
    with box.attempt() as trial:                  # undone when something is raised
        trial.run("rows = None")
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arenite import Failure, MemoryFS, Snapshot, SnapshotError, Store
from arenite.api.numbers import integer
from arenite.lazy import uncollected
from arenite.sandbox.channel import Channel
from arenite.sandbox.guests.cpython import VERSION, CPython, chosen
from arenite.sandbox.guests.guest import Request
from arenite.sandbox.image import base, engine, image, limits, linked
from arenite.sandbox.options import AS_THE_BOX, USUAL, Asked, Bounds, Checkpoint, Loaded, check_names
from arenite.sandbox.pending import Pending
from arenite.sandbox.pool import Pool
from arenite.sandbox.tools.call import Call
from arenite.sandbox.turn import Turn, check_async

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType
    from typing import NoReturn, Self, Unpack

    from arenite.sandbox.guests.guest import Guest
    from arenite.sandbox.options import Limits, Loading, Stretch
    from arenite.sandbox.result import Result
    from arenite.sandbox.tools.tool import Function, Tool
    from arenite.sandbox.tools.toolbox import Permit, Toolbox

LIMITS: Final = "a box, beside its tools and packages,"
BACK: Final = "a box that comes back"


class Sandbox:
    """A guest in a box: it has its memory, its files and what it is asked, and nothing of its host.

    A box is *ready*; or *stopped* in the middle of a run that has reached a limit (or by Ctrl-C, or whose task was cancelled): it goes on with `go_on`, or back
    with `restore`; or *dead*, when its guest has ended: it can be restored or closed.
    Not for two threads or tasks at a time.  Made by `Sandbox.python`, `Sandbox.open`, `fork`.
    """

    def __init__(
        self, begin: Checkpoint | None = None, bounds: Bounds | None = None, tools: Toolbox | None = None, *, same: bool = False
    ) -> None:
        if begin is None:
            raise TypeError(
                "which guest? Sandbox.python() and Sandbox.javascript() make a box, Sandbox.open(path) has one that was saved"
            )
        check_begin(begin)
        self._bounds = Bounds() if bounds is None else bounds
        self.tools = tools
        self._enter(begin, *self._made(begin, same=same))

    def _made(self, begin: Checkpoint, *, same: bool = False) -> tuple[Channel, Store]:
        """A guest that goes on from there, which is not this box's yet."""
        channel = Channel(begin.guest)
        files = MemoryFS(max_bytes=self._bounds.file_bytes, max_entries=self._bounds.file_names)
        store = begin.snapshot.fork(wasi=channel.config(files, self._bounds.descriptors))
        try:
            store.set_limits(memory_size=self._bounds.memory)
            channel.serve(store, same=same)
        except BaseException:
            store.close()
            raise
        return channel, store

    def _enter(self, begin: Checkpoint, channel: Channel, store: Store) -> None:
        self._seed = os.urandom(32).hex() if begin.fresh else None
        self.guest, self._of_image = begin.guest, begin.of_image
        self.channel, self.store, self.closed = channel, store, False

    @classmethod
    def python(
        cls,
        *,
        packages: str | os.PathLike[str] | None = None,
        lock: str | os.PathLike[str] | None = None,
        numpy: bool | str | os.PathLike[str] = False,
        tools: Iterable[Function | Tool] = (),
        permit: Permit | None = None,
        **limits: Unpack[Limits],
    ) -> Self:
        """CPython 3.12, ready to run.  The first of a process takes an image from the cache, or a few seconds; further ones are forks of it.

        `packages`: a folder of pure wheels that the code can import.   `lock`: a lock file (`pylock.toml`, or lines with hashes as pip reads them):
        what it names is taken from that folder, or without one fetched by pip; see `docs/guests.md`.
        `numpy`: CPython 3.15 with numpy instead, or a folder where that lies.
        `tools`: functions, sync or async, that the code calls by name.   `permit`: is asked about each call (`Call`), and may be async: True permits it,
        False or a text refuses it, which the code is told as a `PermissionError`; what else it raises comes out of the run.
        `limits`: `memory` and `file_bytes` (bytes), `file_names`, `descriptors`; of each run `seconds`, `output` (bytes), `fuel`, which `run` takes, too.
        `arenite.sandbox.Bounds` has the defaults.
        Its `random` is seeded anew, `secrets` is fresh in every box; the hashes of strings are the same in all.
        Raises: `ImportError` without the extra `python`, or `numpy`; `PackageError` that names a package which is refused, or missing.
        """
        if numpy is False:
            return cls.of(CPython(chosen(packages, lock, VERSION)), tools=tools, permit=permit, **limits)
        from arenite.sandbox.guests import numpython  # noqa: PLC0415 (who has none does not wait for it)

        folder = None if numpy is True else Path(numpy)
        found = chosen(packages, lock, numpython.VERSION, *numpython.PROVIDED)
        return cls.of(numpython.NumPython(folder, found), tools=tools, permit=permit, **limits)

    @classmethod
    def javascript(cls, *, tools: Iterable[Function | Tool] = (), permit: Permit | None = None, **limits: Unpack[Limits]) -> Self:
        """QuickJS-NG, ready to run JavaScript; as `python` otherwise.  Raises: `ImportError` without the extra `javascript`."""
        from arenite.sandbox.guests.quickjs import QuickJS  # noqa: PLC0415 (as above)

        return cls.of(QuickJS(), tools=tools, permit=permit, **limits)

    @classmethod
    def of(
        cls, guest: Guest, *, tools: Iterable[Function | Tool] = (), permit: Permit | None = None, **limits: Unpack[Limits]
    ) -> Self:
        """A guest of any kind, ready to run; as `python` otherwise.  Raises: also `Failure` for tools where it calls none."""
        check_names(limits, Bounds, LIMITS)
        box = toolbox(tools, permit)
        if box is not None and not guest.calls_tools:
            raise Failure(f"code of {guest.name} calls no tools")
        with uncollected():
            bounds = Bounds(**limits) if limits else USUAL
            return cls(Checkpoint(image(guest), fresh=True, guest=guest, of_image=True), bounds, box)

    @classmethod
    def pool(
        cls,
        size: int,
        *,
        begin: Checkpoint | None = None,
        guest: Guest | None = None,
        tools: Iterable[Function | Tool] = (),
        permit: Permit | None = None,
        **limits: Unpack[Limits],
    ) -> Pool:
        """At most `size` fresh boxes at a time, made before they are wanted: `with pool.box() as box`, or `async with pool.box_async() as box`.

        `begin`: what each begins as, with `random` seeded anew.   `guest`: or which guest, CPython by default.   The rest: as for `python`.
        """
        check_names(limits, Bounds, LIMITS)
        if begin is not None:
            check_begin(begin)
        runs = CPython() if guest is None else guest
        start = Checkpoint(image(runs), fresh=True, guest=runs, of_image=True) if begin is None else replace(begin, fresh=True)
        bounds, box = Bounds(**limits), toolbox(tools, permit)
        return Pool(size, lambda: cls(start, bounds, box))

    @property
    def files(self) -> MemoryFS:
        """The guest's files, from its root on."""
        return self.channel.files

    @property
    def alive(self) -> bool:
        """Whether its guest is still there."""
        return not self.closed and self.store.execution is not None

    @property
    def stopped(self) -> bool:
        """Whether it is in the middle of a run."""
        return self.alive and self.channel.asked

    def run(self, code: str, *, inputs: Mapping[str, object] | None = None, **limits: Unpack[Stretch]) -> Result:
        """Run some code, in the namespace of what ran before.

        `inputs`: variables that it finds, plain data.   `seconds`, `output`, `fuel`: of this run; by default the box's.
        `on_stdout`, `on_stderr`: called with each piece of text as it is printed; what they raise comes out of here, and the box is stopped.
        `on_limit`: "stop" or "end", see `Bounds`.
        The code's own errors, and limits, are in the result.  Raises: `Failure` when the box is not ready, or the code calls a tool that is async;
        `TypeError` for inputs.
        """
        return self._begin(code, inputs, limits).run()

    def go_on(self, **limits: Unpack[Stretch]) -> Result:
        """Go on with a run that was stopped, with new limits.  The result has what was printed since.  Raises: as `run`."""
        return self._turn(limits).run()

    async def run_async(self, code: str, *, inputs: Mapping[str, object] | None = None, **limits: Unpack[Stretch]) -> Result:
        """As `run`, as a task of an event loop, which it shares with others.  A task that is cancelled leaves the box stopped.

        Tools that are async are awaited, and cancelled where time is over: whoever goes on calls them again.
        Raises: also `ImportError` without the extra `async`.
        """
        check_async()
        return await self._begin(code, inputs, limits).run_async()

    async def go_on_async(self, **limits: Unpack[Stretch]) -> Result:
        """As `go_on`, as a task of an event loop.  Raises: as `run_async`."""
        check_async()
        return await self._turn(limits).run_async()

    def run_until_tool(
        self, code: str, *, inputs: Mapping[str, object] | None = None, **limits: Unpack[Stretch]
    ) -> Pending | Result:
        """As `run`, but to the first call of a tool, which is left for the caller to answer, when and where he likes.

        Calls that the box's tools do not take, or `permit` refuses, the code is told of at once.  A box that was given no tools leaves all calls.
        Raises: as `run`; `Failure` where `permit` is async.
        """
        return self._left(self._begin(code, inputs, limits).to_call())

    def go_on_until_tool(self, **limits: Unpack[Stretch]) -> Pending | Result:
        """As `go_on`, to the next call of a tool.  Raises: as `run`."""
        return self._left(self._turn(limits).to_call())

    async def run_until_tool_async(
        self, code: str, *, inputs: Mapping[str, object] | None = None, **limits: Unpack[Stretch]
    ) -> Pending | Result:
        """As `run_until_tool`, as a task of an event loop; `permit` may be async.  Raises: as `run_async`."""
        check_async()
        return self._left(await self._begin(code, inputs, limits).to_call_async())

    async def go_on_until_tool_async(self, **limits: Unpack[Stretch]) -> Pending | Result:
        """As `go_on_until_tool`, as a task of an event loop.  Raises: as `run_async`."""
        check_async()
        return self._left(await self._turn(limits).to_call_async())

    def pending(self) -> Pending | None:
        """The call of a tool that the code waits for, if it does."""
        found = self.channel.called() if self.stopped else None
        return Pending(self, found) if isinstance(found, Call) else None

    def _left(self, found: Call | Result) -> Pending | Result:
        return Pending(self, found) if isinstance(found, Call) else found

    def _alive(self) -> None:
        """Raises: `Failure` when it is not."""
        if self.closed:
            raise Failure("the box is closed: restore a checkpoint, or make another")
        if not self.alive:
            raise Failure("the box is dead: its guest has ended; restore a checkpoint, or make another")

    def _ready(self) -> None:
        """Raises: `Failure` when it is not."""
        self._alive()
        if self.channel.asked:
            raise Failure("the box is in the middle of a run: go_on once it is stopped there, or restore a checkpoint")

    def _begin(self, code: str, inputs: Mapping[str, object] | None, limits: Stretch) -> Turn:
        self._ready()
        if not isinstance(code, str):
            raise TypeError(f"code is a str, not {type(code).__name__}")
        asked = self._asked(limits)
        self.channel.ask(Request(code, {} if inputs is None else inputs, self._seed), self.tools)
        self._seed = None
        return self._begun(asked)

    def _turn(self, limits: Stretch) -> Turn:
        if not self.stopped:
            self._ready()
            raise Failure("there is nothing to go on with")
        return self._begun(self._asked(limits))

    def _asked(self, limits: Stretch) -> Asked:
        if not limits:
            return AS_THE_BOX
        check_names(limits, Asked, "a run")
        return Asked(**limits)

    def _begun(self, asked: Asked) -> Turn:
        bounds = self._bounds
        self.channel.open(bounds.output if asked.output is None else asked.output, asked.on_stdout, asked.on_stderr)
        seconds = bounds.seconds if asked.seconds is None else asked.seconds
        ends = (bounds.on_limit if asked.on_limit is None else asked.on_limit) == "end"
        return Turn(self, seconds, bounds.fuel if asked.fuel is None else asked.fuel, ends=ends)

    def checkpoint(self) -> Checkpoint:
        """This moment, to go back to; it may be kept and restored any number of times.

        That of a box that is stopped is in the middle of its run, too.  Raises: `Failure` when the box is dead.
        """
        self._alive()
        return Checkpoint(self.store.snapshot(), fresh=self._seed is not None, guest=self.guest, of_image=self._of_image)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back, with everything: variables, open files, `files`.  What was opened in `files` before is of no use then.

        Where that cannot be done, nothing has changed.  Raises: `Failure` while its guest runs, `Limit`.
        """
        check_begin(checkpoint)
        files = self.channel.files
        channel, store = self._made(checkpoint)
        try:
            self.store.close()
        except BaseException:
            store.close()
            raise
        self._enter(checkpoint, channel, store)
        self.channel.stand_in(files)

    def fork(self, n: int = 1, *, reseed: bool = False) -> list[Sandbox]:
        """Boxes that go on from here, each for itself; those of a box that is stopped are stopped too.

        `random` goes on in each as it would have here, or with `reseed` from its next run on by a seed of its own.  Raises: `Failure` when it is dead.
        """
        integer("n", n, 0)
        before = self.checkpoint()
        if reseed:
            before = replace(before, fresh=True)
        return [Sandbox(before, self._bounds, self.tools) for _ in range(n)]

    @contextmanager
    def attempt(self) -> Iterator[Sandbox]:
        """A fork to try something in.  At the end this box is what the fork has become, unless that is closed or not ready, or something was raised."""
        (trial,) = self.fork()
        kept = False
        try:
            yield trial
            kept = not trial.closed and trial.alive and not trial.stopped
        finally:
            if kept:
                files = self.files
                self.store, trial.store = trial.store, self.store
                self.channel, trial.channel = trial.channel, self.channel
                self.channel.stand_in(files)
                self._seed = trial._seed  # noqa: SLF001 - it is one of ours
            trial.close()

    def save(self, path: str | os.PathLike[str], *, key: bytes | None = None) -> None:
        """Write it to a file, also in the middle of a run.  `key`: as for `Snapshot.save`.  Raises: `Failure` when it is dead, `SnapshotError`."""
        self.checkpoint().snapshot.save(path, key=key)

    @classmethod
    def open(cls, path: str | os.PathLike[str], **options: Unpack[Loading]) -> Self:
        """A box out of a file that `save` has written.

        `key`: with which it was saved; without one the file may be anybody's: it is checked as all snapshots are, and its guest is no less in a box than others.
        `bounds`: by default those of a new box.   `guest`: what runs its code, if that is one of your own.   `tools`, `permit`: as for `python`;
        functions do not travel.  Its calls of tools have the ids that they would have had in the box that was saved.
        Raises: `SnapshotError`, also for a snapshot that is none of a box; `Limit`.
        """
        check_names(options, Loaded, BACK)
        how = Loaded(**options)
        guest = saved(how.guest)
        snapshot = linked(Snapshot.open(path, engine(), key=how.key, trusted=how.key is not None), guest)
        return cls._found(snapshot, guest, how, str(os.fspath(path)))

    def dumps(self, *, key: bytes | None = None) -> bytes:
        """It as few bytes, also in the middle of a run: what it has beyond the image that it was forked from.

        Whoever reads them must have that image too: the processes of this user have, which share a cache; elsewhere a file is needed (`save`).
        A box out of a file is written whole.   `key`: as for `save`.  Raises: as `save`.
        """
        snapshot = self.checkpoint().snapshot
        if self._of_image:
            beside = base(self.guest)
            if beside.carries(snapshot.frozen()):
                return beside.dumps(snapshot.frozen(), limits(), key)
        return snapshot.dumps(key=key)

    @classmethod
    def loads(cls, data: bytes, **options: Unpack[Loading]) -> Self:
        """A box out of bytes that `dumps` has made.  `options`: those of `open`; `guest`: of which it was made, by default that of `python()`.

        Raises: `SnapshotError`, also where this user's cache has another image; `Limit`.
        """
        from arenite.snapshot.relative import is_relative  # noqa: PLC0415 (who dumps nothing does not wait for it)

        check_names(options, Loaded, BACK)
        how, of_image = Loaded(**options), is_relative(data)
        if of_image:
            guest = CPython() if how.guest is None else how.guest
            snapshot = Snapshot(engine(), base(guest).loads(data, limits(), how.key))
        else:
            guest = saved(how.guest)
            snapshot = linked(Snapshot.loads(data, engine(), key=how.key), guest)
        return cls._found(snapshot, guest, how, "what was dumped", of_image=of_image)

    @classmethod
    def _found(cls, snapshot: Snapshot, guest: Guest, how: Loaded, name: str, *, of_image: bool = False) -> Self:
        bounds = Bounds() if how.bounds is None else how.bounds
        box = cls(
            Checkpoint(snapshot, fresh=False, guest=guest, of_image=of_image), bounds, toolbox(how.tools, how.permit), same=True
        )
        if not box.alive or not box.channel.fits:
            box.close()
            raise SnapshotError(f"{name} is a snapshot, but none of a box")
        return box

    def __repr__(self) -> str:
        state = "closed" if self.closed else "dead" if not self.alive else "stopped" if self.stopped else "ready"
        return f"<Sandbox of {self.guest.name}: {state}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("boxes are neither pickled nor copied: `dumps` and `save` write one, `fork` makes more of it")

    def close(self) -> None:
        """Give everything back."""
        self.store.close()
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


def check_begin(begin: object) -> None:
    """Raises: `TypeError` for what no box goes on from."""
    if not isinstance(begin, Checkpoint):
        raise TypeError(f"a box goes on from a Checkpoint, as its checkpoint() gives one, not from {begin!r:.100}")


def saved(guest: Guest | None) -> Guest:
    """What runs the code of a box out of a file: one of one's own, or any that arenite brings."""
    if guest is not None:
        return guest
    from arenite.sandbox.guests.saved import Saved  # noqa: PLC0415 (as above)

    return Saved()


def toolbox(tools: Iterable[Function | Tool], permit: Permit | None) -> Toolbox | None:
    """None if there are none."""
    if permit is not None and not callable(permit):
        raise TypeError(f"permit is a function that is asked about each call, not {type(permit).__name__}")
    if tools == ():
        return None
    from arenite.sandbox.tools import toolbox  # noqa: PLC0415 (who has none does not wait for it)

    return toolbox.toolbox(tools, permit)
