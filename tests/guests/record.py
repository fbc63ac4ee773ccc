"""Record what `wasmtime` does with the guests, into expected.json:  python tests/guests/record.py [NAME...]"""

from __future__ import annotations

import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from guests.build import built, guests
from guests.run import run

EXPECTED = Path(__file__).with_name("expected.json")


def recorded() -> dict[str, Any]:
    """What was recorded, by guest."""
    known: dict[str, Any] = json.loads(EXPECTED.read_text("utf-8")) if EXPECTED.exists() else {}
    return known


def main() -> None:
    """Record."""
    known = recorded()
    for name, module in built(sys.argv[1:] or list(guests())).items():
        with tempfile.TemporaryDirectory() as folder:
            cases = run("wasmtime", name, module, Path(folder) / "case")["whole"]
        known[name] = {"key": guests()[name].key, "engine": f"wasmtime {version('wasmtime')}", "cases": cases}
    EXPECTED.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
