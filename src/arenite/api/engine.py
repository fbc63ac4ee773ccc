"""An engine: a configuration, the tier it asks for, and what its stores share."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from arenite.config import Config
from arenite.errors import AreniteError
from arenite.machine.window import Windows
from arenite.tiers.safe import SafeTier

if TYPE_CHECKING:
    from arenite.machine.tier import Tier


def make_tier(config: Config) -> Tier:
    """The tier that the configuration names.  Raises: `Limit` where it cannot run."""
    if config.tier == "safe":
        return SafeTier(deterministic=config.deterministic)
    from arenite.tiers.threaded import ThreadedTier  # noqa: PLC0415 (it loads ctypes and generated code, which `safe` must never)

    return ThreadedTier(config.addressing, explicit_bounds=config.explicit_bounds, deterministic=config.deterministic)


class Engine:
    """Made once, shared by any number of modules and stores."""

    def __init__(self, config: Config | None = None) -> None:
        if config is not None and not isinstance(config, Config):
            raise TypeError(f"expected a Config, found {type(config).__name__}")
        self.config = copy.copy(config or Config())
        self.config.check()
        self.tier = make_tier(self.config)
        self.windows = Windows(portable=self.tier.portable)
        self.epoch = 0

    def increment_epoch(self) -> None:
        """Let time pass for the stores' deadlines; may be called from any thread."""
        if not self.config.epoch_interruption:
            raise AreniteError("epochs are not configured: Config(epoch_interruption=True)")
        self.epoch += 1
