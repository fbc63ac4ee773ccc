"""`Toolbox`: the tools of a box, who permits a call, and how one is done.

Example:  Toolbox([search], permit=lambda call: call.tool == "search").run(call)
"""

from __future__ import annotations

import hashlib
import inspect
import json
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeAlias

from arenite.errors import Failure
from arenite.sandbox.tools.call import given, raised
from arenite.sandbox.tools.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from arenite.sandbox.tools.call import Call
    from arenite.sandbox.tools.tool import Function

    Permit: TypeAlias = Callable[[Call], object]
    """True permits a call, False refuses it, a text refuses it and says why; or an awaitable of such."""


AWAITED: Final = "it is awaited by run_async, run_until_tool_async and what else ends in _async"
CALLING: Final = ContextVar["Call | None"]("arenite: the call that a tool is run for", default=None)


def current_call() -> Call | None:
    """The call that a tool is being run for, for the tool; its id is what tells a call that is done again."""
    return CALLING.get()


def toolbox(tools: Iterable[Function | Tool], permit: Permit | None) -> Toolbox | None:
    """None if there are none."""
    if not hasattr(tools, "__iter__"):
        raise TypeError(f"tools are a list of functions, not one {type(tools).__name__}")
    given_ = list(tools)
    return Toolbox(given_, permit) if given_ else None


class Toolbox:
    """Tools by name.  Raises: as `Tool`, `ValueError` for a name that comes twice."""

    def __init__(self, tools: Iterable[Function | Tool], permit: Permit | None = None) -> None:
        self.permit = permit
        self.tools: dict[str, Tool] = {}
        for one in tools:
            tool = one if isinstance(one, Tool) else Tool(one)
            if tool.name in self.tools:
                raise ValueError(f"there are two tools of the name {tool.name!r}")
            self.tools[tool.name] = tool
        self.described = tuple((tool.name, tool.header, tool.text) for tool in self.tools.values())
        self.digest = hashlib.sha256(json.dumps(self.described).encode()).hexdigest()

    def find(self, call: Call) -> Tool:
        """Whose call it is.  Raises: `LookupError`, `TypeError` for arguments that it does not take."""
        tool = self.tools.get(call.tool)
        if tool is None:
            raise LookupError(f"there is no tool {call.tool[:100]!r}")
        tool.check(call.args, call.kwargs)
        return tool

    def permitted(self, call: Call) -> bytes | None:
        """None if it may be done; the answer if not.  Raises: what `permit` raises, `Failure` if that must be awaited."""
        if self.permit is None:
            return None
        try:
            verdict = self.permit(call)
        except PermissionError as error:
            return raised(error)
        return judged(call, sync(verdict, "permit"))

    async def permitted_async(self, call: Call) -> bytes | None:
        """The same; what must be awaited is."""
        if self.permit is None:
            return None
        try:
            verdict = self.permit(call)
            if inspect.isawaitable(verdict):
                verdict = await verdict
        except PermissionError as error:
            return raised(error)
        return judged(call, verdict)

    def refused(self, call: Call) -> bytes | None:
        """None if somebody may do it; the answer if not.  Raises: as `permitted`."""
        try:
            self.find(call)
        except (LookupError, TypeError) as error:
            return raised(error)
        return self.permitted(call)

    async def refused_async(self, call: Call) -> bytes | None:
        """The same; what must be awaited is."""
        try:
            self.find(call)
        except (LookupError, TypeError) as error:
            return raised(error)
        return await self.permitted_async(call)

    def run(self, call: Call) -> bytes:
        """Do it; the answer.

        Raises: `Failure` where something must be awaited, `TypeError` for a result that is no plain data, what `permit` raises; what a tool raises, the
        guest gets, unless it is no `Exception`.
        """
        try:
            tool = self.find(call)
        except (LookupError, TypeError) as error:
            return raised(error)
        if tool.is_async:
            raise Failure(f"the tool {tool.name!r} is async: {AWAITED}")
        refused = self.permitted(call)
        if refused is not None:
            return refused
        token = CALLING.set(call)
        try:
            value = tool.function(*call.args, **call.kwargs)
        except Exception as error:  # noqa: BLE001 (it is the guest's)
            return raised(error)
        finally:
            CALLING.reset(token)
        return given(tool.name, sync(value, f"the tool {tool.name!r}"))

    async def run_async(self, call: Call) -> bytes:
        """Do it; what must be awaited is.  Raises: as `run`."""
        try:
            tool = self.find(call)
        except (LookupError, TypeError) as error:
            return raised(error)
        refused = await self.permitted_async(call)
        if refused is not None:
            return refused
        token = CALLING.set(call)
        try:
            value = tool.function(*call.args, **call.kwargs)
            if inspect.isawaitable(value):
                value = await value
        except Exception as error:  # noqa: BLE001 (it is the guest's)
            return raised(error)
        finally:
            CALLING.reset(token)
        return given(tool.name, value)


def judged(call: Call, verdict: object) -> bytes | None:
    """What a verdict says.  Raises: `TypeError` for one that is none, since that permits nothing."""
    if verdict is True:
        return None
    if verdict is False:
        return raised(PermissionError(f"{call.tool} is not permitted"))
    if isinstance(verdict, str):
        return raised(PermissionError(verdict))
    raise TypeError(f"permit says True, False or why not, not {type(verdict).__name__}")


def sync(value: object, what: str) -> object:
    """The value.  Raises: `Failure` if it must be awaited."""
    if inspect.isawaitable(value):
        close = getattr(value, "close", None)  # of a coroutine, that nobody warns of it
        if close is not None:
            close()
        raise Failure(f"{what} is async: {AWAITED}")
    return value
