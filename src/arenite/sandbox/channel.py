"""Between a box and its guest: a request goes in as standard input, what is printed comes out, an answer lies in a file.

The guest is not believed: how much it prints and answers is bounded, what it answers may be anything.  Its code may also read
standard input itself, write the file or remove it, so only this side knows whether a request is being answered.

Example:  channel.ask(Request("6 * 7", {}, None)); execution.run(…); channel.answer(store)
"""

from __future__ import annotations

import os
from codecs import utf_8_decode
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from arenite import Failure, MemoryFS, NotReady, WasiConfig
from arenite.sandbox.ctrl_c import CtrlC
from arenite.sandbox.guests.guest import ANSWERS, FILES, MOST_ANSWER, SILENT, TOOLS, AnswerError
from arenite.sandbox.kept import NAME, Keeper, KeptBox, chunked
from arenite.sandbox.tools.call import RequestError, raised, read
from arenite.wasi.files import files_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite import Store
    from arenite.machine.run.hosts import HostState
    from arenite.sandbox.guests.guest import Guest, Request
    from arenite.sandbox.tools.call import Call
    from arenite.sandbox.tools.toolbox import Toolbox
    from arenite.world.memory.device import Device

ANSWER_ENTRIES: Final = 8
OWN_DESCRIPTORS: Final = 7  # three streams, two directories, the answer, and the tools


class Stream:
    """Standard output or error of one stretch of a run.  `tell`: called with each piece.   `tail`: what is left of the stretch before."""

    def __init__(self, ctrl_c: CtrlC, tell: Callable[[str], object] | None = None, tail: bytes = b"") -> None:
        self.text: list[str] = []
        self._ctrl_c = ctrl_c
        self._tell = tell
        self.tail = tail  # the beginning of a character whose end has not come

    def take(self, data: bytes, *, final: bool = False) -> None:
        """Some more.  Raises: what whoever is told raises, and has taken nothing."""
        data = self.tail + data
        text, known = utf_8_decode(data, "replace", final)
        if text:
            if self._tell is not None:
                try:
                    self._ctrl_c.raises = True
                    self._tell(text)
                    self._ctrl_c.raises = False
                except BaseException:
                    self._ctrl_c.raises = False
                    raise
            self.text.append(text)
        self.tail = data[known:]


class Channel:
    """The guest's streams; `asked`: it has a request that it has not answered."""

    def __init__(self, guest: Guest) -> None:
        self.asked = False
        self.id = os.urandom(8).hex()  # `secrets` takes as long to import as a box takes to make
        self._calls = 0
        self.call = ""  # the id of the call of a tool that waits for an answer
        self._tools = ""
        self._guest = guest
        self.full = False
        self.failed: BaseException | None = None  # what whoever takes the output has raised
        self.found = False  # whether it goes on from a box
        self._request = b""
        self._room = 0
        self._answer = b""  # what the guest has answered
        self._silent = False  # that it has nothing to answer
        self._answers: MemoryFS | None = None
        self._files: MemoryFS | None = None
        self._known: MemoryFS | None = None  # a copy of them as they were last
        self._device: Device | None = None
        self.ctrl_c = CtrlC()
        self.streams = {"stdout": Stream(self.ctrl_c), "stderr": Stream(self.ctrl_c)}

    def config(self, files: MemoryFS, descriptors: int) -> WasiConfig:
        """What a guest is given that goes on with this.  `files`: how much there may be; `descriptors`: of the code's own."""
        answers = MemoryFS(max_bytes=2 * MOST_ANSWER, max_entries=ANSWER_ENTRIES)
        return WasiConfig(
            stdin=self._give,
            stdout=lambda data: self._take("stdout", data),
            stderr=lambda data: self._take("stderr", data),
            dirs={FILES: files, ANSWERS: answers, **{name: (MemoryFS(), "ro") for name in self._guest.shared}},
            max_descriptors=descriptors + OWN_DESCRIPTORS + len(self._guest.shared),
        )

    def serve(self, store: Store, *, same: bool = False) -> None:
        """From now on this is the guest; a box goes on from where it was.  `same`: as the same, by its id.  Raises: `SnapshotError`."""
        with suppress(KeyError, Failure):
            self._files, self._answers = files_of(store, FILES), files_of(store, ANSWERS)
            self._device = self._answers.device(TOOLS)
        own = self.id
        keeper = Keeper(self)
        store.rebind_host(NAME, keeper)
        self.found = keeper.found
        if not same:
            self.id = own

    @property
    def fits(self) -> bool:
        """Whether the guest is that of a box, and has the directories that are spoken of here."""
        return self.found and self._device is not None

    @property
    def files(self) -> MemoryFS:
        """The box's files.  Raises: `KeyError` for a guest that has none."""
        if self._files is None:
            raise KeyError(FILES)
        return self._files

    def known(self) -> MemoryFS:
        """A copy of the box's files, which nobody writes."""
        if self._known is None or not self._known.is_copy(self.files):
            self._known = self.files.copy()
        return self._known

    def stand_in(self, files: MemoryFS) -> None:
        """The box's files are to be found where those of another time are."""
        files.stand_for(self.files)
        self._files = files

    def ask(self, request: Request, tools: Toolbox | None) -> None:
        """Give a request.  `tools`: what there are, None: whatever there were.  Raises: `TypeError` for inputs that the guest cannot be given."""
        told = self._tools
        if tools is not None and tools.digest != told:
            request, told = replace(request, tools=tools.described), tools.digest
        self._request, self._tools = self._guest.encode(request), told
        self._tooling().reset()
        self.asked, self.call = True, ""

    def open(self, room: int, stdout: Callable[[str], object] | None, stderr: Callable[[str], object] | None) -> None:
        """Take so many bytes of output from now on."""
        self._room, self.full, self.failed = room, False, None
        streams, ctrl_c = self.streams, self.ctrl_c
        self.streams = {
            "stdout": Stream(ctrl_c, stdout, streams["stdout"].tail),
            "stderr": Stream(ctrl_c, stderr, streams["stderr"].tail),
        }

    def end(self) -> None:
        """The run is over: what has begun of a character will not end."""
        for stream in self.streams.values():
            if stream.tail:
                stream.take(b"", final=True)

    def keep(self) -> KeptBox:
        """What travels of it."""
        tails: dict[str, HostState] = {role: stream.tail for role, stream in self.streams.items()}
        return KeptBox(
            id=self.id,
            calls=self._calls,
            call=self.call,
            tools=self._tools,
            asked=int(self.asked),
            request=chunked(self._request),
            tails=tails,
        )

    def take_up(self, kept: KeptBox) -> None:
        """Go on from there."""
        assert isinstance(kept.request, bytes)
        assert isinstance(kept.tails, dict)
        self.id, self._calls, self.call, self._tools = kept.id, kept.calls, kept.call, kept.tools
        self.asked, self._request = bool(kept.asked), kept.request
        self.streams = {role: Stream(self.ctrl_c, None, tail) for role, tail in kept.tails.items() if isinstance(tail, bytes)}

    def written(self, role: str) -> str:
        """What was printed since `open`."""
        text = self.streams[role].text
        return text[0] if len(text) == 1 else "".join(text)

    def answer(self) -> tuple[object, str | None]:
        """Value and error of the request, which is done.  Raises: `AnswerError`."""
        self.asked = False
        answer, silent, self._answer, self._silent = self._answer, self._silent, b"", False
        if not answer:
            if silent:
                return None, None
            raise AnswerError("the code has damaged the program that runs it: there is no answer")
        return self._guest.decode(answer)

    def called(self) -> Call | bytes | None:
        """The call of a tool that the guest waits for; the answer, where it has asked for something else; None where it waits for none."""
        request = self._tooling().request
        if request is None:
            return None
        if not self.call:
            self._calls += 1
            self.call = f"{self.id}-{self._calls}"
        try:
            return read(request, self.call)
        except RequestError as error:
            return raised(error)

    def reply(self, answer: bytes) -> None:
        """What a tool answers; the guest goes on with it."""
        self._tooling().answer(answer)
        self.call = ""

    def _tooling(self) -> Device:
        if self._device is None:
            raise KeyError(TOOLS)
        return self._device

    def _give(self, size: int) -> bytes | None:
        """A piece of the request.  Where there is nothing to be read the code itself reads, and finds the end."""
        if self._request:
            piece, self._request = self._request[:size], self._request[size:]
            return piece
        if not self.asked:
            return None
        if not self._answer and self._answers is not None:
            with suppress(OSError, KeyError):
                self._answer = self._answers.take(self._guest.prompt)
        self._silent = size == SILENT
        return None if self._answer or self._silent else b""

    def _take(self, role: str, data: bytes) -> int:
        """Some output; as much as there is room for, and then the guest stops."""
        if data and not self._room:
            self.full = True
            raise NotReady("there is no room for more output")
        taken = data[: self._room]
        try:
            self.streams[role].take(taken)
        except BaseException as error:  # noqa: BLE001 (it comes out of the run, which stops here)
            self.failed = error
            raise NotReady("whoever takes the output has failed") from None
        self._room -= len(taken)
        return len(taken)
