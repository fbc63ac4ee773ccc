"""Python that somebody else wrote, run where it can do no harm.

with Sandbox.python() as box:
    print(box.run("print(6 * 7)").stdout)
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arenite.sandbox.plain import Repr as Repr
    from arenite.sandbox.result import Result as Result
    from arenite.sandbox.sandbox import Checkpoint as Checkpoint
    from arenite.sandbox.sandbox import Sandbox as Sandbox
else:
    from arenite.lazy import lazily

    HOMES = {
        "Checkpoint": "arenite.sandbox.sandbox.Checkpoint",
        "Repr": "arenite.sandbox.plain.Repr",
        "Result": "arenite.sandbox.result.Result",
        "Sandbox": "arenite.sandbox.sandbox.Sandbox",
    }
    __all__, __getattr__, __dir__ = lazily(__name__, HOMES)
