"""What lies in an arena, by kind, and how each is called.  One row says it; survey and picture derive from it, `cli.look` adds how it is shown.

`LEADS` says what a field that holds an arena offset leads to, so that whoever follows it can see whether it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from arenite.layout import records
from arenite.layout.types import EXNREF, FUNCREF


@dataclass(frozen=True, eq=False)
class RecordKind:
    """One kind of thing.  A list and what is in it are two kinds, for they begin at the same place.

    `label`: of many of them.  `record`: the record that it is, if it is one.  `backdrop`: shown only where nothing else is.
    """

    label: str
    doc: str
    record: type[records.Record] | None = None
    backdrop: bool = False


CONTEXT: Final = RecordKind("store context", "the machine's own registers, below the base", records.StoreContext)
NULL: Final = RecordKind("null page", "offset 0 is null, so nothing lies here", backdrop=True)
FRAMES: Final = RecordKind("stack frames", "calls going on", records.FrameHeader)
UNUSED: Final = RecordKind("unused stack", "where no frame is now", backdrop=True)
INSTANCES: Final = RecordKind("instances", "modules that were instantiated", records.InstanceRecord)
FUNCTIONS: Final = RecordKind("function references", "one for each of an instance's own functions")
FUNCTION: Final = RecordKind("function reference", "by which one function is called", records.FuncRefRecord)
HOSTS: Final = RecordKind("host functions", "references to functions of the host", records.FuncRefRecord)
TABLES: Final = RecordKind("tables", "the tables' records", records.TableRecord)
ELEMENTS: Final = RecordKind("table elements", "references, 4 bytes each")
MEMORIES: Final = RecordKind(
    "memory records", "the memories' records; their bytes lie in areas of their own", records.MemoryRecord
)
GLOBALS: Final = RecordKind("globals", "values, 8 bytes each", records.GlobalRecord)
TAGS: Final = RecordKind("tags", "the tags' records", records.TagRecord)
ROOM: Final = RecordKind("room for exceptions", "where those lie that somebody keeps")
EXCEPTIONS: Final = RecordKind("exceptions", "those that somebody keeps", records.ExceptionRecord)
DROPPED: Final = RecordKind("dropped segments", "which segments an instance has dropped")
LOST: Final = RecordKind("not referred to", "allocated, but nothing known leads here", backdrop=True)
FREE: Final = RecordKind("free", "behind the last record", backdrop=True)
BYTES: Final = RecordKind("memory", "the guest's own bytes")

RECORD_KINDS: Final = (
    CONTEXT, NULL, FRAMES, UNUSED, INSTANCES, FUNCTIONS, FUNCTION, HOSTS, TABLES, ELEMENTS, MEMORIES, GLOBALS, TAGS, ROOM, EXCEPTIONS, DROPPED, LOST, FREE,
    BYTES,
)  # fmt: skip

REFERENCES: Final = {FUNCREF: FUNCTION, EXNREF: EXCEPTIONS}
"""To what kind of record a reference of a type leads that is an offset."""

LEADS: Final[dict[records.Field, RecordKind | None]] = {
    records.StoreContext.sp: FRAMES,
    records.StoreContext.vmctx: INSTANCES,
    records.StoreContext.stack_limit: None,  # an end, not a record
    records.StoreContext.room: None,  # nothing is made there yet
    records.StoreContext.room_end: None,
    records.InstanceRecord.memory: MEMORIES,
    records.InstanceRecord.funcrefs: FUNCTIONS,
    records.InstanceRecord.dropped: DROPPED,
    records.FuncRefRecord.vmctx: INSTANCES,
    records.TableRecord.elements: ELEMENTS,
    records.ExceptionRecord.tag: TAGS,
    records.FrameHeader.caller_sp: FRAMES,
    records.FrameHeader.caller_vmctx: INSTANCES,
    records.FrameHeader.tail_vmctx: INSTANCES,
}
