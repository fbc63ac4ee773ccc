"""What a frozen machine has beyond one that both sides have already (the *base*), as few bytes that are read at once.

For machines whose guests have only run since then: modules, instances, functions, references are the base's own, so nothing of these is
said, found or checked again.  Pages that differ are compressed with the base's as the dictionary.  There is no file, and nothing is mapped.

    header    magic, version, whether it has a tag, the base's name, sizes of the parts
    head      a Zstandard frame: what is said of the machine (JSON), numbers of pages, chunks of host modules
    pages     a Zstandard frame: the pages, one after the other
    sum       of all that (XXH3); with a key, a tag (BLAKE2b) behind it

Bytes are read as a snapshot's file is: nothing is believed, sizes are bounded before anything is taken, and a key says who wrote them.

Example:  Base(frozen, name).loads(Base(frozen, name).dumps(other, limits), limits)
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
import sys
from array import array
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import xxhash
import zstandard

from arenite.errors import SnapshotError
from arenite.layout.cage import AREA_MEMORY_MAX, ARENA_MAX, HOST_PAGE
from arenite.layout.types import PAGE_SIZE
from arenite.machine.frozen.freeze import FrozenMachine
from arenite.machine.space.image import Image
from arenite.machine.space.pages import NO_PAGES, Pages
from arenite.snapshot import pages as paging
from arenite.snapshot import values
from arenite.snapshot.checked import Fields
from arenite.snapshot.container import decompressed
from arenite.snapshot.contents import reached, read_into
from arenite.snapshot.describing import executions
from arenite.snapshot.layout import layout_digest
from arenite.snapshot.manifest import canonical, check
from arenite.snapshot.private import checked_key
from arenite.snapshot.travel import Reading, Sizes, count_elements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arenite.machine.run.chunks import Chunk
    from arenite.machine.run.hosts import HostState
    from arenite.snapshot.limits import FileLimits

MAGIC: Final = b"\x89arn-rel"
VERSION: Final = 1
HEADER: Final = struct.Struct("<8sHH32sIIII")  # magic, version, tagged, base; bytes of JSON, head unpacked, head, pages
SUM: Final = 16
TAG: Final = 32
LEVEL: Final = 3
MOST_KNOWN: Final = 1024  # pages of a base's region that are kept
NAME: Final = "a dumped store"


def is_relative(data: bytes) -> bool:
    """Whether bytes say that they are of this form."""
    return data[: len(MAGIC)] == MAGIC


class Base:
    """A frozen machine that both sides have, under a name of 32 bytes that no other has."""

    def __init__(self, frozen: FrozenMachine, name: bytes) -> None:
        assert len(name) == 32
        self.frozen = frozen
        self.image = frozen.image  # the machine may get another, of the same content
        self.name = name
        self._known: list[dict[int, bytes]] = [
            {} for _ in self.image.sizes
        ]  # pages that were asked for: boxes write to much the same ones

    @cached_property
    def chunks(self) -> Mapping[bytes, Chunk]:
        """What its host modules hold."""
        return reached(self.frozen.host_states)

    @cached_property
    def tables(self) -> list[dict[str, int]]:
        """Its tables, each once, as a manifest says where they are."""
        return [
            {"at": at} for at in sorted({table.at for instance in self.frozen.registry.instances for table in instance.tables})
        ]

    def carries(self, frozen: FrozenMachine) -> bool:
        """Whether a machine can be said by what it has beyond this one."""
        mine = self.frozen
        same = frozen.registry is mine.registry and frozen.window is mine.window and frozen.modules == mine.modules
        return same and (frozen.heap, frozen.stack_limit, frozen.areas) == (mine.heap, mine.stack_limit, mine.areas)

    def pages(self, numbers: list[array[int]]) -> bytes:
        """Its own pages of these numbers, by region, as far as it has them."""
        parts = list[bytes]()
        for region, wanted in enumerate(numbers[: len(self.image.sizes)]):
            known = self._known[region]
            try:
                parts += [known[number] for number in wanted]
            except KeyError:
                most = self.image.sizes[region] // HOST_PAGE
                parts += [self._page(region, number) for number in wanted if number < most]
        return b"".join(parts)

    def _page(self, region: int, number: int) -> bytes:
        known = self._known[region]
        page = known.get(number)
        if page is None:
            page = self.image.page(region, number)
            if len(known) < MOST_KNOWN:
                known[number] = page
        return page

    def dumps(self, frozen: FrozenMachine, limits: FileLimits, key: bytes | None = None) -> bytes:
        """A machine that this one carries.  Raises: `SnapshotError` naming what cannot travel, `Limit`."""
        assert self.carries(frozen)
        key = checked_key(key)
        differing = [self._differing(frozen.image, region) for region in range(len(frozen.image.sizes))]
        chunks = [chunk for address, chunk in reached(frozen.host_states).items() if address not in self.chunks]
        said = canonical(
            {
                "layout": layout_digest(),
                "arena": frozen.image.sizes[0],
                "memories": list(frozen.image.sizes[1:]),
                "pages": [len(pages) for pages in differing],
                "executions": executions(frozen),
                "fuel": frozen.fuel,
                "hosts": {name: self._said(name, state) for name, state in frozen.host_states.items()},
            }
        )
        check(said, limits, NAME)
        numbers = [array("I", pages.numbers) for pages in differing]
        content = b"".join(bytes(pages.content) for pages in differing)
        parts = [said, *map(little, numbers), *(part for chunk in chunks for part in (chunk.head(), bytes(chunk.data)))]
        head = b"".join(parts)
        limits.check_pages(NAME, len(head) + len(content))
        packed_head = zstandard.ZstdCompressor(level=LEVEL).compress(head)
        packed_pages = zstandard.ZstdCompressor(level=LEVEL, dict_data=dictionary(self.pages(numbers))).compress(content)
        sizes = len(said), len(head), len(packed_head), len(packed_pages)
        body = HEADER.pack(MAGIC, VERSION, key is not None, self.name, *sizes) + packed_head + packed_pages
        return body + xxhash.xxh3_128_digest(body) + (b"" if key is None else tag(body, key))

    def _differing(self, image: Image, region: int) -> Pages:
        """Pages of a region that are not its own; of those that a store has written, some are as they were."""
        found, known = (
            paging.difference(image, self.image, region),
            self.image.sizes[region] if region < len(self.image.sizes) else 0,
        )
        view, kept = memoryview(found.content), list[int]()
        for at, number in enumerate(found.numbers):
            same = (number + 1) * HOST_PAGE <= known and self._page(region, number) == bytes(
                view[at * HOST_PAGE : (at + 1) * HOST_PAGE]
            )
            if not same:
                kept.append(at)
        if len(kept) == len(found):
            return found
        content = b"".join([view[at * HOST_PAGE : (at + 1) * HOST_PAGE] for at in kept])
        return Pages(array("I", [found.numbers[at] for at in kept]), content)

    def _said(self, name: str, state: HostState) -> Any:  # noqa: ANN401 (JSON)
        """A host module's state; what of a mapping is the base's too is only named."""
        before = self.frozen.host_states.get(name)
        if not isinstance(state, dict) or not isinstance(before, dict):
            return {"same": [], "state": values.state(state)}
        same = sorted(each for each, value in state.items() if isinstance(value, list) and value and value == before.get(each))
        return {"same": same, "state": values.state({each: value for each, value in state.items() if each not in same})}

    def loads(self, data: bytes, limits: FileLimits, key: bytes | None = None) -> FrozenMachine:
        """The machine.  `key`: with which it must have been written.  Raises: `SnapshotError`, `Limit`."""
        said_size, head_size, first, second = self._checked(data, checked_key(key))
        limits.check_pages(NAME, head_size)
        at = HEADER.size
        head = unpacked(data[at : at + first], head_size)
        said = self._parsed(head[:said_size], limits)
        sizes = self._sizes(said, limits)
        numbers, at_chunks = self._numbers(said, sizes, head, said_size)
        count = sum(map(len, numbers))
        limits.check_pages(NAME, head_size + count * HOST_PAGE)
        content = unpacked(data[at + first : at + first + second], count * HOST_PAGE, dictionary(self.pages(numbers)))
        image = self._image(sizes, numbers, content)
        chunks = dict(self.chunks)
        if at_chunks < len(head):
            read_into(chunks, head[at_chunks:], limits, NAME, head_size + len(content))
        return self._frozen(said, sizes, image, chunks, limits)

    def _checked(self, data: bytes, key: bytes | None) -> tuple[int, int, int, int]:
        """Sizes of the parts of what is whole, of this base, and of who has the key."""
        if len(data) < HEADER.size + SUM or not is_relative(data):
            raise damaged("they are none")
        _, version, tagged, name, *sizes = HEADER.unpack_from(data)
        said, head, first, second = sizes
        end = HEADER.size + first + second
        body = memoryview(data)[:end]
        if len(data) != end + SUM + TAG * tagged or tagged > 1 or data[end : end + SUM] != xxhash.xxh3_128_digest(body):
            raise damaged("they are cut off, or were changed")
        if key is not None and not (tagged and hmac.compare_digest(tag(body, key), data[end + SUM :])):
            raise damaged("they were not written with this key")
        if version != VERSION:
            raise damaged("they were written by another version of arenite")
        if name != self.name:
            raise damaged("they belong to another image than the one that is here")
        if said > head:
            raise damaged("their head is none")
        return said, head, first, second

    def _parsed(self, text: bytes, limits: FileLimits) -> Fields:
        try:
            check(text, limits, NAME)
            said = Fields(json.loads(text), NAME)
        except (ValueError, RecursionError) as error:
            raise damaged(f"their head is none: {error}") from error
        if said.text("layout") != layout_digest():
            raise damaged("they were written with another layout of records")
        return said

    def _sizes(self, said: Fields, limits: FileLimits) -> Sizes:
        """Those of regions, which never shrink."""
        mine = self.image.sizes
        arena, memories = said.integer("arena", mine[0], HOST_PAGE + ARENA_MAX), said.integers("memories", AREA_MEMORY_MAX)
        grown = len(memories) == len(mine) - 1 and all(
            n >= m and n % PAGE_SIZE == 0 for n, m in zip(memories, mine[1:], strict=True)
        )
        if not grown or arena % HOST_PAGE:
            raise said.error("memories", "sizes of at least those of the image")
        limits.check_store(NAME, memories, len(self.frozen.registry.instances), len(self.tables))
        return Sizes((arena, *memories), self.frozen.heap, self.frozen.stack_limit)

    def _numbers(self, said: Fields, sizes: Sizes, head: bytes, at: int) -> tuple[list[array[int]], int]:
        """Numbers of pages by region, and what lies behind them."""
        counts = said.integers("pages", max(sizes.regions) // HOST_PAGE)
        if len(counts) != len(sizes.regions) or at + 4 * sum(counts) > len(head):
            raise said.error("pages", "how many there are of each region")
        found = []
        for count, size in zip(counts, sizes.regions, strict=True):
            numbers = array("I", head[at : at + 4 * count])
            if sys.byteorder == "big":
                numbers.byteswap()
            paging.check_numbers(numbers, size)
            found.append(numbers)
            at += 4 * count
        return found, at

    def _image(self, sizes: Sizes, numbers: list[array[int]], content: bytes) -> Image:
        view, at, changed = memoryview(content), 0, list[Pages]()
        before = self.image if sizes.regions == self.image.sizes else self.image.resized(sizes.regions)
        for own, wanted in zip(before.changed, numbers, strict=True):
            end = at + len(wanted) * HOST_PAGE
            pages = Pages(wanted, view[at:end], once=True) if len(wanted) else NO_PAGES
            changed.append(paging.union(own, pages))
            at = end
        return Image(before.template, sizes.regions, tuple(changed))

    def _frozen(
        self, said: Fields, sizes: Sizes, image: Image, chunks: Mapping[bytes, Chunk], limits: FileLimits
    ) -> FrozenMachine:
        mine, registry = self.frozen, self.frozen.registry
        said.values["instances"] = registry.instances
        reading = Reading(said, sizes, mine.modules, chunks)
        reading.check_tags(list(registry.tags.values()), image)
        limits.check_elements(NAME, count_elements(Fields({"tables": self.tables}, NAME), image, sizes.heap))
        return FrozenMachine(
            image=image,
            trusted=False,
            heap=mine.heap,
            stack_limit=mine.stack_limit,
            areas=mine.areas,
            modules=mine.modules,
            window=mine.window,
            registry=registry,
            activations=reading.executions(mine.window),
            fuel=reading.fuel(),
            hosts=mine.hosts,
            host_states=self._states(said, chunks),
            lineage=mine.lineage,
        )

    def _states(self, said: Fields, chunks: Mapping[bytes, Chunk]) -> dict[str, HostState]:
        found: dict[str, HostState] = {}
        hosts = said.fields("hosts")
        for name in hosts.values:
            one = hosts.fields(name)
            state, same = values.read_state(one.values.get("state"), chunks), one.sequence("same")
            if same:
                before = mine_of(self, name)
                if not isinstance(state, dict) or not all(isinstance(each, str) and each in before for each in same):
                    raise one.error("same", "what the image has too")
                state = state | {str(each): before[str(each)] for each in same}
            found[name] = state
        return found


def mine_of(base: Base, name: str) -> dict[str, HostState]:
    """What a base's host module has under names."""
    state = base.frozen.host_states.get(name)
    return state if isinstance(state, dict) else {}


def damaged(what: str) -> SnapshotError:
    """What to raise."""
    return SnapshotError(f"{NAME}: bytes of which is to be made one: {what}")


def tag(body: bytes | memoryview, key: bytes) -> bytes:
    """What only who has the key can write."""
    return hashlib.blake2b(body, key=key, digest_size=TAG, person=b"arenite relative").digest()


def little(numbers: array[int]) -> bytes:
    """Numbers, the lowest byte first."""
    if sys.byteorder == "big":
        numbers = array("I", numbers)
        numbers.byteswap()
    return numbers.tobytes()


def dictionary(content: bytes) -> zstandard.ZstdCompressionDict | None:
    """What is compressed beside it refers to it; None for nothing."""
    return zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_RAWCONTENT) if len(content) >= HOST_PAGE else None


def unpacked(data: bytes, size: int, known: zstandard.ZstdCompressionDict | None = None) -> bytes:
    """A frame's content, which is so long.  Raises: `SnapshotError`."""
    try:
        found = decompressed(data, size, known)
    except zstandard.ZstdError as error:
        raise damaged(f"what is compressed is damaged: {error}") from error
    if len(found) != size:
        raise damaged("what is compressed has another length than is said")
    return found
