"""The server over HTTP: who may connect, and who is who.

- It listens on loopback unless told otherwise; beyond that everybody must have a token.
- `Host` must be a name that it has; with an `Origin`, which browsers send for every page, it must be one that was allowed: so no page in a browser on
  this machine reaches it, also not by a name that leads here.
- A client is known by its token; without tokens by its connection, if its protocol has such (those before 2026-07-28); else by nothing.

Example:  await serve(server, Place("127.0.0.1", 8765), limits, sessions, told=print)
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types.version import MODERN_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from arenite.serving.sessions import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp.server.lowlevel import Server
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from arenite.serving.limits import Limits
    from arenite.serving.server import Context
    from arenite.serving.sessions import Sessions

PATH: Final = "/mcp"
MOST_CONNECTIONS: Final = 512
GOODBYE: Final = 2  # seconds for calls that go on when the server is to end
WHOSE: Final = "arenite.client"  # in the scope of a request: whose token it had
SESSION: Final = "mcp-session-id"
OK: Final = 200


@dataclass(frozen=True)
class Place:
    """Where to listen, and to whom.  `tokens`: name -> token; `names`: further ones that stand in `Host`; `origins`: pages that may connect."""

    host: str = "127.0.0.1"
    port: int = 8765
    tokens: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def shown_host(host: str) -> str:
    """As it stands in an address."""
    return f"[{host}]" if ":" in host else host


async def serve(server: Server[None], place: Place, limits: Limits, sessions: Sessions, told: Callable[[str], object]) -> None:
    """Serve until the process is interrupted.  `told`: is called with the address.  Raises: OSError when that cannot be had."""
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    with closing(socket.create_server((place.host, place.port), family=family, backlog=128)) as listening:
        port: int = listening.getsockname()[1]
        hosts = [shown_host(place.host), *(("127.0.0.1", "localhost", "[::1]") if place.loopback else ())]
        app = server.streamable_http_app(
            streamable_http_path=PATH,
            max_request_body_size=limits.request,
            session_idle_timeout=limits.idle,
            max_sessions=limits.sessions,
            transport_security=TransportSecuritySettings(
                allowed_hosts=[*(f"{host}:{port}" for host in hosts), *place.names], allowed_origins=list(place.origins)
            ),
        )
        config = uvicorn.Config(
            Door(app, place.tokens, sessions),
            log_level="warning",
            server_header=False,
            proxy_headers=False,  # anybody could write who he is
            ws="none",
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=GOODBYE,
        )
        told(f"http://{shown_host(place.host)}:{port}{PATH}")
        await uvicorn.Server(config).serve(sockets=[listening])


def client_of(context: Context) -> Client:
    """Who has sent a request."""
    request = context.request
    assert isinstance(request, Request)
    token = request.scope.get(WHOSE)
    if token is not None:
        return Client(f"token {token}", known=True)
    session = request.headers.get(SESSION)
    looked_up = context.protocol_version not in MODERN_PROTOCOL_VERSIONS  # in later ones the header may say anything
    if session is not None and looked_up:
        return connection(session)
    return Client(f"address {request.client.host if request.client else ''}", known=False)


def connection(session: str) -> Client:
    """The client of a connection of the protocols that have such."""
    return Client(f"connection {session}", known=True)


class Door:
    """In front of the application: looks at tokens, and notices when a connection is ended."""

    def __init__(self, app: ASGIApp, tokens: Mapping[str, str], sessions: Sessions) -> None:
        self._app = app
        self._tokens = tokens
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if self._tokens:
            scope[WHOSE] = self._whose(headers.get("authorization", ""))
            if scope[WHOSE] is None:
                refused = Response("a token is needed", status_code=401, headers={"WWW-Authenticate": "Bearer"})
                await refused(scope, receive, send)
                return
        ended = headers.get(SESSION) if scope["method"] == "DELETE" else None

        async def watched(message: Message) -> None:
            if ended is not None and message["type"] == "http.response.start" and message["status"] == OK:
                self._sessions.forget(connection(ended))
            await send(message)

        await self._app(scope, receive, watched)

    def _whose(self, authorization: str) -> str | None:
        kind, _, given = authorization.partition(" ")
        found = None
        for name, token in self._tokens.items():
            if hmac.compare_digest(token.encode(), given.strip().encode()):
                found = name
        return found if kind.lower() == "bearer" else None
