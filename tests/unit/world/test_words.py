"""Which words stand where: nothing below WASI knows it, and the world knows no dialect."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import arenite
from arenite.wasi.errno import BY_REASON
from arenite.world.refused import Reason
from testdata import files

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(arenite.__file__).parent
ROOT = Path(__file__).parents[3]
PUBLIC = {"WASI", "define_wasi", "set_wasi", "rebind_wasi", "wasi"}  # what users know from other engines, over the general words
ONE_PLACE = "api/hosts.py"
OF_PREVIEW_1 = ("wasi", "right", "fdflag", "oflag", "iovec", "prestat", "filestat", "fdstat", "preview")


def below(package: str) -> list[str]:
    """The packages below one, as the import rules have it."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["containers"] == ["arenite"])
    return [name.strip(" ()") for layer in layers[layers.index(f"({package})") + 1 :] for name in layer.split("|")]


def words(path: Path) -> Iterator[str]:
    """The names and texts of a module, but for docstrings and the paths of what it imports."""
    tree = ast.parse(path.read_text())
    documents = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if node not in documents:
                yield text
            case (
                ast.Name(id=name)
                | ast.Attribute(attr=name)
                | ast.arg(arg=name)
                | ast.keyword(arg=str(name))
                | ast.alias(name=name)
            ):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name


def modules(packages: list[str]) -> list[Path]:
    folders = [path for name in packages if (SOURCE / name).is_dir() for path in files(SOURCE / name, "**/*.py")]
    return folders + [SOURCE / f"{name}.py" for name in packages if not (SOURCE / name).is_dir()]


def test_nothing_below_knows_wasi() -> None:
    found = modules(below("wasi"))
    assert SOURCE / ONE_PLACE in found
    for path in found:
        if path != SOURCE / ONE_PLACE:
            said = {word for word in words(path) if "wasi" in word.lower()}
            assert said <= PUBLIC, path
            assert not said or path.parent.name == "api", path


@pytest.mark.parametrize("path", files(SOURCE / "world", "*.py"), ids=lambda path: path.stem)
def test_the_world_has_words_of_its_own(path: Path) -> None:
    assert not {word for word in words(path) for part in OF_PREVIEW_1 if part in word.lower()}


def test_every_reason_has_a_code() -> None:
    assert set(BY_REASON) == set(Reason)
