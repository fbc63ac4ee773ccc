"""The engine's options on the command line: what the table in `config` says, nothing of its own.

Example:  configured("safe", ["deterministic=true", "max_memory=65536"])
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from arenite.config import OPTIONS, TIERS, Config, TierName

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULTS: Final = Config()
OTHERS: Final = [name for name in OPTIONS if name not in {"tier", "consume_fuel"}]  # those two have flags: --tier, --fuel
TRUTH: Final = {"true": True, "false": False}


def number(least: int, most: int = sys.maxsize) -> Callable[[str | int], int]:
    """What reads an option's number.  Where that is called it raises: typer.BadParameter."""

    def parse(text: str | int) -> int:
        try:
            found = int(text)
        except ValueError:
            raise typer.BadParameter(f"{text!r} is no integer") from None
        if not least <= found <= most:
            raise typer.BadParameter(f"{found} is not from {least} to {most}")
        return found

    return parse


def tier_name(text: str) -> str:
    """What `--tier` says.  Raises: typer.BadParameter."""
    if text not in TIERS:
        raise typer.BadParameter(f"{text!r} is no tier; there are: {', '.join(TIERS)}")
    return text


Tier = Annotated[TierName, typer.Option(parser=tier_name, metavar=f"[{'|'.join(TIERS)}]", help=OPTIONS["tier"])]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help=f"Set another option of the engine: {', '.join(OTHERS)}."),
]


def value(text: str, like: object) -> object:
    """A word of the command line as a value of the same type as `like`.  Raises: ValueError."""
    if isinstance(like, bool):
        if text not in TRUTH:
            raise ValueError(f"{text!r} is neither true nor false")
        return TRUTH[text]
    if not isinstance(like, int):
        return text
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(f"{text!r} is no integer") from None


def configured(tier: TierName, settings: list[str] | None, *, fuel: bool = False) -> Config:
    """The configuration that a command line asks for.  Raises: typer.BadParameter."""
    config = Config(tier=tier, consume_fuel=fuel)
    for setting in settings or []:
        name, _, text = setting.partition("=")
        if name not in OTHERS:
            raise typer.BadParameter(f"no option {name!r}; there are: {', '.join(OTHERS)}", param_hint="--set")
        try:
            setattr(config, name, value(text, getattr(DEFAULTS, name)))
        except ValueError as error:
            raise typer.BadParameter(f"{setting}: {error}", param_hint="--set") from error
    return config
