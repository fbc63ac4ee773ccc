"""What a run has acknowledged, in a folder that outlives its process: whoever does the same work again is given the answers that are there, and goes on with the rest.

    run          what the work is, and the id by which its stretches are known
    <n>.answer   of input n
    <n>.going    of one that is cut into stretches: what has counted so far, what its box has become; the call of a tool that it waits for, and the answer

Each is a file of its own, written whole or not at all (`places`), so a process may be killed anywhere.  They are JSON, and bytes behind it; nothing in them is run.
With a key each has a tag that only who has the key can make; without, it tells what is damaged.

Example:  ledger = Ledger("s3://bucket/tonight", key=None); id = ledger.begin(digest); ledger.answer(0, item)
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from arenite.errors import SnapshotError
from arenite.ray.answer import Answer, Work
from arenite.ray.errors import LostError, StalledError
from arenite.ray.places import Place
from arenite.sandbox.plain import packed, unpacked
from arenite.sandbox.tools.call import Call
from arenite.serving.record import KeyUsedError, digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from arenite.ray.going import Going

    Fields = Mapping[str, object]

TAG: Final = 32
MOST: Final = 1 << 30  # bytes of a file
AGAIN: Final = (LostError, StalledError)  # answers that are no answers: who asks again may have more luck


class Ledger:
    """A folder.  `image`: of the boxes that go on; `key`: as of the image.  Raises: `SnapshotError` for one that cannot be read or written."""

    def __init__(self, url: str, image: str, key: bytes | None) -> None:
        self.url = url
        self._place, self._image, self._key = Place(url), image, key
        self._names = frozenset[str]()

    def begin(self, code: object, tools: object) -> str:
        """The id of the work.  Raises: `KeyUsedError` if the folder is that of other work."""
        self._names = frozenset(self._place.names())
        what = digest("run", {"code": plain(code, "code"), "tools": plain(tools, "tools")}).hex()
        found, _ = self._read("run")
        if found is None:
            id_ = secrets.token_hex(8)
            self._write("run", {"id": id_, "what": what})
            return id_
        if found.get("what") != what:
            raise KeyUsedError(f"{self.url} has the answers of other code, or other tools")
        return text(found, "id")

    def answer(self, index: int, item: object) -> Answer | None:
        """The answer that is there.  Raises: `KeyUsedError` if it is that of another input, `TypeError` for one that is no plain data."""
        wanted = self._digest(item)
        found, _ = self._read(f"{index}.answer")
        if found is None:
            return None
        self._same(index, found, wanted)
        error, limit = found.get("error"), found.get("limit")
        with self._checked(f"{index}.answer"):
            return Answer(
                index=index,
                work=Work(text(found, "execution"), number(found, "sequence")),
                value=unpacked(found.get("value")),
                error=None if error is None else str(error),
                raised=None,
                limit=None if limit is None else str(limit),
                stdout=text(found, "stdout"),
                stderr=text(found, "stderr"),
                files=tuple(texts(found, "files")),
                seconds=real(found, "seconds"),
                fuel=number(found, "fuel"),
                nodes=tuple(texts(found, "nodes")),
                tries=number(found, "tries"),
            )

    def going(self, going: Going) -> None:
        """Let an input go on from what is there, if it is.  Raises: `KeyUsedError` if it is that of another input, or of another image."""
        found, after = self._read(f"{going.index}.going")
        if found is None:
            return
        self._same(going.index, found, self._digest(going.item))
        if found.get("image") != self._image:
            raise KeyUsedError(f"{self.url}: input {going.index} goes on from another image: save that, and open it")
        with self._checked(f"{going.index}.going"):
            self._go_on(going, found, after)

    def _go_on(self, going: Going, found: Fields, after: bytes) -> None:
        call, reply = found.get("call"), found.get("reply")
        going.sequence, going.after = number(found, "sequence"), after
        going.reply = None if reply is None else str(reply).encode()
        going.stdout, going.stderr = [text(found, "stdout")], [text(found, "stderr")]
        going.printed = sum(len(part.encode()) for part in (*going.stdout, *going.stderr))
        going.files, going.nodes = set(texts(found, "files")), texts(found, "nodes")
        going.seconds, going.fuel, going.tries = real(found, "seconds"), number(found, "fuel"), number(found, "tries")
        if call is not None and reply is None:
            tool, args, kwargs, id_ = (
                unpacked(part) for part in (call if isinstance(call, list) and len(call) == 4 else [None] * 4)
            )
            if not (isinstance(tool, str) and isinstance(args, list) and isinstance(kwargs, dict) and isinstance(id_, str)):
                raise self._odd(f"{going.index}.going")
            going.call = Call(tool, tuple(args), kwargs, id_)

    def keep(self, answer: Answer, item: object) -> None:
        """An answer.  Raises: `TypeError` for a value that is no plain data."""
        if isinstance(answer.raised, AGAIN):
            return
        said = {
            "item": self._digest(item),
            "execution": answer.work.execution,
            "sequence": answer.work.sequence,
            "value": plain(answer.value, "a value that is recorded"),
            "error": answer.error,
            "limit": answer.limit,
            "stdout": answer.stdout,
            "stderr": answer.stderr,
            "files": answer.files,
            "seconds": answer.seconds,
            "fuel": answer.fuel,
            "nodes": answer.nodes,
            "tries": answer.tries,
        }
        self._write(f"{answer.index}.answer", said)
        if answer.work.sequence > 1:
            self._place.beside(f"{answer.index}.going").remove()

    def keep_going(self, going: Going) -> None:
        """What has counted of one that goes on."""
        call = going.call
        said = {
            "item": self._digest(going.item),
            "image": self._image,
            "sequence": going.sequence,
            "call": None
            if call is None
            else [plain(part, "a call") for part in (call.tool, list(call.args), dict(call.kwargs), call.id)],
            "reply": None if going.reply is None else going.reply.decode(),
            "stdout": "".join(going.stdout),
            "stderr": "".join(going.stderr),
            "files": sorted(going.files),
            "nodes": going.nodes,
            "seconds": going.seconds,
            "fuel": going.fuel,
            "tries": going.tries,
        }
        assert going.after is not None
        self._write(f"{going.index}.going", said, going.after)

    def _digest(self, item: object) -> str:
        return digest("item", {"item": plain(item, "an input of work that is recorded")}).hex()

    def _same(self, index: int, found: Fields, wanted: str) -> None:
        if found.get("item") != wanted:
            raise KeyUsedError(f"{self.url}: input {index} was another one")

    def _tag(self, name: str, body: bytes) -> bytes:
        key = b"" if self._key is None else self._key
        return hashlib.blake2b(name.encode() + b"\n" + body, key=key, digest_size=TAG, person=b"arenite ledger").digest()

    def _write(self, name: str, said: Fields, after: bytes = b"") -> None:
        body = json.dumps(said).encode() + b"\n" + after
        self._place.beside(name).write(self._tag(name, body) + body)

    def _read(self, name: str) -> tuple[Fields | None, bytes]:
        """What is there.  Raises: `SnapshotError` for what was changed, or not written with the key."""
        if name not in self._names:
            return None, b""
        data = self._place.beside(name).read(MOST)
        tag, body = data[:TAG], data[TAG:]
        if not hmac.compare_digest(tag, self._tag(name, body)):
            raise SnapshotError(f"{self.url}/{name}: it was not written with this key, or is not what was written")
        said, _, after = body.partition(b"\n")
        try:
            found = json.loads(said)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self._odd(name)
        return found, after

    @contextmanager
    def _checked(self, name: str) -> Iterator[None]:
        """Whoever can write to the folder may have said anything.  Raises: `SnapshotError` for what is no value, no text or no number of ours."""
        try:
            yield
        except (ValueError, OverflowError):
            raise self._odd(name) from None

    def _odd(self, name: str) -> SnapshotError:
        return SnapshotError(f"{self.url}/{name}: it is no part of a record")


def plain(value: object, what: str) -> object:
    """As JSON.  Raises: `TypeError` for what is no plain data."""

    def refused(odd: object) -> str:
        if isinstance(odd, str):
            return odd
        raise TypeError(f"{what} must be plain data, not {type(odd).__name__}")

    return packed(value, refused)


def text(found: Fields, name: str) -> str:
    """A field.  Raises: `SnapshotError`."""
    value = found.get(name)
    if not isinstance(value, str):
        raise odd(name)
    return value


def texts(found: Fields, name: str) -> list[str]:
    """A field.  Raises: `SnapshotError`."""
    value = found.get(name)
    if not isinstance(value, list):
        raise odd(name)
    return [each for each in value if isinstance(each, str)]


def number(found: Fields, name: str) -> int:
    """A field.  Raises: `SnapshotError`."""
    value = found.get(name)
    if not isinstance(value, int) or value < 0:
        raise odd(name)
    return value


def real(found: Fields, name: str) -> float:
    """A field.  Raises: `SnapshotError`."""
    value = found.get(name)
    if not isinstance(value, int | float):
        raise odd(name)
    return float(value)


def odd(name: str) -> SnapshotError:
    """What to raise."""
    return SnapshotError(f"a record's {name!r} is not what it should be")
