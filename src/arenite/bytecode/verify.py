"""Checks bytecode against the rules that every tier relies on.  Run after each translation in tests, and under `ARENITE_VERIFY=1`.

The invariants, of each function:

1. Its code is a sequence of whole ops, and the functions' codes follow each other without gaps.
2. It begins with an `enter`, which asks for the frame's size, and has no other; the slots that it and the `zero16`s behind it zero
   lie behind the header and inside the frame.
3. It ends with an op that does not go on to the next one.
4. Every slot operand is a multiple of 8 and lies inside the frame, outside the header.
5. Every label is an op of the same function; one of kind `loop` does not lie ahead, one of kind `label` does.  A `br_table` has a label.
6. A `call` leads to the first op of a function; every call's header lies behind the callee's parameters and results.
7. A call's frame and header are multiples of 8; the frame begins behind our header, the callee's header lies behind it and inside our frame.
8. A `return` names the frame's header, which stands behind the parameters and the results.
9. What names a place in the instance (`disp` of globals, tables, functions) names one of that kind; segments, tables, functions and types exist.
10. The map of return points has exactly the ops behind calls; each of them, and each target of a back-edge, has a safepoint, and
    safepoints are in order and name slots inside the frame, behind the header.
11. The module's list of places where types are named has exactly those, in order.
12. Nothing that only the machine's thunks use occurs (`halt`, `call_host`).

Raises: `InternalError`, with the op in its context.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from arenite.bytecode.encode import ops
from arenite.bytecode.ops import TABLE
from arenite.bytecode.row import LABELS, SLOTS
from arenite.bytecode.safepoints import safepoints_of
from arenite.bytecode.text import op_text
from arenite.errors import InternalError
from arenite.layout.cage import UNIT
from arenite.layout.records import FrameHeader

if TYPE_CHECKING:
    from arenite.bytecode.encode import Op
    from arenite.bytecode.module import FunctionCode, ModuleCode
    from arenite.bytecode.row import Operand, Row

SLOT: Final = 8
ENDS: Final = frozenset({"return", "unreachable", "br", "loop_br", "br_table"})
THUNKS_ONLY: Final = frozenset({"halt", "call_host"})
CALLS: Final = frozenset({"call", "call_import", "call_indirect"})
CONTEXT: Final = 3  # ops shown before and behind the one that is wrong


def verify_module(module: ModuleCode) -> None:
    """Check every function of a module."""
    places = Places(module)
    begins = {f.begin: f for f in module.all_functions()}
    points: set[int] = set()
    types = array("I")
    at = 0
    for index, f in enumerate(module.all_functions()):
        if f.begin != at or f.end <= f.begin:
            raise InternalError(f"function {index} begins at {f.begin:#x}, not at {at:#x}, where the one before ends")
        at = f.end
        function = Function(module, places, begins, index)
        function.check()
        points |= function.points
        types += function.types
    if at != len(module.bytecode):
        raise InternalError(f"bytecode of {len(module.bytecode)} bytes ends at {at:#x}")
    if len(module.returns) * 8 * UNIT < at or module.returns != _map_of(points, len(module.returns)):
        raise InternalError("the map of return points is not that of the ops behind calls")
    if module.type_places != types.tobytes():
        raise InternalError("the places where types are named are not those of the ops that name one")


def _map_of(points: set[int], size: int) -> bytearray:
    """The map of return points as the machine has it: a bit for each unit of bytecode."""
    found = bytearray(size)
    for point in points:
        found[point // UNIT // 8] |= 1 << point // UNIT % 8
    return found


class Places:
    """What `disp` and index operands may be, by (op, operand)."""

    def __init__(self, module: ModuleCode) -> None:
        layout = module.layout
        own = {layout.own_global(i) for i in range(layout.own_globals)}
        imported = {layout.imported_global(i) for i in range(layout.imported_globals)}
        tables = {layout.table(i) for i in range(layout.tables)}
        functions = {layout.function(i) for i in range(layout.imported_functions)}
        types = set(range(len(module.types)))
        self.headers = [SLOT * max(len(t.params), len(t.results)) for t in module.types]
        numbers: dict[str, set[int]] = {
            "table": set(range(layout.tables)),
            "source_table": set(range(layout.tables)),
            "function": set(range(module.function_count)),
            "elem": set(range(len(module.elements))),
            "data": set(range(len(module.data))),
        }
        self.allowed: dict[tuple[str, str], set[int]] = {
            ("global.get", "disp"): own,
            ("global.set", "disp"): own,
            ("global.get imported", "disp"): imported,
            ("global.set imported", "disp"): imported,
            ("ref.func", "function"): numbers["function"],
            ("ref.func imported", "disp"): functions,
            ("table.init", "segment"): numbers["elem"],
            ("elem.drop", "segment"): numbers["elem"],
            ("memory.init", "segment"): numbers["data"],
            ("data.drop", "segment"): numbers["data"],
            ("call_import", "disp"): functions,
            ("call_indirect", "disp"): tables,
            ("table.copy", "source_table"): numbers["source_table"],
        }
        self.allowed |= {(row.name, o.name): own for row in TABLE for o in row.encoded if "; " in row.name and _is_global(row, o)}
        self.allowed |= {(name, "type_"): types for name in ("call_import", "call_indirect")}
        self.allowed |= {(name, "disp"): tables for name in ("table.get", "table.set", "table.size")}
        self.allowed |= {(name, "table"): numbers["table"] for name in ("table.grow", "table.fill", "table.copy", "table.init")}


def _is_global(row: Row, operand: Operand) -> bool:
    """Whether an operand of an op made of several names a global."""
    return "global." in row.name and operand.name.startswith("disp")


class Function:
    """One function being checked.  `points`: its return points.  `types`: where in the bytecode it names types."""

    def __init__(self, module: ModuleCode, places: Places, begins: dict[int, FunctionCode], index: int) -> None:
        self.module = module
        self.places = places
        self.begins = begins
        self.index = index
        self.f = module.function(index)
        self.listing = list(ops(module.bytecode, self.f.begin, self.f.end))
        self.pcs = {op.pc for op in self.listing}
        self.points: set[int] = set()
        self.types = array("I")
        self.stops: set[int] = set()  # pcs that need a safepoint

    def fail(self, op: Op, message: str) -> InternalError:
        """The error to raise about an op, with its neighbours."""
        here = self.listing.index(op)
        lines = [
            f"{'>' if other is op else ' '} .{other.pc - self.f.begin}: {op_text(other, self.f.begin)}"
            for other in self.listing[max(0, here - CONTEXT) : here + CONTEXT + 1]
        ]
        return InternalError(f"function {self.index}: {message}\n" + "\n".join(lines))

    def check(self) -> None:
        """All invariants of one function."""
        self.check_enter()
        for op in self.listing:
            self.check_op(op)
            if op.row.name in CALLS:
                self.check_call(op)
        last = self.listing[-1]
        if last.row.name not in ENDS:
            raise self.fail(last, "the last op goes on to the next function")
        self.check_safepoints()

    def check_enter(self) -> None:
        """Invariant 2."""
        f, first = self.f, self.listing[0]
        if not first.row.name.startswith("enter"):
            raise self.fail(first, "the first op is not an enter")
        if first.values["size"] != f.frame_size or f.frame_size % SLOT:
            raise self.fail(first, f"the frame has {f.frame_size} bytes")
        zeroed = [(first, int(first.row.name.removeprefix("enter")))]
        zeroed += [(op, 16) for op in self.listing if op.row.name == "zero16"]
        for op, count in zeroed:
            start = op.values["first"]
            if count and (start % SLOT or start < f.header + FrameHeader.size or start + SLOT * count > f.frame_size):
                raise self.fail(op, f"{count} slots from byte {start} do not lie between the header and the end of the frame")

    def check_op(self, op: Op) -> None:
        """Invariants 4, 5, 8, 9, 12."""
        name = op.row.name
        if name in THUNKS_ONLY or (name.startswith("enter") and op.pc != self.f.begin):
            raise self.fail(op, f"{name} does not belong here")
        for operand in op.row.encoded:
            value = op.values[operand.name]
            if operand.kind == "type":
                self.types.append(op.pc + operand.at)
            if operand.kind in SLOTS or (name, operand.name) in FAR_SLOTS:
                self.check_slot(op, value)
            elif operand.kind in LABELS and name not in CALLS:
                self.check_label(op, value, back=operand.kind == "loop")
            elif value not in self.places.allowed.get((name, operand.name), (value,)):
                raise self.fail(op, f"{operand.name} {value} names nothing of its kind")
        if name == "br_table" and not op.targets:
            raise self.fail(op, "a br_table without labels")
        for target in op.targets:
            self.check_label(op, target, back=False)
        if name == "return" and (op.values["header"] != self.f.header or self.f.header != self.signature_size(self.f)):
            raise self.fail(op, f"the header is at {self.f.header}, parameters and results end at {self.signature_size(self.f)}")

    def check_slot(self, op: Op, slot: int) -> None:
        """Invariant 4."""
        header = self.f.header
        if slot % SLOT or slot + SLOT > self.f.frame_size or header <= slot < header + FrameHeader.size:
            raise self.fail(op, f"byte {slot} is no slot of a frame of {self.f.frame_size} bytes with its header at {header}")

    def check_label(self, op: Op, target: int, *, back: bool) -> None:
        """Invariant 5."""
        if target not in self.pcs:
            raise self.fail(op, f"label .{target - self.f.begin} is no op of the function")
        if back != (target <= op.pc):
            raise self.fail(op, f"label .{target - self.f.begin} lies the wrong way")
        if back:
            self.stops.add(target)

    def signature_size(self, f: FunctionCode) -> int:
        """Bytes that parameters and results take."""
        type_ = self.module.types[f.type_index]
        return SLOT * max(len(type_.params), len(type_.results))

    def check_call(self, op: Op) -> None:
        """Invariants 6 and 7."""
        frame, header = op.values["frame"], op.values["header"]
        if (
            frame % SLOT
            or header % SLOT
            or not self.f.header + FrameHeader.size <= frame <= header <= self.f.frame_size - FrameHeader.size
        ):
            raise self.fail(op, f"the callee's frame {frame} and header {header} do not fit into {self.f.frame_size} bytes")
        if op.row.name == "call":
            callee = self.begins.get(op.values["to"])
            if callee is None:
                raise self.fail(op, "the call leads to no function")
            wanted = callee.header
        else:
            wanted = self.places.headers[op.values["type_"]]
        if header - frame != wanted:
            raise self.fail(op, f"the callee's header is {wanted} bytes into its frame")
        self.points.add(op.end)
        self.stops.add(op.end)

    def check_safepoints(self) -> None:
        """Invariant 10."""
        seen: list[int] = []
        for safepoint in safepoints_of(self.module, self.index):
            if safepoint.pc not in self.pcs or (seen and safepoint.pc <= seen[-1]):
                raise InternalError(
                    f"function {self.index}: a safepoint at .{safepoint.pc - self.f.begin}, which is no op or out of order"
                )
            seen.append(safepoint.pc)
            for slot, _ in safepoint.slots:
                if not self.f.header + FrameHeader.size <= SLOT * slot < self.f.frame_size:
                    raise InternalError(
                        f"function {self.index}: the safepoint at .{safepoint.pc - self.f.begin} names slot {slot}"
                    )
        if missing := self.stops.difference(seen):
            raise InternalError(f"function {self.index}: no safepoint at .{min(missing) - self.f.begin}")


FAR_SLOTS: Final = frozenset({("frame.get far", "source"), ("frame.set far", "to")})
