"""The engine's options on the command line: what the table in `config` says, nothing of its own.

Example:  configured("safe", ["deterministic=true", "max_memory=65536"])
"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from arenite.config import OPTIONS, Config, TierName

DEFAULTS: Final = Config()
OTHERS: Final = [name for name in OPTIONS if name not in {"tier", "consume_fuel"}]  # those two have flags: --tier, --fuel
TRUTH: Final = {"true": True, "false": False}

Tier = Annotated[TierName, typer.Option(help=OPTIONS["tier"])]
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
