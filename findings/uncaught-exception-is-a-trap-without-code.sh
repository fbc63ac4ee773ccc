#!/usr/bin/env bash
# An exception that a guest does not catch reaches the embedder of the `wasmtime` package as a `Trap` whose code is None, without tag and values.
#
# The specification keeps traps and exceptions apart, and the package has `Tag` and `TagType`.  One would guess an exception class of its own,
# or a `TrapCode`, from which one gets the tag that was thrown and what it carries.  Seen with wasmtime 50.0.1 (2026-11): `Trap`,
# `trap_code` None, and only the message says "thrown Wasm exception".  A trap of the guest itself has a code,
# so what reads `error.trap_code.name` meets an `AttributeError` with the first guest that throws.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check wasmtime==50.0.1

env/bin/python - <<'PY' | tee seen.txt
import wasmtime

WAT = """(module
  (tag $t (export "t") (param i32))
  (func (export "throw") (throw $t (i32.const 7)))
  (func (export "unreachable") unreachable)
  (func (export "divide") (drop (i32.div_u (i32.const 1) (i32.const 0)))))"""
engine = wasmtime.Engine()
store = wasmtime.Store(engine)
exports = wasmtime.Instance(store, wasmtime.Module(engine, WAT), []).exports(store)
for name in ("throw", "unreachable", "divide"):
    try:
        exports[name](store)
    except wasmtime.Trap as error:
        public = sorted(n for n in dir(error) if not n.startswith("_") and n not in dir(Exception))
        print(name, type(error).__name__, error.trap_code and error.trap_code.name, "thrown Wasm exception" in str(error), *public)
PY

test "$(cat seen.txt)" = "throw Trap None True close frames message ptr trap_code
unreachable Trap UNREACHABLE False close frames message ptr trap_code
divide Trap INTEGER_DIVISION_BY_ZERO False close frames message ptr trap_code"
