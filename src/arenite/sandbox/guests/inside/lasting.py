"""The objects that are there when a CPython guest is frozen: every box has them for good, so nobody need count who uses them.

Counting is writing: without it a line of code writes to some hundred pages of a box's memory, for no more than to say that it has looked there.  CPython has
a number of references that it leaves alone; the host gives it to what is listed here, while the guest waits.

Another thing that spreads over pages is what a box allocates: wherever something was freed before.  So such holes are filled, and a box finds its memory in one place.

Example:  fill(); tell("/run/arenite/lasting")
"""

from __future__ import annotations

import array
import gc
import types

PASSING = (types.FrameType, types.TracebackType, types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)


HOLES = 1 << 15  # that are filled at most
SIZES = (*range(1 << 14, 1 << 10, -512), *range(1 << 10, 0, -8))  # bytes of what they are filled with
filling: list[list[object]] = []


def fill() -> None:
    """Fill the holes in the heap, larger ones first, each for as long as there is one that something fits in: what lies behind the heap's end is none."""
    gc.collect()  # free lists are holes, too
    pieces: list[object] = [None] * HOLES
    filling.append(pieces)
    end = id(bytes(1 << 20))
    at, piece = 0, object()
    for size in SIZES:
        while at < HOLES:
            piece = bytes(size)
            if id(piece) >= end:
                break
            pieces[at] = piece
            at += 1
    while at < HOLES and id(piece := object()) < end:  # the smallest that there is
        pieces[at] = piece
        at += 1


def members(value: object) -> list[object]:
    """What an object refers to."""
    found = gc.get_referents(value)
    if isinstance(value, types.CodeType):
        found += [value.co_consts, value.co_names, value.co_filename, value.co_name, value.co_qualname, value.co_linetable]
        found += [value.co_exceptiontable]
    elif isinstance(value, type):
        found += gc.get_referents(vars(value)) + type.__subclasses__(value)
    return found


def tell(path: str) -> None:
    """Write the addresses of all objects that are there into a file, as u32.  The first is that of None, which lasts already."""
    gc.collect()
    todo = gc.get_objects()
    places = array.array("I", [id(None)])
    seen = {id(todo), id(places)}
    todo.append(object)
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if not isinstance(value, PASSING):
            places.append(id(value))
            todo += members(value)
    with open(path, "wb", buffering=0) as file:  # noqa: PTH123 (another module would have to be imported)
        file.write(places)
