"""JavaScript that somebody else wrote: run in a box, with promises, forks and limits.  Needs `pip install 'arenite[javascript]'`."""

from __future__ import annotations

from arenite import Sandbox

with Sandbox.javascript(memory=32 << 20, seconds=5) as box:
    box.files["/data/prices.csv"] = "apple,3\npear,4\n"
    result = box.run("""
        const lines = std.loadFile("/data/prices.csv").trim().split("\\n");
        const prices = Object.fromEntries(lines.map((line) => line.split(",")).map(([name, p]) => [name, Number(p)]));
        console.log(lines.length);
        prices
    """)
    print(repr(result.stdout), result.value)

    print(box.run("prices.apple * amount", inputs={"amount": 7}).value)  # what ran before is still there

    result = box.run("""
        const later = (ms, value) => new Promise((done) => setTimeout(done, ms, value));
        await Promise.all([later(20, "slow"), later(1, "fast")])
    """)
    print(result.value)

    print((box.run("prices.plum.toFixed(2)").error or "").splitlines()[0])  # its errors are its own

    with box.attempt() as trial:  # a fork, which the box becomes unless it comes to grief
        stopped = trial.run("delete prices.pear; while (true);", seconds=0.2)
    print(stopped.error, box.run("prices").value)

# Output:
# '2\n' {'apple': 3, 'pear': 4}
# 21
# ['slow', 'fast']
# TypeError: cannot read property 'toFixed' of undefined
# stopped: the run has reached its limit of time {'apple': 3, 'pear': 4}
