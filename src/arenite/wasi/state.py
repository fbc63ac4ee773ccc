"""What one run of a guest has: arguments, environment, descriptors, clocks, random bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arenite.wasi.clocks import Clocks
    from arenite.wasi.descriptors import DescriptorTable


@dataclass(frozen=True, slots=True)
class State:
    """A guest's side of the world.  `args` and `env` are in the form the guest copies, each with its final zero byte."""

    args: Sequence[bytes]
    env: Sequence[bytes]
    descriptors: DescriptorTable
    clocks: Clocks
    random: Callable[[int], bytes]
