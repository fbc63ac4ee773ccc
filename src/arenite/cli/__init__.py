"""The command `arenite`: one module per sub-command, `app` puts them together, `ending` says what an exit code means."""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from threading import RLock


def later(name: str) -> None:
    """Have a module of Python's executed when something of it is first asked for (PEP 562), whoever imports it."""
    spec = None if name in sys.modules else PathFinder.find_spec(name)
    if spec is None or spec.loader is None:
        return
    module, loader, lock, begun = module_from_spec(spec), spec.loader, RLock(), list[str]()

    def ask(attribute: str) -> object:
        with lock:  # another thread waits until all is there
            if not begun:
                begun.append(attribute)
                try:
                    loader.exec_module(module)
                except BaseException:
                    begun.clear()
                    raise
        if attribute not in vars(module):
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}", name=attribute, obj=module)
        return vars(module)[attribute]

    vars(module)["__getattr__"] = ask
    sys.modules[name] = module


for unasked in (
    "inspect",
    "ipaddress",
    "ntpath",
):  # of click, `dataclasses`, `urllib.parse` and `pathlib`: together as long as a dozen others
    later(unasked)
