"""Every public name of the `wasmtime` package is here, takes the same arguments, or stands in docs/wasmtime.md with a reason."""

from __future__ import annotations

import inspect
import itertools
import re
from pathlib import Path
from typing import Any

import pytest
import wasmtime

import arenite
from arenite import Config, Engine, Linker, Module
from arenite.compat.wasmtime import OPTIONS as WASMTIME
from arenite.features import SWITCHES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "wasmtime.md"
SPECIAL = {"__init__", "__call__", "__getitem__", "__setitem__", "__len__", "__iter__", "__enter__", "__exit__"}
FOREIGN = {object, Exception, BaseException}


def expanded(text: str) -> list[str]:
    """`{A,B}.{c,d}` -> A.c, A.d, B.c, B.d."""
    parts = [part[1:-1].split(",") if part.startswith("{") else [part] for part in re.split(r"(\{[^}]*\})", text) if part]
    return ["".join(choice) for choice in itertools.product(*parts)]


def rows(section: str) -> dict[str, list[str]]:
    """Names of a table of the page -> what the other columns say."""
    text = PAGE.read_text("utf-8").partition(f"## {section}\n")[2].partition("\n## ")[0]
    found: dict[str, list[str]] = {}
    for line in re.findall(r"^\| (`.*) \|$", text, re.MULTILINE):
        cells = line.split(" | ")
        for name in itertools.chain.from_iterable(map(expanded, re.findall(r"`([^`]*)`", cells[0]))):
            assert name not in found, f"{name} has two rows"
            found[name] = cells[1:]
    return found


def members(kind: type) -> dict[str, Any]:
    """Public members of a class, with those of its bases in the package."""
    found: dict[str, Any] = {}
    for base in kind.__mro__:
        if base not in FOREIGN and base.__module__.startswith("wasmtime"):
            for name, item in vars(base).items():
                if not name.startswith("_") or name in SPECIAL:
                    found.setdefault(name, item)
    return found


def surface() -> dict[str, Any]:
    """Every public name of the package: `Store`, `Store.gc`, …"""
    found: dict[str, Any] = {}
    for name in wasmtime.__all__:
        item = getattr(wasmtime, name)
        found[name] = item
        if inspect.isclass(item) and hasattr(arenite, name):
            found |= {f"{name}.{member}": value for member, value in members(item).items()}
    return found


SURFACE = surface()
ABSENT, OTHERWISE = rows("Not there"), rows("Otherwise")
EXAMPLES: dict[str, Any] = {"Linker": Linker(Engine(Config(tier="safe")))}  # of classes with attributes that only objects have
EXAMPLES["InstancePre"] = EXAMPLES["Linker"].instantiate_pre(Module(EXAMPLES["Linker"].engine, b"\0asm\1\0\0\0"))


def ours(name: str) -> Any:
    """What is here under a name; None if nothing is."""
    kind, _, member = name.partition(".")
    if not member:
        return getattr(arenite, kind, None)
    if kind == "Config" and (member in WASMTIME or member in SWITCHES):
        return WASMTIME
    holder = getattr(arenite, kind)
    found = inspect.getattr_static(holder, member, None)
    attributes = member in getattr(holder, "__dataclass_fields__", ()) or hasattr(EXAMPLES.get(kind), member)
    return members if found is None and attributes else found


def parameters(name: str, item: Any) -> list[inspect.Parameter] | None:
    """What something callable takes, without the object or class itself; None if nothing can be called."""
    function = item.__func__ if isinstance(item, (classmethod, staticmethod)) else item
    if not inspect.isfunction(function):
        return None
    found = list(inspect.signature(function).parameters.values())
    bound = "." in name and not isinstance(item, staticmethod)
    return found[1:] if bound else found


@pytest.mark.parametrize("name", SURFACE)
def test_a_name_is_here_or_has_a_reason(name: str) -> None:
    assert (ours(name) is None) == (name in ABSENT), "here, and in the table of what is not" if name in ABSENT else "not here"


@pytest.mark.parametrize("name", [name for name in SURFACE if ours(name) is not None and name not in OTHERWISE])
def test_it_takes_the_same(name: str) -> None:
    theirs, own = parameters(name, SURFACE[name]), parameters(name, ours(name))
    if theirs is None or own is None or name.endswith("__exit__"):
        return
    first = own[: len(theirs)]
    assert [p.name for p in first] == [p.name for p in theirs]
    for mine, other in zip(first, theirs, strict=True):
        assert mine.default is not mine.empty or other.default is other.empty, f"{mine.name} must be given"
        assert mine.kind is not mine.KEYWORD_ONLY
    assert all(p.default is not p.empty or p.kind in {p.VAR_KEYWORD, p.VAR_POSITIONAL} for p in own[len(theirs) :])


def test_the_page_speaks_of_what_there_is() -> None:
    assert set(ABSENT) <= set(SURFACE)
    assert set(OTHERWISE) <= set(SURFACE) - set(ABSENT)
    assert all(reason and all(reason) for reason in (*ABSENT.values(), *OTHERWISE.values()))


def test_the_walk_sees_the_package() -> None:
    assert len(SURFACE) > 250
    assert {"Store.set_limits", "Config.strategy", "TrapCode.UNREACHABLE", "Engine.close", "Linker.allow_shadowing"} <= set(
        SURFACE
    )
    assert expanded("{A,B}.c") == ["A.c", "B.c"]
