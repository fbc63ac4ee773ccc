"""What older versions wrote, made to what this one would have written.

A manifest names the layout of the records in its arena, and bytecode that travels along the signatures of its ops.  `STEPS` leads from each
older layout to a younger one and in the end to the present one; `WORDS` and `OPS` say which op of today an older signature means.  A row that is
here stays for ever; the snapshots kept in tests/snapshots hold one of each.

Everything that is read is hostile.  What makes no sense is left as it is: opening the snapshot finds it, or looking at it shows it.

    image = converted(stored, sizes, manifest, "b41944e05fba429e", layout_digest(), allow)
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from arenite.errors import SnapshotError
from arenite.layout.cage import HOST_PAGE, STACK_AT
from arenite.light import NamedTuple
from arenite.machine.space.image import ARENA, Image
from arenite.machine.space.pages import collected
from arenite.snapshot.pages import union

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.layout.types import FuncType
    from arenite.snapshot.checked import Fields
    from arenite.snapshot.travel import Sizes

Ranges = list[tuple[int, int]]
Allow = Callable[[int], None]


class Step(NamedTuple):
    """From one layout to the next.  `to`: that one's digest; `convert`: makes the new content of a snapshot's arena.

    It asks first, of `Allow`, whether it may take so many bytes.
    """

    to: str
    convert: Callable[[Image, Sizes, Fields, Allow], Image]


class OlderOp(NamedTuple):
    """An op as it is called now.  `digests`: operands that name a type, by its digest where today it is an index."""

    name: str
    digests: tuple[str, ...] = ()


def converted(image: Image, sizes: Sizes, manifest: Fields, layout: str, wanted: str, allow: Allow) -> Image | None:
    """A snapshot's content in a younger layout than it was written in; None if no way leads there.

    `allow`: is asked before memory is taken, with how many bytes.  Raises: what that raises.
    """
    while layout != wanted:
        step = STEPS.get(layout)
        if step is None:
            return None
        image, layout = step.convert(image, sizes, manifest, allow), step.to
    return image


def renamed(signature: str) -> str:
    """A signature in today's words."""
    for word, now in WORDS.items():
        signature = signature.replace(word, now)
    return signature


def type_digest(type_: FuncType) -> int:
    """How code and references once named a type: 32 bits of a digest of its text."""
    word = hashlib.blake2b(str(type_).encode(), digest_size=4).digest()
    return max(int.from_bytes(word, "little"), 2)


# from b41944e05fba429e: references held their types' digests

REFERENCE: Final = 16  # bytes of a reference; the digest was its first word
FUNCREFS, DROPPED = 12, 16  # in an instance: where its references lie, and what was allocated next


def _without_digests(image: Image, sizes: Sizes, manifest: Fields, allow: Allow) -> Image:
    """Zeros for the digests, so that machines that are equal stay equal bytes."""
    references = _references(image, sizes, manifest)
    allow(sum(HOST_PAGE * (stop // HOST_PAGE - start // HOST_PAGE + 1) for start, stop in references))
    zeros, found = array("I", bytes(HOST_PAGE)), []
    for number, page, parts in _pages_with(image, references):
        words = array("I", page)
        for start, stop in parts:
            words[start // 4 : stop // 4 : REFERENCE // 4] = zeros[: (stop - start) // REFERENCE]
        found.append((number, words.tobytes()))
    changed = union(image.changed[ARENA], collected(found))
    return Image(image.template, image.sizes, (changed, *image.changed[1:]))


def _references(image: Image, sizes: Sizes, manifest: Fields) -> Ranges:
    """(start, stop) in the arena of the references that the manifest and its instances name: ascending, apart."""
    found = [(at, at + REFERENCE) for at in _places(manifest, "functions")]
    for at in _places(manifest, "instances"):
        if at + DROPPED + 4 <= sizes.heap:
            start, stop = _word(image, at + FUNCREFS), _word(image, at + DROPPED)
            found.append((start, stop - stop % REFERENCE))
    apart: Ranges = []
    for start, stop in sorted(found):
        if start % REFERENCE or not STACK_AT <= start < stop <= sizes.heap:
            continue
        if apart and start <= apart[-1][1]:
            start, stop = apart[-1][0], max(stop, apart.pop()[1])  # noqa: PLW2901 (one range of two)
        apart.append((start, stop))
    return apart


def _places(manifest: Fields, name: str) -> Iterator[int]:
    """Where the things of a list of the manifest's lie, as far as that can be read."""
    try:
        things = manifest.sequence(name)
    except SnapshotError:
        return
    for thing in things:
        at = thing.get("at") if isinstance(thing, dict) else None
        if isinstance(at, int) and at >= STACK_AT and at % REFERENCE == 0:
            yield at


def _word(image: Image, at: int) -> int:
    """A u32 of the arena."""
    number, start = divmod(HOST_PAGE + at, HOST_PAGE)
    return int.from_bytes(image.page(ARENA, number)[start : start + 4], "little")


def _pages_with(image: Image, ranges: Ranges) -> Iterator[tuple[int, bytes, Ranges]]:
    """(number, bytes, parts that lie in `ranges`) of the region's pages that are not zero and have such parts."""
    index = 0
    for number, page in image.pages(ARENA):
        begin, end = (number - 1) * HOST_PAGE, number * HOST_PAGE  # in the arena, which begins behind the store page
        while index < len(ranges) and ranges[index][1] <= begin:
            index += 1
        if index == len(ranges):
            return
        parts, at = [], index
        while at < len(ranges) and ranges[at][0] < end:
            parts.append((max(ranges[at][0], begin) - begin, min(ranges[at][1], end) - begin))
            at += 1
        if parts:
            yield number, page, parts


# from d2e5ff726d06c12a: nothing was called by a tail call, and a frame's header had a word that was 0
# from 0800988237b49102: there were no tags, and no exceptions


def _unchanged(image: Image, sizes: Sizes, manifest: Fields, allow: Allow) -> Image:  # noqa: ARG001 (as of every step)
    """What it is now."""
    return image


STEPS: Final = {
    "b41944e05fba429e": Step("d2e5ff726d06c12a", _without_digests),
    "d2e5ff726d06c12a": Step("0800988237b49102", _unchanged),
    "0800988237b49102": Step("104af0c448468198", _unchanged),
}

EARLIER_FIELDS: Final = {"rest": "progress"}  # of a manifest
WORDS: Final = {" wide": " i64", "own:u32@": "old_header:u32@"}  # in signatures of ops

OPS: Final = {
    "call_indirect(index:i32@2 disp:u32@4 type_:u32@8 frame:u32@12 header:u32@16)": OlderOp("call_indirect", ("type_",)),
    "call_import(disp:u32@4 type_:u32@8 frame:u32@12 header:u32@16)": OlderOp("call_import", ("type_",)),
}
