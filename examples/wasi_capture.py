"""A WASI program: it gets what it is given and nothing else, and its output is caught in a `bytearray`."""

from __future__ import annotations

from arenite import Engine, Exit, Func, Linker, Module, Store, WasiConfig

WAT = """
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\40\\00\\00\\00\\00\\04\\00\\00")                 ;; one buffer: 1 KiB at 64
  (func (export "_start")
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))   ;; its length becomes what was read
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))  ;; and is written again
    (call $exit (i32.const 3))))
"""


def run(module: Module, given: bytes) -> tuple[int, bytes]:
    """Run the program once; its exit code and what it printed."""
    out = bytearray()
    linker = Linker(module.engine)
    linker.define_wasi()
    with Store(module.engine) as store:
        store.set_wasi(WasiConfig(argv=["echo"], stdin=given, stdout=out))
        start = linker.instantiate(store, module).exports(store)["_start"]
        assert isinstance(start, Func)
        try:
            start(store)
        except Exit as ended:
            return ended.code, bytes(out)
    return 0, bytes(out)


echo = Module(Engine(), WAT)
for text in (b"first run", b"second run, another store"):
    print(run(echo, text))

# Output:
# (3, b'first run')
# (3, b'second run, another store')
