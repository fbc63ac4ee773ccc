#!/usr/bin/env bash
# What is put into Ray's object store as a `bytearray` comes back as `bytes`, and a `pickle.PickleBuffer` as a class of Ray's that is no `memoryview`.
#
# Pickle itself keeps a bytearray one, also with protocol 5 (below).  One would guess that the store, which pickles with that protocol, gives back what was
# put.  Seen with ray 2.60.0 (2026-11): bytes, which can only be read, so code that works with the value itself fails with what has been through the
# store; and of a PickleBuffer an object of `ray._raylet`, of which a memoryview has to be made first.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check ray==2.60.0

env/bin/python - 2>log.txt <<'PY' | tee seen.txt
import pickle

import ray

ray.init("local", num_cpus=1, include_dashboard=False, object_store_memory=100 << 20)
for value in (bytearray(1 << 20), pickle.PickleBuffer(bytes(1 << 20))):
    found = ray.get(ray.put(value))
    view = memoryview(found)
    print(type(value).__name__, type(found).__name__, view.readonly, isinstance(found, memoryview))
kept = pickle.loads(pickle.dumps(bytearray(1), protocol=5))
print("pickle itself:", type(kept).__name__)
ray.shutdown()
PY

test "$(cat seen.txt)" = "bytearray bytes True False
PickleBuffer SubBuffer True False
pickle itself: bytearray"
