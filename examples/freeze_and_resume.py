"""A guest is frozen into a file in the middle of a call and goes on from there, as another process would."""

from __future__ import annotations

import tempfile
from pathlib import Path

from arenite import Config, Engine, Feed, Func, Linker, Module, Snapshot, Store, WasiConfig

WAT = r"""
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\40\00\00\00") ;; one vector: 64 bytes at 16
  (func (export "_start")
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
"""

engine = Engine()
store = Store(engine)
store.set_wasi(WasiConfig(stdin=Feed()))  # a standard input that has nothing yet
linker = Linker(engine)
linker.define_wasi()
start = linker.instantiate(store, Module(engine, WAT)).exports(store)["_start"]
assert isinstance(start, Func)
print(start.start(store).run())

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "waiting.arn"
    store.snapshot().save(path)
    for tier in ("threaded", "safe"):
        elsewhere = Engine(Config(tier=tier))
        output = bytearray()
        wasi = WasiConfig(stdin=f"hello {tier}".encode(), stdout=output)
        resumed = Snapshot.open(path, elsewhere).fork(wasi=wasi)
        assert resumed.execution is not None
        print(resumed.execution.run(), output)

# Output:
# Paused(reason=<PauseReason.NOT_READY: 'not ready'>, what='standard input has nothing to read', call=HostCall(module='wasi_snapshot_preview1', name='fd_read', params=(0, 0, 1, 8)))
# Finished(values=()) bytearray(b'hello threaded')
# Finished(values=()) bytearray(b'hello safe')
