#!/usr/bin/env bash
# A WASI program that ends with a code beyond 125 is an error without that code in the `wasmtime` package.
#
# `proc_exit` takes a u32, and says of it only that 0 means success.  One would guess that an embedding gets every code as `ExitTrap.code`, as
# it gets 125.  Seen with wasmtime 50.0.1 (2026-11): from 126 on `_start` raises a plain `WasmtimeError`, "exit with invalid exit status outside
# of [0..126)", which no `except ExitTrap` catches, and the code is in no attribute.  It is not exotic: AssemblyScript's `abort`, so every failed
# assertion and every index out of range, ends with 255 (assemblyscript 0.28.20, @assemblyscript/wasi-shim 0.1.0).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check wasmtime==50.0.1
npm install --silent --no-audit --no-fund --prefix . assemblyscript@0.28.20 @assemblyscript/wasi-shim@0.1.0

echo 'const none = new Array<i32>(); none[0] = none[process.argv.length];' > abort.ts
node node_modules/assemblyscript/bin/asc.js abort.ts --config node_modules/@assemblyscript/wasi-shim/asconfig.json -o abort.wasm

env/bin/python - <<'PY' | tee seen.txt
import wasmtime

EXIT = '(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const %d))))'

def end(wasm):
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    store.set_wasi(wasmtime.WasiConfig())
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    start = linker.instantiate(store, wasmtime.Module(engine, wasm)).exports(store)["_start"]
    try:
        start(store)
    except wasmtime.ExitTrap as error:
        return f"ExitTrap {error.code}"
    except wasmtime.WasmtimeError as error:
        return f"{type(error).__name__}: {str(error).strip().splitlines()[-1].strip()}"
    return "returned"

for code in (0, 1, 125, 126, 255):
    print(code, end(EXIT % code))
print("abort", end(open("abort.wasm", "rb").read()))
PY

refused="WasmtimeError: exit with invalid exit status outside of [0..126)"
test "$(cat seen.txt)" = "$(printf '0 ExitTrap 0\n1 ExitTrap 1\n125 ExitTrap 125\n126 %s\n255 %s\nabort %s' "$refused" "$refused" "$refused")"
