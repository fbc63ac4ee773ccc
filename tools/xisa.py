"""An aarch64 Python under qemu-user with arenite in it, and the tests that run there.

    tools/xisa.py                    build it into .xisa/ if it is not there yet, then run the tests of `INSIDE`
    tools/xisa.py build [--again]    build it only
    tools/xisa.py test [ARGS ...]    other tests inside, by pytest's arguments
    tools/xisa.py run -- ARGS ...    run that Python

- It is a virtual environment whose Python is of another CPU: .xisa/bin/python is a script that starts qemu.  Its `sys.executable` is that
  script, so whoever starts a child Python by it gets one; it sees this checkout's `src`, and the wheels in .xisa/lib.
- Nothing is installed: a private configuration of apt downloads packages of Debian 12, which are unpacked into .xisa/root.  The emulator is
  that of its backports: 7.2 keeps a row for every page of a reservation, which is 55 MB and half a second for each store.
- Generated code is kept in .xisa/cache.  The usual interpreters and stencils are put there by the LLVM of this CPU, which writes for all: an
  emulated one takes minutes for each.

    from xisa import PYTHON; subprocess.run([PYTHON, "-c", "import platform; print(platform.machine())"])
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

INSIDE: Final = (
    *("tests/unit/platform/test_elf.py", "tests/unit/platform/test_platform_llvm.py", "tests/unit/platform/test_faults.py"),
    "tests/unit/platform/test_codespace.py",
    *("tests/unit/emit/test_prims.py", "tests/unit/emit/test_handlers_faults.py"),
    *("tests/unit/tiers/test_safe_rows.py", "tests/unit/machine/test_store_use.py"),
    *("tests/unit/api/test_engine.py", "tests/unit/api/test_messages.py"),
)
"""The tests that run there: what depends on the CPU, and guests on its tiers."""

LEFT_OUT: Final = {"tests/unit/api/test_engine.py::test_no_room_for_a_cage": "qemu overlooks limits of address space"}
"""Of these, and why."""

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / ".xisa"
SYSTEM: Final = FOLDER / "root"
PYTHON: Final = FOLDER / "bin" / "python"
READY: Final = FOLDER / "ready"

QEMU: Final = "qemu-user:amd64/bookworm-backports"
RELEASE: Final = "bookworm"
BACKPORTS: Final = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s bookworm-backports main\n"
DEBIAN: Final = (
    *("libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libexpat1", "libffi8", "libssl3", "libbz2-1.0", "liblzma5"),
    *("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib"),
)
"""Packages of arm64."""
WHEELS: Final = ("pytest", "hypothesis", "wasmtime")
"""What is installed of the extra `test`, beside what arenite depends on."""
EMULATED: Final = "1800"  # seconds that a test may take: each variant of the interpreter is compiled by an emulated compiler
TAGS: Final = ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")

APT: Final = """
APT::Architecture "arm64"; APT::Architectures { "arm64"; "amd64"; };
Dir::State "%(folder)s"; Dir::State::status "%(folder)s/status"; Dir::State::lists "%(folder)s/lists"; Dir::Cache "%(folder)s/cache";
Dir::Etc::preferences "/dev/null"; Dir::Etc::preferencesparts "/dev/null"; Dir::Etc::sourcelist "%(folder)s/sources.list";
APT::Sandbox::User "root"; Acquire::Languages "none"; Debug::NoLocking "true";
"""
"""apt's configuration: a state of its own, the system's sources and the backports."""

START: Final = """#!/bin/sh
exec '%(folder)s/bin/qemu' -0 '%(folder)s/bin/python' -L '%(folder)s/root' '%(folder)s/root/usr/bin/python3.11' "$@"
"""

SEED: Final = """
import os, sys
from types import SimpleNamespace
os.uname = lambda: SimpleNamespace(machine="aarch64")
from arenite.platform import cache, llvm
from arenite.platform.architectures import host
from arenite.tiers.baseline.stencil_table import kept
from arenite.tiers.threaded.objects import Variant
for variant in (Variant(), Variant(deterministic=True), Variant(explicit_bounds=True), Variant("spaces")):
    if cache.get(variant.key) is None:
        cache.put(variant.key, llvm.compile_object(variant.ir(host()), architecture=host()), "an interpreter")
    kept(variant)
"""
"""Puts generated code into the cache, as a Python of that CPU would."""


class Failure(Exception):  # noqa: N818 (it is what main() reports, not a mistake of this program)
    """A step failed; the message says which, and what to do."""


def call(*command: str | Path, hint: str, cwd: Path = ROOT, environment: dict[str, str] | None = None) -> str:
    """Run a command of the set-up; what it printed.  Raises: `Failure` with its last words and `hint`."""
    try:
        done = subprocess.run(
            command, cwd=cwd, env=os.environ | (environment or {}), capture_output=True, text=True, errors="replace", check=False
        )
    except FileNotFoundError as error:
        raise Failure(f"{command[0]} is not here: {hint}") from error
    if done.returncode:
        words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise Failure(f"{' '.join(map(str, command[:2]))} failed: {hint}\n{words}")
    return done.stdout


def download() -> None:
    """Fetch the packages of Debian and unpack them."""
    apt = FOLDER / "apt"
    for part in ("lists/partial", "cache/archives/partial", "packages"):
        (apt / part).mkdir(parents=True)
    (apt / "status").touch()
    system, own = Path("/etc/apt/sources.list"), apt / "sources.list"
    own.write_text(system.read_text("utf-8") if system.exists() else "", "utf-8")
    (apt / "apt.conf").write_text(APT % {"folder": apt}, "utf-8")
    environment = {"APT_CONFIG": str(apt / "apt.conf")}
    hint = "this needs Debian 12 on x86-64, whose sources in /etc/apt also have arm64, and the network"
    call("apt-get", "-qq", "update", hint=hint, environment=environment)
    known = call("apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", hint=hint, environment=environment)
    mirrors = [line.split()[1] for line in known.splitlines() if line.startswith(f"{RELEASE} ")]
    if not mirrors:
        raise Failure(f"no source of Debian's {RELEASE}: {hint}")
    with own.open("a", encoding="utf-8") as file:
        file.write(BACKPORTS % mirrors[0])
    call("apt-get", "-qq", "update", hint=hint, environment=environment)
    call("apt-get", "-qq", "download", QEMU, *DEBIAN, hint=hint, cwd=apt / "packages", environment=environment)
    for package in sorted((apt / "packages").glob("*.deb")):
        emulator = package.name.startswith("qemu")
        call("dpkg-deb", "-x", package, apt / "qemu" if emulator else SYSTEM, hint="a damaged download?")
    PYTHON.parent.mkdir()
    shutil.move(apt / "qemu" / "usr" / "bin" / "qemu-aarch64", PYTHON.parent / "qemu")
    shutil.rmtree(apt)


def environment() -> None:
    """Make the virtual environment around it."""
    (FOLDER / "pyvenv.cfg").write_text(f"home = {SYSTEM / 'usr' / 'bin'}\ninclude-system-site-packages = false\n", "utf-8")
    PYTHON.write_text(START % {"folder": FOLDER}, "utf-8")
    PYTHON.chmod(0o755)
    tools = Path(sys.executable).parent / "wasm-tools"  # of this CPU, which is faster
    if tools.exists():
        (PYTHON.parent / "wasm-tools").symlink_to(tools)
    call(PYTHON, "-c", "import ctypes, hashlib, ssl", hint="the aarch64 Python does not start")


def requirements() -> list[str]:
    """What arenite and its tests need, as pyproject.toml has it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    tests: list[str] = [wanted for wanted in project["optional-dependencies"]["test"] if wanted.startswith(WHEELS)]
    return [*project["dependencies"], *tests]


def install() -> None:
    """Install wheels for aarch64, and this checkout's `src` by reference."""
    packages = FOLDER / "lib" / "python3.11" / "site-packages"
    pip = (sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", packages)
    tags = [f"--platform={tag}" for tag in TAGS]
    python = ("--only-binary=:all:", "--python-version=3.11", "--implementation=cp")
    call(*pip, *tags, *python, *requirements(), hint="a wheel for aarch64 is missing, or the network")
    (packages / "arenite.pth").write_text(f"{ROOT / 'src'}\n", "utf-8")


STEPS: Final[tuple[tuple[str, Callable[[], None]], ...]] = (
    ("Debian's Python for arm64, and qemu", download),
    ("a virtual environment", environment),
    ("wheels for aarch64", install),
)


def timed(name: str, step: Callable[[], None]) -> None:
    """Take a step, and say how long it took."""
    print(f"xisa: {name} ...", end=" ", flush=True)
    began = time.monotonic()
    step()
    print(f"{time.monotonic() - began:.0f} s", flush=True)


def build(*, again: bool = False) -> None:
    """Make what is not there.  What was made from other packages, or half, is made again."""
    made_from = hashlib.blake2b(repr((QEMU, BACKPORTS, DEBIAN, TAGS, APT, START, str(ROOT), requirements())).encode()).hexdigest()
    if not again and READY.exists() and READY.read_text("utf-8") == made_from:
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    for name, step in STEPS:
        timed(name, step)
    READY.write_text(made_from, "utf-8")


def seed() -> None:
    """Generate what most tests need, if it is not there yet."""
    hint = "LLVM cannot write for aarch64 here"
    call(sys.executable, "-c", SEED, hint=hint, environment={"ARENITE_CACHE_DIR": str(FOLDER / "cache")})


def python(*arguments: str) -> int:
    """Run the aarch64 Python; its exit status."""
    kept = {"ARENITE_CACHE_DIR": str(FOLDER / "cache")}
    tools = {"PATH": os.pathsep.join((str(PYTHON.parent), os.environ.get("PATH", os.defpath)))}
    return subprocess.run([PYTHON, *arguments], env=kept | os.environ | tools, check=False).returncode


def test(*arguments: str) -> int:
    """Run tests inside: those of `INSIDE`, or others."""
    chosen = arguments or (*INSIDE, *(f"--deselect={test}" for test in LEFT_OUT))
    return python("-m", "pytest", "-p", "no:cacheprovider", "--timeout", EMULATED, *chosen)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="?", choices=["build", "test", "run"], default="test", help="by default test")
    parser.add_argument("--again", action="store_true", help="build it from nothing")
    words = sys.argv[1:3] if sys.argv[1:2] == ["build"] else sys.argv[1:2]  # what follows is another program's
    options, arguments = parser.parse_args(words), sys.argv[1 + len(words) :]
    try:
        build(again=options.again)
        timed("interpreters and stencils", seed)
    except Failure as failure:
        print(f"\nxisa: {failure}", file=sys.stderr)
        return 1
    if options.command == "build":
        return 0
    run = python if options.command == "run" else test
    return run(*arguments[arguments[:1] == ["--"] :])


if __name__ == "__main__":
    sys.exit(main())
