"""Python that somebody else wrote: run in a box, bounded, tried out, forked, rolled back.  Needs `pip install 'arenite[python]'`."""

from __future__ import annotations

from arenite import Sandbox

with Sandbox.python(memory=64 << 20, seconds=5) as box:
    box.files["/data/prices.csv"] = "apple,3\npear,4\n"
    result = box.run(
        "import csv\nprices = {name: int(p) for name, p in csv.reader(open('/data/prices.csv'))}\nprint(len(prices))\nprices"
    )
    print(repr(result.stdout), result.value)

    result = box.run("prices['apple'] * amount", inputs={"amount": 7})  # what ran before is still there
    print(result.value)

    print((box.run("prices['plum']").error or "").splitlines()[-1])  # its errors are its own

    with box.attempt() as trial:  # a fork, which the box becomes unless it comes to grief
        stopped = trial.run("prices.clear()\nwhile True: pass", seconds=0.2)
    print(stopped.error, box.run("prices").value)

    for n, fork in enumerate(box.fork(3)):
        print(fork.run("open('/out.txt', 'w').write('x' * n)", inputs={"n": n}).files, len(fork.files["/out.txt"]))
        fork.close()

# Output:
# '2\n' {'apple': 3, 'pear': 4}
# 21
# KeyError: 'plum'
# stopped: the run has reached its limit of time {'apple': 3, 'pear': 4}
# ('/out.txt',) 0
# ('/out.txt',) 1
# ('/out.txt',) 2
