"""What can go wrong, as a tree; every error of arenite is an `AreniteError`.

    AreniteError
    ├── Trap                   the guest did what it must not                  (code, frames)
    │   └── WasmException      a guest's exception that no guest has caught    (tag, values)
    └── Failure                everything else, also by itself: something was asked for that cannot be done
        ├── DecodeError        the bytes are not a WebAssembly binary          (offset)
        ├── ValidationError    the module breaks a rule of the standard        (func, offset)
        ├── LinkError          an import is missing or has another type
        ├── Limit              a limit of this engine or of its configuration
        ├── Exit               the guest ended itself (`proc_exit`)            (code)
        ├── NotReady           a host function has no answer yet
        ├── SnapshotError      a snapshot cannot be made, or a file is none that can be opened
        └── InternalError      a bug in arenite: "cannot happen in valid code"

`Failure` is the `WasmtimeError` of the `wasmtime` package and `Exit` its `ExitTrap`: there too, `except WasmtimeError` takes no trap.

Messages are lower case and begin with the words of the official test suite where it has any.  Errors can be copied and pickled, with
all that they say: a pool's worker raises them in its parent.
"""

from __future__ import annotations

from itertools import groupby
from reprlib import Repr
from types import NoneType
from typing import TYPE_CHECKING, Final, Protocol

from arenite.traps import TrapCode
from arenite.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Again = Callable[[type["AreniteError"], tuple[object, ...]], "AreniteError"]


class AreniteError(Exception):
    """Anything arenite raises on its own account."""

    def __reduce__(self) -> tuple[Again, tuple[type[AreniteError], tuple[object, ...]], dict[str, object]]:
        # by default an exception is made again by `kind(*args)`, but ours take more than their message
        return _again, (type(self), self.args), self.__dict__


def _again(kind: type[AreniteError], args: tuple[object, ...]) -> AreniteError:
    """An error without its attributes, which are set next."""
    return kind.__new__(kind, *args)


class Failure(AreniteError):
    """Everything but a trap: what was asked for cannot be done, and was not."""


class DecodeError(Failure):
    """The bytes do not form a module.  `offset`: the byte at which that was seen; None for a module in text form."""

    def __init__(self, message: str, offset: int | None) -> None:
        super().__init__(message if offset is None else f"{message} (at byte {offset:#x})")
        self.message = message
        self.offset = offset


class ValidationError(Failure):
    """The module decodes but is not valid.  `func`: index of the function, or None; `offset`: byte in the file."""

    def __init__(self, message: str, offset: int, func: int | None = None) -> None:
        where = "" if func is None else f"function {func}, "
        super().__init__(f"{message} ({where}at byte {offset:#x})")
        self.message = message
        self.func = func
        self.offset = offset


class LinkError(Failure):
    """An import is missing, or what was given has another type."""


class Limit(Failure):
    """A limit of the engine, of the machine it runs on, or of `Config` was reached."""


class NotReady(Failure):
    """A host function has no answer yet, such as a read of standard input when nothing is there.

    Raised by host functions.  An execution pauses and asks the function again when it goes on; an ordinary call ends with it.
    `stream`: the guest's standard stream that is waited for ("stdin"), if it is one.
    """

    def __init__(self, message: str, stream: str | None = None) -> None:
        super().__init__(message)
        self.stream = stream


class SnapshotError(Failure):
    """A snapshot cannot be made of a store, or a file is not a snapshot that can be opened here."""


class InternalError(Failure):
    """arenite contradicts itself: a bug in it, never the guest's fault."""


class Frame(Protocol):
    """A guest's frame in a backtrace."""

    @property
    def func_index(self) -> int:
        """Index of the function in its module."""

    @property
    def func_name(self) -> str | None:
        """Its name, if anything names it; Rust's functions have mangled ones, which are printed as Rust prints them."""

    @property
    def module_name(self) -> str | None:
        """Name of its module, if it has one."""

    @property
    def module_offset(self) -> int | None:
        """Byte offset of the instruction in the module's file."""

    @property
    def func_offset(self) -> int | None:
        """Byte offset of the instruction from the beginning of the function's body."""


class Trap(AreniteError):
    """The guest trapped.  `code` says why; `frames` are the guest's frames, innermost first.

    Spec: exec-trap.
    """

    def __init__(self, message: str, code: TrapCode | None = None, frames: Sequence[Frame] = ()) -> None:
        super().__init__(message)
        self._message = message
        self.code = code
        self._frames = list(frames)

    @property
    def message(self) -> str:
        """What happened, in the words of the specification, without the backtrace."""
        return self._message

    @property
    def trap_code(self) -> TrapCode | None:
        """`code`, under the name of the `wasmtime` package."""
        return self.code

    @property
    def frames(self) -> list[Frame]:
        """The guest's frames, innermost first; each prints as one line."""
        return list(self._frames)

    def __str__(self) -> str:
        if not self._frames:
            return self.message
        lines: list[str] = []
        at = 0
        for text, group in groupby(map(str, self._frames)):
            count = len(list(group))
            lines.append(f"  {at}: {text}" + (f"  ({count} times)" if count > 1 else ""))
            at += count
        return "\n".join((self.message, "wasm backtrace (innermost first):", *lines))


SHORT: Final = Repr()
PLAIN: Final = {int, float, bytes, str, NoneType}
MOST_SHOWN: Final = 8  # values of an exception: it may carry a thousand


class WasmException(Trap):
    """An exception of a guest's that none has caught, with its backtrace; or one that a host function raises, for its guest to catch.

    `tag`: the `Tag` that guests know it by; None in a copy from another process, where there is no store.   `values`: what it carries, as a
    host function gets arguments.   `name`: what the module that threw it calls the tag, as an export or an import; None before a guest had it.
    They cannot be set: a guest may keep the exception, and so may forks of its store.
    """

    def __init__(self, tag: object, values: Sequence[object] = (), name: str | None = None, frames: Sequence[Frame] = ()) -> None:
        super().__init__("", TrapCode.UNCAUGHT_EXCEPTION, frames)
        self._tag = tag
        self._values = tuple(values)
        self._name = name

    @property
    def tag(self) -> object:
        """The `Tag` that guests know it by."""
        return self._tag

    @property
    def values(self) -> tuple[object, ...]:
        """What it carries."""
        return self._values

    @property
    def name(self) -> str | None:
        """What the module that threw it calls the tag."""
        return self._name

    def leave(self, name: str | None, frames: Sequence[Frame]) -> None:
        """It leaves a guest: what the first of them calls its tag, and where that has thrown it."""
        self._name = name if self._name is None else self._name
        self._frames = self._frames or list(frames)

    def __repr__(self) -> str:
        return f"<WasmException: {self.message}>"

    @property
    def message(self) -> str:
        """The tag's name and the values, without the backtrace."""
        name = "" if self.name is None else f" {visible(self.name)}"
        values = [SHORT.repr(value) for value in self.values[:MOST_SHOWN]] + ["…"] * (len(self.values) > MOST_SHOWN)
        return f"uncaught exception{name} ({', '.join(values)})"

    def __reduce__(self) -> tuple[Again, tuple[type[AreniteError], tuple[object, ...]], dict[str, object]]:
        again, kind, state = super().__reduce__()
        return again, kind, state | {"_tag": None, "_values": tuple(map(_portable, self._values))}


def _portable(value: object) -> object:
    """A value as it crosses the border of a process: what may not be able to, such as a function or an object of the host's, in words."""
    return value if type(value) in PLAIN or isinstance(value, AreniteError) else SHORT.repr(value)


class Exit(Failure):
    """The guest ended itself with `proc_exit`.  `code`: its exit status."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exited with status {code}")
        self.code = code
