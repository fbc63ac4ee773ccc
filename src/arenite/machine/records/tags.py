"""Tags: what an exception is known by, and the types of the values that it carries.  Spec: exec-instantiation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.layout.records import TagRecord
from arenite.layout.types import slots
from arenite.machine.records.objects import TagAddr

if TYPE_CHECKING:
    from arenite.layout.types import TagType
    from arenite.machine.machine import Machine


def new_tag(machine: Machine, type_: TagType) -> TagAddr:
    """A tag that no other equals.  Raises: `Limit`."""
    at = machine.allocate(TagRecord.size)
    TagRecord.slots.write(machine.cage.arena, at, len(slots(type_.type.params)))
    tag = machine.registry_to_change().tags[at] = TagAddr(at, type_)
    return tag
