"""Calls one function of the package without what `arenite/__init__` imports: a build of arenite lacks the packages that running needs.

python alone.py arenite.platform.llvm compile_input
python alone.py arenite.tiers.threaded.build main FOLDER
"""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    sys.path[:] = [
        path for path in sys.path if Path(path).resolve() != here
    ]  # its modules are not to be found by their last names
    sys.path.append(str(here.parent.parent))  # what is compiled of a module only names the library of all, which lies there
    package = types.ModuleType("arenite")
    package.__path__ = [str(here.parent)]
    sys.modules["arenite"] = package
    _, module, function, *arguments = sys.argv
    getattr(importlib.import_module(module), function)(*arguments)
