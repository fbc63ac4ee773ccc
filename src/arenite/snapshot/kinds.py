"""What lies in an arena, by kind: how each is called and shown.  One row says it; survey, picture and page derive from it.

`LEADS` says what a field that holds an arena offset leads to, so that whoever follows it can see whether it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from arenite.layout.records import (
    FrameHeader,
    FuncRefRecord,
    GlobalRecord,
    InstanceRecord,
    MemoryRecord,
    StoreContext,
    TableRecord,
)

if TYPE_CHECKING:
    from arenite.layout.records import Field, Record


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of thing.  A list and what is in it are two kinds, for they begin at the same place.

    `label`: of many of them; `letter`: stands for it where there are no colours; `colour`: readable on black and on white.
    `record`: the record that it is, if it is one.  `backdrop`: shown only where nothing else is.
    """

    label: str
    letter: str
    colour: str
    doc: str
    record: type[Record] | None = None
    backdrop: bool = False


CONTEXT: Final = Kind("store context", "X", "#64748b", "the machine's own registers, below the base", StoreContext)
NULL: Final = Kind("null page", "N", "#94a3b8", "offset 0 is null, so nothing lies here", backdrop=True)
FRAMES: Final = Kind("stack frames", "F", "#e4572e", "calls going on", FrameHeader)
UNUSED: Final = Kind("unused stack", "U", "#b08968", "where no frame is now", backdrop=True)
INSTANCES: Final = Kind("instances", "I", "#2f7ed8", "modules that were instantiated", InstanceRecord)
FUNCTIONS: Final = Kind("function references", "R", "#0f9d8a", "one for each of an instance's own functions")
FUNCTION: Final = Kind("function reference", "R", "#0f9d8a", "by which one function is called", FuncRefRecord)
HOSTS: Final = Kind("host functions", "H", "#6ba32d", "references to functions of the host", FuncRefRecord)
TABLES: Final = Kind("tables", "T", "#7c3aed", "the tables' records", TableRecord)
ELEMENTS: Final = Kind("table elements", "E", "#b57bee", "references, 4 bytes each")
MEMORIES: Final = Kind(
    "memory records", "M", "#d6409f", "the memories' records; their bytes lie in areas of their own", MemoryRecord
)
GLOBALS: Final = Kind("globals", "G", "#d99a00", "values, 8 bytes each", GlobalRecord)
DROPPED: Final = Kind("dropped segments", "D", "#9a6b4f", "which segments an instance has dropped")
LOST: Final = Kind("not referred to", "L", "#737f8f", "allocated, but nothing known leads here", backdrop=True)
FREE: Final = Kind("free", "O", "#94a3b8", "behind the last record", backdrop=True)
BYTES: Final = Kind("memory", "B", "#3f8fc0", "the guest's own bytes")

KINDS: Final = (
    CONTEXT, NULL, FRAMES, UNUSED, INSTANCES, FUNCTIONS, FUNCTION, HOSTS, TABLES, ELEMENTS, MEMORIES, GLOBALS, DROPPED, LOST, FREE, BYTES,
)  # fmt: skip

LEADS: Final[dict[Field, Kind | None]] = {
    StoreContext.sp: FRAMES,
    StoreContext.vmctx: INSTANCES,
    StoreContext.stack_limit: None,  # an end, not a record
    StoreContext.heap: None,
    InstanceRecord.memory: MEMORIES,
    InstanceRecord.funcrefs: FUNCTIONS,
    InstanceRecord.dropped: DROPPED,
    FuncRefRecord.vmctx: INSTANCES,
    TableRecord.elements: ELEMENTS,
    FrameHeader.caller_sp: FRAMES,
    FrameHeader.caller_vmctx: INSTANCES,
}
