"""numpy in a box: an image that has imported it, forked for each question.  Needs `pip install 'arenite[numpy]'`."""

from __future__ import annotations

from arenite import Sandbox

with Sandbox.python(numpy=True, seconds=60) as box:
    box.run("import numpy as np\na = np.arange(6.0).reshape(2, 3)")
    print(box.run("a @ a.T").value)  # arrays are lists of lists
    print(box.run("a.mean()").value)

    for n, fork in enumerate(box.fork(3)):
        print(fork.run("(a + n).sum(axis=0)", inputs={"n": n}).value)
        fork.close()

    print(box.run("np.linalg.inv(np.eye(2) * scale)", inputs={"scale": 4}).value)
    print((box.run("np.linalg.inv(np.zeros((2, 2)))").error or "").splitlines()[-1])

# Output:
# [[5.0, 14.0], [14.0, 50.0]]
# 2.5
# [3.0, 5.0, 7.0]
# [5.0, 7.0, 9.0]
# [7.0, 9.0, 11.0]
# [[0.25, 0.0], [0.0, 0.25]]
# numpy.linalg.LinAlgError: Singular matrix
