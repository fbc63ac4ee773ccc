"""What `control` makes of vectors: all instructions whose results no choice of NaN bits decides.

VECTORS.compute(body)      VECTORS.access(body, memory)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.layout.types import type_name
from arenite.wasm.opcodes import OPCODES, Opcode
from differential.binary import u

if TYPE_CHECKING:
    from differential.control import Body

PREFIX: Final = 0xFD
PREFIXED: Final = 0x600  # what the table's numbers of these begin with
NAN_MAKERS: Final = (
    "ceil",
    "floor",
    "trunc",
    "nearest",
    "sqrt",
    "add",
    "sub",
    "mul",
    "div",
    "min",
    "max",
    "demote_f64x2_zero",
    "promote_low_f32x4",
)
PLAIN: Final[list[Opcode]] = [
    o
    for o in OPCODES
    if o.feature == "simd" and not (o.name.startswith(("f32x4.", "f64x2.")) and o.name.partition(".")[2] in NAN_MAKERS)
]


def immediates(*kinds: str) -> list[Opcode]:
    """Those with immediates of these kinds, whatever numbers they have."""
    return [o for o in PLAIN if tuple(i.partition(":")[0] for i in o.immediates) == kinds]


PURE, LANES, ACCESSES, LANE_ACCESSES = immediates(), immediates("laneidx"), immediates("memarg"), immediates("memarg", "laneidx")
CONST, SHUFFLE, EXTRACT64 = (
    next(o for o in PLAIN if o.name == name) for name in ("v128.const", "i8x16.shuffle", "i64x2.extract_lane")
)


def opcode(o: Opcode) -> tuple[int, ...]:
    """Its bytes."""
    return PREFIX, *u(o.code - PREFIXED)


def lane(body: Body, o: Opcode) -> int:
    """One of the lanes that an instruction has."""
    return body.rng.randrange(int(o.immediates[-1].partition(":")[2]))


def typed(o: Opcode) -> tuple[list[str], list[str]]:
    """Names of what it takes and gives."""
    assert o.type is not None
    return [type_name(t) for t in o.type[0]], [type_name(t) for t in o.type[1]]


def constant(body: Body) -> None:
    """Push a vector: lanes that are alike, or numbered, or random bytes."""
    kind = body.rng.randrange(3)
    if kind == 0:
        data = bytes([body.rng.choice((0, 1, 0x7F, 0x80, 0xFF))]) * 16
    else:
        data = bytes(range(16)) if kind == 1 else body.rng.randbytes(16)
    body.op((), ("v128",), *opcode(CONST), *data)


def compute(body: Body) -> None:
    """Some instruction on vectors that touches no memory."""
    kind = body.rng.randrange(10)
    if kind == 0:
        constant(body)
    elif kind == 1:
        body.need(("v128", "v128"))
        body.op(("v128", "v128"), ("v128",), *opcode(SHUFFLE), *(body.rng.randrange(32) for _ in range(16)))
    else:
        o = body.rng.choice(LANES if kind < 4 else PURE)
        pops, pushes = typed(o)
        body.need(tuple(pops))
        body.op(pops, pushes, *opcode(o), *([lane(body, o)] if o.immediates else []))


def access(body: Body, memory: int) -> None:
    """A load or a store of a vector or of one lane."""
    rng = body.rng
    o = rng.choice(LANE_ACCESSES if rng.random() < 0.4 else ACCESSES)
    pops, pushes = typed(o)
    address = body.address(memory)
    if len(pops) == 2:
        body.value("v128")
    body.op((address, *pops[1:]), pushes, *opcode(o), *body.memarg(memory), *([lane(body, o)] if len(o.immediates) > 1 else []))


def folded(body: Body, local: int) -> None:
    """Push both halves of a local, as one i64."""
    for half in (0, 1):
        body.op((), ("v128",), 0x20, *u(local))
        body.op(("v128",), ("i64",), *opcode(EXTRACT64), half)
    body.op(("i64", "i64"), ("i64",), 0x85)
