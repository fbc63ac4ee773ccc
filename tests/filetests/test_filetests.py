"""Golden tests in one file each: text of a module, directives, and the output expected at its end.

    ;;! test = "decode"
    (module)
    ;; types
    ;; ...

`test` names an entry of `TESTS`; further directives are passed on to it.  `ARENITE_BLESS=1` rewrites the expected output.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import wasmtime

import testdata
from filetests import decode, translate, validate, verify

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
BLESS = os.environ.get("ARENITE_BLESS") == "1"
Options = dict[str, object]
TESTS: dict[str, Callable[[bytes, Options], str]] = {
    "decode": decode.show,
    "translate": translate.show,
    "validate": validate.show,
    "verify": verify.show,
}


def split(text: str) -> tuple[str, str]:
    """Input and expected output: the comment lines that end the file, without their `;; `."""
    lines = text.splitlines()
    start = len(lines)
    while start and lines[start - 1].startswith(";;") and not lines[start - 1].startswith(";;!"):
        start -= 1
    return "\n".join(lines[:start]) + "\n", "\n".join(line[3:] for line in lines[start:])


@pytest.mark.parametrize("path", testdata.files(HERE, "*/*.wat"), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_filetest(path: Path) -> None:
    source, expected = split(path.read_text())
    options = tomllib.loads("\n".join(line[3:] for line in source.splitlines() if line.startswith(";;!")))
    actual = TESTS[options.pop("test")](bytes(wasmtime.wat2wasm(source)), options).strip()
    if BLESS:
        path.write_text(source + "".join(f";; {line}".rstrip() + "\n" for line in actual.splitlines()))
    else:
        assert actual == expected, f"{path} (ARENITE_BLESS=1 rewrites it)"
