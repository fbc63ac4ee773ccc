"""What belongs to one process: memory and code are mapped for it, so neither a copy nor a pickle of it could work."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from typing import Self


class ProcessBound:
    """Refuses `pickle` and `copy` in words, where pools and queues of processes would fail at some part deep inside."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} objects belong to one process: they are neither pickled nor copied; "
            "what travels is a module's bytes, or store.snapshot()"
        )


class Unclosed(ProcessBound):
    """What goes with its last reference: `close` and `with` do nothing, for programs that have them."""

    __slots__ = ()

    def close(self) -> None:
        """Nothing: there is nothing to give back before, and it can be used on."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing, as `close`."""
