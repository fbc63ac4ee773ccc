"""What a box may take, what is asked of a run, how a box comes back: each as fields, and as the arguments that they are given as.

Example:  Bounds(seconds=5.0)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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
        check(self.on_limit)


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
        check("stop" if self.on_limit is None else self.on_limit)


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
