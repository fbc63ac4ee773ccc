"""Between a box and its guest: a request goes in as standard input, what is printed comes out, an answer lies in a file.

The guest is not believed: how much it prints and answers is bounded, what it answers may be anything.  Its code may also read
standard input itself, write the file or remove it, so only this side knows whether a request is being answered.

Example:  channel.ask("6 * 7", {}, None); execution.run(…); channel.answer(store)
"""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Final

from arenite import Failure, MemoryFS, NotReady, WasiConfig
from arenite.sandbox.plain import packed, unpacked
from arenite.wasi.files import files_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from arenite import Store

FILES: Final = "/"
ANSWERS: Final = "/run/arenite"
ANSWER: Final = "answer"
MOST_ANSWER: Final = 1 << 20  # bytes
ANSWER_ENTRIES: Final = 8
OWN_DESCRIPTORS: Final = 6  # three streams, two directories, and the answer


class AnswerError(Failure):
    """The guest's answer is none."""


class Stream:
    """Standard output or error of one run.  `tell`: called with each piece."""

    def __init__(self, tell: Callable[[str], object] | None = None) -> None:
        self.text: list[str] = []
        self._tell = tell
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def take(self, data: bytes, *, final: bool = False) -> None:
        """Some more."""
        text = self._decoder.decode(data, final)
        if text:
            self.text.append(text)
            if self._tell is not None:
                self._tell(text)


class Channel:
    """The guest's streams; `asked`: it has a request that it has not answered."""

    def __init__(self) -> None:
        self.asked = False
        self.full = False
        self._request = b""
        self._room = 0
        self._store: Store | None = None
        self.streams = {"stdout": Stream(), "stderr": Stream()}

    def config(self, files: MemoryFS, descriptors: int) -> WasiConfig:
        """What a guest is given that goes on with this.  `files`: how much there may be; `descriptors`: of the code's own."""
        answers = MemoryFS(max_bytes=2 * MOST_ANSWER, max_entries=ANSWER_ENTRIES)
        return WasiConfig(
            stdin=self._give,
            stdout=lambda data: self._take("stdout", data),
            stderr=lambda data: self._take("stderr", data),
            dirs={FILES: files, ANSWERS: answers},
            max_descriptors=descriptors + OWN_DESCRIPTORS,
        )

    def serve(self, store: Store) -> None:
        """From now on this is the guest."""
        self._store = store

    @staticmethod
    def fits(store: Store) -> bool:
        """Whether the guest has the directories that are spoken of here."""
        try:
            return all(files_of(store, name) is not None for name in (FILES, ANSWERS))
        except (KeyError, Failure):
            return False

    def ask(self, code: str, inputs: Mapping[str, object], seed: str | None) -> None:
        """Give a request.  Raises: `TypeError` for inputs that are no plain data."""
        for name in inputs:
            if not isinstance(name, str):
                raise TypeError(f"names of inputs are strings, not {name!r}")
        body = json.dumps({"code": code, "inputs": packed(dict(inputs), refused), "seed": seed}).encode()
        self._request = b"%d\n%b" % (len(body), body)
        self.asked = True

    def open(self, room: int, stdout: Callable[[str], object] | None, stderr: Callable[[str], object] | None) -> None:
        """Take so many bytes of output from now on."""
        self._room, self.full = room, False
        self.streams = {"stdout": Stream(stdout), "stderr": Stream(stderr)}

    def written(self, role: str) -> str:
        """What was printed since `open`."""
        return "".join(self.streams[role].text)

    def answer(self) -> tuple[object, str | None]:
        """Value and error of the request, which is done.  Raises: `AnswerError`."""
        self.asked = False
        answers = self._answers()
        try:
            data = answers[ANSWER]
            answers[ANSWER] = b""
            found = json.loads(data.decode())
            value, error = unpacked(found["value"]), found["error"]
        except (OSError, KeyError, TypeError, ValueError, RecursionError):
            raise AnswerError("the code has damaged the program that runs it: its answer is none") from None
        if error is not None and not isinstance(error, str):
            raise AnswerError("the code has damaged the program that runs it: its error is no text")
        return value, error

    def _answers(self) -> MemoryFS:
        assert self._store is not None
        return files_of(self._store, ANSWERS)

    def _give(self, size: int) -> bytes | None:
        """A piece of the request.  Where there is nothing to be read the code itself reads, and finds the end."""
        piece, self._request = self._request[:size], self._request[size:]
        if piece:
            return piece
        return b"" if self.asked and not self._answered() else None

    def _answered(self) -> bool:
        try:
            return self._answers().stat(ANSWER).size > 0
        except OSError:
            return False

    def _take(self, role: str, data: bytes) -> int:
        """Some output; as much as there is room for, and then the guest stops."""
        if data and not self._room:
            self.full = True
            raise NotReady("there is no room for more output")
        taken = data[: self._room]
        self._room -= len(taken)
        self.streams[role].take(taken)
        return len(taken)


def refused(value: object) -> str:
    """Raises: `TypeError`."""
    raise TypeError(f"inputs are plain data, as arenite.sandbox.Result says, not {type(value).__name__}")
