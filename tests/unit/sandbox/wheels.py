"""Wheels made on the spot, whole or spoilt.

Example:  wheel(folder, "six", "1.0", {"six.py": b"x = 1"})
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

PURE = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def recorded(files: Mapping[str, bytes], about: str) -> bytes:
    """What `RECORD` says of files."""
    digests = {
        path: base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode() for path, data in files.items()
    }
    lines = [f"{path},sha256={digest},{len(files[path])}" for path, digest in digests.items()]
    return "\n".join([*lines, f"{about}/RECORD,,", ""]).encode()


def always_so(archive: zipfile.ZipFile, path: str, data: bytes) -> None:
    """The same bytes each time."""
    archive.writestr(zipfile.ZipInfo(path), data, zipfile.ZIP_DEFLATED)


def wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, bytes],
    *,
    requires: Sequence[str] = (),
    python: str = "",
    tag: str = "py3-none-any",
    said: str = PURE,
    change: Callable[[dict[str, bytes]], object] = lambda _: None,
    write: Callable[[zipfile.ZipFile, str, bytes], object] = always_so,
) -> Path:
    """A wheel in a folder.   `change`: spoils its files, recorded as they were; `write`: how each is put into the zip."""
    about = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", *(f"Requires-Dist: {one}\n" for one in requires)]
    if python:
        metadata.append(f"Requires-Python: {python}\n")
    all_files = {**files, f"{about}/WHEEL": said.encode(), f"{about}/METADATA": "".join(metadata).encode()}
    all_files[f"{about}/RECORD"] = recorded(all_files, about)
    change(all_files)
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for inner, data in all_files.items():
            write(archive, inner, data)
    return path


def sha256(path: Path) -> str:
    """Of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
