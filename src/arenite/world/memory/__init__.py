"""Files in memory: trees of nodes that forks share until they write, and what guests and Python see of them.

fs = MemoryFS({"a/b.txt": b"text"}, max_bytes=1 << 20)
store.set_wasi(WasiConfig(dirs={"/data": fs}))
"""
