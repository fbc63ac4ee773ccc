"""The adapter with which the official runner of wasi-testsuite drives arenite's command line.

    run-tests -r tests/wasi/adapter.py        # of a checkout of WebAssembly/wasi-testsuite

`$ARENITE` is the command to run, "arenite" if unset.
"""

from __future__ import annotations

import os
import shlex
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = shlex.split(os.environ.get("ARENITE", "arenite"))


def get_name() -> str:
    return "arenite"


def get_version() -> str:
    return version("arenite")


def get_wasi_versions() -> list[str]:
    return ["wasm32-wasip1"]


def compute_argv(
    test_path: str,
    args_env_dirs: tuple[list[str], dict[str, str], list[tuple[Path, str]]],
    proposals: list[str],
    wasi_version: str,
) -> list[str]:
    assert not proposals, proposals
    assert wasi_version in get_wasi_versions()
    arguments, environment, directories = args_env_dirs
    options = [f"--env={name}={value}" for name, value in environment.items()]
    options += [f"--dir={host}::{guest}" for host, guest in directories]
    return [*COMMAND, "run", *options, test_path, *arguments]
