"""A guest's frames, for people: found by walking the arena's frame headers, which are distrusted and bounded."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Final

from arenite.bytecode.module import unnamed
from arenite.bytecode.safepoints import safepoints_of
from arenite.layout.frame import HALT_PC, header_offset
from arenite.layout.records import FrameHeader
from arenite.visible import visible

if TYPE_CHECKING:
    from arenite.bytecode.module import ModuleCode
    from arenite.machine.machine import Machine
    from arenite.machine.space.window import Window

DEPTH: Final = 64  # frames; who needs more has a recursion whose middle says nothing new
SHOWN: Final = 1024  # characters of a name that are printed: a module may have names of any length, and a trap shows many

Locate = Callable[["ModuleCode", int, int], "int | None"]
"""(module, own function, pc) -> byte offset of the instruction in the module's file, where it is still known."""


def unlocated(code: ModuleCode, function: int, pc: int) -> int | None:
    """The `Locate` of a machine that has no compiler: safepoints only."""
    return next((s.offset for s in safepoints_of(code, function) if s.pc == pc), None)


def cut(name: str) -> str:
    """A name from a module, as far as it is printed."""
    return name if len(name) <= SHOWN else f"{name[:SHOWN]}…"


def readable(name: str) -> str:
    """A function's name for people."""
    if not name.startswith("_"):
        return cut(name)
    from arenite.machine.run.demangle import demangle  # noqa: PLC0415 (most processes print no backtrace)

    return cut(demangle(name))


class GuestFrame:
    """One frame.  `pc`: byte offset of the op in its module's bytecode; for a caller, of the op behind the call.

    What it says is found when it is first asked for, since most traps are never printed; a copy or a pickle has all of it, and neither
    the module nor the machine.
    """

    FACTS: ClassVar = ("func_index", "func_name", "module_name", "module_offset", "func_offset", "pc")

    def __init__(self, code: ModuleCode, function: int, pc: int, locate: Locate) -> None:
        """`function`: among the module's own functions."""
        self._code = code
        self._function = function
        self.pc = pc
        self._locate = locate

    def __getstate__(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.FACTS}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GuestFrame) and self.__getstate__() == other.__getstate__()

    def __hash__(self) -> int:
        return hash((self.func_index, self.pc))

    def __repr__(self) -> str:
        return f"<frame {str(self).strip()}>"

    @cached_property
    def func_index(self) -> int:
        """Index of the function in the module's index space."""
        return self._code.imported_functions + self._function

    @cached_property
    def func_name(self) -> str | None:
        """Its name by the name section, or an export's; None if nothing names it.  Rust's are mangled here, and printed as Rust prints them."""
        return self._code.name_of(self.func_index)

    @cached_property
    def module_name(self) -> str | None:
        """Name that its module has for itself, if any."""
        return self._code.name or None

    @cached_property
    def module_offset(self) -> int | None:
        """Byte offset of the instruction in the module's file."""
        known = unlocated(self._code, self._function, self.pc)
        return self._locate(self._code, self._function, self.pc) if known is None else known

    @cached_property
    def func_offset(self) -> int | None:
        """Byte offset of the instruction from the beginning of the function's body."""
        offset = self.module_offset
        return None if offset is None else offset - self._code.function(self._function).body

    def __str__(self) -> str:
        offset = self.module_offset
        where = "?" if offset is None else f"{offset:#x}"
        name = f"{cut(self.module_name or '<module>')}!{readable(self.func_name or unnamed(self.func_index))}"
        return f"{where:>10} - {visible(name)}"


def backtrace(machine: Machine, pc: int, sp: int, vmctx: int) -> list[GuestFrame]:
    """Frames from the innermost on, of the present activation, at most `DEPTH`.  Damage in the arena ends the walk."""
    del vmctx
    frames: list[GuestFrame] = []
    arena, window = machine.cage.arena, machine.window
    while len(frames) < DEPTH and pc != HALT_PC:
        index = window.module_at(pc)
        if index is None:
            header = _thunk_header(window, pc)
        else:
            placed = window.modules[index]
            function = placed.code.function_at(pc - placed.origin - bool(frames))
            if function is None:
                break
            frames.append(GuestFrame(placed.code, function, pc - placed.origin, machine.locate))
            header = placed.code.function(function).header
        at = sp + (header or 0)
        if header is None or at + FrameHeader.size > len(arena):
            break
        sp, pc = FrameHeader.caller_sp.read(arena, at), FrameHeader.return_pc.read(arena, at)
        if not window.is_return_point(pc):
            break
    return frames


def _thunk_header(window: Window, pc: int) -> int | None:
    """Where the frame of a host function's thunk has its header."""
    type_ = window.preamble.thunk_at(pc)
    return None if type_ is None else header_offset(type_)
