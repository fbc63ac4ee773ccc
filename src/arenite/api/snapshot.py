"""Where pickles of earlier versions look for `Snapshot`; later ones name the package."""

from arenite.api.store import Snapshot

__all__ = ["Snapshot"]
