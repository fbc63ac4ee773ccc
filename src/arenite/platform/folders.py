"""Where a user's files lie: as `platformdirs` says, which takes as long to import as a tenth of a start.

On Linux the answer is a variable's, or one folder in the home folder (XDG Base Directory Specification), and the library is not asked.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

NAME = "arenite"


def caches() -> Path:
    """Where what can be made again is kept; it need not exist."""
    found = _by_xdg("XDG_CACHE_HOME", ".cache")
    if found is None:
        import platformdirs  # noqa: PLC0415 (see above)

        found = platformdirs.user_cache_path(NAME, appauthor=False)
    return found


def data() -> Path:
    """Where what is to last is kept; it need not exist."""
    found = _by_xdg("XDG_DATA_HOME", ".local/share")
    if found is None:
        import platformdirs  # noqa: PLC0415 (see above)

        found = platformdirs.user_data_path(NAME, appauthor=False)
    return found


def _by_xdg(variable: str, in_home: str) -> Path | None:
    """The folder, where the specification alone tells it.  A path that is not absolute says nothing."""
    if sys.platform != "linux":
        return None
    folder, home = os.environ.get(variable, ""), os.environ.get("HOME", "")
    if folder.startswith("/"):
        return Path(folder, NAME)
    return Path(home, in_home, NAME) if home.startswith("/") else None
