"""Bytecode that travels along with a snapshot.

Frames say where they go on by places in the bytecode, so a snapshot needs the very bytecode that it was made with.  A version of
arenite that has translated the module to the same bytecode uses its own.  Another takes what travels along: ops are known by name and
signature, so they may have other numbers by then (`older` knows signatures that are no more); and it is verified like any bytecode
from outside.

    blob = carried(code)                      # compressed
    code = restored(blob, decoded)            # decoded: the module as this version decodes it
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import struct
import weakref
from array import array
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, overload

import zstandard

from arenite import bytecode  # whose table is made when somebody asks for it
from arenite.bytecode.module import FUNCTION, SECTIONS, FunctionCode, ModuleCode, Section
from arenite.bytecode.row import OPERAND_KINDS, Form
from arenite.errors import InternalError, SnapshotError
from arenite.layout.cage import UNIT
from arenite.layout.records import FrameHeader
from arenite.layout.types import slots
from arenite.snapshot.container import decompressed
from arenite.snapshot.older import OPS, renamed, type_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from arenite.bytecode.row import Row

LARGEST: Final = 1 << 31
SMALL: Final = 1 << 24
GROWTH: Final = 256  # bytes of a translation for each of the module's, behind the first `SMALL`
LONGEST_HEAD: Final = 1 << 18  # bytes of the text that names ops and sizes, which may take a hundred times that; ours has 26,000
LEVEL: Final = 3  # of compression
BREAKS: Final = (
    zstandard.ZstdError,
    InternalError,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    RecursionError,
    struct.error,
)
"""What bytes raise that are no translation."""

# what was made of a module once, for as long as it lives
_files: weakref.WeakKeyDictionary[ModuleCode, bytes] = weakref.WeakKeyDictionary()
_carried: weakref.WeakKeyDictionary[ModuleCode, bytes] = weakref.WeakKeyDictionary()
_digests: weakref.WeakKeyDictionary[ModuleCode, str] = weakref.WeakKeyDictionary()


def signature(row: Row) -> str:
    """What must be the same for an op to mean the same: its name and how its operands stand in the code."""
    operands = " ".join(f"{o.name}:{o.kind}@{o.at}" for o in row.encoded)
    return f"{row.name}({operands})"


def bytecode_digest(code: ModuleCode) -> str:
    """What a translation is known by: code, tables and op numbers."""
    found = _digests.get(code)
    if found is None:
        hash_ = hashlib.sha256(_ops())
        for section in SECTIONS:
            if section.digested:
                for piece in _pieces(code, section):
                    hash_.update(len(piece).to_bytes(8, "little"))
                    hash_.update(piece)
        found = _digests[code] = hash_.hexdigest()
    return found


def know_digest(code: ModuleCode, digest: str) -> None:
    """Note what a translation is known by, where that was found out before."""
    _digests[code] = digest


def _pieces(code: ModuleCode, section: Section) -> Sequence[bytes]:
    """What a section consists of."""
    found: Sequence[bytes] = getattr(code, section.name) if section.listed else (getattr(code, section.name),)
    return found


def _packed(code: ModuleCode, section: Section) -> bytes:
    """A section as one part; the pieces of a list behind their lengths."""
    pieces = _pieces(code, section)
    return b"".join(len(piece).to_bytes(4, "little") + piece for piece in pieces) if section.listed else pieces[0]


def _ops() -> bytes:
    return "\n".join(map(signature, bytecode.TABLE)).encode()


def compressed_file(code: ModuleCode) -> bytes:
    """The module's own file, compressed."""
    found = _files.get(code)
    if found is None:
        found = _files[code] = zstandard.ZstdCompressor(level=LEVEL, threads=-1).compress(code.file)
    return found


def carried(code: ModuleCode) -> bytes:
    """A translation as bytes, compressed."""
    found = _carried.get(code)
    if found is None:
        found = _carried[code] = carried_sections(code, [signature(row) for row in bytecode.TABLE])
    return found


def sections(code: ModuleCode) -> list[bytes]:
    """A translation, as the parts that it travels in."""
    return [_packed(code, section) for section in SECTIONS]


def carried_sections(code: ModuleCode, ops: list[str]) -> bytes:
    """A translation whose ops are numbered like this, as bytes."""
    parts = sections(code)
    head = json.dumps({"ops": ops, "sizes": [len(part) for part in parts]}).encode()
    data = b"".join((len(head).to_bytes(4, "little"), head, *parts))
    return zstandard.ZstdCompressor(level=LEVEL, threads=-1).compress(data)


def restored(blob: bytes, decoded: ModuleCode) -> ModuleCode:
    """The module with the bytecode that travelled along.  `decoded`: the module as its file says, bodies aside.

    Raises: `SnapshotError` when it is damaged, breaks a rule of bytecode, or uses an op that is no more.
    """
    from arenite.bytecode.verify import verify_module  # noqa: PLC0415 (what a process of the user's has kept was verified)

    try:
        data = decompressed(blob, min(LARGEST, SMALL + GROWTH * len(decoded.file)))
        names, parts = _parts(data)
        code = with_sections(decoded, parts)
        _check_functions(code)
        if len(parts) < len(SECTIONS) or names != [signature(row) for row in bytecode.TABLE]:
            renumbered, places = Renumbering(code, names).of(code.bytecode)
            code = replace(code, bytecode=renumbered, type_places=places)
        verify_module(code, lenient=True)
    except BREAKS as error:
        raise SnapshotError(f"the bytecode that travels along cannot be used: {str(error).splitlines()[0]}") from error
    return code


def checked_sections(decoded: ModuleCode, parts: Sequence[bytes]) -> ModuleCode:
    """A module with sections that this version made.  Raises: any of `BREAKS` for what it cannot have made, `Limit`."""
    from arenite.bytecode.verify import verify_module  # noqa: PLC0415 (as above)

    code = with_sections(decoded, parts)
    _check_functions(code)
    verify_module(code)
    return code


def with_sections(decoded: ModuleCode, parts: Sequence[bytes]) -> ModuleCode:
    """A module with other sections; files of earlier versions have not those that came later.  Raises: `ValueError`."""
    if len(parts) < sum(not section.later for section in SECTIONS):
        raise ValueError(f"{len(parts)} sections; expected {len(SECTIONS)}")
    most = len(decoded.function_types) + 1  # pieces of a list: one too many is found out
    found = {s.name: Pieces(part, most) if s.listed else part for s, part in zip(SECTIONS, parts, strict=False)}
    return replace(decoded, **found)  # type: ignore[arg-type]  # each by its own name


def _parts(data: bytes) -> tuple[list[str], list[bytes]]:
    """The signatures of the ops, by number, and the parts.  Raises: `ValueError`, `KeyError`, `TypeError`, `RecursionError`.

    The parts lie one behind the other, so together they are no longer than what was unpacked.
    """
    length = int.from_bytes(data[:4], "little")
    if length > LONGEST_HEAD:
        raise ValueError(f"a list of ops of {length} bytes; expected at most {LONGEST_HEAD}")
    head, at, parts = json.loads(data[4 : 4 + length]), 4 + length, []
    for size in head["sizes"]:
        if not 0 <= size <= len(data) - at:
            raise ValueError(f"a part of {size} bytes; {max(len(data) - at, 0)} are left")
        parts.append(data[at : at + size])
        at += size
    if not all(type(name) is str for name in head["ops"]):
        raise TypeError("a list of ops whose names are not all text")
    return head["ops"], parts


class Pieces(Sequence[bytes]):
    """The pieces of a list, which are told apart when somebody asks for one.  `most`: no more are looked for."""

    def __init__(self, packed: bytes, most: int) -> None:
        self._packed = packed
        self._most = most

    @functools.cached_property
    def _all(self) -> tuple[bytes, ...]:
        return tuple(itertools.islice(_split(self._packed), self._most))

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[bytes, ...]: ...
    def __getitem__(self, index: int | slice) -> bytes | tuple[bytes, ...]:
        return self._all[index]

    def __len__(self) -> int:
        return len(self._all)


def _split(packed: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(packed):
        size = int.from_bytes(packed[at : at + 4], "little")
        yield packed[at + 4 : at + 4 + size]
        at += 4 + size


def _check_functions(code: ModuleCode) -> None:
    """What the verifier takes from the compiler: the table of functions.  Raises: `InternalError`."""
    types = code.function_types[code.imported_functions :]
    if len(code.functions) != FUNCTION.size * len(types) or len(code.locals) != len(types):
        raise InternalError(f"{len(code.functions) // FUNCTION.size} functions; the module has {len(types)}")
    last, size = 0, len(code.bytecode)
    for function, type_, locals_ in zip(code.all_functions(), types, code.locals, strict=True):
        params = len(slots(code.types[type_].params))
        declared = len(locals_) // 4 - params
        if (
            function.type_index != type_
            or not 0 <= function.begin < function.end <= size
            or function.begin % UNIT
            or len(locals_) % 4
            or declared < 0
            or function.header + FrameHeader.size + 8 * declared > function.frame_size
            or not last <= function.safepoints <= len(code.safepoints)
        ):
            raise InternalError(f"a function that cannot be: {function}")
        last = function.safepoints


class Renumbering:
    """Ops under the numbers, and with the operands, that they have here.  `names`: the signatures of their ops, by number."""

    def __init__(self, code: ModuleCode, names: list[str]) -> None:
        here = {signature(row): row for row in bytecode.TABLE}
        self.code = code
        self.names = names = [renamed(name) for name in names]
        self.older = {number: OPS[name] for number, name in enumerate(names) if name not in here and name in OPS}
        self.rows = [bytecode.ROWS[self.older[n].name] if n in self.older else here.get(name) for n, name in enumerate(names)]
        self.types = [[o.at for o in row.encoded if o.form is Form.TYPE] if row is not None else [] for row in self.rows]
        self.indexes = {type_digest(type_): index for index, type_ in reversed(list(enumerate(code.types)))}

    def of(self, bytecode: bytes) -> tuple[bytes, bytes]:
        """The bytecode, and where it names types.  Raises: `SnapshotError` for an op that there is no more."""
        out, places, types = bytearray(bytecode), array("I"), self.types
        codes = [b"" if row is None else row.code.to_bytes(2, "little") for row in self.rows]
        for at, number in ops_of(bytecode, self.code.all_functions(), self.rows):
            if not codes[number]:
                raise SnapshotError(
                    f"the bytecode that travels along uses the op {self.names[number]!r}, which this version does not have"
                )
            out[at : at + 2] = codes[number]
            if types[number]:
                places.extend(at + operand for operand in types[number])
                if number in self.older:
                    self.name_types(out, at, number)
        return bytes(out), places.tobytes()

    def name_types(self, out: bytearray, at: int, number: int) -> None:
        """Put indexes in the place of an older op's digests."""
        for operand in bytecode.ROWS[self.older[number].name].encoded:
            if operand.name in self.older[number].digests:
                place = at + operand.at
                index = self.indexes.get(int.from_bytes(out[place : place + 4], "little"))
                if index is None:
                    raise SnapshotError("the bytecode that travels along names a type that the module does not have")
                out[place : place + 4] = index.to_bytes(4, "little")


def ops_of(bytecode: bytes, functions: Iterable[FunctionCode], rows: list[Row | None]) -> Iterator[tuple[int, int]]:
    """Where each op of some functions stands, and its number; an op without a row is the last.  `rows`: by number."""
    sizes = [0 if row is None else row.size for row in rows]
    labels = {n: o.at for n, row in enumerate(rows) if row is not None for o in row.encoded if o.form is Form.LABELS}
    width = OPERAND_KINDS["labels"].size
    for function in functions:
        at, end = function.begin, function.end
        while at < end:
            number = bytecode[at] | bytecode[at + 1] << 8
            size = sizes[number]
            yield at, number
            if number in labels:
                place = at + labels[number]
                size += -(-4 * int.from_bytes(bytecode[place : place + width], "little") // UNIT) * UNIT
            if not size:
                return
            at += size
