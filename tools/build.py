"""Bring the compiled modules of a working tree up to date.

    python tools/build.py          compile, if a hot module is newer than what was compiled from it; and the interpreter
    python tools/build.py --pure   remove all compiled modules

A compiled module that is older than its source would be imported silently instead of it: both commands remove such.
Compiled modules belong together, so all are made, or none.  What cannot be made is said, and the command fails: with `ARENITE_PURE=1` it
compiles no modules, and everything works more slowly without.
"""

from __future__ import annotations

import argparse
import os
import runpy
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
LIBRARY = SOURCE / f"arenite__mypyc{SUFFIX}"  # holds the code of all; the others only name it


def compiled() -> list[Path]:
    """All compiled modules in the tree, for this Python."""
    return [path for path in SOURCE.rglob(f"*{SUFFIX}") if path.is_file()]


def expected() -> dict[Path, Path]:
    """Where each hot module's compiled form belongs -> its source."""
    sources = [ROOT / path for path in runpy.run_path("setup.py", run_name="setup")["hot"]()]
    return {path.with_name(path.stem + SUFFIX): path for path in sources}


def complete() -> bool:
    """Whether every hot module has been compiled, and nothing is left over from a source that is gone."""
    return set(compiled()) == {LIBRARY, *expected()}


def stale() -> bool:
    """Whether to compile again."""
    newest = max(path.stat().st_mtime for path in (ROOT / "setup.py", *expected().values()))
    return not complete() or newest > LIBRARY.stat().st_mtime


def remove() -> None:
    """Remove all compiled modules."""
    for path in compiled():
        path.unlink()


def modules() -> bool:
    """Compile the modules; whether that worked.  The compiler's words are shown when it did not."""
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0 and complete():
        LIBRARY.touch()  # a source that changed without consequence leaves an older library standing
        return True
    sys.stderr.write(done.stdout + done.stderr)
    lacking = ", ".join(sorted(path.name for path in {LIBRARY, *expected()} - set(compiled())))
    why = f"the compiler's status is {done.returncode}" if done.returncode else f"it made no {lacking}"
    print(f"the hot modules could not be compiled: {why}; ARENITE_PURE=1 does without", file=sys.stderr)
    remove()
    return False


def interpreter() -> bool:
    """Compile the threaded tier's interpreter; whether that worked."""
    package = SOURCE / "arenite"
    try:
        runpy.run_path("setup.py", run_name="setup")["interpreter"](package, package / "built")
    except subprocess.CalledProcessError as error:
        print(
            f"the interpreter of the threaded tier could not be compiled (status {error.returncode}): see above", file=sys.stderr
        )
        return False
    return True


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pure", action="store_true", help="remove all compiled modules")
    os.chdir(ROOT)
    if parser.parse_args().pure or os.environ.get("ARENITE_PURE") == "1":
        remove()
    elif stale():
        remove()
        print("compiling the hot modules ...", flush=True)
        if not modules():
            return 1
    return 0 if interpreter() else 1


if __name__ == "__main__":
    sys.exit(main())
