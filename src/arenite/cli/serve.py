"""`arenite mcp`: sandboxes for agents, over standard input and output or over HTTP."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Protocol, cast

import click
from click.core import ParameterSource

from arenite.cli.command import command, option
from arenite.cli.ending import Refused, complain
from arenite.cli.options import PATH, number
from arenite.serving.languages import LANGUAGES, USUAL
from arenite.serving.limits import MIB, Limits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DEFAULTS: Final = Limits()
SHORTEST_TOKEN: Final = 16  # characters
MOST_MIB: Final = 4096
OVER_HTTP: Final = {"host", "port", "tokens", "names", "origins"}
LONGEST: Final = 86400  # seconds


class Main(Protocol):
    """`arenite.serving.main`, which is imported when it is needed: it takes long, and may not be there."""

    def serve_stdio(self, limits: Limits, languages: Sequence[str]) -> None: ...  # noqa: D102 (there)

    def serve_http(self, limits: Limits, languages: Sequence[str], told: object, **place: object) -> None: ...  # noqa: D102 (there)


def language_name(text: str) -> str:
    """What `--language` says.  Raises: click.BadParameter."""
    if text not in LANGUAGES:
        raise click.BadParameter(f"{text!r} is no language that there is; there are: {', '.join(LANGUAGES)}")
    return text


@command()
@option(
    "--language",
    "languages",
    type=language_name,
    multiple=True,
    default=(USUAL,),
    show_default=True,
    metavar=f"[{'|'.join(LANGUAGES)}]",
    help="What sessions may run; with several of this option, a session is opened for one, by default the first.",
)
@option("--http", is_flag=True, help="Serve over HTTP, rather than one client over standard input and output.")
@option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Over HTTP: the address to listen on. Beyond this machine only with --tokens.",
)
@option(
    "--port",
    type=number(0, 65535),
    default=8765,
    show_default=True,
    metavar="N",
    help="Over HTTP: the port; 0: any that is free.",
)
@option(
    "--tokens",
    type=PATH,
    metavar="FILE",
    help="Over HTTP: who may connect, a line 'NAME TOKEN' for each; clients send the token as 'Bearer'.",
)
@option(
    "--name", "names", multiple=True, metavar="HOST[:PORT]", help="Over HTTP: another name by which clients reach this server."
)
@option(
    "--origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="Over HTTP: pages of this origin may connect from a browser; others may not.",
)
@option(
    "--seconds", type=number(1, LONGEST), default=int(DEFAULTS.seconds), show_default=True, metavar="S", help="The longest run."
)
@option(
    "--memory", type=number(32, MOST_MIB), default=DEFAULTS.memory // MIB, show_default=True, metavar="MIB", help="Of a session."
)
@option(
    "--idle",
    type=number(1, LONGEST),
    default=int(DEFAULTS.idle),
    show_default=True,
    metavar="S",
    help="Close sessions that are not used for so long.",
)
@option("--each", type=number(1), default=DEFAULTS.sessions_each, show_default=True, metavar="N", help="Sessions of one client.")
@option("--sessions", type=number(1), default=DEFAULTS.sessions, show_default=True, metavar="N", help="Sessions of all clients.")
@option(
    "--total",
    type=number(256),
    default=DEFAULTS.resident // MIB,
    show_default=True,
    metavar="MIB",
    help="Refuse work while the server takes more memory.",
)
def mcp(
    *,
    languages: tuple[str, ...],
    http: bool,
    host: str,
    port: int,
    tokens: Path | None,
    names: tuple[str, ...],
    origins: tuple[str, ...],
    seconds: int,
    memory: int,
    idle: int,
    each: int,
    sessions: int,
    total: int,
) -> None:
    """Give agents a Python, or a JavaScript, to run code in: a server of the Model Context Protocol.

    An agent's program starts it, and talks to it over standard input and output. Tell it so in its configuration, most often like this:

    {"mcpServers": {"python": {"command": "arenite", "args": ["mcp"]}}}

    The agent then has tools to run code, to keep and to go back to moments of it, to fork it, and to read and write its files. The code sees
    nothing of this machine: neither files nor network. With --http one server is there for many clients; its address is printed.
    """
    check_options(http=http)
    chosen = list(dict.fromkeys(languages))
    limits = Limits(seconds=seconds, memory=memory * MIB, idle=idle, sessions_each=each, sessions=sessions, resident=total * MIB)
    if not http:
        if sys.stdin.isatty():
            complain("waiting for a client of the Model Context Protocol on standard input, most likely in vain: see --help")
        main(languages).serve_stdio(limits, chosen)
        return
    place = {"host": host, "port": port, "tokens": read_tokens(tokens), "names": names, "origins": origins}
    try:
        main(languages).serve_http(limits, chosen, lambda address: complain(f"serving {address}"), **place)
    except OSError as error:
        raise click.BadParameter(f"{host}:{port}: {error.strerror}", param_hint="--host, --port") from None


def check_options(*, http: bool) -> None:
    """That none is given which would mean nothing.  Raises: click.UsageError."""
    asked = click.get_current_context()
    given = [
        option.opts[0]
        for option in asked.command.params
        if option.name in OVER_HTTP and asked.get_parameter_source(option.name) is not ParameterSource.DEFAULT
    ]
    if given and not http:
        raise click.UsageError(f"without --http nobody connects, and {', '.join(given)} means nothing")


def main(languages: Sequence[str]) -> Main:
    """What serves.  Raises: Refused where a package is missing."""
    if find_spec("mcp") is None:
        raise Refused("arenite mcp needs the package mcp: pip install 'arenite[mcp]'")
    for language in (LANGUAGES[name] for name in languages):
        if find_spec(language.package) is None:
            raise Refused(f"arenite mcp has no {language.title}: pip install 'arenite[{language.extra}]'")
    return cast("Main", import_module("arenite.serving.main"))


def read_tokens(file: Path | None) -> dict[str, str]:
    """The tokens by their names.  Raises: Refused."""
    if file is None:
        return {}
    try:
        lines = [line.split() for line in file.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file}: {error}") from None
    if not lines or any(len(line) != 2 or len(line[1]) < SHORTEST_TOKEN for line in lines):
        raise Refused(f"{file}: each line is a name and a token of at least {SHORTEST_TOKEN} characters")
    if len({name for name, _ in lines}) < len(lines) or len({token for _, token in lines}) < len(lines):
        raise Refused(f"{file}: a name or a token stands there twice")
    return {name: token for name, token in lines}  # noqa: C416 (a type checker knows no pairs of lists)
