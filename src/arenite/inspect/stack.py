"""Where a snapshot's executions stand: each with its frames as records, every live slot with its type and value.

Frames are found and judged by `machine.run.frames`, as when the guest goes on.  They need the code of all modules; without it an execution is
still told, by why it stopped and what it called.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from arenite.bytecode.locals import locals_at
from arenite.errors import Limit, LinkError, SnapshotError
from arenite.inspect.arena import Names
from arenite.inspect.kinds import FRAMES
from arenite.inspect.records import Record
from arenite.inspect.survey import add_exceptions
from arenite.layout.cage import STACK_AT, UNIT
from arenite.layout.frame import HALT_PC, SLOT
from arenite.layout.records import FrameHeader
from arenite.layout.types import UPPER, slots
from arenite.machine.run.activation import HOST_CALL
from arenite.machine.run.backtrace import GuestFrame, cut, unlocated
from arenite.machine.run.frames import check_place, frames_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.bytecode.module import ModuleCode
    from arenite.inspect.records import RecordRow, Survey
    from arenite.machine.run.activation import Activation
    from arenite.machine.run.frames import StackFrame
    from arenite.machine.space.window import PlacedModule, Window, Windows

MOST_FRAMES: Final = 1 << 10  # of one execution


@dataclass
class Stand:
    """An execution: what was called, why it stopped, its frames, innermost first.  `damage`: what ended the walk."""

    title: str
    why: str
    frames: list[Record] = field(default_factory=list)
    more: int = 0
    damage: str = ""


def survey_stack(survey: Survey, windows: Windows) -> list[Stand]:
    """Where each execution stands; their frames are added to the survey's records."""
    names = Names(survey.arena, survey.roots, survey.modules)
    modules = [code for code in survey.modules if code is not None]
    window, reason = None, "a module is missing, so its frames cannot be told apart"
    if len(modules) == len(survey.modules):
        try:
            window = windows.window(tuple(modules), survey.roots.types)
        except (LinkError, Limit) as error:
            reason = str(error)
    found, low = [], STACK_AT
    for number, activation in enumerate(survey.roots.executions):
        if activation is None:
            found.append(Stand(f"{number}", "damaged"))
            continue
        stand = Stand(f"{number} {names.reference(activation.function.at)}", _why(survey, names, activation))
        if window is None:
            stand.damage = reason
        elif activation.at < low:
            stand.damage = "its frames lie among those of an older execution"
        else:
            _walk(survey, names, window, activation, stand)
        found.append(stand)
        survey.records += stand.frames
        rest = (stand.frames[-1].at if stand.frames else activation.end) - activation.at
        if rest > 0 and activation.at >= low:
            title = f"{'the other ' if stand.frames else ''}frames of execution {number}"
            survey.records.append(Record(activation.at, rest, FRAMES, title, damage=stand.damage))
        low = max(low, activation.end)
    add_exceptions(survey)
    return found


def _why(survey: Survey, names: Names, a: Activation) -> str:
    """Why an execution stopped."""
    text = "not started" if a.pause is None else f"{a.pause.reason.value}: {a.pause.what}"
    functions = survey.roots.functions
    if a.status != HOST_CALL:
        return text
    import_ = functions[a.vmctx] if a.vmctx < len(functions) else None
    if import_ is None:
        return f"{text}; it calls a host function that there is not"
    types = slots(import_.type.params)
    if a.sp + SLOT * len(types) > survey.arena.size:
        return f"{text}; it calls {import_}"
    params = (names.value(t, names.bits(a.sp + SLOT * n, t)) for n, t in enumerate(types) if t != UPPER)
    return f"{text}; it calls {import_}({', '.join(params)})"


def _walk(survey: Survey, names: Names, window: Window, activation: Activation, stand: Stand) -> None:
    """The frames, as far as they are sound."""
    walker = FrameReader(survey, names, window)
    try:
        check_place(window, activation)
        vmctx = activation.vmctx
        for frame in frames_in(survey.arena.view, window, activation):
            if len(stand.frames) < MOST_FRAMES and survey.rows:
                title, rows = walker.frame(activation, frame, vmctx, innermost=not stand.frames)
                survey.rows -= min(len(rows), survey.rows)
                stand.frames.append(Record(frame.sp, frame.end - frame.sp, FRAMES, title, rows))
            else:
                stand.more += 1
            vmctx = FrameHeader.caller_vmctx.read(survey.arena.view, frame.header)
    except SnapshotError as error:
        stand.damage = str(error)


@dataclass(frozen=True)
class FrameReader:
    """Tells what is in frames."""

    survey: Survey
    names: Names
    window: Window

    def frame(self, activation: Activation, frame: StackFrame, vmctx: int, *, innermost: bool) -> tuple[str, list[RecordRow]]:
        """A frame's title and rows."""
        placed, number = self.function_at(frame.pc - (not innermost))
        title = self.title(activation, frame, placed, number, vmctx)
        found = self.host_slots(frame) if placed is None or number is None else self.guest_slots(frame, placed, number)
        rows = self.names.rows(
            FrameHeader,
            frame.header,
            {FrameHeader.return_pc: lambda pc: "to the host" if pc == HALT_PC else self.function_name(pc - 1)},
        )
        live = {at for start, stop in frame.live for at in range(start, stop, SLOT)}
        shown = [(at, role, type_) for at, role, type_ in found if at in live]
        end = self.survey.arena.size
        rows += [self.names.row(at, type_, role, "") for at, role, type_ in shown if at + SLOT * len(slots((type_,))) <= end]
        return title, sorted(rows, key=lambda row: row.at)

    def function_at(self, pc: int) -> tuple[PlacedModule | None, int | None]:
        """The module and own function whose code holds `pc`."""
        index = self.window.module_at(pc)
        placed = None if index is None else self.window.modules[index]
        return placed, None if placed is None else placed.code.function_at(pc - placed.origin)

    def function_name(self, pc: int) -> str:
        """Name of the function whose code holds `pc`."""
        index = self.window.module_at(pc)
        placed, number = self.function_at(pc)
        if index is None or placed is None or number is None:
            return "a call of a host function" if self.window.preamble.thunk_at(pc) is not None else ""
        return self.names.function(index, placed.code.imported_functions + number)

    def title(
        self, activation: Activation, frame: StackFrame, placed: PlacedModule | None, number: int | None, vmctx: int
    ) -> str:
        """What stands in a backtrace's line."""
        if placed is not None and number is not None:
            local = frame.pc - placed.origin
            code = placed.code
            if local == code.function(number).begin:
                return f"{code.function(number).body:#10x} - {cut(code.name or '<module>')}!{self.function_name(frame.pc)}"
            return str(GuestFrame(code, number, local, unlocated))
        if frame.pc == HALT_PC:
            return f"{'':10} - the end of {self.names.reference(activation.function.at)}"
        functions = self.survey.roots.functions
        import_ = functions[vmctx] if vmctx < len(functions) else None
        return f"{'':10} - {import_ or 'a host function'} (host)"

    def host_slots(self, frame: StackFrame) -> list[tuple[int, str, int]]:
        """Slots of a host function's frame: its parameters, or its results once it was answered."""
        type_ = self.window.preamble.thunk_at(frame.pc)
        if type_ is None:
            return []
        answered = frame.pc - UNIT in self.window.preamble.host_calls
        types, role = (type_.results, "result") if answered else (type_.params, "parameter")
        return _named(frame.sp, role, slots(types))

    def guest_slots(self, frame: StackFrame, placed: PlacedModule, number: int) -> list[tuple[int, str, int]]:
        """Slots of a guest's function: parameters, locals, and operands that the safepoint knows."""
        code: ModuleCode = placed.code
        types = memoryview(code.locals[number]).cast("I")
        type_ = code.types[code.function(number).type_index]
        params = len(slots(type_.params))
        found = _named(frame.sp, "parameter", types[:params])
        found += _named(frame.sp + locals_at(code, number), "local", types[params:], len(type_.params))
        safepoint = placed.safepoints(number).get(frame.pc - placed.origin)
        operands = () if safepoint is None else safepoint.slots
        return found + [(frame.sp + SLOT * slot, f"operand in slot {slot}", t) for slot, t in operands if t != UPPER]


def _named(at: int, role: str, types: Sequence[int], first: int = 0) -> list[tuple[int, str, int]]:
    """The values in slots of these types from `at` on, numbered from `first`."""
    begins = [n for n, t in enumerate(types) if t != UPPER]
    return [(at + SLOT * n, f"{role} {first + i}", types[n]) for i, n in enumerate(begins)]
