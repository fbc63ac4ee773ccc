"""Files in memory: given to a guest, read and written from Python, and each fork of the guest has its own."""

from __future__ import annotations

from arenite import Engine, Func, Linker, MemoryFS, Module, Store, WasiConfig
from arenite.wasi import files_of

WAT = """
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\40\\00\\00\\00\\05\\00\\00\\00")        ;; one buffer: 5 bytes at 64
  (data (i32.const 64) "line\\0alog.txt")
  (func (export "open")                                       ;; "log.txt" in directory 3, made anew, to append
    (drop (call $open (i32.const 3) (i32.const 0) (i32.const 69) (i32.const 7) (i32.const 1)
      (i64.const -1) (i64.const -1) (i32.const 1) (i32.const 16))))
  (func (export "log")
    (drop (call $write (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 20)))))
"""


def call(store: Store, name: str) -> None:
    """Call a function of the guest."""
    function = store.instances[0].exports(store)[name]
    assert isinstance(function, Func)
    function(store)


engine = Engine()
linker = Linker(engine)
linker.define_wasi()
files = MemoryFS({"a/b.txt": "some text"}, max_bytes=1 << 20)
store = Store(engine)
store.set_wasi(WasiConfig(dirs={"/data": files}))
linker.instantiate(store, Module(engine, WAT))
call(store, "open")
call(store, "log")
print(files["log.txt"], list(files))

fork = store.snapshot().fork()  # shares all files until one of the two writes
call(fork, "log")
files_of(fork, "/data")["a/b.txt"] = b"other text"
print(files_of(fork, "/data")["log.txt"], files["log.txt"], files["a/b.txt"])

# Output:
# b'line\n' ['log.txt', 'a/b.txt']
# b'line\nline\n' b'line\n' b'some text'
