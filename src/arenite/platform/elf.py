"""Load an object file of this CPU into the process without a linker and without LLVM.

Understood is what LLVM writes for position independent code of the small model (`arenite.platform.relocations`); anything else is
refused by name.

- Every offset, index and size of the file is checked before it is used: a damaged file is an error, never a wild write.
- One mapping holds text, constants and data, in this order, each on pages of its own.  It is written, then protected:
  text is executable and never writable again, constants (also those with addresses in them) are read-only.
- Calls that leave the object go through stubs, for libc may lie out of reach of a displacement.
- A CPU whose instruction cache does not follow its data cache is told, before anything runs.
- Unwinding tables are not loaded: nothing unwinds through generated code.

    code = load(object_file, libc_symbols())
    add = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int)(code.symbols["add"])
"""

from __future__ import annotations

import functools
import mmap
import struct
from dataclasses import field
from typing import TYPE_CHECKING, Final

from arenite.errors import Failure, Limit
from arenite.light import NamedTuple, dataclass
from arenite.platform import libc
from arenite.platform.architectures import host
from arenite.platform.relocations import LINKAGES, Linkage, Relocation
from arenite.platform.reserve import page_size, round_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHT_PROGBITS, SHT_SYMTAB, SHT_RELA, SHT_NOBITS, SHT_REL = 1, 2, 4, 8, 9
SHT_IGNORED: Final = {7, 0x70000001}  # notes, unwinding tables
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
SHN_UNDEF, SHN_LORESERVE, SHN_ABS = 0, 0xFF00, 0xFFF1
STB_LOCAL, STT_TLS = 0, 6

LARGEST_IMAGE: Final = 1 << 27
"""Bytes: within it every displacement reaches from anywhere to anywhere (that of a branch of aarch64 is the shortest)."""

STUB_SIZE: Final = 16
"""A stub and the address that follows it."""

RUNTIME: Final = (
    *("memcpy", "memmove", "memset", "memcmp", "bcmp"),
    *("fmod", "fmodf", "ceil", "ceilf", "floor", "floorf", "trunc", "truncf", "rint", "rintf", "nearbyint", "nearbyintf"),
    *("roundeven", "roundevenf", "sqrt", "sqrtf", "fma", "fmaf", "fmin", "fminf", "fmax", "fmaxf"),
    *("pthread_getspecific", "pthread_setspecific", "sigaction", "raise", "mmap"),
)
"""The functions of the C library that LLVM calls on its own account, and those that the engine's IR calls."""


@dataclass(frozen=True, eq=False)
class CodeObject:
    """Machine code in memory.  Keeps: the code, which goes away with this object."""

    symbols: dict[str, int]
    """The addresses of what the object defines."""
    text: tuple[int, int]
    """Where its instructions begin and end."""
    mapping: mmap.mmap = field(repr=False)


@functools.cache
def libc_symbols() -> Mapping[str, int]:
    """The addresses of `RUNTIME`, those of them that this system has."""
    found = {name: libc.symbol(name) for name in RUNTIME}
    return {name: address for name, address in found.items() if address is not None}


def load(data: bytes, symbols: Mapping[str, int]) -> CodeObject:
    """Bring the object file `data` into memory; `symbols` gives the addresses of what it does not define.

    Raises: `Failure` when the file is damaged, holds what is not supported, or names an unknown symbol; `Limit` where code cannot
    be announced to the CPU, or the system refuses executable memory.
    """
    try:
        file = ObjectFile(data, host().elf_machine)
        return _Image(file, symbols).load()
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise Failure(f"object file: damaged: {error}") from error
    except PermissionError as error:
        raise Limit(f"the system refuses executable memory ({error.strerror})") from error


class Section(NamedTuple):
    """A row of the section table."""

    name: str
    type: int
    flags: int
    offset: int
    size: int
    link: int
    info: int
    align: int

    @property
    def segment(self) -> int | None:
        """Where it goes: 0 text, 1 constants, 2 data, None for nowhere."""
        if not self.flags & SHF_ALLOC or self.type in SHT_IGNORED or self.name == ".eh_frame":
            return None
        if self.flags & SHF_EXECINSTR:
            return 0
        # .data.rel.ro is writable for a linker only
        return 2 if self.flags & SHF_WRITE and not self.name.startswith(".data.rel.ro") else 1


class Symbol(NamedTuple):
    """A row of the symbol table."""

    name: str
    section: int
    value: int
    binding: int
    size: int


class Fixup(NamedTuple):
    """A row of a relocation table."""

    section: int
    offset: int
    how: Relocation
    symbol: int
    addend: int


class ObjectFile:
    """The tables of an object file for `expected`, checked."""

    def __init__(self, data: bytes, expected: int) -> None:
        self.data = data
        self.linkage: Linkage = LINKAGES[expected]
        if data[:7] != b"\x7fELF\x02\x01\x01":
            raise Failure("object file: not ELF of 64 bits, little-endian")
        kind, machine = struct.unpack_from("<HH", data, 16)
        if (kind, machine) != (1, expected):
            raise Failure(f"object file: expected type 1 for machine {expected}, found type {kind} for machine {machine}")
        self.sections = list(self._sections())
        tables = [section for section in self.sections if section.type == SHT_SYMTAB]
        if len(tables) != 1:
            raise Failure(f"object file: expected one symbol table, found {len(tables)}")
        self.symbols = list(self._symbols(tables[0]))
        self.fixups = [fixup for section in self.sections for fixup in self._fixups(section)]

    def bytes_of(self, section: Section) -> bytes:
        """What the section holds."""
        return self.data[section.offset : section.offset + section.size]

    def _sections(self) -> Iterator[Section]:
        """The section table: all sections lie within the file."""
        (start,) = struct.unpack_from("<Q", self.data, 40)
        entry_size, count, names_at = struct.unpack_from("<HHH", self.data, 58)
        if entry_size != 64 or start + count * 64 > len(self.data) or names_at >= count:
            raise Failure("object file: damaged section table")
        rows = [struct.unpack_from("<IIQQQQIIQQ", self.data, start + at * 64) for at in range(count)]
        names = self.data[rows[names_at][4] :][: rows[names_at][5]]
        for name_at, kind, flags, _, offset, size, link, info, align, _ in rows:
            name = _string(names, name_at)
            if kind != SHT_NOBITS and offset + size > len(self.data):
                raise Failure(f"object file: section {name} ends behind the end of the file")
            if align > page_size or align & (align - 1):
                raise Failure(f"object file: section {name} has alignment {align}")
            section = Section(name, kind, flags, offset, size, link, info, align)
            if name.startswith((".ctors", ".dtors", ".init_array", ".fini_array")):
                raise Failure(f"object file: section {name}: code to run at loading is not supported")
            if section.segment is not None and (kind not in {SHT_PROGBITS, SHT_NOBITS} or size > LARGEST_IMAGE):
                raise Failure(f"object file: section {name} has type {kind:#x} and {size:#x} bytes, which is not supported")
            yield section

    def _symbols(self, table: Section) -> Iterator[Symbol]:
        """The symbol table: what is defined lies within its section."""
        names = self.bytes_of(self.sections[table.link])
        for name_at, info, _, index, value, size in struct.iter_unpack("<IBBHQQ", self.bytes_of(table)):
            name = _string(names, name_at)
            if info & 15 == STT_TLS or (index >= SHN_LORESERVE and index != SHN_ABS):
                raise Failure(f"object file: symbol {name} is thread-local or common, which is not supported")
            if index < SHN_LORESERVE and index != SHN_UNDEF and value > self.sections[index].size:
                raise Failure(f"object file: symbol {name} lies outside its section")
            yield Symbol(name, index, value, info >> 4, size)

    def _fixups(self, table: Section) -> Iterator[Fixup]:
        """One relocation table: fields lie within the section, symbols within the symbol table."""
        if table.type not in {SHT_RELA, SHT_REL}:
            return
        target = self.sections[table.info]
        if target.segment is None:
            return
        if table.type == SHT_REL or target.type == SHT_NOBITS:
            raise Failure(f"object file: relocations {table.name} of a form that is not supported")
        symbol_count = len(self.symbols)
        for offset, info, addend in struct.iter_unpack("<QQq", self.bytes_of(table)):
            how = self.linkage.relocations.get(info & 0xFFFFFFFF)
            if how is None:
                raise Failure(f"object file: relocation type {info & 0xFFFFFFFF} is not supported")
            if offset + how.field.size > target.size or info >> 32 >= symbol_count:
                raise Failure(f"object file: relocation at {offset:#x} lies outside its section or names no symbol")
            yield Fixup(table.info, offset, how, info >> 32, addend)


class _Image:
    """The object on its way into memory: text, stubs | constants, table of addresses | data."""

    def __init__(self, file: ObjectFile, symbols: Mapping[str, int]) -> None:
        self.file = file
        self.externals = symbols
        self.places: dict[int, int] = {}
        """Offset in the image, by section."""
        self.got: dict[int, int] = {}
        self.stubs: dict[int, int] = {}
        """Offset in the image, by symbol."""
        self.size = 0
        self._place(0)
        self.text_size = self.size
        self._reserve("stub", self.stubs, STUB_SIZE)
        self.constants_at = self._next_page()
        self._place(1)
        self._reserve("got", self.got, 8)
        self.data_at = self._next_page()
        self._place(2)
        self._next_page()
        if not 0 < self.size <= LARGEST_IMAGE:
            raise Failure(f"object file: {self.size:#x} bytes to load")

    def load(self) -> CodeObject:
        """Map, write, relocate, protect."""
        mapping = libc.reserve(self.size)
        base = libc.address_of(mapping)
        for index, at in self.places.items():
            section = self.file.sections[index]
            if section.type != SHT_NOBITS:
                mapping[at : at + section.size] = self.file.bytes_of(section)
        stub = self.file.linkage.stub
        for symbol, at in self.stubs.items():
            mapping[at : at + STUB_SIZE] = (stub + self._address(symbol, base).to_bytes(8, "little")).ljust(STUB_SIZE, b"\0")
        for symbol, at in self.got.items():
            struct.pack_into("<Q", mapping, at, self._address(symbol, base))
        for fixup in self.file.fixups:
            self._apply(fixup, mapping, base)
        if not host().runs_what_was_written:
            libc.flush_instructions(base, self.constants_at)
        self._protect(base)
        defined = {
            symbol.name: self._address(index, base)
            for index, symbol in enumerate(self.file.symbols)
            if symbol.binding != STB_LOCAL and symbol.section in self.places
        }
        return CodeObject(defined, (base, base + self.text_size), mapping)

    def _place(self, segment: int) -> None:
        """Give the sections of a segment their places."""
        for index, section in enumerate(self.file.sections):
            if section.segment == segment:
                self.places[index] = round_up(self.size, max(section.align, 16))
                self.size = self.places[index] + section.size

    def _reserve(self, through: str, table: dict[int, int], entry_size: int) -> None:
        """Give every symbol that is reached through `table` an entry of it."""
        self.size = round_up(self.size, 16)
        for fixup in self.file.fixups:
            if fixup.how.through == through and self._needs_entry(fixup) and fixup.symbol not in table:
                table[fixup.symbol] = self.size
                self.size += entry_size

    def _needs_entry(self, fixup: Fixup) -> bool:
        """Whether the relocation goes through its table; a call of what the object defines does not."""
        return fixup.how.through == "got" or self.file.symbols[fixup.symbol].section == SHN_UNDEF

    def _next_page(self) -> int:
        self.size = round_up(self.size)
        return self.size

    def _address(self, index: int, base: int) -> int:
        """Where a symbol is."""
        name, section, value, _, _ = self.file.symbols[index]
        place = self.places.get(section)
        if place is not None:
            return base + place + value
        if section == SHN_ABS:
            return value
        if section != SHN_UNDEF:
            raise Failure(f"object file: symbol {name!r} is in a section that is not loaded")
        if name not in self.externals:
            raise Failure(f"object file: undefined symbol {name!r}")
        return self.externals[name]

    def _apply(self, fixup: Fixup, mapping: mmap.mmap, base: int) -> None:
        """Work out one relocation and write it."""
        section, offset, how, symbol, addend = fixup
        at = self.places[section] + offset
        if how.through and self._needs_entry(fixup):
            table = self.got if how.through == "got" else self.stubs
            address = base + table[symbol]
        else:
            address = self._address(symbol, base)
        place = slice(at, at + how.field.size)
        try:
            mapping[place] = how.field.written(mapping[place], how.measure(address + addend, base + at))
        except OverflowError:
            name = self.file.symbols[symbol].name
            raise Failure(f"object file: {how.name} to {name!r} does not reach") from None

    def _protect(self, base: int) -> None:
        """Take away what each segment must not do."""
        if self.constants_at:
            libc.protect(base, self.constants_at, mmap.PROT_READ | mmap.PROT_EXEC)
        if self.data_at > self.constants_at:
            libc.protect(base + self.constants_at, self.data_at - self.constants_at, mmap.PROT_READ)


def _string(table: bytes, at: int) -> str:
    """The string that begins at `at`."""
    end = table.find(b"\0", at)
    if end < 0:
        raise Failure("object file: damaged table of names")
    return table[at:end].decode()
