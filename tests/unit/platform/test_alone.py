"""What a build calls before arenite is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from arenite.platform import alone

if TYPE_CHECKING:
    from pathlib import Path


def test_a_tree_that_has_been_compiled_is_found(tmp_path: Path) -> None:
    """Compiled modules import a library that lies beside the package: `pip install .` failed in a tree that had them."""
    program = tmp_path / "arenite" / "platform" / "alone.py"
    program.parent.mkdir(parents=True)
    shutil.copy(alone.__file__, program)
    (tmp_path / "library_of_all.py").write_text("def say(word):\n    print(word)\n")
    (tmp_path / "arenite" / "compiled.py").write_text("from library_of_all import say\n")
    command = [sys.executable, "-I", str(program), "arenite.compiled", "say", "found"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "found\n"), done.stderr
