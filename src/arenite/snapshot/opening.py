"""Opening a snapshot file of any form, and making a frozen machine of it again.

opened = load(Path("s.arn"))
frozen = bind(opened, resolver)
"""

from __future__ import annotations

import functools
import sys
from array import array
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard

from arenite.bytecode.module import WasmFile, file_digest, worth_keeping
from arenite.errors import LinkError, SnapshotError
from arenite.layout.cage import HOST_PAGE
from arenite.light import NamedTuple
from arenite.machine.space.image import Image, rebuilt
from arenite.machine.space.pages import CHUNK, NO_PAGES, Pages
from arenite.snapshot import code as codes
from arenite.snapshot import pages as paging
from arenite.snapshot.checked import Fields
from arenite.snapshot.container import Reader, Section, content_size, decompressed
from arenite.snapshot.contents import read_chunks
from arenite.snapshot.file import LONGEST_CHAIN, Embedded, Opened, Saved, context_sum, module_key
from arenite.snapshot.layout import layout_digest
from arenite.snapshot.limits import DEFAULT, FileLimits
from arenite.snapshot.older import STEPS
from arenite.snapshot.pack import unpack_regions
from arenite.snapshot.travel import Reading, Sizes, count_elements, read_sizes, unused_regions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.bytecode.module import ModuleCode
    from arenite.machine.frozen.freeze import FrozenMachine
    from arenite.snapshot.private import Seal
    from arenite.snapshot.resolver import ModuleResolver, Resolver


class Options(NamedTuple):
    """How to open: see `load`."""

    limits: FileLimits
    verify: bool
    portable: bool
    key: bytes | None = None
    trusted: bool = True

    def read(self, path: Path) -> Reader:
        """The file at a path.  Raises: as `Reader.open`."""
        return Reader.open(path, self.limits, key=self.key, private=not self.trusted)


def load(
    path: Path,
    parent: Opened | Saved | None = None,
    *,
    limits: FileLimits = DEFAULT,
    verify: bool = False,
    portable: bool = False,
    key: bytes | None = None,
    trusted: bool = True,
) -> Opened:
    """Read a snapshot file; nothing of it has run, and its pages are read when they are touched.

    `parent`: of a delta; without it the file is looked for beside this one under the name that it was saved with.
    `limits`: what it may ask for.  `verify`: read and check every page now.  `portable`: pages are copied, not mapped.
    `key`: with which it must have been written.  `trusted`: nobody will change the file while it is used; otherwise it is copied first.
    Raises: `SnapshotError`, `Limit`.
    """
    options = Options(limits, verify, portable, key, trusted)
    return _load(options.read(path), path, parent, options, ())


def _load(reader: Reader, path: Path, parent: Opened | Saved | None, options: Options, below: tuple[str, ...]) -> Opened:
    """`below`: what the snapshots that are deltas of this one are known by."""
    if reader.kind == "delta" and parent is None:
        parent = _find_parent(reader, path, options, (*below, reader.id))
    return _opened(reader, path, parent, options)


def loads(data: bytes, *, limits: FileLimits = DEFAULT, portable: bool = False, key: bytes | None = None) -> Opened:
    """A packed snapshot out of bytes.  Raises: `SnapshotError`, `Limit`."""
    reader = Reader.of(data, "packed snapshot", limits, key)
    return _opened(reader, None, None, Options(limits, verify=True, portable=portable, key=key))


def _find_parent(reader: Reader, path: Path, options: Options, below: tuple[str, ...]) -> Opened:
    """The parent of a delta, beside it.  What it is known by is compared first, so files that name each other end here."""
    parent = Fields(Fields(reader.manifest, reader.name).values.get("parent"), f"{reader.name}: parent")
    name, id_ = parent.text("name", 255), parent.text("id")
    if not name or Path(name).name != name:
        raise reader.error("it is a delta, and its parent is not said: give it as parent=")
    found = path.with_name(name)
    if found == path:
        raise reader.error("it is a delta of itself, or of one of its name in another folder: give the parent as parent=")
    if not found.exists():
        raise reader.error(f"it is a delta of {name!r}, which is not in its folder: give the parent as parent=")
    above = options.read(found)
    if above.id != id_:
        raise reader.error(f"it is a delta of another snapshot than the {name!r} in its folder: give the parent as parent=")
    if id_ in below or len(below) > LONGEST_CHAIN:
        raise reader.error(f"it is a delta of a delta of a delta …, more than {LONGEST_CHAIN} times")
    return _load(above, found, None, options, below)


def _opened(reader: Reader, path: Path | None, parent: Opened | Saved | None, options: Options) -> Opened:
    manifest = Fields(reader.manifest, f"{reader.name}: manifest")
    layout = manifest.text("layout")
    if layout not in STEPS and layout != layout_digest():
        raise reader.error("it was written with another layout of records, which this version of arenite does not read")
    sizes = read_sizes(manifest)
    instances, tables = (len(manifest.sequence(name)) for name in ("instances", "tables"))
    options.limits.check_store(reader.name, sizes.regions[1:], instances, tables)
    modules = _modules(reader, manifest, parent)
    stored, delta, held = _image(reader, manifest, sizes, parent, verify=options.verify, portable=options.portable)
    if context_sum(stored) != manifest.text("context"):
        raise reader.error("the arena's head is damaged")
    line = (None if path is None else path.absolute(), *(() if parent is None or reader.kind != "delta" else parent.line))
    chunks, held = read_chunks(reader, manifest, {} if parent is None or reader.kind != "delta" else parent.chunks, held)
    opened = Opened(
        reader.kind,
        reader.id,
        path,
        reader.name,
        manifest,
        sizes,
        layout,
        stored,
        delta,
        modules,
        line,
        held,
        options.limits,
        reader.seal,
        chunks,
    )
    options.limits.check_elements(reader.name, count_elements(manifest, opened.image, sizes.heap))  # the image is made now
    return opened


def _image(
    reader: Reader, manifest: Fields, sizes: Sizes, parent: Opened | Saved | None, *, verify: bool, portable: bool
) -> tuple[Image, tuple[Sequence[int], ...], int]:
    """The image, `Opened.delta` and `Opened.held`."""
    entries = list(manifest.items("regions", len(sizes.regions)))
    if len(entries) != len(sizes.regions):
        raise manifest.error("regions", f"{len(sizes.regions)} of them")
    unused = unused_regions(manifest, len(entries))
    if reader.kind == "packed":
        unpacked, held = unpack_regions(reader, entries, sizes.regions, unused, portable=portable)
        return Image(unpacked, sizes.regions, (NO_PAGES,) * len(entries)), (), held
    if reader.kind == "delta":
        if parent is None:
            raise reader.error("it is a delta: give its parent")
        if parent.id != manifest.fields("parent").text("id"):
            raise reader.error("it is a delta of another snapshot than the one given")
        if reader.seal is not None:
            _check_seal(reader, manifest.fields("parent"), parent.seal)
        before = parent.in_layout(manifest.text("layout"))
        if before is None:
            raise reader.error("it was written with another layout of records than the snapshot that it is a delta of")
        delta, held = _delta(reader, entries, sizes.regions, parent.held)
        patched = _patched(before, sizes.regions, delta, portable=portable)
        return patched.without(unused), tuple(pages.numbers for pages in delta), held
    places = [Section(f.integer("offset", 0, 1 << 62), f.integer("size", 0, 1 << 40)) for f in entries]
    if [p.size for p in places] != list(sizes.regions):
        raise manifest.error("regions", "as long as arena and memories are")
    for number, (fields, place) in enumerate(zip(entries, places, strict=True)):
        reader.check(place)
        sums = _sums(reader, fields, place.size)
        if number in unused and sums.strip(b"\0"):
            raise reader.error(f"region {number} has pages, but no instance has its memory")
        if verify:
            paging.verify_region(reader, place, sums, f"region {number}")
    if portable:
        template, held = paging.copied(reader, places)
    else:
        template, held = paging.mapped(reader, places), 0
    return Image(template, sizes.regions, (NO_PAGES,) * len(entries)).without(unused), (), held


def _check_seal(reader: Reader, above: Fields, seal: Seal | None) -> None:
    """The parent of a delta that was opened with a key is the very file that it was made against.  Raises: `SnapshotError`."""
    assert reader.seal is not None
    if seal is None or seal.key != reader.seal.key or seal.tag.hex() != above.text("tag"):
        raise reader.error("it is a delta of another snapshot, or of one that was not opened with the same key")


def _sums(reader: Reader, fields: Fields, size: int, more: bytes = b"") -> bytes:
    """The checksums of so many bytes."""
    place = fields.section("sums")
    if place.size != paging.DIGEST * -(-size // CHUNK):
        raise fields.error("sums", "one for each chunk")
    sums = reader.read(place)
    if paging.digest(sums + more).hex() != fields.text("sums_digest"):
        raise reader.error("the checksums are damaged")
    return sums


def _delta(reader: Reader, entries: list[Fields], sizes: tuple[int, ...], held: int) -> tuple[list[Pages], int]:
    """A delta's pages of each region, and `Opened.held`.  They are read, so they are checked.  `held`: the parent's."""
    parts = [(fields.section("numbers"), fields.section("content")) for fields in entries]
    for fields, (places, pages), size in zip(entries, parts, sizes, strict=True):
        count = places.size // 4
        if places.size % 4 or count > size // HOST_PAGE or pages.size != count * HOST_PAGE:
            raise fields.error("content", "a page for each number, and as many as the region has at most")
        held += pages.size
    reader.limits.check_pages(reader.name, held)
    delta = []
    for region, (fields, part, size) in enumerate(zip(entries, parts, sizes, strict=True)):
        numbers, content = array("I", reader.read(part[0])), reader.read(part[1])
        sums = _sums(reader, fields, len(content), numbers.tobytes())
        if sys.byteorder == "big":
            numbers.byteswap()
        if paging.checksums(content) != sums:
            raise reader.error(f"the pages of region {region} are damaged")
        paging.check_numbers(numbers, size)
        delta.append(Pages(numbers, content))
    return delta, held


def _patched(parent: Image, sizes: tuple[int, ...], delta: list[Pages], *, portable: bool) -> Image:
    """The parent's image with a delta's pages over it.  The delta may be the older: regions that have grown since are cut off."""
    before = (parent if portable or parent.template.file is not None else rebuilt(parent)).resized(sizes)
    changed = (paging.union(theirs, ours) for theirs, ours in zip(before.changed, delta, strict=True))
    return Image(before.template, sizes, tuple(changed))


def _modules(reader: Reader, manifest: Fields, parent: Opened | Saved | None) -> tuple[Embedded, ...]:
    """The modules of the manifest; what travels along, here or with the parent, is read when it is wanted."""
    above = {} if parent is None else {module_key(m): m for m in parent.modules}
    here: dict[tuple[str, str], Embedded] = {}
    found, size, packed, counted = [], 0, 0, set[Section]()
    for fields in manifest.items("modules", 1 << 16):
        one = Embedded(fields.text("digest"), fields.text("name"), fields.text("bytecode"), None, None)
        if fields.has("wasm") and module_key(one) not in here:
            parts = [reader.check(fields.section(name)) for name in ("wasm", "carried")]
            file, code = (content_size(reader, part) for part in parts)
            size += file + code
            packed += sum(part.size for part in set(parts) - counted)
            counted.update(parts)
            reader.limits.check_modules(reader.name, size, min(packed, reader.size))
            wasm, carried = (functools.partial(reader.read, part) for part in parts)
            here[module_key(one)] = replace(one, wasm=wasm, bytecode=carried, size=file)
        found.append(here.get(module_key(one)) or above.get(module_key(one)) or one)
    return tuple(found)


def bind(opened: Opened, resolver: Resolver) -> FrozenMachine:
    """The frozen machine of a file, its modules and imports found.

    Raises: `SnapshotError`, `LinkError`, `Limit`, what the resolver raises.
    """
    known = {m: module_of(opened, m, resolver) for m in dict.fromkeys(opened.modules)}
    modules = tuple(known[m] for m in opened.modules)
    # a module that comes twice has its bytecode in the window twice
    opened.limits.check_modules(opened.name, sum(len(code.bytecode) for code in modules))
    return Reading(opened.manifest, opened.sizes, modules, opened.chunks).frozen(opened.image, resolver)


def module_of(opened: Opened, module: Embedded, resolver: ModuleResolver) -> ModuleCode:
    """One of a snapshot's modules, found as `bind` says."""
    code = resolver.module(module.digest)
    name = f"the module {module.name!r} ({module.digest[:12]}…)"
    paid: int | None = None
    if code is None:
        if module.wasm is None:
            raise LinkError(f"{opened.name}: {name} is neither in the snapshot nor among the modules given")
        wasm = WasmFile(functools.partial(_checked_file, opened, module), _digest(module))
        known = resolver.kept(wasm, module)
        if known is not None:
            if known.data.any_passive:  # the guest may ask for them: whether the file is whole is found out before it goes on
                _ = known.file
            return known
        paid = len(module.wasm())
        code = _travelled(module, wasm.data, paid, resolver) or resolver.translate(wasm.data, paid)
    if codes.bytecode_digest(code) == module.bytecode_digest:
        return code
    if module.bytecode is None:
        raise SnapshotError(
            f"{opened.name}: this version of arenite translates {name} otherwise than the one that made the snapshot, "
            "and the bytecode does not travel along"
        )
    restored = codes.restored(module.bytecode(), resolver.structure(code.file, len(code.file) if paid is None else paid))
    resolver.keep(restored, module)
    return restored


def _travelled(module: Embedded, wasm: bytes, paid: int, resolver: ModuleResolver) -> ModuleCode | None:
    """What travels along, where verifying it takes less time than translating and it is what the snapshot was made with."""
    if not worth_keeping(module.size) or module.bytecode is None:
        return None
    decoded = resolver.structure(wasm, paid)
    try:
        code = codes.restored(module.bytecode(), decoded)
    except SnapshotError:
        return None
    if (
        codes.bytecode_digest(code) != module.bytecode_digest
    ):  # an older version made it: whether its code is still ours is seen below
        return None
    resolver.keep(code, module)
    return code


def _digest(module: Embedded) -> bytes:
    """What a module's file is known by; nothing's digest where the manifest has none."""
    try:
        return bytes.fromhex(module.digest)
    except ValueError:
        return b""


def _checked_file(opened: Opened, module: Embedded) -> bytes:
    """The file of a module that travels along.  Raises: `SnapshotError`."""
    assert module.wasm is not None
    data = _module_file(module.wasm(), opened)
    if file_digest(data).hex() != module.digest:
        raise SnapshotError(f"{opened.name}: the module {module.name!r} ({module.digest[:12]}…) is damaged")
    return data


def _module_file(data: bytes, opened: Opened) -> bytes:
    """A module's own file.  Raises: `SnapshotError`."""
    try:
        return decompressed(data, opened.limits.modules)
    except zstandard.ZstdError as error:
        raise SnapshotError(f"{opened.name}: a module is damaged: {error}") from error
