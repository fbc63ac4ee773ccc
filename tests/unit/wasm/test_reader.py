"""Integers and names of the binary format, against Python's own arithmetic."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arenite.errors import DecodeError
from arenite.wasm.reader import Reader


def leb(value: int, length: int = 0) -> bytes:
    """LEB128, signed when negative; padded to `length` bytes."""
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        if value in {0, -1} and (value == -1) == bool(byte & 0x40) and len(out) + 1 >= length:
            return bytes([*out, byte])
        out.append(byte | 0x80)


def unsigned(value: int) -> bytes:
    """Unsigned LEB128, as short as can be."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def reader(data: bytes) -> Reader:
    return Reader(data, 0, len(data))


@given(st.integers(0, 2**32 - 1))
def test_u32(value: int) -> None:
    r = reader(unsigned(value))
    assert r.u32() == value
    assert r.done()


@given(st.integers(0, 2**64 - 1) | st.integers(2**63 - 2, 2**63 + 1))
def test_whole(value: int) -> None:
    r = reader(unsigned(value))
    assert r.whole() == value
    assert r.done()
    assert reader(unsigned(value)).u64() == min(value, 2**63 - 1)


@given(st.integers(0, 2**35 - 1))
def test_narrow(value: int) -> None:
    r = reader(unsigned(value))
    assert r.narrow() == value
    assert r.done()


@given(st.integers(2**35, 2**64 - 1))
def test_what_is_longer_than_narrow_is_refused(value: int) -> None:
    with pytest.raises(DecodeError, match="integer representation too long") as caught:
        reader(unsigned(value)).narrow()
    assert caught.value.offset == 0


@pytest.mark.parametrize("bits", [32, 33, 64])
@given(data=st.data())
def test_signed(bits: int, data: st.DataObject) -> None:
    value = data.draw(st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1))
    length = data.draw(st.integers(0, (bits + 6) // 7))
    r = reader(leb(value, length))
    assert r.signed(bits) == value
    assert r.done()


@pytest.mark.parametrize("bits", [32, 33, 64])
@pytest.mark.parametrize("beyond", [0, 1])
def test_signed_one_too_large(bits: int, beyond: int) -> None:
    value = 2 ** (bits - 1) if beyond else -(2 ** (bits - 1)) - 1
    with pytest.raises(DecodeError, match="integer too large"):
        reader(leb(value)).signed(bits)


@pytest.mark.parametrize("encoded", ["ffffffff1f", "ffffffff7f", "8080808010"])
def test_u32_too_large(encoded: str) -> None:
    with pytest.raises(DecodeError, match="integer too large"):
        reader(bytes.fromhex(encoded)).u32()


def test_integer_of_too_many_bytes() -> None:
    with pytest.raises(DecodeError, match="integer representation too long"):
        reader(b"\x80" * 5 + b"\0").u32()
    with pytest.raises(DecodeError, match="integer representation too long"):
        reader(b"\x80" * 10 + b"\0").signed(64)


def test_an_integer_must_end_before_the_end() -> None:
    with pytest.raises(DecodeError, match="unexpected end"):
        Reader(b"\x80\x01", 0, 1).u32()
    with pytest.raises(DecodeError, match="unexpected end"):
        Reader(b"\xff\x7f", 0, 1).signed(32)


@given(st.floats(width=32), st.floats())
def test_floats_are_bit_patterns(x: float, y: float) -> None:
    r = reader(struct.pack("<fd", x, y))
    assert r.f32() == struct.unpack("<I", struct.pack("<f", x))[0]
    assert r.f64() == struct.unpack("<q", struct.pack("<d", y))[0]


@given(st.text())
def test_name(text: str) -> None:
    encoded = text.encode(errors="surrogatepass")
    r = reader(unsigned(len(encoded)) + encoded)
    assert r.name() == text


def test_a_name_is_utf8() -> None:
    with pytest.raises(DecodeError, match="malformed UTF-8 encoding"):
        reader(b"\x03\xed\xa0\x80").name()


def test_a_count_is_at_most_the_bytes_left() -> None:
    assert reader(b"\x02\0\0").count() == 2
    with pytest.raises(DecodeError, match="unexpected end"):
        reader(b"\x03\0\0").count()


def test_a_length_is_at_most_the_bytes_left() -> None:
    assert reader(b"\x02\0\0").length() == 2
    with pytest.raises(DecodeError, match="length out of bounds"):
        reader(b"\x03\0\0").length()
    with pytest.raises(DecodeError, match="length out of bounds"):
        reader(b"\x03\0\0").name()


@pytest.mark.parametrize(("pos", "end"), [(-1, 1), (1, 0), (0, 4)])
def test_a_reader_stays_in_its_data(pos: int, end: int) -> None:
    with pytest.raises(ValueError, match="range"):
        Reader(b"abc", pos, end)
