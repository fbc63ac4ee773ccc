"""The engine's options on the command line: what the table in `config` says, nothing of its own.

Example:  configured("safe", ["verify=true", "max_memory=65536"])
"""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Final

import typer

from arenite.config import OPTIONS, Config, TierName

DEFAULTS: Final = Config()
TRUTH: Final = {"true": True, "false": False}

Tier = Annotated[TierName, typer.Option(help=f"{OPTIONS['tier'].capitalize()}.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help=f"Set another option of the engine: {', '.join(f.name for f in fields(Config))}."
    ),
]


def configured(tier: TierName, settings: list[str] | None, *, fuel: bool = False) -> Config:
    """The configuration that a command line asks for.  Raises: typer.BadParameter."""
    config = Config(tier=tier, consume_fuel=fuel)
    for setting in settings or []:
        name, _, text = setting.partition("=")
        if name not in OPTIONS:
            raise typer.BadParameter(f"no option {name!r}; there are: {', '.join(OPTIONS)}", param_hint="--set")
        default = getattr(DEFAULTS, name)
        try:
            value = TRUTH[text] if isinstance(default, bool) else type(default)(text)
            setattr(config, name, value)
            config.check()
        except (KeyError, ValueError) as error:
            raise typer.BadParameter(f"{setting}: {name} is like {str(default).lower()}", param_hint="--set") from error
    return config
