r"""Programs that run in pieces: run, paused, fed and frozen.  On the public API alone; the command line is built on it.

engine = Engine()
feed = Feed()
with Driver.begin(Module(engine, wasm), wasi=WasiConfig(stdin=feed, stdout=out)) as driver:
    driver.run()                                # Paused: it waits for input
    driver.store.snapshot().save("booted.arn")
    feed.write(b"6 * 7\n")
    feed.close()
    driver.run()                                # Finished
with Driver.resume(Snapshot.open("booted.arn", engine), wasi=WasiConfig(stdin=b"7 * 7\n", stdout=out)) as driver:
    driver.run()                                # Finished: from where it was frozen
"""

from arenite.driver.driver import Driver
from arenite.driver.entry import Call, Entry, exported, function, program

__all__ = ["Call", "Driver", "Entry", "exported", "function", "program"]
