"""Tools: Python functions that code in a box calls by name.  Needs `pip install 'arenite[python]'`."""

from __future__ import annotations

from arenite import Sandbox
from arenite.sandbox import Call  # noqa: TC001 (an example needs no such care)

STOCK = {"apple": 3, "pear": 0}


def stock(name: str) -> int:
    """How many there are."""
    return STOCK[name]


def order(name: str, amount: int = 1) -> str:
    """Order some more."""
    STOCK[name] += amount
    return f"{amount} of {name} ordered"


def permit(call: Call) -> bool | str:
    print("asked:", call.tool, call.args, dict(call.kwargs))
    return call.tool != "order" or call.kwargs.get("amount") in {1, 2, 5, 10} or "nobody orders so many"


CODE = """
for name in ("apple", "pear", "plum"):
    try:
        if not stock(name):
            print(order(name, amount=5), order(name, amount=500))
    except (KeyError, PermissionError) as error:
        print(repr(error))
"""

with Sandbox.python(tools=[stock, order], permit=permit) as box:
    print(box.run(CODE).stdout, end="")
    print((box.run("stock(7)").error or "").splitlines()[-1])
    print(box.run("help(order)").stdout.splitlines()[2])

# Output:
# asked: stock ('apple',) {}
# asked: stock ('pear',) {}
# asked: order ('pear',) {'amount': 5}
# asked: order ('pear',) {'amount': 500}
# asked: stock ('plum',) {}
# PermissionError('nobody orders so many')
# KeyError('plum')
# TypeError: stock() argument 'name' must be str, not int
# order(name: str, amount: int = 1) -> str
