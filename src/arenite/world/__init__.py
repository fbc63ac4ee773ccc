"""What a guest has of its host, in words of no interface: files, directories, streams, clocks, random bytes, waiting.

Interfaces for guests are dialects of this: `arenite.wasi` is that of preview 1.

with resolve(root.dir, "data/a.txt", follow=True) as target:
    opened = open_target(target, Origin(root), How(read=True))
opened.read([memoryview(buffer)], pause=False)
"""
