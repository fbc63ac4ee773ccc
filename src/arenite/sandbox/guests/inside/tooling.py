"""Tools in a CPython guest: functions of the host's that code calls by name.  Its text is given to the guest behind that of `plain`.

A call is written to a device and its answer read from there; until there is one this program stands still.  `help` and `inspect` find
signature and docstring.

Example:  Tools("/run/arenite/tools").install([["search", "(query: str, limit: int = 3)", "Find."]], namespace)
"""

from __future__ import annotations

import builtins
import errno
import functools
import os
from json import dumps, loads
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.sandbox.plain import packed, unpacked  # noqa: TC004 (in the guest that text stands before this one)

    Stub = Callable[..., object]

PIECE = 1 << 16


class ToolError(Exception):
    """What a tool has raised, where that is no exception that Python brings.  `kind`: the name of its class."""

    def __init__(self, message: str = "", kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class Tools:
    """The tools that there are.  `path`: the device, which stays open: the code may open all that it may have."""

    def __init__(self, path: str) -> None:
        self.device = os.open(path, os.O_RDWR)
        self.stubs: dict[str, Stub] = {}

    def install(self, tools: list[list[str]], namespace: dict[str, object]) -> None:
        """Have these, and no others, in a namespace."""
        for name, stub in self.stubs.items():
            if namespace.get(name) is stub:
                del namespace[name]
        self.stubs = {name: self.stub(name, header, text) for name, header, text in tools}
        namespace.update(self.stubs)
        if tools:
            namespace["ToolError"] = ToolError

    def stub(self, name: str, header: str, text: str) -> Stub:
        """A function that calls a tool."""
        scope: dict[str, Any] = {}
        exec(compile(f"def {name}{header}: pass", f"<tool {name}>", "exec", dont_inherit=True), scope)  # noqa: S102 (the host's)
        template = scope[name]
        template.__doc__ = text or None
        template.__module__ = "__main__"

        @functools.wraps(template)
        def call(*args: object, **kwargs: object) -> object:
            return self.call(name, args, kwargs)

        return call

    def call(self, name: str, args: tuple[object, ...], kwargs: dict[str, object]) -> object:
        """Call a tool.  Raises: what it raises."""

        def refused(value: object) -> str:
            raise TypeError(f"{name}() takes plain data, not {type(value).__name__}, and not too deep")

        request = dumps({"tool": name, "args": packed(list(args), refused), "kwargs": packed(kwargs, refused)}).encode()
        try:
            answer = self.asked(request)
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                raise ValueError(f"{name}() is given {len(request)} bytes, which is too much") from None
            raise ToolError(f"{name}() was not answered: {error}", "OSError") from None
        found = loads(answer)
        if "value" in found:
            return unpacked(found["value"])
        raise exception(*found["raises"]) from None

    def asked(self, request: bytes) -> bytes:
        """Write a request and read the answer to it."""
        while request:
            request = request[os.write(self.device, request) :]
        answer = bytearray()
        while piece := os.read(self.device, PIECE):
            answer += piece
        return bytes(answer)


def exception(kind: str, args: object, message: str) -> Exception:
    """What a tool has raised, of Python's own class of that name, if there is one."""
    found = getattr(builtins, kind, None)
    if isinstance(found, type) and issubclass(found, Exception):
        given = unpacked(args)
        try:
            return found(*given) if isinstance(given, list) else found(message)
        except Exception:  # noqa: BLE001 (it wants other arguments)
            return ToolError(message, kind)
    return ToolError(message, kind)
