#!/usr/bin/env bash
# The range of an absolute symbol does not keep it out of a field that is too small for it.
#
# `!absolute_symbol` says in which range the address of an external symbol is, for the code generator to choose instructions by.  The code below adds
# such an address to a pointer.  A displacement of x86-64 has 32 bits and is extended with its sign, so one would guess that a symbol declared as up to
# 2**32, or as any number, does not go there, but into a `movl` (R_X86_64_32) or a `movabs` (R_X86_64_64).
#
# Seen with llvmlite 0.50.0 (LLVM 22.1.0), pic, small code model (2026-11): whatever the range, the address stands in the displacement
# (R_X86_64_32S), as of a symbol below 2**31.  A linker that checks overflows refuses a larger one; one that writes the low bits moves the access by 4 GiB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check llvmlite==0.50.0 pyelftools==0.32
"$folder/venv/bin/python" - <<'PYTHON'
import io

import llvmlite.binding as llvm
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_RELOC_TYPE_x64

NAMES = {number: name for name, number in ENUM_RELOC_TYPE_x64.items() if isinstance(number, int)}
IR = """
@number = external global i8, !absolute_symbol !0
define ptr @moved(ptr %base, i64 %index) {{
  %at = getelementptr i8, ptr %base, i64 %index
  %there = getelementptr i8, ptr %at, i64 ptrtoint (ptr @number to i64)
  ret ptr %there
}}
!0 = !{{i64 {low}, i64 {high}}}
"""

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()
machine = llvm.Target.from_triple("x86_64-unknown-linux-gnu").create_target_machine(opt=2, reloc="pic", codemodel="small")


def field(low, high):
    """The relocation of the number."""
    module = llvm.parse_assembly(IR.format(low=low, high=high))
    module.triple = "x86_64-unknown-linux-gnu"
    section = ELFFile(io.BytesIO(machine.emit_object(module))).get_section_by_name(".rela.text")
    return [NAMES[relocation["r_info_type"]] for relocation in section.iter_relocations()]


found = {bits: field(0, 1 << bits) for bits in (16, 31, 32)} | {"full": field(-1, -1)}
print(llvm.llvm_version_info, found)
assert found == {16: ["R_X86_64_32S"], 31: ["R_X86_64_32S"], 32: ["R_X86_64_32S"], "full": ["R_X86_64_32S"]}, found
PYTHON
