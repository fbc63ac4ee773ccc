"""What custom sections named `metadata.code.…` say of single instructions: branch hints, and what tools add of their own.

All have the format of branch hints: for each function, in order, a list of (offset from the beginning of its body, size, that many bytes).  Nothing
that runs looks at them, and no module is refused for them: what is damaged ends where that begins, with the reason.

    for each in annotated(module):
        for note in each.notes: note.func, note.at, note.text

Spec: binary-branchhintsec.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.errors import DecodeError
from arenite.light import NamedTuple
from arenite.wasm.module import ExternKind
from arenite.wasm.opcodes import code
from arenite.wasm.reader import Reader

if TYPE_CHECKING:
    from arenite.wasm.module import Custom, Module

METADATA: Final = "metadata.code."
HINTS: Final = METADATA + "branch_hint"
MEANINGS: Final = {b"\0": "unlikely", b"\1": "likely"}  # of branch hints
CODE: Final = 10  # the section of bodies
BRANCHES: Final = {code(name): name for name in ("if", "br_if")}  # what branch hints may stand at


class Note(NamedTuple):
    """`at`: offset of the instruction in the file; `text`: what is said of it, in words if it is a branch hint."""

    func: int
    at: int
    text: str


class Annotated(NamedTuple):
    """What one section says, as far as it can be read; `problem`: why not further, or ""."""

    custom: Custom
    notes: list[Note]
    problem: str


def annotated(module: Module) -> list[Annotated]:
    """All such sections of a decoded module, in order."""
    found, seen = list[Annotated](), set[str]()
    for custom in module.customs:
        if custom.name.startswith(METADATA):
            notes = list[Note]()
            problem = "it is the second of this name" if custom.name in seen else _read(module, custom, notes)
            seen.add(custom.name)
            found.append(Annotated(custom, notes, problem))
    return found


def _read(module: Module, custom: Custom, notes: list[Note]) -> str:
    """Fill `notes`; why it ends early, or ""."""
    if CODE in module.sections and custom.start > module.sections[CODE][0]:
        return "it stands behind the code"
    r, first, last = Reader(module.data, custom.start, custom.end), module.imported(ExternKind.FUNC), -1
    try:
        for _ in range(r.count()):
            func = r.u32()
            if not first <= func < len(module.funcs):
                return f"function {func} is none that the module defines"
            if func <= last:
                return f"function {func} comes after function {last}"
            last = func
            problem = _read_function(module, custom, r, func, notes)
            if problem:
                return problem
    except DecodeError as error:
        return str(error)
    return "" if r.done() else f"{r.end - r.pos} bytes are left over"


def _read_function(module: Module, custom: Custom, r: Reader, func: int, notes: list[Note]) -> str:
    """Read what a section says of one function; what is wrong with it, or nothing."""
    start, end = module.bodies[func - module.imported(ExternKind.FUNC)]
    last = -1
    for _ in range(r.count()):
        offset, size = r.u32(), r.u32()
        begun = r.take(size)
        data = module.data[begun : begun + size]
        if offset <= last:
            return f"function {func}: offset {offset} comes after offset {last}"
        last = offset
        if start + offset >= end:
            return f"function {func}: offset {offset} is behind the end of its body"
        text = f"{custom.name.removeprefix(METADATA)} {data.hex()}".rstrip()
        if custom.name == HINTS:
            branch, meaning = BRANCHES.get(module.data[start + offset]), MEANINGS.get(data)
            if branch is None or meaning is None:
                return f"function {func}, offset {offset}: {'there is no branch' if branch is None else f'no {text}'}"
            text = f"{branch} {meaning}"
        notes.append(Note(func, start + offset, text))
    return ""
