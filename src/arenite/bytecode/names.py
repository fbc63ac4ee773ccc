"""What ops name, as people know it: by the numbers of the standard's index spaces, in which imported things come first, and by names.

Example:  Names(module).text("tag", op.values["tag"]) == "tag 1 own"
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from arenite.layout.instance import WORD
from arenite.layout.types import FuncType, GlobalType, MemoryType, TableType, TagType
from arenite.light import NamedTuple
from arenite.visible import visible

if TYPE_CHECKING:
    from arenite.bytecode.module import ModuleCode

LONGEST: Final = 60  # characters of a name


class Place(NamedTuple):
    """What operands of a role name: a word for it, its kind where that has names, and the number that the first one has; where that lies, and how far apart they are."""

    word: str
    kind: type | None
    first: int = 0
    at: int = 0
    apart: int = 1


class Names:
    """Of a module's things."""

    def __init__(self, module: ModuleCode) -> None:
        layout = module.layout
        self._layout = layout
        self._named: dict[type, dict[int, str]] = {k: {} for k in (FuncType, TableType, MemoryType, GlobalType, TagType)}
        for one in module.imports:
            found = self._named[type(one.type)]
            found[len(found)] = f"{one.module}.{one.name}"
        for export in reversed(module.exports):
            self._named[type(export.type)][export.index] = export.name
        self._named[FuncType] |= module.function_names
        self._places = {
            "imported_func": Place("function", FuncType, 0, layout.function(0), WORD),
            "defined_func": Place("function", FuncType, layout.imported_functions),
            "table": Place("table", TableType, 0, layout.table(0), WORD),
            "table_index": Place("table", TableType),
            "memory": Place("memory", MemoryType, 0, layout.memory(0), WORD),
            "memory_index": Place("memory", MemoryType),
            "imported_global": Place("global", GlobalType, 0, layout.imported_global(0), WORD),
            "tag": Place("tag", TagType, 0, layout.tag(0), WORD),
            "elem": Place("elem", None),
            "data": Place("data", None),
        }

    def text(self, role: str, value: int) -> str | None:
        """What an operand of this role names by this value; None: nothing, its value says it all."""
        role = role.partition(".")[0]
        if role == "defined_global":  # those of vectors take more room than others
            numbers = range(self._layout.defined_globals)
            number = bisect_left(numbers, value, key=self._layout.defined_global)
            return self.called("global", GlobalType, self._layout.imported_globals + number)
        place = self._places.get(role)
        if place is None:
            return None
        return self.called(place.word, place.kind, place.first + (value - place.at) // place.apart)

    def called(self, word: str, kind: type | None, index: int) -> str:
        """Something of an index space, with its name if it has one."""
        name = visible(self._named[kind].get(index, "")) if kind is not None else ""
        name = name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
        return f"{word} {index} {name}".rstrip()

    def defined_function(self, number: int) -> str:
        """A function, by its number among those that the module defines."""
        found = self.text("defined_func", number)
        assert found is not None
        return found
