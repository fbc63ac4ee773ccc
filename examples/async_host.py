"""Guests on one event loop: they wait for `async def` host functions, share the loop while they compute, and are cancelled.  Needs anyio."""

from __future__ import annotations

import asyncio
import threading

from arenite import Engine, Func, FuncType, Linker, Module, Paused, Store, ValType

WAT = """
(module
  (import "host" "price" (func $price (param i32) (result i32)))
  (func (export "total") (param $n i32) (result i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (call $price (local.get $n))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $next (local.get $n)))
    (local.get $sum))
  (func (export "forever") (loop $l (br $l))))
"""


async def price(item: int) -> int:
    """What an item costs: that takes a while."""
    await asyncio.sleep(0.01 if item < 4 else 3600)
    return item * 10


async def main() -> None:
    """A hundred guests at once, a busy one, one that waits in vain."""
    engine, integer = Engine(), ValType.i32()
    linker, store = Linker(engine), Store(engine)
    linker.define_func("host", "price", FuncType([integer], [integer]), price)
    exports = linker.instantiate(store, Module(engine, WAT)).exports(store)
    total, forever = exports["total"], exports["forever"]
    assert isinstance(total, Func)
    assert isinstance(forever, Func)

    forks = store.snapshot().fork(100)
    busy = asyncio.create_task(forever.call_async(store))
    print(sum(await asyncio.gather(*(total.call_async(fork, 3) for fork in forks))), "from 100 guests beside a busy one")
    print(threading.active_count() <= 2, "that there is no thread for each")
    busy.cancel()
    await asyncio.wait([busy])

    execution = total.start(store, 4)
    paused = await execution.run_async(deadline=0.05)
    assert isinstance(paused, Paused)
    print(f"{paused.reason}: {paused.call} of {paused.call.params if paused.call else ()}")
    execution.answer(40)
    print(await execution.run_async())


asyncio.run(main())

# Output:
# 6000 from 100 guests beside a busy one
# True that there is no thread for each
# deadline: host.price of (4,)
# Finished(values=(100,))
