"""A guest of three functions that touches memory relative to its base, for the tests of faults and the processes they start."""

from __future__ import annotations

import ctypes

from arenite.platform import Reservation, elf, faults, llvm

CODE = """
@seen = global [3 x i64] zeroinitializer
@op = global ptr @load  ; called through memory: LLVM drops arguments that a callee it knows does not use

define preserve_nonecc i64 @landing(ptr %base, i64 %pc, i64 %at) noinline {
  store ptr %base, ptr @seen
  store i64 %pc, ptr getelementptr (i64, ptr @seen, i64 1)
  store i64 %at, ptr getelementptr (i64, ptr @seen, i64 2)
  ret i64 -1
}
define preserve_nonecc i64 @load(ptr %base, i64 %pc, i64 %at) noinline {
  %p = getelementptr i8, ptr %base, i64 %at
  %v = load volatile i8, ptr %p
  %r = zext i8 %v to i64
  ret i64 %r
}
define preserve_nonecc i64 @step(ptr %base, i64 %pc, i64 %at) noinline {
  %next = add i64 %pc, 1
  %op = load ptr, ptr @op
  %r = musttail call preserve_nonecc i64 %op(ptr %base, i64 %next, i64 %at)
  ret i64 %r
}
define i64 @run(ptr %base, i64 %pc, i64 %at) {
  %r = call preserve_nonecc i64 @step(ptr %base, i64 %pc, i64 %at)
  ret i64 %r
}
define i64 @many(ptr %base, i64 %n, i64 %at) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %j, %loop ]
  %sum = phi i64 [ 0, %entry ], [ %more, %loop ]
  %r = call preserve_nonecc i64 @step(ptr %base, i64 %i, i64 %at)
  %more = sub i64 %sum, %r
  %j = add i64 %i, 1
  %on = icmp ult i64 %j, %n
  br i1 %on, label %loop, label %done
done:
  ret i64 %more
}
"""

SIZE = 1 << 24
LOW = -65536
I64 = ctypes.c_int64

cage = Reservation(SIZE + 65536 + (1 << 20))
base = cage.address + 65536
"""The window is `LOW..SIZE` around it; what lies behind is reserved too, but in no window."""
cage.commit(65536, 2 * 65536)
cage.view(65536, 65537)[0] = 77

code = elf.load(llvm.compile_object(CODE), elf.libc_symbols())
prototype = ctypes.CFUNCTYPE(I64, I64, I64, I64)
run = prototype(code.symbols["run"])
many = prototype(code.symbols["many"])
seen = (I64 * 3).from_address(code.symbols["seen"])


def register() -> None:
    faults.register(*code.text, code.symbols["landing"], LOW, SIZE)


def unregister() -> None:
    faults.unregister(code.text[0])
