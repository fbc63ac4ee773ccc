"""What `arenite mcp` runs.

Example:  serve_stdio(Limits(), ["python"])
"""

from __future__ import annotations

import gc
import resource
from typing import TYPE_CHECKING, Final

import anyio

from arenite import Failure
from arenite.serving import http, stdio
from arenite.serving.server import made
from arenite.serving.sessions import Client, Sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from arenite.serving.limits import Limits

USUAL: Final = (700, 10, 10)  # new objects, and collections of younger ones, after which Python looks for cycles


def settled() -> None:
    """Set the process up for a long life: a command's start has put off looking for cycles, and descriptors may be as many as the system allows."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*USUAL)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def serve_stdio(limits: Limits, languages: Sequence[str]) -> None:
    """Serve whoever has begun this process, until it closes standard input."""
    only = Client("stdio", known=True)

    async def main() -> None:
        await stdio.serve(made(Sessions(limits, languages), lambda _: only, settled), most=limits.request)

    anyio.run(main)


def serve_http(
    limits: Limits,
    languages: Sequence[str],
    told: Callable[[str], object],
    *,
    host: str,
    port: int,
    tokens: Mapping[str, str],
    names: Sequence[str],
    origins: Sequence[str],
) -> None:
    """Serve clients over HTTP, until the process is interrupted.  `told`: is called with the address; the rest: see `Place`.

    Raises: OSError where it cannot listen, `Failure` where everybody who reaches this machine could run code.
    """
    place = http.Place(host, port, tokens, tuple(names), tuple(origins))
    if not place.loopback and not tokens:
        raise Failure(f"{host} is reached from other machines, and anybody there could run code: that needs tokens")
    sessions = Sessions(limits, languages)

    async def main() -> None:
        await http.serve(made(sessions, http.client_of, settled), place, limits, sessions, told)

    anyio.run(main)
