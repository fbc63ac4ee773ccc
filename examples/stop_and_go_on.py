"""A call that stops in the middle: for fuel, at a host function, and for an answer that is not there yet."""

from __future__ import annotations

from arenite import Engine, Func, FuncType, Linker, Module, NotReady, Paused, Store, ValType

WAT = """
(module
  (import "host" "price" (func $price (param i32) (result i32)))
  (func (export "total") (param $n i32) (result i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (call $price (local.get $n))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $next (local.get $n)))
    (local.get $sum)))
"""
PRICES = {3: 30, 1: 10}


def price(item: int) -> int:
    """What an item costs, if that is known by now."""
    if item not in PRICES:
        raise NotReady(f"the price of item {item} is not known yet")
    return PRICES[item]


engine = Engine()
linker = Linker(engine)
linker.define_func("host", "price", FuncType([ValType.i32()], [ValType.i32()]), price)
store = Store(engine)
total = linker.instantiate(store, Module(engine, WAT)).exports(store)["total"]
assert isinstance(total, Func)

execution = total.start(store, 3)
print("one unit of fuel:", execution.run(fuel=1))
outcome = execution.run()
assert isinstance(outcome, Paused)
print(f"{outcome.reason}: {outcome.what}, asked by {outcome.call} with {outcome.call.params if outcome.call else ()}")
for frame in execution.backtrace():
    print("  in", frame.func_name)
print("another call meanwhile:", total(store, 1))
print("with an answer:", execution.resume(20))

# Output:
# one unit of fuel: Paused(reason=<PauseReason.FUEL: 'fuel'>, what='all fuel is used up', call=None)
# not ready: the price of item 2 is not known yet, asked by host.price with (2,)
#   in total
# another call meanwhile: 10
# with an answer: Finished(values=(60,))
