r"""What a call gives: an object of JSON, and whether something went wrong that the client should look at.

Example:  Answer({"stdout": "42\n"})
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 (a data class)
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arenite.serving.shown import Json


@dataclass(frozen=True)
class Answer:
    """`body`: what is told.   `failed`: something was refused, or the code has raised or was stopped."""

    body: Mapping[str, Json]
    failed: bool = False
