"""An engine: a configuration, the tier it asks for, and what its stores share."""

from __future__ import annotations

import copy
import functools
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from arenite import platform
from arenite.api.bound import Unclosed
from arenite.api.numbers import expect
from arenite.config import Config
from arenite.errors import Failure, Limit
from arenite.features import SUPPORTED
from arenite.layout.cage import MAX_AREAS, cage_size
from arenite.layout.raw import RAW
from arenite.machine.records.quota import Quota
from arenite.machine.space.window import Windows
from arenite.platform.cache import Cache, usual_folder, usual_size

if TYPE_CHECKING:
    from arenite.bytecode.module import ModuleCode
    from arenite.machine.run.tier import Tier


def make_tier(config: Config) -> Tier:
    """The tier that the configuration names; with a warning `safe` where nothing generated can run, `threaded` where nothing can be compiled."""
    if RAW:
        _say("ARENITE_LAYOUT=raw: records hold addresses, which is for measurement only: guests are not kept in")
    if config.tier != "safe":
        try:
            return _threaded(config)
        except (Limit, ImportError) as error:
            warnings.warn(f"guests run on the slower tier 'safe': {error}", RuntimeWarning, stacklevel=3)
    from arenite.tiers.safe import SafeTier  # noqa: PLC0415 (a tier is loaded when it is first asked for)

    return SafeTier(deterministic=config.deterministic)


def _threaded(config: Config) -> Tier:
    """Raises: `Limit` where the system has no room for a cage or no generated code, `ImportError` without ctypes."""
    from arenite.tiers.threaded import ThreadedTier  # noqa: PLC0415 (it loads ctypes and generated code, which `safe` must never)
    from arenite.tiers.threaded.objects import Variant  # noqa: PLC0415 (as above)

    _try_cage(areas_of(config))
    way = ThreadedTier(Variant(config.addressing, config.explicit_bounds, config.deterministic))
    if config.tier == "threaded":
        return way
    try:
        from arenite.tiers.baseline import BaselineTier  # noqa: PLC0415 (as above)

        return BaselineTier(way.variant, lazily=config.tier == "auto")
    except (Limit, ImportError) as error:
        _say(f"guests run in the interpreter, on the tier 'threaded': {error}")
        return way


@functools.cache
def _say(message: str) -> None:
    """Warn, once."""
    import logging  # noqa: PLC0415 (it takes a tenth of the time of a start, and there is hardly ever something to say)

    logging.getLogger("arenite").warning(message)


def areas_of(config: Config) -> int:
    """Memory areas that every store has room for: no more than one can have."""
    return min(config.memories, MAX_AREAS)


@functools.cache
def _try_cage(areas: int) -> None:
    """See that the system has room for a cage, once per process.  Raises: `Limit`."""
    platform.Reservation(cage_size(areas)).close()


def cache_of(config: Config) -> Cache | None:
    """Where translations are kept for other processes, if they are."""
    if not config.cache or config.features != SUPPORTED:  # what the cache has may use them all
        return None
    return Cache(Path(config.cache_dir) if config.cache_dir else usual_folder(), usual_size())


class Engine(Unclosed):
    """Made once, shared by any number of modules and stores."""

    def __init__(self, config: Config | None = None) -> None:
        if config is not None:
            expect(config, Config)
        self.config = copy.copy(config or Config())
        self.quota = Quota.of(self.config)
        self.tier = make_tier(self.config)
        self.windows = Windows(portable=self.tier.portable, side_tables_size=self.tier.side_tables_size)
        self.epoch = 0
        # of snapshots, out of the cache, by the digests of file and bytecode: their files have not been looked at
        self.unread: WeakValueDictionary[tuple[str, str], ModuleCode] = WeakValueDictionary()
        self.modules: WeakValueDictionary[str, ModuleCode] = WeakValueDictionary()  # translated ones, by the digest of the file

    @functools.cached_property
    def cache(self) -> Cache | None:
        """Where translations are kept; asked for, and found, with the first module that is worth it."""
        return cache_of(self.config)

    def increment_epoch(self) -> None:
        """Let time pass for the stores' deadlines; may be called from any thread."""
        if not self.config.epoch_interruption:
            raise Failure("epochs are not configured: Config(epoch_interruption=True)")
        self.epoch += 1
