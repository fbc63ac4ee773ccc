"""A call of a tool that another process answers.  Needs `pip install 'arenite[python]'`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from arenite import Sandbox
from arenite.sandbox import Pending

CODE = """
amounts = (n * n for n in range(10))  # a generator in the middle of its work travels, too
next(amounts), next(amounts)
name = approve("transfer", amount=next(amounts))
f"{name} has approved, next is {next(amounts)}"
"""


def approve(what: str, amount: int) -> str:
    """Who approves it.  Nobody calls this function: the call is left for somebody else."""
    raise NotImplementedError


def begin(path: Path) -> None:
    with Sandbox.python(tools=[approve]) as box:
        found = box.run_until_tool(CODE)
        assert isinstance(found, Pending)
        print("waits for", found.tool, found.args, dict(found.kwargs))
        for fork, name in zip(found.fork(2), ("Ann", "Bob"), strict=True):  # what would be, if
            print("if", name, "does:", getattr(fork.answer(name), "value", None))
            fork.box.close()
        box.save(path)


def answer(path: Path) -> None:
    with Sandbox.open(path) as box:
        found = box.pending()
        assert found is not None
        print("in another process:", getattr(found.answer("Eve"), "value", None))


if len(sys.argv) > 1:
    answer(Path(sys.argv[1]))
else:
    with tempfile.TemporaryDirectory() as folder:
        begin(Path(folder, "box.arn"))
        sys.stdout.flush()
        subprocess.run([sys.executable, __file__, f"{folder}/box.arn"], check=True)  # noqa: S603 (itself)

# Output:
# waits for approve ('transfer',) {'amount': 4}
# if Ann does: Ann has approved, next is 9
# if Bob does: Bob has approved, next is 9
# in another process: Eve has approved, next is 9
