"""Compiles the hot modules with mypyc, and the threaded tier's interpreter with LLVM.

Where the modules cannot be compiled, all of them are installed as the Python they are, and a warning says why; `ARENITE_PURE=1` asks for that.
An interpreter that cannot be compiled fails the build, but on systems that cannot have the tier.  Everything else about the package stands in
pyproject.toml.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from setuptools import setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import BaseError, CCompilerError

if TYPE_CHECKING:
    from setuptools import Extension

GROUP = "arenite"  # all hot modules are one library, so that calls between them are direct
FIXED = {
    "wasm": ("budget", "codes", "reader", "sink", "decode", "validate"),
    "wasm/body": ("context", "control", "exceptions", "memory", "numeric", "stacks", "tables", "variables", "vectors", "walk"),
    "tiers/baseline": ("holes", "tables", "fields", "accumulators", "compiler"),
    "bytecode": ("words", "handlers"),
    "machine/run": ("marks",),
    "bytecode/verifier": ("classes", "slots", "code", "rules", "frame", "points", "handlers", "calls", "walk"),
}
DESCRIBING = {"egg_info", "dist_info", "sdist"}  # commands that compile nothing: the C would be generated in vain


def hot() -> list[str]:
    """The modules to compile: the walks over function bodies and over bytecode, and all that translates."""
    source = Path("src/arenite")
    translate = sorted(path for path in (source / "translate").glob("*.py") if path.name != "__init__.py")
    fixed = [source / folder / f"{name}.py" for folder, names in FIXED.items() for name in names]
    return [str(path) for path in [*fixed, *translate]]


def extensions() -> list[Extension]:
    """The compiled modules, or none."""
    if os.environ.get("ARENITE_PURE") == "1" or (DESCRIBING.intersection(sys.argv) and "bdist_wheel" not in sys.argv):
        return []
    try:
        from mypyc.build import mypycify  # noqa: PLC0415 (a build without isolation may lack it: then nothing is compiled)
    except ImportError as error:
        warn(error)
        return []
    compiled: list[Extension] = mypycify(
        ["--follow-imports=silent", *hot()], opt_level="3", debug_level="0", group_name=GROUP, strip_asserts=False
    )
    for extension in compiled:
        if sys.platform != "win32":
            # nothing outside replaces the group's functions: calls among them need no detour and may be inlined
            flags = ("-fno-semantic-interposition", "-fvisibility=hidden")
            extension.extra_compile_args += [
                flag for flag in flags if flag not in extension.extra_compile_args
            ]  # one list for all
    return compiled


def warn(why: object) -> None:
    """Say that nothing is compiled."""
    sys.stderr.write(f"WARNING: the hot modules are not compiled, and modules are read some 20 times more slowly: {why}\n")


def interpreter(package: Path, folder: Path) -> None:
    """Compile what the threaded tier of the sources in `package` needs at first use into `folder`.

    Raises: `CalledProcessError` when that fails; its words are on the standard error by then.
    """
    with tempfile.TemporaryDirectory() as cache:  # nothing of the user's is used, or left with him
        command = [sys.executable, str(package / "platform" / "alone.py"), "arenite.tiers.threaded.build", "main", str(folder)]
        environment = os.environ | {"ARENITE_CACHE_DIR": cache}
        subprocess.run(command, env=environment, check=True)  # noqa: S603 (this Python, a program of ours)


class BuildPython(build_py):
    """Also compiles the threaded tier's interpreter into the package."""

    def run(self) -> None:
        """Build."""
        super().run()
        if self.editable_mode:
            return  # `tools/build.py` does it in the tree
        try:
            interpreter(Path("src/arenite").resolve(), (Path(self.build_lib) / "arenite" / "built").resolve())
        except subprocess.CalledProcessError as error:
            raise BaseError(
                f"the interpreter of the threaded tier could not be compiled (status {error.returncode}): see above"
            ) from None


class BuildExtensions(build_ext):
    """Compiles all hot modules, or none: what is compiled of each only names the one library, and cannot be imported without it."""

    def run(self) -> None:
        """Build; a compiler that is missing or fails costs speed, not the installation."""
        try:
            super().run()
        except (CCompilerError, BaseError) as error:
            if self.inplace:
                raise  # for developers, who are told: ARENITE_PURE=1 asks for none
            warn(error)
            for extension in self.extensions:
                Path(self.get_ext_fullpath(extension.name)).unlink(missing_ok=True)
            self.extensions = []


if __name__ == "__main__":
    setup(ext_modules=extensions(), cmdclass={"build_py": BuildPython, "build_ext": BuildExtensions})
