"""Python that somebody else wrote, run where it can do no harm.

with Sandbox.python() as box:
    print(box.run("print(6 * 7)").stdout)
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arenite.sandbox.guests.cpython import CPython as CPython
    from arenite.sandbox.guests.guest import AnswerError as AnswerError
    from arenite.sandbox.guests.guest import Files as Files
    from arenite.sandbox.guests.guest import Guest as Guest
    from arenite.sandbox.guests.guest import Request as Request
    from arenite.sandbox.guests.guest import Start as Start
    from arenite.sandbox.guests.numpython import NumPython as NumPython
    from arenite.sandbox.guests.quickjs import QuickJS as QuickJS
    from arenite.sandbox.history import History as History
    from arenite.sandbox.options import Bounds as Bounds
    from arenite.sandbox.options import Checkpoint as Checkpoint
    from arenite.sandbox.packages.wheel import PackageError as PackageError
    from arenite.sandbox.pending import Pending as Pending
    from arenite.sandbox.plain import Repr as Repr
    from arenite.sandbox.pool import Pool as Pool
    from arenite.sandbox.result import Result as Result
    from arenite.sandbox.sandbox import Sandbox as Sandbox
    from arenite.sandbox.tools.call import Call as Call
    from arenite.sandbox.tools.fetch import fetch as fetch
    from arenite.sandbox.tools.tool import Tool as Tool
    from arenite.sandbox.tools.toolbox import current_call as current_call
else:
    from arenite.lazy import lazily

    HOMES = {
        "AnswerError": "arenite.sandbox.guests.guest.AnswerError",
        "Bounds": "arenite.sandbox.options.Bounds",
        "CPython": "arenite.sandbox.guests.cpython.CPython",
        "Call": "arenite.sandbox.tools.call.Call",
        "Checkpoint": "arenite.sandbox.options.Checkpoint",
        "Files": "arenite.sandbox.guests.guest.Files",
        "Guest": "arenite.sandbox.guests.guest.Guest",
        "History": "arenite.sandbox.history.History",
        "NumPython": "arenite.sandbox.guests.numpython.NumPython",
        "PackageError": "arenite.sandbox.packages.wheel.PackageError",
        "Pending": "arenite.sandbox.pending.Pending",
        "Pool": "arenite.sandbox.pool.Pool",
        "QuickJS": "arenite.sandbox.guests.quickjs.QuickJS",
        "Repr": "arenite.sandbox.plain.Repr",
        "Request": "arenite.sandbox.guests.guest.Request",
        "Result": "arenite.sandbox.result.Result",
        "Sandbox": "arenite.sandbox.sandbox.Sandbox",
        "Start": "arenite.sandbox.guests.guest.Start",
        "Tool": "arenite.sandbox.tools.tool.Tool",
        "current_call": "arenite.sandbox.tools.toolbox.current_call",
        "fetch": "arenite.sandbox.tools.fetch.fetch",
    }
    __all__, __getattr__, __dir__ = lazily(__name__, HOMES)
