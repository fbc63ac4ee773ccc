"""Saving a frozen machine as a file, in each form.

saved = save(frozen, Path("s.arn"), Form())                   # image: mapped back, for starting at once
saved = save(frozen, Path("d.arn"), Form(parent=opened))      # delta: the pages that are not the parent's
saved = save(frozen, Path("p.arn"), Form(packed=True))        # packed: small, for shipping
"""

from __future__ import annotations

import functools
import os
import sys
import tempfile
from array import array
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zstandard

from arenite.errors import SnapshotError
from arenite.light import dataclass
from arenite.machine.space.pages import BLOCK
from arenite.snapshot import code as codes
from arenite.snapshot import pages as paging
from arenite.snapshot.checked import Fields
from arenite.snapshot.container import Section, Writer
from arenite.snapshot.contents import Chunks, reached, write_chunks
from arenite.snapshot.describing import Dump, describe
from arenite.snapshot.file import LONGEST_CHAIN, Embedded, Opened, Saved, context_sum, module_key
from arenite.snapshot.layout import layout_digest
from arenite.snapshot.limits import DEFAULT, FileLimits
from arenite.snapshot.pack import pack_regions
from arenite.snapshot.private import Seal, key_id
from arenite.snapshot.travel import unused_regions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.bytecode.module import ModuleCode
    from arenite.machine.frozen.freeze import FrozenMachine
    from arenite.machine.space.image import Image

ProgressCallback = Callable[[int, int], object]  # (bytes done, bytes in all)


def nothing(_done: int, _total: int) -> None:
    """The progress that nobody looks at."""


@dataclass(frozen=True)
class Form:
    """How to save.

    `embed`: the modules travel along.  `dump`: makes bytes of the host's objects that the guest holds.  `limits`: those that whoever
    opens the file is held to; `portable`: whether pages are copied there, not mapped.  `key`: of the keyed digest.
    """

    parent: Opened | Saved | None = None
    packed: bool = False
    embed: bool = True
    dump: Dump | None = None
    progress: ProgressCallback = nothing
    limits: FileLimits = DEFAULT
    portable: bool = False
    key: bytes | None = None


def save(frozen: FrozenMachine, path: Path, form: Form) -> Saved:
    """Write a snapshot file.

    Raises: `SnapshotError` when something cannot travel, or cannot be written, `Limit`; then no file appears.
    """
    if form.parent is not None:
        _check_line(path, form.parent.line)
        _check_key(form.parent, form.key, str(path))
    there = {module_key(m) for m in form.parent.modules if m.wasm is not None} if form.parent is not None else set()
    modules = tuple(_module(code, embed=form.embed, there=there) for code in frozen.modules)
    with Writer(path, form.limits, form.key) as out:
        chunks = reached(frozen.host_states)
        id_, image, held = _write(out, frozen, form, {module_key(m) for m in modules if m.wasm is not None} - there, chunks)
    line = () if form.parent is None else form.parent.line
    return Saved(id_, path, image, modules, (path.absolute(), *line), held, out.seal, chunks)


def _check_line(path: Path, line: tuple[Path | None, ...]) -> None:
    """Raises: `SnapshotError` when a delta at `path` of what lies there could not be opened."""
    if len(line) > LONGEST_CHAIN:
        raise SnapshotError(f"{path}: a delta of a delta of a delta …, more than {LONGEST_CHAIN} times: save it whole")
    if _entry(path) in {place for p in line if p is not None for place in (_entry(p), Path(os.path.realpath(p)))}:
        raise SnapshotError(f"{path}: a delta cannot take the place of its parent, or of what that is a delta of")


def _check_key(parent: Opened | Saved, key: bytes | None, name: str) -> None:
    """With a key, a delta's parent must have been checked or written with it.  Raises: `SnapshotError`."""
    if key is not None and (parent.seal is None or parent.seal.key != key_id(key)):
        raise SnapshotError(f"{name}: with a key, the parent must have been saved or opened with the same key")


def _entry(path: Path) -> Path:
    """The name that a file of this path is replaced under, without symbolic links on the way to it."""
    return Path(os.path.realpath(path.parent)) / path.name


def _module(code: ModuleCode, *, embed: bool, there: set[tuple[str, str]]) -> Embedded:
    """A module of what is saved.  `there`: those that travel along with the parent."""
    found = Embedded(code.digest.hex(), code.name, codes.bytecode_digest(code), None, None)
    if not embed and module_key(found) not in there:
        return found
    return replace(found, wasm=functools.partial(codes.compressed_file, code), bytecode=functools.partial(codes.carried, code))


def dumps(frozen: FrozenMachine, form: Form) -> bytes:
    """A snapshot file's bytes.  Raises: `SnapshotError` when something cannot travel."""
    with tempfile.TemporaryDirectory(prefix="arenite") as folder:
        path = Path(folder) / "snapshot"
        save(frozen, path, form)
        return path.read_bytes()


def _write(
    out: Writer, frozen: FrozenMachine, form: Form, embedded: set[tuple[str, str]], chunks: Chunks
) -> tuple[str, Image, int]:
    """Everything but the name of the file; what the snapshot is known by, and `Saved.image` and `Saved.held`."""
    manifest = describe(frozen, form.dump) | {"layout": layout_digest()}
    image = frozen.image.without(unused_regions(Fields(manifest, "manifest"), len(frozen.image.sizes)))
    manifest["context"] = context_sum(image)
    manifest["modules"] = _write_modules(out, frozen.modules, embedded)
    held = 0
    if form.packed:
        kind = "packed"
        manifest["regions"], held = pack_regions(out, image, form.progress)
    elif form.parent is not None:
        kind = "delta"
        manifest["parent"] = {"id": form.parent.id, "name": _name(form.parent.path)} | _tag(form.parent.seal)
        manifest["regions"], held = _write_delta(out, image, form.parent.image)
        held += form.parent.held
    else:
        kind = "image"
        manifest["regions"] = _write_regions(out, image, form.progress)
        if form.portable:
            held = _copied(image)
    entry, size = write_chunks(out, chunks, {} if form.parent is None else form.parent.chunks, packed=form.packed)
    form.limits.check_pages(str(out.path), held + size)
    manifest |= entry
    return out.finish(kind, manifest), image, held + size


def _copied(image: Image) -> int:
    """Bytes of an image's blocks that are not all zero: what `paging.copied` takes."""
    return sum(len(block) for region in range(len(image.sizes)) for _, block in image.chunks(region, BLOCK))


def _tag(seal: Seal | None) -> dict[str, str]:
    return {} if seal is None else {"tag": seal.tag.hex()}


def _name(path: Path | None) -> str:
    """The name that a parent is looked for under; empty where there is none that a manifest can say."""
    name = "" if path is None else path.name
    return name if name == name.encode(errors="replace").decode() else ""


def _place(section: Section) -> dict[str, int]:
    return {"offset": section.offset, "size": section.size}


def _write_modules(out: Writer, modules: Sequence[ModuleCode], embedded: set[tuple[str, str]]) -> list[dict[str, Any]]:
    """The manifest's entries; a module that comes twice is written once."""
    written: dict[tuple[str, str], dict[str, Any]] = {}
    entries, size, packed = [], 0, 0
    out.limits.check_modules(str(out.path), sum(len(code.bytecode) for code in modules))
    for code in modules:
        key = code.digest.hex(), codes.bytecode_digest(code)
        if key in embedded and key not in written:
            file, carried = codes.compressed_file(code), codes.carried(code)
            size += zstandard.frame_content_size(file) + zstandard.frame_content_size(carried)
            packed += len(file) + len(carried)
            out.limits.check_modules(str(out.path), size, packed)
            written[key] = {"wasm": _place(out.section(file)), "carried": _place(out.section(carried))}
        entries.append({"digest": key[0], "name": code.name, "bytecode": key[1]} | written.get(key, {}))
    return entries


def _write_regions(out: Writer, image: Image, progress: ProgressCallback) -> list[dict[str, Any]]:
    total, done, entries = sum(image.sizes), 0, []
    for region, size in enumerate(image.sizes):
        start = done
        place, sums = paging.write_region(out, image, region, lambda at, start=start: progress(start + at, total))  # type: ignore[misc]
        entries.append({**_place(place), "sums": _place(out.section(sums)), "sums_digest": paging.digest(sums).hex()})
        done += size
    progress(total, total)
    return entries


def _write_delta(out: Writer, image: Image, parent: Image) -> tuple[list[dict[str, Any]], int]:
    """The manifest's entries, and the bytes of the pages."""
    entries, held = [], 0
    for region in range(len(image.sizes)):
        changed = paging.difference(image, parent, region)
        held += len(changed.content)
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
    return entries, held
