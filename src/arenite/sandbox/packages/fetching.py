"""Wheels that a lock file names: fetched by pip, from where the user's pip looks, those files alone and checked by digest.

Example:  with fetched(pins, Target("3.12.0")) as folder: …
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arenite.sandbox.packages.wheel import PackageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from arenite.sandbox.packages.lock import Pin
    from arenite.sandbox.packages.target import Target

PATIENCE: Final = 600  # seconds


@contextmanager
def fetched(pins: Iterable[Pin], target: Target) -> Iterator[Path]:
    """A folder with their wheels, as long as it is used.  Nothing that they require is fetched.  Raises: `PackageError`."""
    with tempfile.TemporaryDirectory(prefix="arenite-") as name:
        folder = Path(name)
        lines = [f"{pin.name}=={pin.version} {' '.join(f'--hash=sha256:{one}' for one in sorted(pin.sha256))}\n" for pin in pins]
        wanted = folder / "wanted.txt"
        wanted.write_text("".join(lines), "utf-8")
        which = ("--platform=any", "--abi=none", "--implementation=py", f"--python-version={target.short}")
        how = ("--no-deps", "--require-hashes", "--only-binary=:all:", "--disable-pip-version-check", "--no-input", "-q")
        command = [sys.executable, "-m", "pip", "download", *how, *which, "-d", name, "-r", str(wanted)]
        try:
            done = subprocess.run(  # noqa: S603 (names and digests, as they were checked)
                command, capture_output=True, text=True, errors="replace", timeout=PATIENCE, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PackageError(f"pip cannot fetch the packages: {error}") from None
        if done.returncode:
            raise PackageError(f"pip cannot fetch pure wheels of the packages that the lock file names: {done.stderr.strip()}")
        yield folder
