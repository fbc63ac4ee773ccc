"""The snapshot files that the alterer damages, taken apart so that damage can reach what checksums guard.

specimens(folder, engine)     a few small guests, each frozen in the middle, in each form
Document(data)                a file as header, manifest and bytes; `edit` changes a page wherever the form has it;
                              `whole()` puts it together again, with every digest that stands in the way made anew
"""

from __future__ import annotations

import copy
import functools
import hashlib
import json
import struct
import zlib
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zstandard

from arenite import Engine, Func, FuncType, Linker, Module, Store, ValType
from arenite.layout.cage import HOST_PAGE, STACK_AT
from arenite.layout.records import FrameHeader, FuncRefRecord, GlobalRecord, MemoryRecord, TableRecord, TagRecord
from arenite.machine.space.pages import CHUNK
from arenite.snapshot.container import CHECKSUM, FORM_NUMBERS, HEADER
from arenite.snapshot.magic import MAGIC
from arenite.snapshot.manifest import canonical
from arenite.snapshot.pack import ROW
from arenite.snapshot.pages import DIGEST, checksums, digest
from arenite.snapshot.private import TAG_AT, TAG_SIZE, Tagging
from arenite.wasi import VirtualClocks, WasiConfig
from fuzz.worlds import HOST_TYPES, LIBRARY, STACK, USER, World, answer
from property.travellers import Journals
from snapshots.kept import GUESTS, started
from tiers import engine_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiers import Way

FORMS = ("image", "delta", "packed")
KEPT = Path(__file__).resolve().parent.parent / "snapshots"
I32 = ValType.i32()

RECURSION = """(module
  (import "journal" "note" (func $note (param i32) (result i32)))
  (type $unary (func (param i32) (result i32)))
  (memory (export "memory") 1 3) (table (export "table") 3 8 funcref) (elem (i32.const 0) $fib $noted $fib)
  (global (export "g") (mut i64) (i64.const 3))
  (func $fib (type $unary) (local i64 f64)
    (if (i32.lt_s (local.get 0) (i32.const 2)) (then (return (call_indirect (type $unary) (local.get 0) (i32.const 1)))))
    (i32.store (i32.shl (local.get 0) (i32.const 2)) (local.get 0))
    (i32.add (call_indirect (type $unary) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))
             (call $fib (i32.sub (local.get 0) (i32.const 2)))))
  (func $noted (type $unary) (call $note (local.get 0)))
  (func (export "run") (type $unary) (call $fib (local.get 0)))
  (func (export "many") (param i64 i32 f32 f64) (result i64 i32 f64 f32)
    (local.get 0) (local.get 1) (local.get 3) (local.get 2)))"""

STDIN = """(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 16))
    (drop (call $random (i32.const 128) (i32.const 9)))
    (loop $l
      (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 160)))
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 12)))
      (i32.store (i32.const 4) (i32.load (i32.const 12)))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
      (br_if $l (i32.load (i32.const 12))))
    (call $exit (i32.const 3))))"""

START = """(module
  (import "journal" "note" (func $note (param i32) (result i32)))
  (memory 1) (global $sum (export "sum") (mut i32) (i32.const 0)) (data $d "some text")
  (func $main (local i32)
    (loop $l
      (global.set $sum (i32.add (global.get $sum) (call $note (local.get 0))))
      (memory.init $d (local.get 0) (i32.const 1) (i32.const 5))
      (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 90)))))
  (start $main))"""


def engine(tier: Way) -> Engine:
    """An engine whose stores cost little."""
    return engine_of(tier, consume_fuel=True, max_wasm_stack=STACK, max_memory=1 << 22, max_table_elements=5000)


def linker(of: Engine) -> Linker:
    """What the guests import."""
    found = Linker(of)
    found.define_wasi()
    found.define_host("journal")
    for name, (params, results) in HOST_TYPES.items():
        found.define_func("host", name, FuncType(params, results), functools.partial(answer, name), access_caller=True)
    found.define_func("env", "add", FuncType([I32, I32], [I32]), lambda a, b: (a + b) & 0xFFFFFFFF)
    return found


def hosts() -> dict[str, Any]:
    """Options that forks go on with."""
    return {"wasi": WasiConfig(stdin=b"some input", stdout=bytearray()), "journal": Journals()}


def dump(thing: object) -> bytes:
    """A host's object as bytes."""
    return repr(thing).encode()


def load(data: bytes) -> object:
    """The object again, in some form."""
    return data.decode(errors="replace")


@dataclass(frozen=True)
class Specimen:
    """A guest's snapshot files by form; `base` is the delta's parent.  `base_data` is a whole file too."""

    name: str
    files: dict[str, bytes]
    base: bytes

    def keyed(self) -> Specimen:
        """The same files with a key."""
        base, files = sealed(self.base), dict(self.files)
        delta = Document(files["delta"])
        delta.manifest["parent"]["tag"] = base[TAG_AT : TAG_AT + TAG_SIZE].hex()
        files["delta"] = delta.whole()
        return Specimen(self.name, {form: sealed(data) for form, data in files.items()}, base)


KEY = bytes(range(32))
BASE = "base.arn"
MODULES: dict[str, tuple[str, ...]] = {
    "recursion": (RECURSION,),
    "stdin": (STDIN,),
    "start": (START,),
    "world": (LIBRARY, USER),
} | {name: tuple((KEPT / f"{module}.wat").read_text() for module in GUESTS[name].modules) for name in ("caught", "sought")}
OLDER = ("1-fib", "1-sum")


def specimens(folder: Path, of: Engine) -> list[Specimen]:
    """All of them; files are made in the folder and gone again."""
    return [*(_specimen(name, folder, make(of)) for name, make in MAKERS.items()), *map(_older, OLDER)]


def _older(name: str) -> Specimen:
    """Files of an earlier version, with records in another layout; `kept.py` saved the packed form last, so that is the delta's parent."""
    files = {form: (KEPT / f"{name}-{form}.arn").read_bytes() for form in FORMS}
    delta = Document(files["delta"])
    delta.manifest["parent"]["name"] = BASE
    return Specimen(name, files | {"delta": delta.whole()}, files["packed"])


def _specimen(name: str, folder: Path, makers: tuple[Store, Callable[[], object]]) -> Specimen:
    store, on = makers
    before = store.snapshot()
    before.save(folder / BASE, dump=dump)
    on()
    snapshot = store.snapshot()
    files = {}
    for form in FORMS:
        path = folder / form
        snapshot.save(path, packed=form == "packed", parent=before if form == "delta" else None, dump=dump)
        files[form] = path.read_bytes()
        path.unlink()
    base = (folder / BASE).read_bytes()
    (folder / BASE).unlink()
    store.close()
    return Specimen(name, files, base)


def _store(of: Engine) -> Store:
    store = Store(of)
    store.set_fuel(100_000)
    store.set_host("journal", Journals())
    return store


def _recursion(of: Engine) -> tuple[Store, Callable[[], object]]:
    store = _store(of)
    run = linker(of).instantiate(store, Module(of, RECURSION)).exports(store)["run"]
    assert isinstance(run, Func)
    execution = run.start(store, 9)
    execution.run(fuel=20)
    return store, lambda: execution.run(fuel=31)


def _stdin(of: Engine) -> tuple[Store, Callable[[], object]]:
    store, pieces = _store(of), [b"first ", None, b"x", None]
    store.set_wasi(
        WasiConfig(
            argv=["x"], env={"A": "b"}, stdin=lambda _: pieces.pop(0), clocks=VirtualClocks(5), random=3, stdout=bytearray()
        )
    )
    start = linker(of).instantiate(store, Module(of, STDIN)).exports(store)["_start"]
    assert isinstance(start, Func)
    execution = start.start(store)
    execution.run()
    return store, execution.run


def _start(of: Engine) -> tuple[Store, Callable[[], object]]:
    store = _store(of)
    execution = linker(of).start(store, Module(of, START))
    return store, lambda: execution.run(fuel=100)


def _world(of: Engine) -> tuple[Store, Callable[[], object]]:
    """Two linked instances, the host's objects in a table, and two executions: one in a loop, above it one that waits in a host call."""
    world = World(of, (Module(of, LIBRARY), Module(of, USER)))
    store = world.store
    store.set_fuel(100_000)
    library, user = world.instances
    library.call(store, "tables", 2, None, ("an", "object"))
    for number in range(4):  # the odd one that the host throws is in the file as one of the guest's
        library.call(store, "keeps", number)
    across, numbers = user.exports(store)["across"], library.exports(store)["numbers"]
    assert isinstance(across, Func)
    assert isinstance(numbers, Func)
    across.start(store, 9).run(fuel=20)

    def on() -> object:
        return numbers.start(store, 1, 2, 3.0, 4.0).run(pause_at=["host.mix"])

    return store, on


def _thrown(of: Engine, name: str) -> tuple[Store, Callable[[], object]]:
    """In catches, or in a search."""
    store, execution = started(of, name)
    store.set_fuel(100_000)
    store.set_host("journal", Journals())
    GUESTS[name].on(execution)
    return store, lambda: GUESTS[name].on(execution)


MAKERS: dict[str, Callable[[Engine], tuple[Store, Callable[[], object]]]] = {
    "recursion": _recursion,
    "stdin": _stdin,
    "start": _start,
    "world": _world,
    "caught": lambda of: _thrown(of, "caught"),
    "sought": lambda of: _thrown(of, "sought"),
}


def sealed(data: bytes, key: bytes = KEY) -> bytes:
    """A file with a keyed digest that is right."""
    tagging = Tagging(key, len(data))
    for at in range(0, len(data), CHUNK):
        if at == 0 or any(data[at : at + CHUNK]):
            tagging.add(at, data[at : at + CHUNK])
    return data[:TAG_AT] + tagging.seal().tag + data[TAG_AT + TAG_SIZE :]


class Document:
    """A snapshot file being altered."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)
        _, self.format, self.kind, offset, size, _ = HEADER.unpack_from(data)
        self.manifest: dict[str, Any] = json.loads(data[offset : offset + size])
        self.form = next(name for name, number in FORM_NUMBERS.items() if number == self.kind)
        self.text: bytes | None = None  # the manifest, if it is not what `manifest` makes
        del self.data[offset:]  # it is the last section

    def copy(self) -> Document:
        """To alter this one and keep that."""
        return copy.deepcopy(self)

    def get(self, place: dict[str, int]) -> bytes:
        """A section's bytes."""
        return bytes(self.data[place["offset"] : place["offset"] + place["size"]])

    def put(self, data: bytes) -> dict[str, int]:
        """A new section at the end."""
        self.data += bytes(-len(self.data) % HOST_PAGE)
        at = len(self.data)
        self.data += data
        return {"offset": at, "size": len(data)}

    def whole(self) -> bytes:
        """The file, its manifest and header written anew."""
        text = self.text
        if text is None:
            try:
                text = canonical(self.manifest)
            except (ValueError, TypeError):  # what no JSON can say
                text = json.dumps(self.manifest).encode("utf-8", "surrogatepass")
        place = self.put(text)
        header = HEADER.pack(MAGIC, self.format, self.kind, place["offset"], place["size"], hashlib.sha256(text).digest())
        self.data[: HEADER.size + CHECKSUM.size] = header + CHECKSUM.pack(zlib.crc32(header))
        return bytes(self.data)

    # pages
    def page(self, region: int, number: int) -> bytes:
        """A page, zero where the form has none."""
        entry, zero = self.manifest["regions"][region], bytes(HOST_PAGE)
        if self.form == "image":
            return bytes(self.data[entry["offset"] + number * HOST_PAGE :][:HOST_PAGE])
        if self.form == "delta":
            numbers = array("I", self.get(entry["numbers"]))
            at = numbers.index(number) * HOST_PAGE if number in numbers else -1
            return self.get(entry["content"])[at : at + HOST_PAGE] if at >= 0 else zero
        chunk = entry["chunks"][number * HOST_PAGE // CHUNK]
        return self._chunk(chunk)[number * HOST_PAGE % CHUNK :][:HOST_PAGE] if chunk else zero

    def edit(self, region: int, at: int, new: bytes, *, honest: bool = True) -> None:
        """Write bytes into a page; `honest`: checksums follow."""
        number, within = divmod(at, HOST_PAGE)
        page = bytearray(self.page(region, number))
        page[within : within + len(new)] = new[: HOST_PAGE - within]
        getattr(self, f"_edit_{self.form}")(region, number, bytes(page), honest=honest)
        if honest and region == 0 and number == 0:
            self.manifest["context"] = digest(bytes(page)).hex()

    def _edit_image(self, region: int, number: int, page: bytes, *, honest: bool) -> None:
        entry = self.manifest["regions"][region]
        at = entry["offset"] + number * HOST_PAGE
        self.data[at : at + HOST_PAGE] = page
        if honest:
            first = number * HOST_PAGE // CHUNK
            start = entry["offset"] + first * CHUNK
            chunk = bytes(self.data[start : min(start + CHUNK, entry["offset"] + entry["size"])])
            at = entry["sums"]["offset"] + DIGEST * first
            self.data[at : at + DIGEST] = digest(chunk)
            entry["sums_digest"] = digest(self.get(entry["sums"])).hex()

    def _edit_delta(self, region: int, number: int, page: bytes, *, honest: bool) -> None:
        entry = self.manifest["regions"][region]
        numbers, content = array("I", self.get(entry["numbers"])), self.get(entry["content"])
        pages = {n: content[i * HOST_PAGE : (i + 1) * HOST_PAGE] for i, n in enumerate(numbers)} | {number: page}
        numbers, content = array("I", sorted(pages)), b"".join(pages[n] for n in sorted(pages))
        entry["numbers"], entry["content"] = self.put(numbers.tobytes()), self.put(content)
        if honest:
            sums = checksums(content)
            entry["sums"], entry["sums_digest"] = self.put(sums), digest(sums + numbers.tobytes()).hex()

    def _rows(self) -> list[tuple[bytes, int, int, int]]:
        return list(ROW.iter_unpack(self.get(self.manifest["regions"][0]["table"])))

    def _chunk(self, number: int) -> bytes:
        _, offset, size, length = self._rows()[number - 1]
        return zstandard.ZstdDecompressor().decompress(bytes(self.data[offset : offset + size]), max_output_size=length)

    def _edit_packed(self, region: int, number: int, page: bytes, *, honest: bool) -> None:
        regions = self.manifest["regions"]
        index, rows = number * HOST_PAGE // CHUNK, self._rows()
        old = regions[region]["chunks"][index]
        chunk = bytearray(self._chunk(old) if old else bytes(min(CHUNK, regions[region]["size"] - index * CHUNK)))
        at = number * HOST_PAGE % CHUNK
        chunk[at : at + HOST_PAGE] = page
        data = zstandard.ZstdCompressor(level=1).compress(bytes(chunk))
        place = self.put(data)
        key = hashlib.sha256(chunk).digest() if honest else bytes(32)
        self.set_rows([*rows, (key, place["offset"], place["size"], len(chunk))])
        regions[region]["chunks"][index] = len(rows) + 1

    def set_rows(self, rows: list[tuple[bytes, int, int, int]]) -> None:
        """Another table of chunks."""
        self.manifest["regions"][0]["table"] = self.put(b"".join(ROW.pack(*row) for row in rows))

    # what lies where
    def places(self) -> list[tuple[int, int]]:
        """Spans of the arena that mean something: (offset, bytes)."""
        m = self.manifest
        found = [(STACK_AT, 256)]
        for execution in m["executions"]:
            found += [(execution["at"], max(execution["end"] - execution["at"], 8))] * 4
            found.append((execution["end"], FrameHeader.size))
        for kind, size in (("functions", FuncRefRecord.size), ("tables", TableRecord.size), ("memories", MemoryRecord.size)):
            found += [(one["at"], size) for one in m.get(kind, ())]
        found += [(one["at"], TableRecord.size + 64) for one in m["tables"]]
        found += [(one["at"], GlobalRecord.size) for one in m["globals"]]
        found += [(one["at"], 320) for one in m["instances"]] * 2
        found += [(one["at"], TagRecord.size) for one in m.get("tags", ())]
        found += [(begin, min(end - begin, 512)) for begin, end in pairs(m.get("exceptions", []))] * 3
        return found

    def words(self) -> list[int]:
        """Words that mean something somewhere."""
        m = self.manifest
        found = [m["arena"]["heap"], m["arena"]["stack_limit"], m["arena"]["size"], STACK_AT]
        for execution in m["executions"]:
            found += [execution[key] for key in ("at", "pc", "sp", "vmctx", "end", "function")]
        for kind in ("functions", "tables", "memories", "globals", "instances", "tags"):
            found += [one["at"] for one in m.get(kind, ())]
        return found + [at for begin, end in pairs(m.get("exceptions", [])) for at in range(begin, min(end, begin + 512), 16)]


def pairs(bounds: list[int]) -> list[tuple[int, int]]:
    """(begin, end) of regions."""
    return list(zip(bounds[::2], bounds[1::2], strict=False))


def repacked(blob: bytes, change: Callable[[dict[str, Any], list[bytearray]], None]) -> bytes:
    """The blob of a carried translation, changed: its head, and its parts (bytecode, returns, functions, safepoints, locals)."""
    data = zstandard.ZstdDecompressor().decompress(blob)
    length = int.from_bytes(data[:4], "little")
    head, at = json.loads(data[4 : 4 + length]), 4 + length
    parts = []
    for size in head["sizes"]:
        parts.append(bytearray(data[at : at + size]))
        at += size
    change(head, parts)
    text = json.dumps(head).encode()
    return zstandard.ZstdCompressor(level=1).compress(b"".join((struct.pack("<I", len(text)), text, *parts)))
