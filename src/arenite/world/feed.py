r"""A standard input that is fed while the guest runs.

feed = Feed(b"6 * 7\n")
store.rebind_wasi(WasiConfig(stdin=feed, stdout=out))
execution.run()            # Paused: the guest has read the line and waits for another
feed.write(b"7 * 6\n")
execution.run()
"""

from __future__ import annotations


class Feed:
    """What was written, and then nothing *yet*: an execution that reads on pauses, until there is more or `close` says that this was all."""

    def __init__(self, data: bytes = b"") -> None:
        self._data = bytearray(data)
        self._closed = False

    def write(self, data: bytes) -> None:
        """Let the guest read more.  Raises: `ValueError` after `close`."""
        if self._closed:
            raise ValueError("the feed is closed")
        self._data += data

    def close(self) -> None:
        """There will be no more: behind what was written the guest finds the end."""
        self._closed = True

    def __call__(self, size: int) -> bytes | None:
        """As `WasiConfig(stdin=…)` asks: at most `size` bytes, b"" at the end, None where there is nothing yet."""
        taken = bytes(self._data[:size])
        del self._data[:size]
        return taken if taken or self._closed else None
