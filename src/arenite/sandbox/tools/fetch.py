"""`fetch`: a tool that asks servers of the network, those that it was told to, and nobody else.

- A name is looked up once; all that it leads to must be public, and there is connected to what was looked at, not to the name.
- A redirect is another request, with all checks anew; credentials are not taken to another host.
- Whatever comes is bounded in bytes, and all of it together in time.  Nothing is unpacked, no proxy asked, no cookie kept.

Example:  Sandbox.python(tools=[fetch(["api.example.org"])])
"""

from __future__ import annotations

import functools
import http.client
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urljoin, urlsplit

from arenite.sandbox.tools import addresses
from arenite.sandbox.tools.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from io import BufferedReader

PORTS: Final = {"http": 80, "https": 443}
REDIRECTS: Final = {301, 302, 303, 307, 308}
OURS: Final = {
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "keep-alive",
    "accept-encoding",
}
"""Headers that are the client's to say."""
SECRETS: Final = {"authorization", "cookie"}
MOST_HEADERS: Final = 50
MOST_HEADER_BYTES: Final = 16_384
MOST_ANSWER_HEADERS: Final = 96  # `http.client` would say at a hundred that something is wrong, and not what
MOST_HEAD_BYTES: Final = 65_536  # of an answer, before its body
AMBIGUOUS: Final = frozenset(
    "\u00df\u03c2\u200c\u200d"
)  # in names of hosts: one standard drops or replaces them, its successor does not
LONGEST_URL: Final = 8_192
MOST_BODY: Final = 1 << 20
PIECE: Final = 1 << 16
NO_HOSTS: Final = "hosts are names, such as 'api.example.org', '*.example.org', 'example.org:8443'"
SAFE: Final = "/%:@!$&'()*+,;=~-._?"


@dataclass(frozen=True)
class Rules:
    """What may be fetched: see `fetch`."""

    hosts: frozenset[str]
    schemes: frozenset[str]
    methods: frozenset[str]
    most_bytes: int
    seconds: float
    redirects: int
    loopback: bool


@dataclass(frozen=True)
class Target:
    """Where a request goes.  `path`: with the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """What credentials are for."""
        return self.scheme, self.host, self.port


@dataclass
class Asked:
    """A request."""

    method: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


def fetch(
    hosts: Iterable[str],
    *,
    schemes: Collection[str] = ("https",),
    methods: Collection[str] = ("GET", "HEAD"),
    most_bytes: int = 1 << 20,
    seconds: float = 10.0,
    redirects: int = 5,
    in_loop: bool = False,
    loopback: bool = False,
) -> Tool:
    """A tool by the name `fetch`: code gives it a URL and gets a dict of `status`, `url`, `headers`, `body` (bytes).

    `hosts`: the names that may be asked: `"api.example.org"`, `"*.example.org"` for all below it, `"example.org:8443"` for another port than the
    scheme's; those that are not ASCII are asked by their ASCII form (`xn--…`).   `most_bytes`: of an answer's body, 1 MiB; `seconds`: of a call, with its redirects, of which there are at most so many.
    `in_loop`: an async tool, for `run_async`, that waits in a thread of its own; otherwise the loop would wait.
    `loopback`: for tests alone: names that lead to this machine are asked, too.
    Private, local and reserved addresses, and those of clouds' metadata, are refused, whatever name leads there.
    Raises: `ValueError` for rules that are none.
    """
    names = frozenset(map(rule, hosts))
    if not names:
        raise ValueError(NO_HOSTS)
    if not set(schemes) <= PORTS.keys():
        raise ValueError(f"schemes are of {sorted(PORTS)}")
    rules = Rules(names, frozenset(schemes), frozenset(map(str.upper, methods)), most_bytes, seconds, redirects, loopback)

    def fetch(
        url: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | str | None = None
    ) -> dict[str, object]:
        """Ask a server; a dict of its answer: `status`, `url` (behind redirects), `headers` (names in small letters), `body` (bytes).

        Raises: PermissionError for what may not be asked, TimeoutError, ConnectionError, ValueError for a request that is none, or too long an answer.
        """
        data = body.encode() if isinstance(body, str) else body
        return fetched(rules, url, Asked(method.upper(), dict(headers or {}), data))

    @functools.wraps(fetch)
    async def fetch_in_loop(*args: object, **kwargs: object) -> dict[str, object]:
        from anyio.to_thread import run_sync  # noqa: PLC0415 (an extra)

        return await run_sync(functools.partial(fetch, *args, **kwargs), abandon_on_cancel=True)  # type: ignore[arg-type]  # they were checked

    return Tool(fetch_in_loop if in_loop else fetch)


def rule(host: str) -> str:
    """A name that may be asked, in ASCII.  Raises: `ValueError`."""
    if host.startswith("["):
        return host.lower()
    name, colon, port = host.partition(":")
    below = "*." if name.startswith("*.") else ""
    name = name[len(below) :]
    if not name.strip("*.") or "/" in host:
        raise ValueError(NO_HOSTS)
    return f"{below}{in_ascii(name)}{colon}{port}"


def in_ascii(name: str) -> str:
    """The name of a host as it is asked for.  Raises: `ValueError` for what is none, or is one thing to some and another to others."""
    if not AMBIGUOUS.isdisjoint(name):
        raise ValueError(f"the host {name[:200]!r} has letters that programs write in different ways: say it in ASCII, as xn--…")
    try:
        return name.encode("idna").decode().lower().rstrip(".")
    except UnicodeError:
        raise ValueError(f"{name[:200]!r} is no name of a host") from None


def fetched(rules: Rules, url: str, asked: Asked) -> dict[str, object]:
    """The answer, behind redirects.  Raises: as the tool."""
    end = time.monotonic() + rules.seconds
    for _ in range(rules.redirects + 1):
        check(rules, asked)
        target = allowed(rules, url)
        with answered(rules, target, asked, end) as (answer, headers):
            place = headers.get("location")
            if answer.status not in REDIRECTS or place is None:
                return {"status": answer.status, "url": url, "headers": headers, "body": read(rules, answer, headers)}
        url, further = urljoin(url, place), redirected(answer.status, asked)
        if allowed(rules, url).origin != target.origin:
            further.headers = {name: value for name, value in further.headers.items() if name.lower() not in SECRETS}
        asked = further
    raise PermissionError(f"there are more than {rules.redirects} redirects")


def redirected(status: int, asked: Asked) -> Asked:
    """What is asked where a redirect leads, as browsers do it."""
    if status == 303 or (status in {301, 302} and asked.method == "POST"):
        kept = {name: value for name, value in asked.headers.items() if name.lower() != "content-type"}
        return Asked("HEAD" if asked.method == "HEAD" else "GET", kept)
    return Asked(asked.method, dict(asked.headers), asked.body)


def check(rules: Rules, asked: Asked) -> None:
    """Whether it may be asked.  Raises: `PermissionError`, `ValueError`."""
    if asked.method not in rules.methods:
        raise PermissionError(f"the method {asked.method[:20]!r} is not permitted")
    size = sum(len(name) + len(value) for name, value in asked.headers.items())
    if len(asked.headers) > MOST_HEADERS or size > MOST_HEADER_BYTES or len(asked.body or b"") > MOST_BODY:
        raise ValueError("the request is too long")
    for name, value in asked.headers.items():
        known = name.lower().replace("_", "-")  # many servers take one for the other
        if known in OURS or known.startswith("proxy-"):
            raise PermissionError(f"the header {name[:40]!r} is not permitted")
        if not (name.isascii() and value.isascii() and name.replace("-", "").replace("_", "").isalnum() and value.isprintable()):
            raise ValueError(f"the header {name[:40]!r} is none")


def allowed(rules: Rules, url: str) -> Target:
    """Where a URL leads, by name.  Raises: `PermissionError`, `ValueError`."""
    if len(url) > LONGEST_URL or not url.isprintable() or any(c in url for c in " \\"):
        raise ValueError("the URL is none")
    parts = urlsplit(url)
    scheme, name, port = parts.scheme.lower(), parts.hostname, parts.port
    if scheme not in rules.schemes:
        raise PermissionError(f"the scheme {scheme[:20]!r} is not permitted")
    if not name or parts.username is not None or parts.password is not None:
        raise ValueError("the URL has no host, or a password")
    host = name if ":" in name else in_ascii(name)
    port = PORTS[scheme] if port is None else port
    shown = f"[{host}]" if ":" in host else host
    asked = shown if port == PORTS[scheme] else f"{shown}:{port}"
    if not any(asked == one or (one.startswith("*.") and asked.endswith(one[1:])) for one in rules.hosts):
        raise PermissionError(f"the host {asked[:200]!r} is not permitted")
    path = quote(parts.path or "/", safe=SAFE) + (f"?{quote(parts.query, safe=SAFE)}" if parts.query else "")
    return Target(scheme, host, port, path)


@contextmanager
def answered(
    rules: Rules, target: Target, asked: Asked, end: float
) -> Iterator[tuple[http.client.HTTPResponse, Mapping[str, str]]]:
    """An answer and its headers.  Raises: as the tool."""
    found = addresses.checked(target.host, target.port, left(end), also_loopback=rules.loopback)
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.response_class = beginning  # type: ignore[assignment]  # it is called, no more
    watched = Watched(end)
    try:
        connection.sock = connected(target, found, watched)
        headers = {"Accept-Encoding": "identity", "Connection": "close", **asked.headers}
        connection.request(asked.method, target.path, asked.body, headers)
        with connection.getresponse() as answer:
            if isinstance(answer.fp, Head):
                answer.fp = answer.fp.file
            yield answer, joined(answer)
        if watched.late:  # what was shut looks like an end
            raise TimeoutError
    except (OSError, http.client.HTTPException) as error:
        if watched.late or isinstance(error, TimeoutError):
            raise TimeoutError(f"{target.host} took more than {rules.seconds} s") from None
        raise ConnectionError(f"{target.host}: {error if type(error) is ConnectionError else type(error).__name__}") from None
    finally:
        watched.close()
        connection.close()


def beginning(sock: socket.socket, method: str | None = None) -> http.client.HTTPResponse:
    """An answer of which nothing has been read."""
    found = http.client.HTTPResponse(sock, method=method)
    found.fp = Head(found.fp)  # type: ignore[assignment]  # it is read by lines, and closed
    return found


class Head:
    """What comes before an answer's body, also of answers that only announce one.  `file`: all that comes."""

    def __init__(self, file: BufferedReader) -> None:
        self.file = file
        self._bytes, self._lines = MOST_HEAD_BYTES, MOST_ANSWER_HEADERS + 1

    def readline(self, size: int) -> bytes:
        """A line.  Raises: `ValueError` when there are too many, or too long ones."""
        line: bytes = self.file.readline(min(size, self._bytes + 1))
        self._bytes -= len(line)
        self._lines -= line not in {b"\r\n", b"\n"}
        if self._bytes < 0:
            raise ValueError(f"the answer's headers have more than {MOST_HEAD_BYTES} bytes")
        if self._lines < 0:
            raise ValueError(f"the answer has more than {MOST_ANSWER_HEADERS} headers")
        return line

    def flush(self) -> None:
        """Nothing was written."""

    def close(self) -> None:
        """Give it back."""
        self.file.close()


class Watched:
    """Sockets that are shut when time is over, whatever is done with them: a server that sends a byte now and then keeps their own time-outs away."""

    def __init__(self, end: float) -> None:
        self.end = end
        self.late = False
        self.socks: list[socket.socket] = []
        self._timer = threading.Timer(left(end), self._shut)
        self._timer.daemon = True
        self._timer.start()

    def _shut(self) -> None:
        self.late = True
        for sock in self.socks:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give them back."""
        self._timer.cancel()
        for sock in self.socks:
            sock.close()


def connected(target: Target, found: list[addresses.Found], watched: Watched) -> socket.socket:
    """A connection to one of the addresses, with the name's certificate if it is to be one.  Raises: OSError."""
    errors: list[OSError] = []
    for family, place in found:
        sock = socket.socket(family, socket.SOCK_STREAM)
        watched.socks.append(sock)
        try:
            sock.settimeout(left(watched.end))
            sock.connect(place)
            if target.scheme != "https":
                return sock
            secure = ssl.create_default_context().wrap_socket(sock, server_hostname=target.host, do_handshake_on_connect=False)
            watched.socks.append(secure)
            secure.do_handshake()
        except OSError as error:
            errors.append(error)
        else:
            return secure
    raise errors[-1]


def left(end: float) -> float:
    """Seconds.  Raises: `TimeoutError` when there are none."""
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the time is over")
    return seconds


def joined(answer: http.client.HTTPResponse) -> dict[str, str]:
    """Headers by name, those of one name in one."""
    found: dict[str, str] = {}
    for name, value in answer.getheaders():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def read(rules: Rules, answer: http.client.HTTPResponse, headers: Mapping[str, str]) -> bytes:
    """The body.  Raises: `ValueError` for one that is too long."""
    too_long = ValueError(f"the answer has more than {rules.most_bytes} bytes")
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length[:20]) > rules.most_bytes and answer.length:
        raise too_long
    body = bytearray()
    while piece := answer.read1(PIECE):
        body += piece
        if len(body) > rules.most_bytes:
            raise too_long
    if answer.length:
        raise ConnectionError("the answer was cut off")
    return bytes(body)
