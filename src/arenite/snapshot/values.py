"""Types of WebAssembly and states of host modules, as JSON."""

from __future__ import annotations

import base64
import binascii
import functools
from typing import TYPE_CHECKING, Any, Final

from arenite.errors import SnapshotError
from arenite.layout.types import (
    ALL_PAGE_BITS,
    NAMES,
    NUMERIC,
    PAGE_BITS,
    REFERENCES,
    VECTORS,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    TableType,
)
from arenite.machine.run.chunks import Chunked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arenite.machine.run.chunks import Chunk
    from arenite.machine.run.hosts import HostState
    from arenite.snapshot.checked import Fields

CODES: Final = {NAMES[type_]: type_ for type_ in (*NUMERIC, *VECTORS, *REFERENCES)}  # what a slot can hold
BYTES: Final = "$bytes"
CHUNK: Final = "$chunk"
DEEPEST: Final = 64


def functype(type_: FuncType) -> dict[str, Any]:
    """A function type."""
    return {"params": [NAMES[t] for t in type_.params], "results": [NAMES[t] for t in type_.results]}


def read_functype(fields: Fields) -> FuncType:
    """The function type.  Raises: `SnapshotError`."""
    return FuncType(_valtypes(fields, "params"), _valtypes(fields, "results"))


def _valtypes(fields: Fields, name: str) -> tuple[int, ...]:
    names = fields.sequence(name, 1000)
    try:
        return _codes(tuple(names))
    except (KeyError, TypeError):  # no name of a type; a list or an object
        raise fields.error(name, "value types") from None


@functools.lru_cache(maxsize=256)
def _codes(names: tuple[str, ...]) -> tuple[int, ...]:
    """Value types by name.  A guest's imports have few types and many functions; what is none raises, so that it is not kept."""
    return tuple([CODES[name] for name in names])


def limits(of: Limits) -> dict[str, Any]:
    """Limits of a table or memory."""
    return {"minimum": of.minimum, "maximum": of.maximum}


def _read_limits(fields: Fields, most: int) -> Limits:
    """Limits of sizes that are at most so much.  Raises: `SnapshotError`."""
    found = Limits(fields.integer("minimum", 0, most), fields.optional("maximum", 0, most))
    if not found.within(most):
        raise fields.error("maximum", f"{found.minimum} .. {most}")
    return found


def tabletype(type_: TableType) -> dict[str, Any]:
    """A table type."""
    return {"element": NAMES[type_.element], **limits(type_.limits), **_more(is_64=type_.is_64)}


def read_tabletype(fields: Fields) -> TableType:
    """The table type.  Raises: `SnapshotError`."""
    unbounded = TableType(_valtype(fields, "element"), Limits(0), _is_64(fields))
    return unbounded._replace(limits=_read_limits(fields, unbounded.most_elements))


def memorytype(type_: MemoryType) -> dict[str, Any]:
    """A memory type."""
    return (
        limits(type_.limits) | _more(is_64=type_.is_64) | ({} if type_.page_bits == PAGE_BITS else {"page_bits": type_.page_bits})
    )


def read_memorytype(fields: Fields) -> MemoryType:
    """The memory type.  Raises: `SnapshotError`."""
    page_bits = fields.integer("page_bits", 0, PAGE_BITS) if fields.has("page_bits") else PAGE_BITS
    if page_bits not in ALL_PAGE_BITS:
        raise fields.error("page_bits", "the logarithm of a page's size")
    unbounded = MemoryType(Limits(0), _is_64(fields), page_bits)
    return unbounded._replace(limits=_read_limits(fields, unbounded.most_pages))


def _more(*, is_64: bool) -> dict[str, Any]:
    return {"is_64": True} if is_64 else {}


def _is_64(fields: Fields) -> bool:
    """Whether indexes have 64 bits; what is not said is not so."""
    return fields.has("is_64") and fields.flag("is_64")


def globaltype(type_: GlobalType) -> dict[str, Any]:
    """A global type."""
    return {"content": NAMES[type_.content], "mutable": type_.mutable}


def read_globaltype(fields: Fields) -> GlobalType:
    """The global type.  Raises: `SnapshotError`."""
    return GlobalType(_valtype(fields, "content"), fields.flag("mutable"))


def _valtype(fields: Fields, name: str) -> int:
    found = CODES.get(fields.text(name))
    if found is None:
        raise fields.error(name, "a value type")
    return found


def state(value: HostState, depth: int = 0) -> Any:  # noqa: ANN401 (JSON)
    """A host module's state: bytes, and addresses of chunks, as objects with one field, which no other object may have."""
    if depth > DEEPEST:
        raise SnapshotError(f"a host module's state is nested more than {DEEPEST} deep, so it cannot travel")
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {BYTES: base64.b64encode(value).decode()}
    if isinstance(value, dict):
        if {BYTES, CHUNK} & value.keys() or not all(isinstance(key, str) for key in value):
            raise SnapshotError(f"a host module's state has a key that cannot travel: {sorted(map(repr, value))}")
        return {key: state(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [state(item, depth + 1) for item in value]
    if isinstance(value, Chunked):  # last: to ask for a protocol takes as long as all others
        return {CHUNK: value.chunk().address.hex()}
    raise SnapshotError(f"a host module's state holds a {type(value).__name__}, which cannot travel")


def read_state(value: object, chunks: Mapping[bytes, Chunk], depth: int = 0) -> HostState:
    """The state.  `chunks`: those that there are, by address.  Raises: `SnapshotError`."""
    if depth > DEEPEST:
        raise SnapshotError("a host module's state is nested too deeply")
    if isinstance(value, dict):
        if set(value) == {BYTES}:
            try:
                return base64.b64decode(str(value[BYTES]), validate=True)
            except binascii.Error as error:
                raise SnapshotError("bytes in a host module's state are no base64") from error
        if set(value) == {CHUNK}:
            return _chunk(value[CHUNK], chunks)
        return {str(key): read_state(item, chunks, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [read_state(item, chunks, depth + 1) for item in value]
    assert value is None or isinstance(value, (str, int, float, bool))
    return value


def _chunk(address: object, chunks: Mapping[bytes, Chunk]) -> Chunk:
    """The chunk of an address.  Raises: `SnapshotError`."""
    try:
        return chunks[bytes.fromhex(str(address))]
    except (ValueError, KeyError):
        raise SnapshotError(f"a host module's state refers to {str(address)[:80]!r}, which is not there, or is damaged") from None
