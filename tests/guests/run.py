"""Run a guest's cases in this process:  python tests/guests/run.py ENGINE NAME MODULE FOLDER

`ENGINE` is a tier of arenite or `wasmtime`: both have the same names, so the same lines run on either.  Prints, as JSON, what each case did: how it
ended, what it wrote to its streams and its directory.  The standard output leads to the end of a file that has a line already, as a shell has it behind
another command.  With a tier, each case then runs once more, is frozen into a file after half of its work and before its first renaming, and goes on from
there each time: what that did is under `frozen`.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from guests.build import guests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLENTY = 1 << 40
STDIN = "first line\nsecond, größer\n\nthe last has no end"
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><g opacity="0.5"><rect x="3" y="4" width="7.25" height="1e1" fill="#08f"/>'
    '<path d="M1 2c3 4 5 6 7 8z" transform="rotate(30)"/></g></svg>'
)
STREAMS = ("stdin", "stdout", "stderr")


class Case:
    """One run of a guest, in a folder of its own."""

    def __init__(self, engine: str, module: Path, argv: list[str], folder: Path) -> None:
        self.api: Any = importlib.import_module("wasmtime" if engine == "wasmtime" else "arenite")
        config = self.api.Config()
        if engine != "wasmtime":
            config = self.api.Config(tier=engine, consume_fuel=True)
        self.counts = engine != "wasmtime"
        self.engine = self.api.Engine(config)
        self.module = self.api.Module.from_file(self.engine, str(module))
        self.argv, self.folder, self.root = argv, folder, folder / "root"
        self.stdin = SVG if argv[1] == "-" else STDIN

    def prepare(self) -> None:
        """Lay out what the guest finds."""
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.root / "folder").mkdir(parents=True)
        (self.root / "in.svg").write_text(SVG)
        for name, text in zip(STREAMS, (self.stdin, "before\n", ""), strict=True):
            (self.folder / name).write_text(text)

    @contextmanager
    def streams(self) -> Iterator[None]:
        """The process's standard streams are the case's files."""
        sys.stdout.flush()
        kept = [os.dup(fd) for fd in range(3)]
        for fd, name in enumerate(STREAMS):
            with (self.folder / name).open("rb" if fd == 0 else "r+b") as file:
                file.seek(0, os.SEEK_SET if fd == 0 else os.SEEK_END)
                os.dup2(file.fileno(), fd)
        try:
            yield
        finally:
            for fd, old in enumerate(kept):
                os.dup2(old, fd)
                os.close(old)

    def wasi(self) -> Any:
        """What the guest is given."""
        wasi = self.api.WasiConfig()
        wasi.argv = self.argv
        wasi.env = [("GREETING", "hello, world"), ("PWD", "/")]
        wasi.stdin_file = str(self.folder / "stdin")  # wasmtime reads ahead what it inherits
        wasi.inherit_stdout()
        wasi.inherit_stderr()
        wasi.preopen_dir(str(self.root), "/")
        return wasi

    def start(self) -> tuple[Any, Any]:
        """A store, and the guest's function to call."""
        store = self.api.Store(self.engine)
        store.set_wasi(self.wasi())
        if self.counts:
            store.set_fuel(PLENTY)
        linker = self.api.Linker(self.engine)
        linker.define_wasi()
        return store, linker.instantiate(store, self.module).exports(store)["_start"]

    def done(self, go: Callable[[], object]) -> dict[str, object]:
        """Let it run, and tell what it did."""
        self.prepare()
        with self.streams():
            end = self.ended(go)
        return {"end": end, **{name: (self.folder / name).read_text() for name in STREAMS[1:]}, "files": tree(self.root)}

    def ended(self, go: Callable[[], object]) -> str:
        """How it ends."""
        try:
            go()
        except self.api.ExitTrap as exit_:
            return f"exit {exit_.code}"
        except self.api.Trap as trap:
            return f"trap {trap.trap_code.name}"
        except self.api.WasmtimeError as error:  # wasmtime's word for an exit code beyond 125
            return str(error).strip().splitlines()[-1].strip()
        return "exit 0"

    def whole(self) -> object:
        """Run from beginning to end."""
        store, function = self.start()
        return function(store)

    def frozen(self, fuel: int) -> object:
        """Run with two stops, each left as a file."""
        store, function = self.start()
        execution = function.start(store)
        stops: list[dict[str, Any]] = [{"fuel": fuel}, {"pause_at": ["wasi_snapshot_preview1.path_rename"]}]
        for number, stop in enumerate(stops):
            outcome = execution.run(**stop)
            if isinstance(outcome, self.api.Finished):
                return outcome
            path = self.folder / f"{number}.arn"
            store.snapshot().save(path)
            store.close()
            store = self.api.Snapshot.open(path, self.engine).fork(wasi=self.wasi())
            execution = store.execution
        return execution.run()

    def fuel(self) -> int:
        """How much a whole run takes."""
        store, function = self.start()
        self.ended(lambda: function(store))
        return PLENTY - int(store.get_fuel())


def tree(root: Path) -> dict[str, str]:
    """What lies in a folder: texts, where links lead, folders."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_dir():
            found[name + "/"] = ""
        else:
            found[name] = path.read_text() if path.stat().st_size < 100 else hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def run(engine: str, name: str, module: Path, folder: Path) -> dict[str, dict[str, dict[str, object]]]:
    """What each case did."""
    told: dict[str, dict[str, dict[str, object]]] = {"whole": {}, "frozen": {}}
    for case_name, args in guests()[name].cases.items():
        case = Case(engine, module, [f"{name}.wasm", *args], folder)
        told["whole"][case_name] = case.done(case.whole)
        if engine != "wasmtime":
            case.prepare()
            with case.streams():
                half = case.fuel() // 2
            told["frozen"][case_name] = case.done(lambda case=case, half=half: case.frozen(half))  # type: ignore[misc]  # mypy: lambdas with defaults
    return told


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))))
