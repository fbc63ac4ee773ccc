"""The arena of a snapshot, and what numbers in it mean.

It is distrusted: whoever reads a place has asked `holds` before; `reference` does that itself.
"""

from __future__ import annotations

import struct
from mmap import mmap
from typing import TYPE_CHECKING, Final

from arenite.inspect.kinds import LEADS, REFERENCES
from arenite.inspect.records import RecordRow
from arenite.layout.cage import ALIGNMENT, HOST_PAGE, write_context
from arenite.layout.records import ExceptionRecord, FuncRefRecord
from arenite.layout.types import EXNREF, EXTERNREF, F32, F64, FUNCREF, I32, I64, V128, FuncType, type_name
from arenite.machine.records.exceptions import object_size
from arenite.machine.run.backtrace import readable
from arenite.machine.space.image import ARENA

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arenite.bytecode.module import ModuleCode
    from arenite.inspect.roots import Roots
    from arenite.layout.records import Field
    from arenite.layout.records import Record as Layout
    from arenite.machine.records.objects import TagAddr
    from arenite.machine.space.image import Image
    from arenite.snapshot.travel import Sizes

UNSIGNED: Final = {4: struct.Struct("<I"), 8: struct.Struct("<Q")}
VECTOR_SIZE: Final = 16
FORMATS: Final = {I32: "<i4x", I64: "<q", F32: "<f4x", F64: "<d"}


class Arena:
    """The store page, as whoever opens a snapshot writes it, and the arena of an image, read-only; only what is not zero takes memory."""

    def __init__(self, image: Image, sizes: Sizes) -> None:
        self.heap = sizes.heap
        whole = mmap(-1, image.sizes[ARENA])
        for number, page in image.pages(ARENA):
            whole[number * HOST_PAGE : (number + 1) * HOST_PAGE] = page
        with memoryview(whole)[:HOST_PAGE] as head:
            write_context(head, sizes.stack_limit, sizes.regions)
        self.region = memoryview(whole).toreadonly()
        self.view = self.region[HOST_PAGE:]
        self.size = len(self.view)

    def holds(self, at: int, size: int) -> bool:
        """Whether so many bytes lie there, below the heap's end."""
        return at >= 0 and size >= 0 and at + size <= min(self.heap, self.size)

    def number(self, at: int, size: int) -> int:
        """The unsigned number of 4 or 8 bytes at an offset, which may be in the store page."""
        value: int = UNSIGNED[size].unpack_from(self.region, at + HOST_PAGE)[0]
        return value

    def bytes(self, at: int, size: int) -> bytes:
        """Bytes of the arena or the store page."""
        return bytes(self.region[at + HOST_PAGE : at + HOST_PAGE + size])


class Names:
    """What numbers mean: functions by reference, values by type."""

    def __init__(self, arena: Arena, roots: Roots, modules: Sequence[ModuleCode | None]) -> None:
        self.arena = arena
        self.roots = roots
        self.modules = modules
        self.imports = {f.at: f for f in roots.functions if f is not None}
        self.instances = {i.at: n for n, i in enumerate(roots.instances) if i is not None}
        self.tags = {tag.at: tag for tag in roots.tags if tag is not None}
        self._functions: dict[int, dict[int, str]] = {}
        self._shown: dict[tuple[int, int], str] = {}  # thousands of rows may name the same

    def function(self, module: int, index: int) -> str:
        """Name of a function of a module."""
        code = self.modules[module] if module < len(self.modules) else None
        if code is None:
            return f"<wasm function {index}>"
        known = self._functions.get(module)
        if known is None:
            exports = {e.index: e.name for e in reversed(code.exports) if isinstance(e.type, FuncType)}
            known = self._functions[module] = exports | dict(code.function_names)
        shown = self._shown.get((module, index))
        if shown is None:
            shown = self._shown[module, index] = readable(known.get(index, f"<wasm function {index}>"))
        return shown

    def reference(self, at: int) -> str:
        """Name of the function that a reference leads to."""
        if at == 0:
            return "null"
        found = self.imports.get(at)
        if found is not None:
            return f"{found} (host)"
        if at % 16 or not self.arena.holds(at, FuncRefRecord.size):
            return "leads nowhere"
        module = self.module_of(at)
        if module is None:
            return "leads to no function"
        return self.function(module, FuncRefRecord.function.read(self.arena.view, at))

    def module_of(self, at: int) -> int | None:
        """Number of the module whose function a reference in the arena is for."""
        number = self.instances.get(FuncRefRecord.vmctx.read(self.arena.view, at))
        instance = None if number is None else self.roots.instances[number]
        return None if instance is None else instance.module

    def typed_reference(self, at: int) -> str:
        """Name and type of the function that a reference in the arena leads to."""
        module = self.module_of(at)
        code = None if module is None or module >= len(self.modules) else self.modules[module]
        index = FuncRefRecord.function.read(self.arena.view, at)
        known = code is not None and index < len(code.function_types)
        return self.reference(at) + (f" {code.types[code.function_types[index]]}" if code is not None and known else "")

    def tag_of(self, at: int) -> TagAddr | None:
        """The tag of the exception at an offset, if there can be one, with all of its values."""
        inside = any(begin <= at and at + ExceptionRecord.size <= end for begin, end in self.roots.exceptions)
        if at % ALIGNMENT or not inside or not self.arena.holds(at, ExceptionRecord.size):
            return None
        tag = self.tags.get(ExceptionRecord.tag.read(self.arena.view, at))
        return tag if tag is not None and self.arena.holds(at, object_size(tag)) else None

    def exception(self, at: int) -> str:
        """An exception by its tag."""
        tag = self.tag_of(at)
        return "null" if at == 0 else "leads to no exception" if tag is None else f"of {tag.type}"

    def value(self, type_: int, bits: int) -> str:
        """A value in words, from the 8 bytes of a slot or global, or 16 of a vector's."""
        if type_ == V128:
            return bits.to_bytes(VECTOR_SIZE, "little").hex(" ", 4)
        if type_ in FORMATS:
            value = struct.unpack(FORMATS[type_], bits.to_bytes(8, "little"))[0]
            return f"{value:,}" if isinstance(value, int) else repr(value)
        if type_ == FUNCREF:
            return self.reference(bits)
        if type_ == EXNREF:
            return self.exception(bits)
        if type_ == EXTERNREF:
            return f"host object {bits - 1}" if bits else "null"
        return ""

    def bits(self, at: int, type_: int) -> int:
        """The bits of a slot or global, of a vector all."""
        return int.from_bytes(self.arena.bytes(at, VECTOR_SIZE if type_ == V128 else 8), "little")

    def row(self, at: int, type_: int, name: str, doc: str) -> RecordRow:
        """The value in a slot or global."""
        bits = self.bits(at, type_)
        to = REFERENCES.get(type_) if bits else None
        return RecordRow(at, type_name(type_), name, doc, bits, self.value(type_, bits), None if to is None else bits, to)

    def rows(self, layout: type[Layout], at: int, texts: dict[Field, Callable[[int], str]], *plain: Field) -> list[RecordRow]:
        """The fields of a record; of an array those elements that are not zero.  `plain`: fields that hold no offset this time."""
        found = []
        for f in layout.fields:
            for element in range(f.count):
                place = at + f.offset + element * f.size
                value = self.arena.number(place, f.size)
                if f.count > 1 and not value:
                    continue
                name = f.name if f.count == 1 else f"{f.name}[{element}]"
                to = LEADS.get(f) if f.arena_offset and f not in plain else None
                link = value if to is not None and value else None
                text = texts[f](value) if f in texts else ""
                found.append(RecordRow(place, f.kind, name, f.doc, value, text, link, to if link else None))
        return found
