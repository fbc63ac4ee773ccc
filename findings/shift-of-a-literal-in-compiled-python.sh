#!/usr/bin/env bash
# mypyc: `1 << n` with an `i64` n is computed in 32 bits, so `1 << 40` is 256.
#
# `mypy_extensions.i64` is documented as a 64-bit integer, and the same file means 2**40 when it is interpreted.  One would guess that it
# does when it is compiled, as a literal takes the type of what it meets.  Seen with mypyc of mypy 2.4.1 on CPython 3.11, x86-64 (2026-11): the
# generated C shifts an `int` literal, so the distance counts modulo 32 and 1 << 31 is negative.  A local that was given a literal is one,
# too (`one: i64 = 1`); a literal on the right, and a value that is not known to be constant, are right.  No warning of mypy, mypyc, or gcc
# as mypyc calls it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check 'mypy[mypyc]==2.4.1' setuptools

cat > shifts.py <<'PY'
from mypy_extensions import i64


def literal(n: i64) -> i64:
    return 1 << n


def named(n: i64) -> i64:
    one: i64 = 1
    return one << n


def given(one: i64, n: i64) -> i64:
    return one << n
PY

cat > show.py <<'PY'
import shifts

for n in (31, 32, 40):
    print(n, shifts.literal(n), shifts.named(n), shifts.given(1, n))
PY

echo "interpreted:"
env/bin/python show.py | tee interpreted.txt
env/bin/mypyc shifts.py > build.txt 2>&1
! grep "warning:" build.txt
echo "compiled:"
env/bin/python show.py | tee compiled.txt

test "$(cat interpreted.txt)" = "$(printf '31 2147483648 2147483648 2147483648\n32 4294967296 4294967296 4294967296\n40 1099511627776 1099511627776 1099511627776')"
test "$(cat compiled.txt)" = "$(printf '31 -2147483648 -2147483648 2147483648\n32 1 1 4294967296\n40 256 256 1099511627776')"
