"""The tools: each is a class of arguments that knows what is to be done with them.

The docstring is the tool's description, which a model reads; `pydantic` makes the schema of the fields and checks what clients send.

Example:  await TOOLS["run"].model_validate({"code": "6 * 7"}).work(sessions, session)
"""

from __future__ import annotations

import base64
import binascii
import codecs
import os
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from arenite.serving.answer import Answer
from arenite.serving.sessions import Refused
from arenite.serving.shown import clean, cut, shown_value
from arenite.world.stat import FileType

if TYPE_CHECKING:
    from arenite.serving.sessions import Client, Session, Sessions
    from arenite.serving.shown import Json

MOST_FILES: Final = 100  # that a run is told to have changed
MOST_LOOKED: Final = (
    500  # files and directories of a session, more than which are not looked at behind each run: others wait meanwhile
)
MOST_NAMES: Final = 500  # of a directory
MOST_DEEP: Final = 64  # directories in directories that are made for a file
MOST_FORKS: Final = 64
CALL: Final = (
    "A key of your own for this call: if the answer is lost, call again with the same key and arguments; nothing is done twice."
)
SESSION: Final = "The session's name, from open_session or fork. Without it: your first session."
MOST_OFFSET: Final = 1 << 40


class Arguments(BaseModel):
    """What every tool takes.   `reads`: the tool changes nothing."""

    model_config = ConfigDict(extra="forbid")
    reads: ClassVar[bool] = False

    call: str | None = Field(default=None, min_length=1, max_length=200, description=CALL)


class Alone(Arguments):
    """A tool that uses no session."""

    def work(self, sessions: Sessions, client: Client) -> Answer:
        """Do it.  Raises: `Refused`."""
        raise NotImplementedError


class InSession(Arguments):
    """A tool that uses one."""

    session: str | None = Field(default=None, max_length=64, description=SESSION)

    async def work(self, sessions: Sessions, session: Session) -> Answer:
        """Do it, in the session's turn.  Raises: `Refused`, OSError."""
        raise NotImplementedError


class Run(InSession):
    """Run Python 3.12 code in a sandbox: standard library, files in memory, no network, no access to this machine.

    Variables, functions and files stay for the next run. The answer has what was printed, the value of a last expression, and the
    traceback if the code raised. Code that reaches a limit is stopped, and all it did is undone (rolled_back).
    """

    code: str = Field(description="Source code. End with an expression to get its value.")
    inputs: dict[str, JsonValue] = Field(default_factory=dict, description="Variables to set before: name -> JSON value.")
    seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False, description="Stop the code after so many seconds.")

    async def work(self, sessions: Sessions, session: Session) -> Answer:
        """Run it.  What the code raises, and limits, are in the answer."""
        limits = sessions.limits
        seconds = limits.seconds if self.seconds is None else self.seconds
        if seconds > limits.seconds:
            raise Refused(f"a run has at most {limits.seconds:g} seconds here")
        sessions.check_memory()
        try:
            result, undone = await session.run(self.code, inputs=self.inputs, seconds=seconds)
        except TypeError as error:
            raise Refused(str(error)) from None
        few = session.box.files.used_entries <= MOST_LOOKED
        return Answer(
            {
                "stdout": cut(result.stdout, limits.shown),
                "stderr": cut(result.stderr, limits.shown),
                "value": shown_value(result.value, limits.shown),
                "error": None if result.error is None else cut(result.error, limits.shown),
                "limit": result.limit,
                "rolled_back": undone,
                "files": [] if undone else told_files(result.files) if few else None,
                "seconds": round(result.duration, 6),
            },
            failed=result.error is not None,
        )


def told_files(paths: tuple[str, ...]) -> list[Json]:
    """Those that a run has made, changed or removed."""
    more = len(paths) - MOST_FILES
    return [*map(clean, paths[:MOST_FILES]), *([f"[{more} more]"] if more > 0 else [])]


class OpenSession(Alone):
    """Open a session of its own: a fresh one with no files. Close it when it is no longer needed."""

    language: str | None = Field(default=None, max_length=64, description="What it runs.")

    def work(self, sessions: Sessions, client: Client) -> Answer:
        """Open one."""
        return Answer(sessions.open(client, self.language).names())


class ListSessions(Alone):
    """List your open sessions: for how many seconds they have not been used, and their checkpoints."""

    reads = True
    session: str | None = Field(default=None, max_length=64, description="List this session and those it is related to by forks.")

    def work(self, sessions: Sessions, client: Client) -> Answer:
        """Tell of them."""
        session = None if self.session is None else sessions.get(client, self.session)
        if session is None and not client.known:
            raise Refused("name one of your sessions: this connection is not known by anything else")
        return Answer({"sessions": [one.told() for one in sessions.of(client, session)]})


class CloseSession(Alone):
    """Close a session. What is in it is lost; a run that goes on in it is stopped."""

    session: str = Field(max_length=64, description="The session's name.")

    def work(self, sessions: Sessions, client: Client) -> Answer:
        """Close it."""
        sessions.close([sessions.get(client, self.session)])
        return Answer({"closed": True})


class Fork(InSession):
    """Fork a session: new sessions that go on from where this one is, each for itself, to try several ways from one state."""

    count: int = Field(default=1, ge=1, le=MOST_FORKS, description="How many.")

    async def work(self, sessions: Sessions, session: Session) -> Answer:
        """Make them."""
        return Answer({"sessions": [one.names() for one in sessions.fork(session, self.count)]})


class Checkpoint(InSession):
    """Keep this moment of a session (variables, files, all), to restore it later."""

    async def work(self, sessions: Sessions, session: Session) -> Answer:
        """Keep it."""
        sessions.check_memory()
        name, forgotten = session.keep()
        return Answer({"checkpoint": name, "forgotten": forgotten})


class Restore(InSession):
    """Bring a session back to a checkpoint: all that was done since is undone. The checkpoint stays."""

    checkpoint: str = Field(max_length=64, description="A checkpoint of this session.")

    async def work(self, sessions: Sessions, session: Session) -> Answer:
        """Go back."""
        del sessions
        session.restore(self.checkpoint)
        return Answer({"restored": self.checkpoint})


class WriteFile(InSession):
    """Write a file into a session; directories above it are made. Code finds it under the same path."""

    path: str = Field(max_length=4096, description="For example /data/in.csv")
    text: str | None = Field(default=None, description="What to write, as text.")
    base64: str | None = Field(default=None, description="What to write, as base64, instead of text.")

    async def work(self, sessions: Sessions, session: Session) -> Answer:
        """Write it."""
        del sessions
        if (self.text is None) == (self.base64 is None):
            raise Refused("give either text or base64")
        if self.path.count("/") > MOST_DEEP:
            raise Refused(f"a path has at most {MOST_DEEP} directories here")
        try:
            content = (self.text or "").encode() if self.base64 is None else base64.b64decode(self.base64, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refused(f"that is no content of a file: {error}") from None
        files = session.files_to_change()
        files.mkdir(self.path.rpartition("/")[0], parents=True)
        files[self.path] = content
        return Answer({"path": clean(self.path), "size": len(content)})


class ReadFile(InSession):
    """Read a file of a session, or a piece of it: as text if it is UTF-8, else as base64."""

    reads = True
    path: str = Field(max_length=4096, description="For example /data/out.csv")
    offset: int = Field(default=0, ge=0, le=MOST_OFFSET, description="The byte to begin at.")
    size: int | None = Field(default=None, ge=1, le=MOST_OFFSET, description="At most so many bytes.")

    async def work(self, sessions: Sessions, session: Session) -> Answer:
        """Read it."""
        most = sessions.limits.shown
        with session.box.files.open(self.path, "rb") as file:
            whole = file.seek(0, os.SEEK_END)
            file.seek(self.offset)
            piece: bytes = file.read(most if self.size is None else min(self.size, most))
        content, size = shown_piece(piece, whole=self.offset + len(piece) >= whole)
        return Answer(content | {"size": whole, "rest": max(0, whole - self.offset - size)})


def shown_piece(piece: bytes, *, whole: bool) -> tuple[dict[str, Json], int]:
    """Some bytes of a file, and how many of them; a character that is cut off at the end is left for the next piece, unless it is the `whole` rest."""
    with suppress(UnicodeDecodeError):
        text, size = codecs.utf_8_decode(piece, "strict", whole)
        if size or not piece:
            return {"text": text}, size
    return {"base64": base64.b64encode(piece).decode()}, len(piece)


class ListFiles(InSession):
    """List a directory of a session. Names of directories end with a slash."""

    reads = True
    path: str = Field(default="/", max_length=4096, description="The directory.")

    async def work(self, sessions: Sessions, session: Session) -> Answer:
        """List it."""
        del sessions
        files = session.box.files
        names = sorted(files.listdir(self.path))
        found: list[Json] = []
        for name in names[:MOST_NAMES]:
            stat = files.stat(f"{self.path}/{name}", follow=False)
            folder = stat.type is FileType.DIRECTORY
            found.append({"name": clean(name) + ("/" if folder else ""), "size": 0 if folder else stat.size})
        return Answer({"files": found, "left_out": max(0, len(names) - MOST_NAMES)})


class RemoveFile(InSession):
    """Remove a file or an empty directory of a session."""

    path: str = Field(max_length=4096, description="For example /data/in.csv")

    async def work(self, sessions: Sessions, session: Session) -> Answer:
        """Remove it."""
        del sessions
        files = session.files_to_change()
        if files.stat(self.path, follow=False).type is FileType.DIRECTORY:
            files.rmdir(self.path)
        else:
            files.unlink(self.path)
        return Answer({"removed": clean(self.path)})


TOOLS: Final[dict[str, type[Alone | InSession]]] = {
    "run": Run,
    "open_session": OpenSession,
    "list_sessions": ListSessions,
    "close_session": CloseSession,
    "fork": Fork,
    "checkpoint": Checkpoint,
    "restore": Restore,
    "write_file": WriteFile,
    "read_file": ReadFile,
    "list_files": ListFiles,
    "remove_file": RemoveFile,
}
"""Every tool by its name."""
