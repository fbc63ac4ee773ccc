"""Which objects of exceptions are held: found from roots, over copies of the regions and of the stack.

What the bytes say is distrusted: an object is one only where it has a tag of the store's, as many slots as that says, and lies in a region.  A stack whose headers do not
lead to its beginning is damaged.

Compiled by mypyc (see `translate.writer` for what that forbids): a deadline waits for this.

    marks = Marks(regions, content, shapes)
    marks.hold(reference)
    marks.trace()
    gaps, size = marks.gaps()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from librt.strings import BytesWriter, read_i32_le
from mypy_extensions import i64, u8

from arenite.errors import SnapshotError
from arenite.layout.frame import HALT_PC as HALT
from arenite.layout.records import ExceptionRecord, FrameHeader

if TYPE_CHECKING:
    from collections.abc import Callable

MASK: Final[i64] = 0xFFFFFFFF
GRAIN_SHIFT: Final = 4  # objects are aligned to 16
HALT_PC: Final[i64] = HALT
HEADER_SIZE: Final[i64] = FrameHeader.size
CALLER_SP: Final[i64] = FrameHeader.caller_sp.offset
RETURN_PC: Final[i64] = FrameHeader.return_pc.offset
TAG: Final[i64] = ExceptionRecord.tag.offset
SLOTS: Final[i64] = ExceptionRecord.slots.offset


@final
class ObjectShape:
    """Objects of one tag: bytes, slots; byte offsets of the references to exceptions in them, and of those to the host's objects."""

    def __init__(self, size: int, slots: int, exceptions: list[int], externs: list[int]) -> None:
        self.size: i64 = size
        self.slots: i64 = slots
        self.exceptions = exceptions
        self.externs = externs


@final
class FrameShape:
    """Frames that go on at one place: byte offset of the header, most bytes; byte offsets of live references to exceptions, and to the host's objects."""

    def __init__(self, header: int, size: int, exceptions: list[int], externs: list[int]) -> None:
        self.header: i64 = header
        self.size: i64 = size
        self.exceptions = exceptions
        self.externs = externs


@final
class Marks:
    """What is held.  `regions`: (begin, end), ascending, with `content` one behind the other; `shapes`: by where tags lie.

    `externs`: references to the host's objects; `looked_at`: slots.
    """

    def __init__(self, regions: list[tuple[int, int]], content: bytes, shapes: dict[int, ObjectShape]) -> None:
        self.regions = regions
        self.content = content
        self.shapes = shapes
        self.found = BytesWriter()  # a byte for each grain: 1 where an object begins that is held
        self.found.write(bytes(len(content) >> GRAIN_SHIFT))
        self.left: list[int] = []
        self.externs: set[int] = set()
        self.looked_at: i64 = 0
        self.low: i64 = regions[0][0] if len(regions) > 0 else 0
        self.high: i64 = regions[len(regions) - 1][1] if len(regions) > 0 else 0
        self.begin: i64 = 0  # of the region that the last one lay in, its end, and where in the content that begins
        self.end: i64 = 0
        self.start: i64 = 0

    def word(self, at: i64) -> i64:
        """A number of the content."""
        return i64(read_i32_le(self.content, at)) & MASK

    def enter(self, at: i64) -> bool:
        """Whether that is in a region, which is the present one then."""
        start: i64 = 0
        for first, last in self.regions:
            begin: i64 = first
            end: i64 = last
            if begin <= at < end:
                self.begin = begin
                self.end = end
                self.start = start
                return True
            start += end - begin
        return False

    def hold(self, at: i64) -> None:
        """A reference is held that may lead to an object."""
        if at & 15 != 0 or not self.low <= at < self.high:
            return
        if not self.begin <= at < self.end and not self.enter(at):
            return
        place = at - self.begin + self.start
        if self.found[place >> GRAIN_SHIFT] != 0:
            return
        shape = self.shapes.get(int(self.word(place + TAG)))
        if shape is None or self.word(place + SLOTS) != shape.slots or at + shape.size > self.end:
            return
        self.found[place >> GRAIN_SHIFT] = u8(1)
        self.looked_at += 1 + shape.slots
        if len(shape.exceptions) > 0 or len(shape.externs) > 0:
            self.left.append(int(place))

    def hold_all(self, references: bytes) -> None:
        """All of these are held."""
        size: i64 = len(references)
        at: i64 = 0
        before: i64 = 0
        while at < size:
            value = i64(read_i32_le(references, at)) & MASK
            if value != before:
                self.hold(value)
                before = value
            at += 4
        self.looked_at += size >> 2

    def hold_frames(
        self, stack: bytes, base: i64, sp: i64, end: i64, shape: FrameShape, find: Callable[[int], FrameShape]
    ) -> None:
        """The frames of a stack that begins at `base`, from the innermost on, hold theirs.

        `find`: the shape of those that go on at a pc.  Raises: `SnapshotError` where they are damaged, what `find` raises.
        """
        shapes: dict[int, FrameShape] = {}
        while True:
            at = sp + shape.header
            if not base <= sp <= at <= end - HEADER_SIZE or end - sp > shape.size:
                raise SnapshotError(f"the guest's stack is damaged at {sp:#x}")
            for offset in shape.exceptions:
                if sp + i64(offset) < end:
                    self.hold(i64(read_i32_le(stack, sp + i64(offset) - base)) & MASK)
            for offset in shape.externs:
                if sp + i64(offset) < end:
                    self.externs.add(int(i64(read_i32_le(stack, sp + i64(offset) - base)) & MASK))
            self.looked_at += 1 + i64(len(shape.exceptions)) + i64(len(shape.externs))
            end = sp
            pc = i64(read_i32_le(stack, at + RETURN_PC - base)) & MASK
            sp = i64(read_i32_le(stack, at + CALLER_SP - base)) & MASK
            if pc == HALT_PC:
                if end != base:
                    raise SnapshotError(f"the guest's stack is damaged at {end:#x}: frames below it belong to nobody")
                return
            if sp >= end:
                raise SnapshotError(f"the guest's stack is damaged at {at:#x}")
            known = shapes.get(int(pc))
            if known is None:
                known = find(int(pc))
                shapes[int(pc)] = known
            shape = known

    def trace(self) -> None:
        """What is held by what is held is held."""
        left = self.left
        while len(left) > 0:
            place: i64 = left.pop()
            shape = self.shapes[int(self.word(place + TAG))]
            for offset in shape.externs:
                self.externs.add(int(self.word(place + i64(offset))))
            for offset in shape.exceptions:
                self.hold(self.word(place + i64(offset)))

    def holds(self, at: i64) -> bool:
        """Whether the object there is held."""
        return at & 15 == 0 and self.enter(at) and self.found[(at - self.begin + self.start) >> GRAIN_SHIFT] != 0

    def gaps(self) -> tuple[list[tuple[int, int]], int]:
        """(begin, end) of what lies between objects that are held, ascending; and the bytes of these."""
        gaps: list[tuple[int, int]] = []
        live: i64 = 0
        start: i64 = 0
        found = self.found.getvalue()
        for first, last in self.regions:
            begin: i64 = first
            end: i64 = last
            at: i64 = begin
            stop = start + end - begin
            grain = start >> GRAIN_SHIFT
            last_grain = stop >> GRAIN_SHIFT
            while grain < last_grain:
                if found[grain] == 0:  # what is held often lies close together; else this is quicker
                    grain = i64(found.find(b"\1", int(grain), int(last_grain)))
                    if grain < 0:
                        break
                place = grain << GRAIN_SHIFT
                here = begin + place - start
                size = self.shapes[int(self.word(place + TAG))].size
                live += size
                if here > at:
                    gaps.append((int(at), int(here)))
                at = max(at, here + size)
                grain += 1
            if end > at:
                gaps.append((int(at), int(end)))
            start = stop
        return gaps, int(live)
