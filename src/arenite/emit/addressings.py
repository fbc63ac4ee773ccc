"""The ways of addressing by name, as `Config` and a variant name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.emit.addressing import Single, Spaces
from arenite.layout.raw import RAW

if TYPE_CHECKING:
    from arenite.emit.addressing import Addressing

ADDRESSINGS: Final[dict[str, Addressing]] = {a.name: a for a in (Single(), Spaces())}
if RAW:  # whatever an engine asks for
    from arenite.emit.raw import Raw

    ADDRESSINGS.update(dict.fromkeys(ADDRESSINGS, Raw()))
