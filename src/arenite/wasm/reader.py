r"""A cursor over the bytes of a module: integers, names, counts, each checked against its end.

Compiled by mypyc when a C compiler was there, and then an attribute access or a byte costs a nanosecond; the same
file runs uncompiled.  Uncompiled `i64` neither wraps nor checks, so nothing here may rely on overflow; and no literal is
ever shifted left by a variable (compiled, that shifts 32 bits).

Example:  Reader(b"\x80\x01", 0, 2).u32() == 128
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import read_i32_le, read_i64_le
from mypy_extensions import i64

from arenite.errors import DecodeError
from arenite.layout.types import EXNREF, EXTERNREF, FUNCREF, I32, V128
from arenite.wasm.features import heap_type, malformed

MASK32: Final = 0xFFFFFFFF
LARGEST: Final = 0x7FFF_FFFF_FFFF_FFFF


def is_reference(type_: i64) -> bool:
    """Whether values of a type are references."""
    return EXTERNREF <= type_ <= FUNCREF or type_ == EXNREF


@final
class Reader:
    """Reads `data[pos:end]`.  Every method raises `DecodeError` rather than read past `end`."""

    def __init__(self, data: bytes, pos: i64, end: i64) -> None:
        if pos < 0 or end < pos or end > len(data):
            raise ValueError("a reader's range lies outside its data")
        self.data = data
        self.pos: i64 = pos
        self.end: i64 = end

    def done(self) -> bool:
        """Whether all has been read."""
        return self.pos >= self.end

    def fail(self, message: str) -> DecodeError:
        """The error to raise for what was read last."""
        return DecodeError(message, int(self.pos))

    def byte(self) -> i64:
        """One byte."""
        pos = self.pos
        if pos >= self.end:
            raise DecodeError("unexpected end of section or function", int(pos))
        self.pos = pos + 1
        return self.data[pos]

    def type_byte(self) -> i64:
        """The first byte of a value type; `63 70` and the like, the long forms of `funcref` and others, give the short ones."""
        byte = self.byte()
        if byte == 0x63 and self.pos < self.end and is_reference(self.data[self.pos]):
            return self.byte()
        return byte

    def value_type(self) -> i64:
        """A value type.  Spec: binary-valtype."""
        return self.value_of(self.type_byte())

    def value_of(self, byte: i64) -> i64:
        """A value type, of which the first byte has been read."""
        if not V128 <= byte <= I32 and not is_reference(byte):
            raise DecodeError(malformed("value", byte), int(self.pos - 1))
        return byte

    def reference_type(self) -> i64:
        """A reference type.  Spec: binary-reftype."""
        byte = self.type_byte()
        if not is_reference(byte):
            raise DecodeError(malformed("reference", byte), int(self.pos - 1))
        return byte

    def heap_type(self) -> i64:
        """What `ref.null` names: a reference type in short.  Spec: binary-heaptype."""
        start = self.pos
        index = self.signed(33)
        type_ = index & 0x7F
        if self.pos - start > 1 or not is_reference(type_):
            raise DecodeError(heap_type(index), int(start))
        return type_

    def u32(self) -> i64:
        """An unsigned LEB128 of 32 bits."""
        pos = self.pos
        if pos >= self.end:
            raise DecodeError("unexpected end of section or function", int(pos))
        byte: i64 = self.data[pos]
        self.pos = pos + 1
        return byte if byte < 0x80 else self.unsigned(byte, 32)

    def narrow(self) -> i64:
        """An unsigned LEB128 of 64 bits that may have the length of 32 bits only: as engines read a size of something that has 32-bit indexes."""
        start = self.pos
        value = self.unsigned(self.byte(), 64)
        if self.pos - start > 5:
            raise DecodeError("integer representation too long", int(start))
        return value

    def u64(self) -> i64:
        """An unsigned LEB128 of 64 bits; what does not fit in 63 is the largest that does: as a size or a distance it is too large either way."""
        return self.unsigned(self.byte(), 64)

    def whole(self) -> int:
        """An unsigned LEB128 of 64 bits as it is: a limit that is declared is part of a type."""
        start = self.pos
        value = self.u64()
        if value != LARGEST:
            return int(value)
        exact: int = 0
        for byte in reversed(self.data[start : self.pos]):
            exact = exact << 7 | byte & 0x7F
        return exact

    def unsigned(self, first: i64, bits: i64) -> i64:
        """The rest of an unsigned LEB128 of 32 or 64 bits, after its `first` byte.  Spec: binary-uint."""
        byte = first
        value = byte & 0x7F
        shift: i64 = 7
        while byte >= 0x80:
            byte = self.byte()
            left = bits - shift  # bits of the value that this byte may hold
            if left <= 7:
                if byte >= 0x80:
                    raise self.fail("integer representation too long")
                if byte >> left:
                    raise self.fail("integer too large")
            if shift == 63:
                return LARGEST if byte else value
            value |= (byte & 0x7F) << shift
            shift += 7
        return value

    def signed(self, bits: i64) -> i64:
        """A signed LEB128 of 32, 33 or 64 bits.  Spec: binary-sint."""
        value: i64 = 0
        shift: i64 = 0
        while True:
            byte = self.byte()
            left = bits - shift  # bits of the value that this byte may hold
            if left <= 7:
                if byte >= 0x80:
                    raise self.fail("integer representation too long")
                sign = (byte & 0x7F) >> (left - 1)  # the sign and what lies above it must be the same
                if sign != 0 and sign != 0x7F >> (left - 1):
                    raise self.fail("integer too large")
            payload = byte & 0x7F
            if byte < 0x80 and byte >= 0x40:
                payload -= 0x80  # the last byte carries the sign: what it adds is negative
            value += payload << shift
            if byte < 0x80:
                return value
            shift += 7

    def f32(self) -> i64:
        """The bit pattern of an f32."""
        return i64(read_i32_le(self.data, self.take(4))) & MASK32

    def f64(self) -> i64:
        """The bit pattern of an f64, as a signed integer."""
        return read_i64_le(self.data, self.take(8))

    def take(self, size: i64) -> i64:
        """Pass over `size` bytes; the offset of the first."""
        pos = self.pos
        if size > self.end - pos:
            raise DecodeError("unexpected end of section or function", int(pos))
        self.pos = pos + size
        return pos

    def count(self) -> i64:
        """The length of a vector; as each entry takes a byte at least, no more than there are bytes left."""
        count = self.u32()
        if count > self.end - self.pos:
            raise self.fail("unexpected end of section or function")
        return count

    def length(self) -> i64:
        """The length in bytes of a section or a name, no more than there are left."""
        length = self.u32()
        if length > self.end - self.pos:
            raise self.fail("length out of bounds")
        return length

    def name(self) -> str:
        """A name.  Spec: binary-name."""
        size = self.length()
        start = self.take(size)
        try:
            return self.data[start : start + size].decode()
        except UnicodeDecodeError as error:
            raise DecodeError("malformed UTF-8 encoding", int(start)) from error
