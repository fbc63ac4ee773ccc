#!/usr/bin/env bash
# LLVM: `fmul x, 1.0` disappears in code generation, without any optimisation pass; a signalling NaN then stays signalling.
#
# Of IR that no pass has seen one would guess that each operation becomes an instruction.  Seen with LLVM 22.1 of llvmlite 0.50.0 on x86-64
# (2026-11): the selection of instructions folds `x * 1.0`, `x * -1.0` and `x - 0.0` at levels 1 to 3; at level 0 it keeps them, and so it does
# with a factor that is an argument.  LLVM's rules for NaNs allow it.  WebAssembly's do not: the result of an arithmetic operation on a NaN is a
# quiet one, so a compiler of it that lowers `f64.mul` to `fmul` is wrong for a constant 1 only, and only for signalling NaNs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check llvmlite==0.50.0

env/bin/python - <<'PY' | tee seen.txt
import ctypes

import llvmlite.binding as llvm

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()
CASES = {"x * 1.0": "fmul double %x, 1.0", "x * -1.0": "fmul double %x, -1.0", "x - 0.0": "fsub double %x, 0.0", "x * y": "fmul double %x, %y"}
IR = "".join(
    f"""
define i64 @f{n}(i64 %bits, double %y) {{
  %x = bitcast i64 %bits to double
  %r = {operation}
  %out = bitcast double %r to i64
  ret i64 %out
}}"""
    for n, operation in enumerate(CASES.values())
)
SIGNALLING, QUIET = 0x7FF0_0000_0000_0001, 1 << 51

for level in range(4):
    machine = llvm.Target.from_default_triple().create_target_machine(opt=level)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(IR), machine)
    engine.finalize_object()
    for n, name in enumerate(CASES):
        call = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64, ctypes.c_double)(engine.get_function_address(f"f{n}"))
        print(level, name, "quiet" if call(SIGNALLING, 1.0) & QUIET else "signalling")
PY

test "$(grep -c signalling seen.txt)" = 9
test "$(grep signalling seen.txt | cut -d' ' -f1 | sort -u | tr -d '\n')" = 123
! grep 'x \* y signalling' seen.txt
