"""The memories and tables of modules that `control` makes: how many, how addressed, of which pages; and what is done with memories.

shapes = some_memories(rng)      access(body)      bulk(body)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from differential import control_vectors
from differential.binary import s, sized, u

if TYPE_CHECKING:
    import random

    from differential.control import Body

LOADS: Final = {"i32": (0x28, 0x2C, 0x2D, 0x2E, 0x2F), "i64": (0x29, 0x30, 0x31, 0x34, 0x35), "f32": (0x2A,), "f64": (0x2B,)}
STORES: Final = {"i32": (0x36, 0x3A, 0x3B), "i64": (0x37, 0x3C, 0x3E), "f32": (0x38,), "f64": (0x39,)}
CONSTANTS: Final = {"i32": 0x41, "i64": 0x42}
ANDS: Final = {"i32": 0x71, "i64": 0x83}
OTHER_MEMORY: Final = 0x40  # in an alignment: the number of a memory follows
IS_64, HAS_PAGE_SIZE = 4, 8
PASSIVE: Final = 1  # number of the data segment that instructions use


@dataclass(frozen=True)
class Memory:
    """A memory.  `least`, `most`: in its pages."""

    is_64: bool
    page_bits: int
    least: int
    most: int

    @property
    def address(self) -> str:
        """Type of an address."""
        return "i64" if self.is_64 else "i32"

    @property
    def size(self) -> int:
        """Bytes at the beginning."""
        return self.least << self.page_bits

    def type(self) -> bytes:
        """As the file has it."""
        flags = 1 | IS_64 * self.is_64 | HAS_PAGE_SIZE * (self.page_bits != 16)
        return bytes([flags]) + u(self.least) + u(self.most) + (u(self.page_bits) if self.page_bits != 16 else b"")


PLAIN: Final = Memory(is_64=False, page_bits=16, least=1, most=1)


def some_memories(rng: random.Random) -> list[Memory]:
    """The first is mostly of the usual kind."""
    found = []
    for number in range(rng.choice((1, 1, 1, 2, 3))):
        if number == 0 and rng.random() < 0.6:
            found.append(PLAIN)
            continue
        page_bits = rng.choice((0, 16, 16))
        least = rng.choice((1, 100, 5000, 65536, 70001)) if page_bits == 0 else rng.choice((0, 1, 1, 2))
        found.append(Memory(rng.random() < 0.6, page_bits, least, least + rng.choice((0, 1, 2, 300 if page_bits == 0 else 3))))
    return found


def data_sections(memories: list[Memory], rng: random.Random) -> bytes:
    """Bytes at the beginning of each memory that has room, and some for `memory.init`."""
    first, *others = memories
    segments = [b"\0" + start(first) + sized(rng.randbytes(min(64, first.size))), bytes([PASSIVE]) + sized(rng.randbytes(40))]
    for number, memory in enumerate(others, 1):
        segments.append(b"\2" + u(number) + start(memory) + sized(rng.randbytes(min(30, memory.size))))
    return u(len(segments)) + b"".join(segments)


def start(memory: Memory) -> bytes:
    """A constant zero."""
    return bytes([CONSTANTS[memory.address], 0, 0x0B])


def access(body: Body) -> None:
    """A load or a store, at an address that is mostly inside."""
    rng = body.rng
    memory = rng.randrange(len(body.plan.memories))
    if body.plan.vectors and rng.random() < 0.3:
        control_vectors.access(body, memory)
        return
    type_ = rng.choice(list(LOADS))
    address = body.address(memory)
    if rng.random() < 0.5:
        body.op((address,), (type_,), rng.choice(LOADS[type_]), *body.memarg(memory))
    else:
        body.value(type_)
        body.op((address, type_), (), rng.choice(STORES[type_]), *body.memarg(memory))


def address(body: Body, number: int) -> str:
    """Push an address; its type."""
    memory, rng = body.plan.memories[number], body.rng
    type_ = memory.address
    body.value(type_)
    if rng.random() < 0.93:
        inside = min(0xFFF, (1 << max(memory.size.bit_length() - 2, 0)) - 1)
        body.op((), (type_,), CONSTANTS[type_], *s(inside))
        body.op((type_, type_), (type_,), ANDS[type_])
    return type_


def memarg(body: Body, number: int) -> bytes:
    """Alignment, memory and offset."""
    memory, rng = body.plan.memories[number], body.rng
    offset = rng.choice((0, 0, 4, 8, 16, 100, 40000, 65530)) if memory.size > 0xFFFF else rng.choice((0, 0, 1, 3, 8))
    if rng.random() < 0.02:
        offset = rng.choice((70000, 0xFFFFFFFF, *((1 << 32, 1 << 33, (1 << 64) - 1) if memory.is_64 else ())))
    longer = rng.random() < 0.02 and not body.plan.old
    return (bytes([OTHER_MEMORY]) + u(number) if number or longer else b"\0") + u(offset)


def bulk(body: Body) -> None:
    """A fill, a copy or an initialisation of a few bytes; a memory's size, or a little more of it."""
    rng, memories = body.rng, body.plan.memories
    number = rng.randrange(len(memories))
    memory, kind = memories[number], rng.randrange(8)
    type_ = memory.address
    few = max(1, min(600, memory.size - 40))
    if kind < 2:
        body.op((), (type_,), 0x3F, *u(number))
    elif kind == 2:
        body.op((), (type_,), CONSTANTS[type_], *s(rng.choice((0, 1, 1, 2, 70000))))
        body.op((type_,), (type_,), 0x40, *u(number))
    elif kind == 3 and rng.random() < 0.3:
        body.emit(0xFC, 9, PASSIVE)
    elif kind < 5:
        for of, most in ((type_, few), ("i32", 30), ("i32", 12)):
            body.op((), (of,), CONSTANTS[of], *s(rng.randrange(most)))
        body.op((type_, "i32", "i32"), (), 0xFC, 8, PASSIVE, *u(number))
    elif kind < 6:
        for of, most in ((type_, few), ("i32", 256), (type_, 40)):
            body.op((), (of,), CONSTANTS[of], *s(rng.randrange(most)))
        body.op((type_, "i32", type_), (), 0xFC, 0x0B, *u(number))
    else:
        source = rng.randrange(len(memories))
        from_ = memories[source].address
        length = type_ if type_ == "i32" else from_
        for of, most in ((type_, few), (from_, max(1, min(600, memories[source].size - 40))), (length, 40)):
            body.op((), (of,), CONSTANTS[of], *s(rng.randrange(most)))
        body.op((type_, from_, length), (), 0xFC, 0x0A, *u(number), *u(source))
