"""Compiles the hot modules with mypyc.  Where that cannot be done they are installed as the Python they are.

`ARENITE_PURE=1` skips the compilation.  Everything else about the package stands in pyproject.toml.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from setuptools import setup
from setuptools.command.build_py import build_py

if TYPE_CHECKING:
    from setuptools import Extension

GROUP = "arenite"  # all hot modules are one library, so that calls between them are direct
FIXED = {"wasm": ("budget", "reader", "stacks", "sink", "body", "decode", "validate"), "bytecode": ("states", "walk")}


def hot() -> list[str]:
    """The modules to compile: the walks over function bodies and over bytecode, and all that translates."""
    source = Path("src/arenite")
    translate = sorted(path for path in (source / "translate").glob("*.py") if path.name != "__init__.py")
    fixed = [source / folder / f"{name}.py" for folder, names in FIXED.items() for name in names]
    return [str(path) for path in [*fixed, *translate]]


def extensions() -> list[Extension]:
    """The compiled modules, or none."""
    if os.environ.get("ARENITE_PURE") == "1":
        return []
    try:
        from mypyc.build import mypycify  # noqa: PLC0415 (may be missing: then nothing is compiled)
    except ImportError:
        return []
    compiled: list[Extension] = mypycify(
        ["--follow-imports=silent", *hot()], opt_level="3", debug_level="0", group_name=GROUP, strip_asserts=False
    )
    for extension in compiled:
        extension.optional = True  # a compiler that fails costs speed, not the installation
        if sys.platform != "win32":
            # nothing outside replaces the group's functions: calls among them need no detour and may be inlined
            extension.extra_compile_args += ["-fno-semantic-interposition", "-fvisibility=hidden"]
    return compiled


class BuildPython(build_py):
    """Also compiles the threaded tier's interpreter into the package, where llvmlite is there; elsewhere its first use does."""

    def run(self) -> None:
        """Build."""
        super().run()
        if self.editable_mode:
            return  # `tools/build.py` does it in the tree
        built = Path(self.build_lib) / "arenite" / "tiers" / "threaded" / "built"
        environment = os.environ | {"PYTHONPATH": str(Path("src").resolve())}
        command = [sys.executable, "-m", "arenite.tiers.threaded", str(built)]
        subprocess.run(command, env=environment, check=False)  # noqa: S603 (this Python, our own module)


if __name__ == "__main__":
    setup(ext_modules=extensions(), cmdclass={"build_py": BuildPython})
