"""Where the browser is that tests of pages run in; installed when it is missing and may be.

    python tests/browser.py         say where it is; install Debian's package when run as root

Tests ask `path`; without a browser they are skipped, or fail when CI=true.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import Final

import testdata

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
QUIET: Final = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
"""Flags for a browser that is root in a container and asks nobody for anything."""


def found() -> str | None:
    """The path of a browser."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def path() -> str:
    """The same for a test.  Raises: pytest's skip when there is none, its failure under `CI=true`."""
    place = found()
    if place is None:
        testdata.absent("no browser to test pages in: python tests/browser.py, as root on Debian, or install chromium")
    return place


def main() -> None:
    """Say where it is."""
    apt = shutil.which("apt-get")
    if found() is None and apt is not None and os.geteuid() == 0:
        print("installing chromium, in which pages are tested ...", flush=True)
        for command in ([apt, "update", "-qq"], [apt, "install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode:
                break
    print(found() or "browser: there is none: tests of pages are skipped", file=sys.stderr)


if __name__ == "__main__":
    main()
