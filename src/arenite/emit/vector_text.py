"""What LLVM IR says of vectors beside the primitives' rows: intrinsics, and the one function that CPUs differ in.

Bytes chosen by bytes are one instruction on most CPUs, but none of LLVM's own.  Written out byte by byte, LLVM finds x86-64's; it works through
memory below the stack's end where the CPU lacks it (SSE2 alone).  Of aarch64 the instruction is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.bytecode import vector_prims
from arenite.platform.architectures import AARCH64

if TYPE_CHECKING:
    from arenite.platform.architectures import Architecture

BYTES: Final = 16


def definitions(architecture: Architecture) -> str:
    """Every intrinsic, and `@swizzle(a, by)`: the bytes of `a` that those of `by` name, 0 where they name none."""
    found = _table_lookup() if architecture is AARCH64 else _byte_by_byte()
    return f"{vector_prims.declarations()}{found}"


def _table_lookup() -> str:
    lookup = "<16 x i8> @llvm.aarch64.neon.tbl1.v16i8(<16 x i8>"
    return (
        f"declare {lookup}, <16 x i8>)\n"
        "define internal <16 x i8> @swizzle(<16 x i8> %a, <16 x i8> %by) alwaysinline {\n"
        f"  %found = call {lookup} %a, <16 x i8> %by)\n  ret <16 x i8> %found\n}}\n"
    )


def _byte_by_byte() -> str:
    lines = [
        "define internal <16 x i8> @swizzle(<16 x i8> %a, <16 x i8> %by) alwaysinline {",
        "  %inside = icmp ult <16 x i8> %by, splat (i8 16)",
        "  %low = and <16 x i8> %by, splat (i8 15)",
    ]
    last = "poison"
    for i in range(BYTES):
        lines += [
            f"  %narrow{i} = extractelement <16 x i8> %low, i32 {i}",
            f"  %wide{i} = zext i8 %narrow{i} to i32",
            f"  %byte{i} = extractelement <16 x i8> %a, i32 %wide{i}",
            f"  %all{i} = insertelement <16 x i8> {last}, i8 %byte{i}, i32 {i}",
        ]
        last = f"%all{i}"
    lines += [
        f"  %found = select <16 x i1> %inside, <16 x i8> {last}, <16 x i8> zeroinitializer",
        "  ret <16 x i8> %found",
        "}\n",
    ]
    return "\n".join(lines)
