"""Saving a frozen machine as a file and opening it again, in each form.

id_ = save(frozen, Path("s.arn"), Form())                     # image: mapped back, for starting at once
id_ = save(frozen, Path("d.arn"), Form(parent=opened))        # delta: the pages that are not the parent's
id_ = save(frozen, Path("p.arn"), Form(packed=True))          # packed: small, for shipping
opened = load(Path("s.arn"))
frozen = bind(opened, modules, windows, find)
"""

from __future__ import annotations

import functools
import os
import sys
import tempfile
from array import array
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import zstandard

from arenite import platform
from arenite.errors import Limit, LinkError, SnapshotError
from arenite.layout.cage import HOST_PAGE, MEMORY_MAX
from arenite.machine.image import ARENA, CHUNK, NO_PAGES, Image, Pages, PortableTemplate, rebuilt
from arenite.snapshot import code as codes
from arenite.snapshot import pages as paging
from arenite.snapshot.checked import Fields
from arenite.snapshot.container import Reader, Section, Writer, decompressed
from arenite.snapshot.layout import layout_digest
from arenite.snapshot.older import STEPS, converted
from arenite.snapshot.pack import pack_regions, unpack_regions
from arenite.snapshot.travel import Dump, Find, Load, Reading, Sizes, describe, read_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.bytecode.module import ModuleCode
    from arenite.machine.freeze import Frozen
    from arenite.machine.hosts import Hosts
    from arenite.machine.window import Windows

Progress = Callable[[int, int], object]  # (bytes done, bytes in all)
FindModule = Callable[[str], "ModuleCode | None"]  # by the digest of its file
Decode = Callable[[bytes], "ModuleCode"]
LONGEST_CHAIN: Final = 100  # deltas of deltas
LARGEST_MODULE: Final = 1 << 30


def nothing(_done: int, _total: int) -> None:
    """The progress that nobody looks at."""


@dataclass(frozen=True)
class Form:
    """How to save.  `embed`: the modules travel along.  `dump`: makes bytes of the host's objects that the guest holds."""

    parent: Opened | Saved | None = None
    packed: bool = False
    embed: bool = True
    dump: Dump | None = None
    progress: Progress = nothing


class Options(NamedTuple):
    """How to open: see `load`."""

    largest: int
    verify: bool
    portable: bool


@dataclass(frozen=True)
class Embedded:
    """A module of a snapshot.  `wasm`, `bytecode`: as they travel along, compressed; None where they do not."""

    digest: str
    name: str
    bytecode_digest: str
    wasm: Callable[[], bytes] | None
    bytecode: Callable[[], bytes] | None


@dataclass(frozen=True)
class Saved:
    """A frozen machine that has been saved: what a delta needs of its parent.  `line`: as of `Opened`."""

    id: str
    path: Path
    image: Image
    modules: tuple[Embedded, ...]
    line: tuple[Path | None, ...]

    def in_layout(self, layout: str) -> Image | None:
        """The image as a delta of it wants it; None for a layout that is not the present one."""
        return self.image if layout == layout_digest() else None


@dataclass(frozen=True)
class Opened:
    """A snapshot file whose manifest has been read; its pages lie in the file still.

    `layout`, `stored`: of the file's records, and its pages in it; `image`: in the present layout.  `own`: of a delta, by region, the
    numbers of the pages that it has instead of its parent's.
    `line`: where it lies, and, of a delta, where its parent lies, and so on; None for one that came as bytes.
    """

    kind: str
    id: str
    path: Path | None
    name: str
    manifest: Fields
    sizes: Sizes
    layout: str
    stored: Image
    image: Image
    own: tuple[Sequence[int], ...]
    modules: tuple[Embedded, ...]
    line: tuple[Path | None, ...]

    def in_layout(self, layout: str) -> Image | None:
        """The image as a delta that was written in a layout wants it; None for one that is older than the file's own, or unknown."""
        return converted(self.stored, self.sizes, self.manifest, self.layout, layout)


def save(frozen: Frozen, path: Path, form: Form) -> Saved:
    """Write a snapshot file.  Raises: `SnapshotError` when something cannot travel, or cannot be written; then no file appears."""
    if form.parent is not None:
        _check_line(path, form.parent.line)
    there = {_key(m) for m in form.parent.modules if m.wasm is not None} if form.parent is not None else set()
    modules = tuple(_module(code, embed=form.embed, there=there) for code in frozen.modules)
    with Writer(path) as out:
        id_ = _write(out, frozen, form, {_key(m) for m in modules if m.wasm is not None} - there)
    line = () if form.parent is None else form.parent.line
    return Saved(id_, path, frozen.image, modules, (path.absolute(), *line))


def _check_line(path: Path, line: tuple[Path | None, ...]) -> None:
    """Raises: `SnapshotError` when a delta at `path` of what lies there could not be opened."""
    if len(line) > LONGEST_CHAIN:
        raise SnapshotError(f"{path}: a delta of a delta of a delta …, more than {LONGEST_CHAIN} times: save it whole")
    if _entry(path) in {place for p in line if p is not None for place in (_entry(p), Path(os.path.realpath(p)))}:
        raise SnapshotError(f"{path}: a delta cannot take the place of its parent, or of what that is a delta of")


def _entry(path: Path) -> Path:
    """The name that a file of this path is replaced under, without symbolic links on the way to it."""
    return Path(os.path.realpath(path.parent)) / path.name


def _key(module: Embedded) -> tuple[str, str]:
    return module.digest, module.bytecode_digest


def _module(code: ModuleCode, *, embed: bool, there: set[tuple[str, str]]) -> Embedded:
    """A module of what is saved.  `there`: those that travel along with the parent."""
    found = Embedded(code.digest.hex(), code.name, codes.bytecode_digest(code), None, None)
    if not embed and _key(found) not in there:
        return found
    return replace(found, wasm=functools.partial(codes.compressed_file, code), bytecode=functools.partial(codes.carried, code))


def dumps(frozen: Frozen, form: Form) -> bytes:
    """A snapshot file's bytes.  Raises: `SnapshotError` when something cannot travel."""
    with tempfile.TemporaryDirectory(prefix="arenite") as folder:
        path = Path(folder) / "snapshot"
        save(frozen, path, form)
        return path.read_bytes()


def _write(out: Writer, frozen: Frozen, form: Form, embedded: set[tuple[str, str]]) -> str:
    """Everything but the name of the file; what the snapshot is known by."""
    manifest = describe(frozen, form.dump) | {"layout": layout_digest(), "context": _context(frozen.image)}
    manifest["modules"] = [_write_module(out, code, embedded) for code in frozen.modules]
    if form.packed:
        kind = "packed"
        manifest["regions"] = pack_regions(out, frozen.image, form.progress)
    elif form.parent is not None:
        kind = "delta"
        manifest["parent"] = {"id": form.parent.id, "name": _name(form.parent.path)}
        manifest["regions"] = _write_delta(out, frozen.image, form.parent.image)
    else:
        kind = "image"
        manifest["regions"] = _write_regions(out, frozen.image, form.progress)
    return out.finish(kind, manifest)


def _name(path: Path | None) -> str:
    """The name that a parent is looked for under; empty where there is none that a manifest can say."""
    name = "" if path is None else path.name
    return name if name == name.encode(errors="replace").decode() else ""


def _context(image: Image) -> str:
    """The checksum of the store context, the head of the arena, which is looked at whenever a snapshot is opened."""
    return paging.digest(image.page(ARENA, 0)).hex()


def _place(section: Section) -> dict[str, int]:
    return {"offset": section.offset, "size": section.size}


def _write_module(out: Writer, code: ModuleCode, embedded: set[tuple[str, str]]) -> dict[str, Any]:
    entry: dict[str, Any] = {"digest": code.digest.hex(), "name": code.name, "bytecode": codes.bytecode_digest(code)}
    if (entry["digest"], entry["bytecode"]) in embedded:
        entry["wasm"] = _place(out.section(codes.compressed_file(code)))
        entry["carried"] = _place(out.section(codes.carried(code)))
    return entry


def _write_regions(out: Writer, image: Image, progress: Progress) -> list[dict[str, Any]]:
    total, done, entries = sum(image.sizes), 0, []
    for region, size in enumerate(image.sizes):
        start = done
        place, sums = paging.write_region(out, image, region, lambda at, start=start: progress(start + at, total))  # type: ignore[misc]
        entries.append({**_place(place), "sums": _place(out.section(sums)), "sums_digest": paging.digest(sums).hex()})
        done += size
    progress(total, total)
    return entries


def _write_delta(out: Writer, image: Image, parent: Image) -> list[dict[str, Any]]:
    entries = []
    for region in range(len(image.sizes)):
        changed = paging.difference(image, parent, region)
        sums = paging.checksums(changed.content)
        numbers = array("I", changed.numbers)
        if sys.byteorder == "big":
            numbers.byteswap()
        entries.append(
            {
                "numbers": _place(out.section(numbers.tobytes())),
                "content": _place(out.section(bytes(changed.content))),
                "sums": _place(out.section(sums)),
                "sums_digest": paging.digest(sums + numbers.tobytes()).hex(),
            }
        )
    return entries


def load(
    path: Path,
    parent: Opened | Saved | None = None,
    *,
    largest: int = MEMORY_MAX,
    verify: bool = False,
    portable: bool = False,
) -> Opened:
    """Read a snapshot file; nothing of it has run, and its pages are read when they are touched.

    `parent`: of a delta; without it the file is looked for beside this one under the name that it was saved with.
    `largest`: bytes that a memory may have.  `verify`: read and check every page now.  `portable`: pages are copied, not mapped.
    Raises: `SnapshotError`, `Limit`.
    """
    return _load(path, parent, Options(largest, verify, portable), ())


def _load(path: Path, parent: Opened | Saved | None, options: Options, below: tuple[str, ...]) -> Opened:
    """`below`: what the snapshots that are deltas of this one are known by."""
    reader = Reader.open(path)
    if reader.kind == "delta" and parent is None:
        parent = _find_parent(reader, path, options, (*below, reader.id))
    return _opened(reader, path, parent, options)


def loads(data: bytes, *, largest: int = MEMORY_MAX, portable: bool = False) -> Opened:
    """A packed snapshot out of bytes.  Raises: `SnapshotError`, `Limit`."""
    reader = Reader(platform.memfd("arenite packed snapshot", data), "packed snapshot")
    return _opened(reader, None, None, Options(largest, verify=True, portable=portable))


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
    if Reader.open(found).id != id_:
        raise reader.error(f"it is a delta of another snapshot than the {name!r} in its folder: give the parent as parent=")
    if id_ in below or len(below) > LONGEST_CHAIN:
        raise reader.error(f"it is a delta of a delta of a delta …, more than {LONGEST_CHAIN} times")
    return _load(found, None, options, below)


def _opened(reader: Reader, path: Path | None, parent: Opened | Saved | None, options: Options) -> Opened:
    manifest = Fields(reader.manifest, f"{reader.name}: manifest")
    layout = manifest.text("layout")
    if layout not in STEPS and layout != layout_digest():
        raise reader.error("it was written with another layout of records, which this version of arenite does not read")
    sizes = read_sizes(manifest)
    if max(sizes.regions[1:], default=0) > options.largest:
        raise Limit(f"{reader.name}: a memory of {max(sizes.regions[1:])} bytes; {options.largest} are allowed")
    stored, own = _image(reader, manifest, sizes, parent, verify=options.verify, portable=options.portable)
    if _context(stored) != manifest.text("context"):
        raise reader.error("the arena's head is damaged")
    image = converted(stored, sizes, manifest, layout, layout_digest())
    assert image is not None, "the steps lead to the present layout"
    known = () if parent is None else parent.modules
    modules = tuple(_embedded(reader, fields, known) for fields in manifest.items("modules", 1 << 16))
    line = (None if path is None else path.absolute(), *(() if parent is None or reader.kind != "delta" else parent.line))
    return Opened(reader.kind, reader.id, path, reader.name, manifest, sizes, layout, stored, image, own, modules, line)


def _image(
    reader: Reader, manifest: Fields, sizes: Sizes, parent: Opened | Saved | None, *, verify: bool, portable: bool
) -> tuple[Image, tuple[Sequence[int], ...]]:
    """The image, and `Opened.own`."""
    entries = list(manifest.items("regions", 1 << 10))
    if len(entries) != len(sizes.regions):
        raise manifest.error("regions", f"{len(sizes.regions)} of them")
    if reader.kind == "packed":
        template = unpack_regions(reader, entries, sizes.regions, portable=portable)
        return Image(template, sizes.regions, (NO_PAGES,) * len(entries)), ()
    if reader.kind == "delta":
        if parent is None:
            raise reader.error("it is a delta: give its parent")
        if parent.id != manifest.fields("parent").text("id"):
            raise reader.error("it is a delta of another snapshot than the one given")
        before = parent.in_layout(manifest.text("layout"))
        if before is None:
            raise reader.error("it was written with another layout of records than the snapshot that it is a delta of")
        return _patched(reader, entries, sizes.regions, before, portable=portable)
    places = [Section(f.integer("offset", 0, 1 << 62), f.integer("size", 0, 1 << 40)) for f in entries]
    if [p.size for p in places] != list(sizes.regions):
        raise manifest.error("regions", "as long as arena and memories are")
    for number, (fields, place) in enumerate(zip(entries, places, strict=True)):
        reader.check(place)
        sums = _sums(reader, fields)
        if len(sums) != paging.DIGEST * -(-place.size // CHUNK):
            raise fields.error("sums", "one for each chunk")
        if verify:
            paging.verify_region(reader, place, sums, f"region {number}")
    if portable:
        regions = [paging.read_region(reader, place) for place in places]
        return Image(PortableTemplate(regions), sizes.regions, (NO_PAGES,) * len(entries)), ()
    template = paging.mapped(reader, places)
    return Image(template, sizes.regions, (NO_PAGES,) * len(entries)), ()


def _sums(reader: Reader, fields: Fields, more: bytes = b"") -> bytes:
    sums = reader.read(fields.section("sums"))
    if paging.digest(sums + more).hex() != fields.text("sums_digest"):
        raise reader.error("the checksums are damaged")
    return sums


def _patched(
    reader: Reader, entries: list[Fields], sizes: tuple[int, ...], parent: Image, *, portable: bool
) -> tuple[Image, tuple[Sequence[int], ...]]:
    """The parent's image with a delta's pages over it, and their numbers.  A delta's pages are read, so they are checked.

    The delta may be the older: regions that have grown since are cut off.
    """
    before = (parent if portable or parent.template.file is not None else rebuilt(parent)).resized(sizes)
    changed, own = [], []
    for region, (fields, size) in enumerate(zip(entries, sizes, strict=True)):
        place = fields.section("numbers")
        if place.size % 4:
            raise fields.error("numbers", "whole numbers")
        numbers = array("I", reader.read(place))
        content = reader.read(fields.section("content"))
        sums = _sums(reader, fields, numbers.tobytes())
        if sys.byteorder == "big":
            numbers.byteswap()
        if len(content) != len(numbers) * HOST_PAGE or paging.checksums(content) != sums:
            raise reader.error(f"the pages of region {region} are damaged")
        paging.check_numbers(numbers, size)
        changed.append(paging.union(before.changed[region], Pages(numbers, content)))
        own.append(numbers)
    return Image(before.template, sizes, tuple(changed)), tuple(own)


def _embedded(reader: Reader, fields: Fields, known: tuple[Embedded, ...]) -> Embedded:
    """A module of the manifest; what travels along, here or with the parent, is read when it is wanted."""
    found = Embedded(fields.text("digest"), fields.text("name"), fields.text("bytecode"), None, None)
    if not fields.has("wasm"):
        same = (m for m in known if (m.digest, m.bytecode_digest) == (found.digest, found.bytecode_digest))
        return next(same, found)
    parts = [functools.partial(reader.read, reader.check(fields.section(name))) for name in ("wasm", "carried")]
    return replace(found, wasm=parts[0], bytecode=parts[1])


def bind(
    opened: Opened,
    find_module: FindModule,
    translate: Decode,
    structure: Decode,
    windows: Windows,
    find: Find,
    make: Load | None,
    hosts: Hosts,
) -> Frozen:
    """The frozen machine of a file, its modules and imports found.

    `find_module`: a module that is there already, by digest; `translate`: makes one of the bytes that travel along; `structure`:
    the same without translating bodies, for bytecode that travels along.  `find`: host functions by the names of imports.
    Raises: `SnapshotError`, `LinkError`, `Limit`, what `translate` raises.
    """
    modules = tuple(module_of(opened, m, find_module, translate, structure) for m in opened.modules)
    return Reading(opened.manifest, opened.sizes, modules).frozen(opened.image, windows, find, make, hosts)


def module_of(opened: Opened, module: Embedded, find: FindModule, translate: Decode, structure: Decode) -> ModuleCode:
    """One of a snapshot's modules, found as `bind` says."""
    code = find(module.digest)
    name = f"the module {module.name!r} ({module.digest[:12]}…)"
    wasm = b""
    if code is None:
        if module.wasm is None:
            raise LinkError(f"{opened.name}: {name} is neither in the snapshot nor among the modules given")
        wasm = _module_file(module.wasm(), opened.name)
        code = translate(wasm)
        if code.digest.hex() != module.digest:
            raise SnapshotError(f"{opened.name}: {name} is damaged")
    if codes.bytecode_digest(code) == module.bytecode_digest:
        return code
    if module.bytecode is None:
        raise SnapshotError(
            f"{opened.name}: this version of arenite translates {name} otherwise than the one that made the snapshot, "
            "and the bytecode does not travel along"
        )
    return codes.restored(module.bytecode(), structure(code.file))


def _module_file(data: bytes, name: str) -> bytes:
    """A module's own file.  Raises: `SnapshotError`."""
    try:
        return decompressed(data, LARGEST_MODULE)
    except zstandard.ZstdError as error:
        raise SnapshotError(f"{name}: a module is damaged: {error}") from error
