"""What a module is beside its bytecode (types, imports, exports, segments, names) as JSON, so that nobody must decode its file again.

Classes are known by name and their values by position; tuples and lists are lists.  What is read must have been written by the same
version of arenite: nothing of it is checked.

Example:  read(*described(code), code.wasm)
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from arenite.bytecode.module import SECTIONS, ElementSegment, ModuleCode
from arenite.bytecode.segments import DataSegments
from arenite.layout.types import ExportType, FuncType, GlobalType, ImportType, Limits, MemoryType, TableType, TagType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.bytecode.module import WasmFile

CLASSES: Final[dict[str, type]] = {
    c.__name__: c for c in (FuncType, TableType, MemoryType, GlobalType, TagType, Limits, ImportType, ExportType, ElementSegment)
}
APART: Final = {"wasm", "data", "function_names", *(section.name for section in SECTIONS)}
PLAIN: Final = [f.name for f in dataclasses.fields(ModuleCode) if f.name not in APART]


class Names(Mapping[int, str]):
    """Names of functions, read when somebody asks for one: they are a fifth of what is written, and for people."""

    def __init__(self, written: bytes) -> None:
        self._written = written

    @cached_property
    def _all(self) -> dict[int, str]:
        return dict(zip(*json.loads(self._written), strict=True))

    def __getitem__(self, index: int) -> str:
        return self._all[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


def described(code: ModuleCode, **more: str) -> tuple[bytes, bytes, bytes]:
    """JSON, the names of functions, and the table of data segments.  `more`: what else the JSON shall have, for `read`."""
    head = {name: _plain(getattr(code, name)) for name in PLAIN}
    head["computed"], head["others"] = _plain(code.data.computed), _plain(code.data.others)
    names = [list(code.function_names), list(code.function_names.values())]
    return _json(head | {"more": more}), _json(names), code.data.records


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def read(head: bytes, names: bytes, records: bytes, wasm: WasmFile) -> tuple[ModuleCode, dict[str, str]]:
    """A module without sections, and what else was written."""
    found = json.loads(head)
    plain = {name: _value(found[name]) for name in PLAIN}
    empty: dict[str, Any] = {s.name: () if s.listed else b"" for s in SECTIONS}
    data = DataSegments(records, _value(found["computed"]), _value(found["others"]))
    return ModuleCode(wasm=wasm, data=data, function_names=Names(names), **plain, **empty), found["more"]


def _plain(value: Any) -> Any:  # noqa: ANN401 (JSON)
    if type(value).__name__ in CLASSES:  # data classes and named tuples
        return {type(value).__name__: [_plain(getattr(value, name)) for name in type(value).__match_args__]}
    return list(map(_plain, value)) if isinstance(value, tuple) else value


def _value(value: Any) -> Any:  # noqa: ANN401 (JSON)
    if isinstance(value, list):
        return tuple(value) if set(map(type, value)) <= {int} else tuple(map(_value, value))
    if isinstance(value, dict):
        ((name, parts),) = value.items()
        return CLASSES[name](*map(_value, parts))
    return value
