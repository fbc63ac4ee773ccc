"""Where corrupted records lead generated code: nowhere outside the cage, but in the raw layout; `escapes.py` says how it is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arenite.platform import HAS_OBJECTS
from fuzz.escapes import escapes

if TYPE_CHECKING:
    from typing import Any

pytestmark = [
    pytest.mark.skipif(not HAS_OBJECTS, reason="this system has no machine code of ours"),
    pytest.mark.timeout(300),
]


def counted(way: str, count: int, *, fields: bool = False) -> dict[str, Any]:
    found = escapes(way, count, 1, fields=fields)
    assert found["failures"] == []
    assert found["corruptions"] >= count
    assert found["escapes"] == sum(found[kind] for kind in ("outside", "trusted", "jump", "died"))
    return found


@pytest.mark.parametrize("way", ["single", "spaces"])
def test_offsets_lead_nowhere_else(way: str) -> None:
    assert counted(way, 500)["escapes"] == 0


def test_addresses_lead_anywhere() -> None:
    found = counted("raw", 500, fields=True)
    assert found["outside"] > 0
    led = {name for name, ends in found["fields"].items() if ends["escape"]}
    assert {
        "InstanceRecord.memory",
        "FuncRefRecord.array_call",
        "FuncRefRecord.vmctx",
        "TableRecord.elements",
        "MemoryRecord.area",
    } <= led
    assert {"FrameHeader.caller_sp", "FrameHeader.caller_vmctx", "element of a table", "word of an instance: function"} <= led
    assert "TableRecord.length" not in led
    assert all(sum(ends[end] for end in ("inside", "trap", "escape")) == ends["bits"] for ends in found["fields"].values())


def test_an_addressing_with_a_fault_is_seen() -> None:
    assert counted("signed", 500)["outside"] > 0
