"""What holds for all tests: every translation is verified."""

from __future__ import annotations

import os

os.environ.setdefault("ARENITE_VERIFY", "1")
