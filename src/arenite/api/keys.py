"""What a key of snapshot files may be, for whoever asks for one."""

from arenite.snapshot.private import LONGEST_KEY, SHORTEST_KEY, checked_key

__all__ = ["LONGEST_KEY", "SHORTEST_KEY", "checked_key"]
