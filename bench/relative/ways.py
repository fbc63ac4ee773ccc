"""The ways to lay out and address a machine's records that are compared, and how a process takes one.

A way holds for a process: the layout of records is chosen before arenite is imported, so each way has processes of its own.

Example:  subprocess.Popen([sys.executable, "-m", "bench.relative.child", "spaces"], env=os.environ | WAYS["spaces"].environment)
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Way(NamedTuple):
    """One way.  `environment`: what a process must have; `options`: of `Config`."""

    what: str
    environment: dict[str, str]
    options: dict[str, str]


RELATIVE_LAYOUT: Final = {"ARENITE_LAYOUT": "relative"}
SINGLE: Final = "single"
SPACES: Final = "spaces"
RAW: Final = "raw"
AGAIN: Final = "single again"
WAYS: Final[dict[str, Way]] = {
    SINGLE: Way("u32 offsets from one base", RELATIVE_LAYOUT, {"addressing": "single"}),
    AGAIN: Way(
        "the same build once more, in processes of its own: what differs is noise", RELATIVE_LAYOUT, {"addressing": "single"}
    ),
    SPACES: Way("u32 offsets, a base for each address space", RELATIVE_LAYOUT, {"addressing": "spaces"}),
    RAW: Way("control: 64-bit absolute pointers in the records", {"ARENITE_LAYOUT": "raw"}, {}),
}
RELATIVE: Final = (SINGLE, SPACES)
TIERS: Final = ("threaded", "baseline", "auto")
"""Optimised native code, once there is some, is one more name here."""
DEFAULT_TIER: Final = "auto"
"""What `Config()` has; a test compares."""
KERNEL_TIERS: Final = ("threaded", "baseline")
"""`auto` runs kernels as `baseline` does."""
