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

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arenite.driver.driver import Driver as Driver
    from arenite.driver.entry import Call as Call
    from arenite.driver.entry import Entry as Entry
    from arenite.driver.entry import exported as exported
    from arenite.driver.entry import function as function
    from arenite.driver.entry import program as program
else:
    from arenite.lazy import lazily

    HOMES = {
        "Call": "arenite.driver.entry.Call",
        "Driver": "arenite.driver.driver.Driver",
        "Entry": "arenite.driver.entry.Entry",
        "exported": "arenite.driver.entry.exported",
        "function": "arenite.driver.entry.function",
        "program": "arenite.driver.entry.program",
    }
    __all__, __getattr__, __dir__ = lazily(__name__, HOMES)
