"""What belongs to one process: memory and code are mapped for it, so neither a copy nor a pickle of it could work."""

from __future__ import annotations

from typing import NoReturn


class Here:
    """Refuses `pickle` and `copy` in words, where pools and queues of processes would fail at some part deep inside."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} objects belong to one process: they are neither pickled nor copied; "
            "what travels is a module's bytes, or store.snapshot()"
        )
