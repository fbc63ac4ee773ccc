"""What travels with a frozen guest: the shapes, and their way to data and back.

- The classes are the shapes; each field says by its rule which values it has.  Nothing else knows how a state looks.
- `Kept` finds again what was open; a dialect adds what it knows of it by a class that inherits from both.
- A state is untrusted: what breaks a rule is a `SnapshotError` that names the field.  What a state asks for is granted by the options
  that the guest goes on with; no field can widen that.
- The guest's texts and paths are bytes, as it passed them.

    decode(VirtualTime, encode(time), "clocks") == time
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, field, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar, TypeAlias, TypeVar

from arenite.errors import SnapshotError
from arenite.light import dataclass
from arenite.world.sandbox import LONGEST_WAY

if TYPE_CHECKING:
    from arenite.machine.run.hosts import HostState

Rule: TypeAlias = Callable[[object, str], object]  # takes a value and what it is the value of; raises SnapshotError
Shape = TypeVar("Shape")

LARGEST_OFFSET = (1 << 63) - 1
LAST_TIME = (1 << 64) - 1  # nanoseconds: the latest that a guest can be told
LATEST = 1 << 62  # nanoseconds that a clock of the host's can have shown: 146 years
DIGEST_SIZE = 32
GENERATOR_SIZE = 624  # words of the Mersenne Twister, and its last position


# names that states of earlier versions have
EARLIER_FIELDS = {"digest": "given"}
EARLIER_KINDS = {"given": "root"}


def wrong(where: str, expected: str, value: object) -> SnapshotError:
    """What a broken rule raises."""
    found = str(value) if isinstance(value, (bool, int)) else f"a {type(value).__name__}"
    return SnapshotError(f"{where}: expected {expected}, found {found[:40]}")


def ruled(rule: Rule) -> Mapping[str, Rule]:
    """A field's metadata."""
    return {"rule": rule}


def integer(most: int, least: int = 0) -> Mapping[str, Rule]:
    """A number in a range."""

    def rule(value: object, where: str) -> int:
        if type(value) is not int or not least <= value <= most:
            raise wrong(where, f"a number from {least} to {most}", value)
        return value

    return ruled(rule)


def data(most: int | None = None, least: int = 0) -> Mapping[str, Rule]:
    """Bytes, of a length in a range."""

    def rule(value: object, where: str) -> bytes:
        if type(value) is not bytes:
            raise wrong(where, "bytes", value)
        if len(value) < least or (most is not None and len(value) > most):
            raise wrong(where, f"{least} to {most} bytes", len(value))
        return value

    return ruled(rule)


def one_of(*names: str) -> Mapping[str, Rule]:
    """One of several words."""

    def rule(value: object, where: str) -> str:
        if type(value) is not str or value not in names:
            raise wrong(where, " or ".join(names), value)
        return value

    return ruled(rule)


def text(value: object, where: str) -> bytes:
    """Bytes without a zero, which would end them for the guest."""
    if type(value) is not bytes or 0 in value:
        raise wrong(where, "bytes without a zero", value)
    return value


def path(value: object, where: str) -> bytes:
    """A path that is not absolute; where it leads, the sandbox watches."""
    found = text(value, where)
    if not found or len(found) > LONGEST_WAY or found.startswith(b"/"):
        raise wrong(where, f"a relative path of up to {LONGEST_WAY} bytes", value)
    return found


def anything(value: object, where: str) -> object:
    """What its owner judges itself."""
    del where
    return value


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What finds an open resource again.  `kind`: what its data are known by."""

    kind: ClassVar[str]


@dataclass(frozen=True, kw_only=True)
class KeptInput(Kept):
    """Standard input.

    `left`: what the guest has not read of what was taken from the source.   `consumed`: how much was taken from a source that begins
    anew each time it is opened; `digest`: that source's, empty when nothing was taken.
    """

    kind = "input"
    left: bytes = field(metadata=data())
    consumed: int = field(metadata=integer(LARGEST_OFFSET))
    digest: bytes = field(metadata=data(DIGEST_SIZE))


@dataclass(frozen=True, kw_only=True)
class KeptOutput(Kept):
    """Standard output or error.  `left`: the beginning of a character, which a taker of text has not got."""

    kind = "output"
    role: str = field(metadata=one_of("stdout", "stderr"))
    left: bytes = field(metadata=data(3))


@dataclass(frozen=True, kw_only=True)
class KeptRoot(Kept):
    """A directory that the guest was given, by its name for the guest."""

    kind = "root"
    directory: bytes = field(metadata=ruled(text))


@dataclass(frozen=True, kw_only=True)
class KeptFile(Kept):
    """A file opened through a directory: the way from one that the guest was given."""

    kind = "file"
    directory: bytes = field(metadata=ruled(text))
    path: bytes = field(metadata=ruled(path))
    position: int = field(metadata=integer(LARGEST_OFFSET))


@dataclass(frozen=True, kw_only=True)
class KeptDirectory(Kept):
    """A directory opened through a directory.  How far it is read the guest knows: it counts entries."""

    kind = "directory"
    directory: bytes = field(metadata=ruled(text))
    path: bytes = field(metadata=ruled(path))


@dataclass(frozen=True, kw_only=True)
class KeptMemoryFile(KeptFile):
    """A file in memory.  `inode`: its number there; the way to it is what it was when it was opened."""

    kind = "file in memory"
    inode: int = field(metadata=integer(LARGEST_OFFSET))


@dataclass(frozen=True, kw_only=True)
class KeptMemoryDirectory(KeptDirectory):
    """A directory in memory."""

    kind = "directory in memory"
    inode: int = field(metadata=integer(LARGEST_OFFSET))


@dataclass(frozen=True, kw_only=True)
class KeptMemoryDevice(Kept):
    """A device in memory; the way to it is what it was when it was opened."""

    kind = "device in memory"
    directory: bytes = field(metadata=ruled(text))
    path: bytes = field(metadata=ruled(path))
    inode: int = field(metadata=integer(LARGEST_OFFSET))


@dataclass(frozen=True, kw_only=True)
class KeptContents:
    """All files of a directory in memory that the guest was given.  `files`: of a kind that `memory.travel` knows."""

    directory: bytes = field(metadata=ruled(text))
    files: HostState = field(metadata=ruled(anything))


@dataclass(frozen=True, kw_only=True)
class SystemTime:
    """What the host's clocks showed, but for `REALTIME`.  Units: nanoseconds."""

    monotonic: int = field(metadata=integer(LATEST))
    process_cputime: int = field(metadata=integer(LATEST))
    thread_cputime: int = field(metadata=integer(LATEST))


@dataclass(frozen=True, kw_only=True)
class VirtualTime:
    """Virtual clocks.  Units: nanoseconds."""

    start: int = field(metadata=integer(LAST_TIME))
    tick: int = field(metadata=integer(LAST_TIME))
    passed: int = field(metadata=integer(LAST_TIME))


@dataclass(frozen=True, kw_only=True)
class Generator:
    """A generator of random bytes, Python's: its words, 32 bits each, little endian, and how many of them are used."""

    words: bytes = field(metadata=data(4 * GENERATOR_SIZE, 4 * GENERATOR_SIZE))
    used: int = field(metadata=integer(GENERATOR_SIZE))


def sequence(value: object, where: str) -> list[object]:
    """A list."""
    if type(value) is not list:
        raise wrong(where, "a list", value)
    return value


def mapping(value: object, where: str) -> dict[object, object]:
    """A copy of a mapping."""
    if type(value) is not dict:
        raise wrong(where, "a mapping", value)
    return dict(value)


@cache
def rules(shape: Callable[..., object]) -> tuple[tuple[str, Rule, bool], ...]:  # type: ignore[explicit-any]  # shapes differ in fields
    """(name, rule, whether it must be there) of each field of one of the classes above.  Older states lack some."""
    found = fields(shape)  # type: ignore[arg-type]  # they are dataclasses
    return tuple((one.name, one.metadata["rule"], one.default is MISSING) for one in found)


def decode(shape: Callable[..., Shape], value: object, where: str) -> Shape:  # type: ignore[explicit-any]  # shapes differ in fields
    """Data as one of the classes above, which `where` names in errors.  Raises: `SnapshotError`."""
    found = mapping(value, where)
    values = {}
    for name, rule, needed in rules(shape):
        earlier = EARLIER_FIELDS.get(name)
        if earlier in found and name not in found:
            found[name] = found.pop(earlier)
        if name in found:
            values[name] = rule(found.pop(name), f"{where}, {name}")
        elif needed:
            raise SnapshotError(f"{where}: {name} is missing")
    if found:
        raise SnapshotError(f"{where}: {str(next(iter(found)))[:40]!r} is unknown")
    return shape(**values)


def encode(value: object) -> HostState:
    """An instance of the classes above as data."""
    if isinstance(value, tuple):
        return [encode(element) for element in value]
    if not is_dataclass(value):
        return value  # type: ignore[return-value]  # fields are data already
    found: dict[str, HostState] = {one.name: encode(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Kept):
        found["kind"] = value.kind
    return found
