"""The engine's options on the command line: what the table in `config` says, nothing of its own.

Example:  configured("safe", ["deterministic=true", "max_memory=65536"])
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from arenite.cli.command import option
from arenite.config import OPTIONS, TIERS, Config, TierName
from arenite.features import SWITCHES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEFAULTS: Final = Config()
OTHERWISE: Final = {"tier": "--tier", "consume_fuel": "--fuel", "features": f"--set {next(iter(SWITCHES))}=false, and the like"}
OTHERS: Final = [name for name in OPTIONS if name not in OTHERWISE]
TRUTH: Final = {"true": True, "false": False}


class FilePath(click.Path):
    """The name of a file."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        """It as a path.  Raises: click.BadParameter for the empty one, which would be that of a folder."""
        if not os.fspath(value):
            self.fail("the name of a file is empty", param, ctx)
        return super().convert(value, param, ctx)


PATH: Final = FilePath(path_type=Path)


def number(least: int, most: int = sys.maxsize) -> Callable[[str | int], int]:
    """What reads an option's number.  Where that is called it raises: click.BadParameter."""

    def parse(text: str | int) -> int:
        try:
            found = int(text)
        except ValueError:
            raise click.BadParameter(f"{text!r} is no integer") from None
        if not least <= found <= most:
            raise click.BadParameter(f"{found} is not from {least} to {most}")
        return found

    return parse


def tier_name(text: str) -> str:
    """What `--tier` says.  Raises: click.BadParameter."""
    if text not in TIERS:
        raise click.BadParameter(f"{text!r} is no tier; there are: {', '.join(TIERS)}")
    return text


tier_option = option(
    "--tier",
    type=tier_name,
    default=DEFAULTS.tier,
    show_default=True,
    metavar=f"[{'|'.join(TIERS)}]",
    help=OPTIONS["tier"],
)
settings_option = option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help=f"Set another option of the engine: {', '.join(OTHERS)}; or switch a feature of WebAssembly, as in wasm_simd=false.",
)


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


def configured(tier: TierName, settings: Sequence[str], *, fuel: bool = False) -> Config:
    """The configuration that a command line asks for.  Raises: click.BadParameter."""
    config = Config(tier=tier, consume_fuel=fuel)
    for setting in settings:
        name, _, text = setting.partition("=")
        if name in OTHERWISE:
            raise click.BadParameter(f"{name} is said by {OTHERWISE[name]}", param_hint="--set")
        if name not in (*OTHERS, *SWITCHES):
            raise click.BadParameter(
                f"no option {name!r}; there are: {', '.join(OTHERS)}, and switches of features", param_hint="--set"
            )
        try:
            setattr(config, name, value(text, getattr(DEFAULTS, name, True)))
        except ValueError as error:
            raise click.BadParameter(f"{setting}: {error}", param_hint="--set") from error
    return config
