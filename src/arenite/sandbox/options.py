"""What a box may take, what is asked of a run, how a box comes back: each as fields, and as the arguments that they are given as.

Example:  Bounds(seconds=5.0)
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Final

from arenite.api import numbers
from arenite.light import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Literal, TypedDict

    from arenite import Snapshot
    from arenite.sandbox.guests.guest import Guest
    from arenite.sandbox.tools.tool import Function, Tool
    from arenite.sandbox.tools.toolbox import Permit

    Told = Callable[[str], object] | None
    OnLimit = Literal["stop", "end"]

    class Stretch(TypedDict, total=False):
        """The fields of `Asked`, as arguments."""

        seconds: float | None
        output: int | None
        fuel: int | None
        on_stdout: Told
        on_stderr: Told
        on_limit: OnLimit | None

    class Loading(TypedDict, total=False):
        """The fields of `Loaded`, as arguments."""

        key: bytes | None
        bounds: Bounds | None
        guest: Guest | None
        tools: Iterable[Function | Tool]
        permit: Permit | None

    class Limits(TypedDict, total=False):
        """The fields of `Bounds`, as arguments."""

        memory: int
        seconds: float | None
        output: int
        fuel: int | None
        file_bytes: int
        file_names: int
        descriptors: int
        on_limit: OnLimit


MIB: Final = 1 << 20


def check(on_limit: object) -> None:
    """Raises: `ValueError`."""
    if on_limit not in {"stop", "end"}:
        raise ValueError(f"at a limit a run is to 'stop' or to 'end', not {on_limit!r}")


@dataclass(frozen=True)
class Bounds:
    """What a box may take.  `memory`: bytes of the guest; `seconds`, `output` (bytes), `fuel`: of one run; `file_bytes`, `file_names`: of its files;
    `descriptors`: that are open at a time.   `on_limit`: at a limit of time, output or fuel a run stops, and can go on; or ends, and its box with it.
    """

    memory: int = 256 * MIB
    seconds: float | None = 30.0
    output: int = MIB
    fuel: int | None = None
    file_bytes: int = 64 * MIB
    file_names: int = 10_000
    descriptors: int = 64
    on_limit: OnLimit = "stop"

    def __post_init__(self) -> None:
        """Raises: `TypeError`, `ValueError`."""
        check(self.on_limit)
        for name in ("memory", "output", "file_bytes", "file_names", "descriptors"):
            numbers.integer(name, getattr(self, name), 0)
        check_run(self.seconds, self.fuel)


@dataclass(frozen=True)
class Asked:
    """What is asked of one stretch of a run; None: what the box has."""

    seconds: float | None = None
    output: int | None = None
    fuel: int | None = None
    on_stdout: Told = None
    on_stderr: Told = None
    on_limit: OnLimit | None = None

    def __post_init__(self) -> None:
        """Raises: `TypeError`, `ValueError`."""
        check("stop" if self.on_limit is None else self.on_limit)
        check_run(self.seconds, self.fuel)
        if self.output is not None:
            numbers.integer("output", self.output, 0)
        for name, told in (("on_stdout", self.on_stdout), ("on_stderr", self.on_stderr)):
            if told is not None and not callable(told):
                raise TypeError(f"{name} {told!r}; expected a function, found {type(told).__name__}")


@dataclass(frozen=True)
class Checkpoint:
    """A box at one moment.  `fresh`: it has never run anything, and who goes on from it gets a seed of its own.  `guest`: what runs its code.

    `of_image`: it began as the image of that guest which this process has.
    """

    snapshot: Snapshot
    fresh: bool
    guest: Guest
    of_image: bool = False


@dataclass(frozen=True)
class Loaded:
    """How a box goes on that comes back: see `Sandbox.open`."""

    key: bytes | None = None
    bounds: Bounds | None = None
    guest: Guest | None = None
    tools: Iterable[Function | Tool] = ()
    permit: Permit | None = None


def check_run(seconds: float | None, fuel: int | None) -> None:
    """What a run may take.  Raises: `TypeError`, `ValueError`."""
    if seconds is not None:
        numbers.seconds("seconds", seconds)
    if fuel is not None:
        numbers.integer("fuel", fuel, 0)


AS_THE_BOX: Final = Asked()
USUAL: Final = Bounds()


def check_names(names: Iterable[str], kind: type[Asked | Bounds | Loaded], what: str) -> None:
    """That there are such arguments.  Raises: `TypeError` that says which there are, rather than one about a class that the caller never saw."""
    for name in names:
        if name not in kind.__dataclass_fields__:
            there = ", ".join(field.name for field in fields(kind))
            raise TypeError(f"there is no argument {name!r}; {what} takes {there}")
