"""Sessions: boxes that clients have, each under a name that only its client knows, with limits of how many, how large and how long.

- A session has one call at a time; others wait for their turn, not forever.
- A call that does not come to a good end (its time is over, the client has gone, the guest is dead) is undone: the session is then as it was before.
- A name is 128 bits of chance.  Who is known beyond one request owns what it opens; another who has the name may still not use it.

    sessions = Sessions(Limits())
    session = sessions.open(Client("stdio", known=True))
    async with session.turn():
        result = await session.run("6 * 7")
"""

from __future__ import annotations

import gc
import secrets
import time
from collections import OrderedDict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anyio import CancelScope, Lock, WouldBlock, move_on_after

from arenite import Failure, Sandbox
from arenite.serving.languages import USUAL
from arenite.serving.record import Record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

    from arenite import MemoryFS
    from arenite.sandbox import Checkpoint, Result
    from arenite.sandbox.options import Limits as BoxLimits
    from arenite.serving.answer import Answer
    from arenite.serving.limits import Limits
    from arenite.serving.shown import Json

STATM: Final = Path("/proc/self/statm")
PAGE: Final = 4096
COLLECT: Final = 32  # boxes that are closed between two collections of garbage
MOST_CLIENTS: Final = 4096  # whose first sessions are remembered


class Refused(Failure):
    """What a client asked is not done, for a reason that it can mend; the message is for it."""


@dataclass(frozen=True)
class Client:
    """Who asks.  `known`: whether later requests can be told to come from it, too; else names of sessions are all that it has."""

    name: str
    known: bool


@dataclass
class Session:
    """A client's box.  `execution`: how others may call it, unlike its `name`; `family`: the execution that it descends from.

    `on_output`: is called with what a run prints.
    """

    client: Client
    box: Sandbox
    limits: Limits
    family: str = ""
    language: str = USUAL
    on_output: Callable[[str], object] | None = None
    name: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    execution: str = field(default_factory=lambda: secrets.token_hex(6))
    closed: bool = False

    def __post_init__(self) -> None:
        self.family = self.family or self.execution
        self.record = Record["Answer"](self.execution)
        self.used = time.monotonic()
        self._checkpoints = OrderedDict[str, "Checkpoint"]()
        self._kept = 0
        self._before: Checkpoint | None = None  # what the next run can be undone to, unless there are changes meanwhile
        self._turn = Lock()
        self._waiting = 0
        self._scope: CancelScope | None = None

    @property
    def busy(self) -> bool:
        """Whether a call goes on."""
        return self._turn.locked()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Nobody else's call until the end.  Raises: `Refused` when it takes too long, or the session is closed."""
        await self._wait()
        try:
            self._there()
            with CancelScope() as self._scope:
                yield
            self._there()
        finally:
            self._scope = None
            self.used = time.monotonic()
            if self.closed:
                self.box.close()
            self._turn.release()

    async def _wait(self) -> None:
        try:
            self._turn.acquire_nowait()
        except WouldBlock:
            await self._queue()

    async def _queue(self) -> None:
        if self._waiting >= self.limits.waiting:
            raise Refused(f"{self._waiting} calls wait for this session already: ask again later, or use another session")
        self._waiting += 1
        try:
            with move_on_after(self.limits.seconds) as scope:
                await self._turn.acquire()
        finally:
            self._waiting -= 1
        if scope.cancelled_caught:
            raise Refused("another call of this session takes long: ask again later, or use another session")

    def _there(self) -> None:
        if self.closed:
            raise Refused("the session was closed meanwhile")

    async def run(self, code: str, *, inputs: Mapping[str, object], seconds: float) -> tuple[Result, bool]:
        """What comes of some code, and whether the session was rolled back.  Raises: `TypeError` for inputs; in a turn only."""
        self.prepare()
        before, self._before = self._before, None
        assert before is not None
        good = False
        try:
            result = await self.box.run_async(
                code, inputs=inputs, seconds=seconds, on_stdout=self.on_output, on_stderr=self.on_output
            )
            good = result.limit is None and self.box.alive and not self.box.stopped
        finally:
            if not good:
                self._roll_back(before)
        return result, not good

    def prepare(self) -> None:
        """Have a checkpoint of this moment for the next run, so that it need not wait for that; in a turn, or while nobody has one."""
        if self._before is None:
            self._before = self.box.checkpoint()

    @property
    def prepared(self) -> bool:
        """Whether there is one, or no use for it."""
        return self._before is not None or self.closed

    def _roll_back(self, before: Checkpoint) -> None:
        try:
            self.box.restore(before)
        except BaseException:
            self.closed = True  # better none than one that is stuck
            raise
        self._before = before

    def files_to_change(self) -> MemoryFS:
        """The files, for who writes and removes some; in a turn only."""
        self._before = None
        return self.box.files

    def keep(self) -> tuple[str, list[Json]]:
        """A checkpoint's name, and those that were forgotten for it; in a turn only."""
        self._kept += 1
        name = f"{self.execution}-{self._kept}"
        self._before = self._checkpoints[name] = self.box.checkpoint()
        forgotten: list[Json] = []
        while len(self._checkpoints) > self.limits.checkpoints:
            forgotten.append(self._checkpoints.popitem(last=False)[0])
        return name, forgotten

    def restore(self, name: str) -> None:
        """Go back to a checkpoint.  Raises: `Refused`; in a turn only."""
        if name not in self._checkpoints:
            raise Refused(f"there is no such checkpoint (any more); there are: {', '.join(self._checkpoints) or 'none'}")
        self._roll_back(self._checkpoints[name])

    def names(self) -> dict[str, Json]:
        """By which it is called."""
        return {"session": self.name, "execution": self.execution}

    def told(self) -> dict[str, Json]:
        """What its client may want to know."""
        idle = round(time.monotonic() - self.used, 1)
        return {
            **self.names(),
            "language": self.language,
            "busy": self.busy,
            "idle": idle,
            "checkpoints": list(self._checkpoints),
        }

    def close(self) -> None:
        """Give the box back, at once or when the call that goes on has been stopped."""
        self.closed = True
        if self._scope is not None:
            self._scope.cancel()
        elif not self.busy:
            self.box.close()


class Sessions:
    """All sessions of a server.  `languages`: those of `LANGUAGES` that they may have; the first is the usual one."""

    def __init__(self, limits: Limits, languages: Sequence[str] = (USUAL,)) -> None:
        self.limits, self.languages = limits, languages
        self._sessions: dict[str, Session] = {}
        self._defaults: dict[Client, Session] = {}
        self._closed = 0
        self._records: dict[Client, Record[Answer]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self, client: Client, language: str | None = None) -> Session:
        """A new one.  Raises: `Refused` where there is no room, or no such language."""
        chosen = self.languages[0] if language is None else language
        if chosen not in self.languages:
            raise Refused(f"there is no language {chosen!r} here; there are: {', '.join(self.languages)}")
        self._room(client, 1)
        return self._enter(Session(client, box(chosen, self.limits), self.limits, language=chosen))

    def fork(self, session: Session, count: int) -> list[Session]:
        """Sessions of the same client that go on from where this one is.  Raises: `Refused`; in a turn only."""
        self._room(session.client, count)
        return [
            self._enter(Session(session.client, fork, self.limits, session.family, session.language))
            for fork in session.box.fork(count)
        ]

    def _enter(self, session: Session) -> Session:
        self._sessions[session.name] = session
        return session

    def get(self, client: Client, name: str | None) -> Session:
        """The client's session of that name; without one its own, that is opened when it is first asked for.  Raises: `Refused`."""
        if name is None:
            if not client.known:
                raise Refused("say which session: open_session gives a name, which is all that this connection is known by")
            return self._default(client)
        session = self._sessions.get(name)
        if session is None or session.closed or session.client != client:
            raise Refused("there is no such session (any more): open_session opens one")
        return session

    def _default(self, client: Client) -> Session:
        session = self._defaults.get(client)
        if session is None:
            session = self._defaults[client] = self.open(client)
            if len(self._defaults) > MOST_CLIENTS:
                del self._defaults[next(iter(self._defaults))]
        elif session.name not in self._sessions or session.closed:
            del self._defaults[client]  # what was in it is gone, so that is not to happen silently
            raise Refused("your session was closed, as it was not used for long or has broken; the next call opens a fresh one")
        return session

    def of(self, client: Client, session: Session | None) -> list[Session]:
        """Those of a client; of one that is not known, the session's relatives, for no other can be told to be its own."""
        if client.known:
            return [one for one in self._sessions.values() if one.client == client]
        return [] if session is None else [one for one in self._sessions.values() if one.family == session.family]

    def record(self, client: Client) -> Record[Answer]:
        """Of what a client did outside of sessions.  Raises: `Refused` when it is not known."""
        if not client.known:
            raise Refused("this connection is not known by anything: without a session no call can have a key")
        return self._records.setdefault(client, Record(secrets.token_hex(6)))

    def check_memory(self) -> None:
        """Raises: `Refused` when the process has become too large."""
        if (resident := resident_bytes()) > self.limits.resident:
            raise Refused(f"the server is full: it takes {resident >> 20} MiB; close sessions, or ask again later")

    def _room(self, client: Client, count: int) -> None:
        self._close_old()  # the records stay: this may be a call with a key, of a client that has no session yet
        self.check_memory()
        limits = self.limits
        own = sum(one.client == client for one in self._sessions.values())
        if own + count > limits.sessions_each:
            raise Refused(f"{own} of {limits.sessions_each} sessions are open, {count} more are too many: close some")
        if len(self._sessions) + count > limits.sessions:
            raise Refused(f"the server has {len(self._sessions)} of {limits.sessions} sessions: ask again later")

    def close(self, sessions: Iterable[Session]) -> None:
        """Close some, as their client wants it."""
        for session in list(sessions):
            if self._defaults.get(session.client) is session:
                del self._defaults[session.client]
            self._drop(session)

    def _drop(self, session: Session) -> None:
        self._sessions.pop(session.name, None)
        session.close()
        self._closed += 1
        if self._closed % COLLECT == 0:
            gc.collect()  # boxes are cycles, and those of Python's own accounts do not see what a box holds: mappings, descriptors

    def forget(self, client: Client) -> None:
        """Close what a client has that has gone."""
        self.close(one for one in self._sessions.values() if one.client == client)
        self._defaults.pop(client, None)
        self._records.pop(client, None)

    def sweep(self) -> None:
        """Close what has not been used for too long, or has broken; forget what clients did that have nothing any more."""
        self._close_old()
        there = {one.client for one in self._sessions.values()}
        for client in self._records.keys() - there:
            del self._records[client]

    def _close_old(self) -> None:
        late = time.monotonic() - self.limits.idle
        for session in list(self._sessions.values()):
            if session.closed or (session.used < late and not session.busy):
                self._drop(session)

    def close_all(self) -> None:
        """The end."""
        self.close(self._sessions.values())


def resident_bytes() -> int:
    """What the process has in memory; 0 where the system does not tell."""
    try:
        return int(STATM.read_text("ascii").split()[1]) * PAGE
    except OSError:
        return 0


def box(language: str, limits: Limits) -> Sandbox:
    """One for a session."""
    bounds: BoxLimits = {
        "memory": limits.memory,
        "seconds": limits.seconds,
        "output": limits.output,
        "file_bytes": limits.file_bytes,
        "file_names": limits.file_names,
    }
    return Sandbox.javascript(**bounds) if language == "javascript" else Sandbox.python(numpy=language == "numpy", **bounds)
