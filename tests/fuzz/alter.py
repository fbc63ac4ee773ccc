"""Altered snapshots: whoever writes any byte of a snapshot file gets an error of arenite's, a trap or a result, never more.

    python tests/fuzz/alter.py --count 100000 --seed 1 --tier threaded
    python tests/fuzz/alter.py --seed 1 --tier threaded --round 17        # one round again, in this process
    python tests/fuzz/alter.py --kind carried --count 1000                # one kind of alteration alone

A round takes a snapshot of a small guest, alters its file, opens it, goes on with it in a fork, uses what is exported, saves it again.
Checksums are made anew where damage would not get past them otherwise.  Of files with a key every alteration is refused.  It runs in a child process.  A child that dies, hangs, takes
memory out of proportion, says something else, or leaves a file or a descriptor behind is a failure, and its round is named.  A second
store of the same engine must stay as it was.
"""

from __future__ import annotations

import argparse
import collections
import faulthandler
import functools
import json
import os
import random
import resource
import struct
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import zstandard

from arenite import AreniteError, Func, Global, Memory, Module, Paused, Snapshot, Store, Table, Tag, Trap, WasmException
from arenite.bytecode.encode import ops
from arenite.bytecode.module import FUNCTION
from arenite.bytecode.ops import TABLE
from arenite.errors import InternalError
from arenite.layout.cage import HOST_PAGE, MODULE_GRAIN, THUNKS, UNIT
from arenite.layout.records import StoreContext
from arenite.layout.types import F32, F64, I32, I64, V128
from arenite.machine.run.watch import watch
from arenite.snapshot.container import CHECKSUM, HEADER
from arenite.snapshot.pages import checksums, digest
from arenite.tiers.baseline.code import COUNTING, ENTER_COMPILED
from fuzz.corrupt import NUMBERS, Campaign, run_child
from fuzz.frozen import BASE, FORMS, KEY, MODULES, Document, Specimen, dump, engine, hosts, linker, load, repacked, specimens
from fuzz.worlds import World, memory_length, modules
from released import collect
from tiers import WAYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite import Engine, Execution
    from tiers import Way

FUEL, SLOW_FUEL = 3000, 700
LIFE = 3000  # rounds of one child
ADDRESSES = 6 << 30  # bytes of writable memory that a child may ask for; what needs more gets a MemoryError, which is a failure
RESIDENT = 160 << 20  # bytes that one round may add for a while
DRIFT = 300 << 20  # bytes that a child may have grown by in its life
SECONDS = 20.0  # of one round
BIG = (1 << 31, (1 << 32) - 1, 1 << 32, 1 << 40, 1 << 47, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 1 << 64, 1 << 200)
VALUES: tuple[Any, ...] = (
    *(0, 1, 2, -1, 7, 8, 16, 255, 4096, 65536, 65537, 1 << 20, 1 << 30, *BIG),
    *(
        1.5,
        1e308,
        float("nan"),
        float("inf"),
        True,
        False,
        None,
        "",
        "x",
        "é\ud800",
        "\0",
        "a" * 70000,
        [],
        {},
        [[]],
        {"$bytes": "AA"},
    ),
    *({"$bytes": "?"}, [0] * 300, json.loads("[" * 300 + "]" * 300)),
)
SMALL = (-4096, -256, -16, -8, -4, -1, 1, 4, 8, 16, 256, 4096)


def fresh(value: Any) -> Any:
    """A copy, however deep."""
    return json.loads(json.dumps(value))


class Alterer:
    """Alterations of one file, at random.  `base`: the delta's parent, which may be altered too; None: it is not there."""

    def __init__(self, specimen: Specimen, others: list[Specimen], form: str, choose: random.Random) -> None:
        self.specimen, self.others, self.form, self.choose = specimen, others, form, choose
        self.document = Document(specimen.files[form])
        self.base: bytes | None = specimen.base
        self.raw: bytes | None = None

    def data(self) -> bytes:
        """The altered file."""
        return self.document.whole() if self.raw is None else self.raw

    def code(self, module: dict[str, Any], name: str) -> bytes:
        """What travels along of a module: with the file, or with the delta's parent."""
        if name in module:
            return self.document.get(module[name])
        base = Document(self.specimen.base)
        return base.get(next(m for m in base.manifest["modules"] if m["digest"] == module["digest"])[name])

    def value(self, *more: Any) -> Any:
        """A value of JSON, or of what is nearly that; nobody else has it."""
        return fresh(self.choose.choice((*VALUES, *more)))

    # the file
    def flip(self) -> None:
        """A few bytes anywhere; often where there is something."""
        data = bytearray(self.specimen.files[self.form])
        for _ in range(self.choose.choice((1, 1, 2, 8))):
            at = self.choose.randrange(len(data))
            if self.choose.random() < 0.8:
                at = next((i for i in range(at, min(at + 70000, len(data))) if data[i]), at)
            data[at] = self.choose.randrange(256)
        self.raw = bytes(data)

    def truncate(self) -> None:
        """The beginning of the file, or more than the file."""
        data = self.specimen.files[self.form]
        at = self.choose.choice((0, 7, 8, 63, 4095, 4096, len(data) - 1, *(self.choose.randrange(len(data)) for _ in range(9))))
        self.raw = data[:at] if self.choose.random() < 0.9 else data + bytes(at)

    def header(self) -> None:
        """Fields of the header, with its checksum made anew."""
        data = bytearray(self.specimen.files[self.form])
        fields = list(HEADER.unpack_from(data))
        for _ in range(self.choose.choice((1, 2))):
            which = self.choose.randrange(1, 5)
            wide = 32 if which < 3 else 64
            old = fields[which]
            fields[which] = self.choose.choice(
                (0, 1, 2, 3, old + 1, old ^ 4096, old - 1, (1 << wide) - 1, 1 << 28, len(data))
            ) % (1 << wide)
        header = HEADER.pack(*fields)
        data[: HEADER.size + CHECKSUM.size] = header + CHECKSUM.pack(zlib.crc32(header))
        self.raw = bytes(data)

    # the manifest
    def spots(self, value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
        """Every (container, key) of the manifest."""
        for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            found.append((value, key))
            self.spots(value[key], found)
        return found

    def spot(self) -> tuple[Any, Any]:
        """One of them; what there is little of is as likely as what there is much of."""
        name = self.choose.choice(list(self.document.manifest))
        below = self.spots(self.document.manifest[name], [])
        return self.choose.choice(below) if below and self.choose.random() < 0.9 else (self.document.manifest, name)

    def numbers(self) -> None:
        """A number of the manifest becomes another: near, large, or one that stands elsewhere."""
        for _ in range(self.choose.choice((1, 1, 1, 2, 3))):
            spots = [(c, k) for c, k in (self.spot() for _ in range(40)) if type(c[k]) is int]
            if not spots:
                continue
            container, key = spots[0]
            container[key] = self.number(container[key])

    def number(self, old: int) -> int:
        """Another number."""
        kind = self.choose.random()
        if kind < 0.35:
            return old + self.choose.choice(SMALL)
        if kind < 0.6:
            return self.choose.choice(self.document.words())
        return int(self.choose.choice((0, 1, 2, 3, -1, 16, 4096, 65536, 1 << 30, *BIG, old * 2, old // 2, -old)))

    def structure(self) -> None:
        """Things of the manifest go, come twice, change places, become something else."""
        for _ in range(self.choose.choice((1, 1, 2))):
            container, key = self.spot()
            act = self.choose.randrange(6)
            if act == 0:
                del container[key]
            elif act == 1:
                container[key] = self.value()
            elif act == 2:
                other, other_key = self.spot()
                container[key] = fresh(other[other_key])
            elif isinstance(container, list):
                if act == 3:
                    container.insert(self.choose.randrange(len(container) + 1), fresh(container[key]))
                elif act == 4:
                    container[key] = fresh(container[self.choose.randrange(len(container))])
                else:
                    self.choose.shuffle(container)
            elif act == 3:
                container[self.choose.choice(("x", *container))] = container.pop(key)
            elif act == 4:
                container[str(key) + "x"] = container[key]
            else:
                container[key] = [container[key]] * self.choose.choice((1, 3, 2000))

    def words(self) -> None:
        """The manifest as text: twice the same key, deep nesting, no JSON, long numbers."""
        text = json.dumps(self.document.manifest)
        act = self.choose.randrange(6)
        at = self.choose.randrange(1, len(text))
        self.document.text = (
            ("{" + '"fuel":1,"arena":7,' + text[1:]),
            (text[:-1] + f', "arena": {json.dumps(self.value())}}}'),
            (text[:-1] + ', "hosts": ' + '{"a":' * 900 + "1" + "}" * 901),
            (text[:-1] + f', "{self.choose.choice(list(self.document.manifest))}": ' + "[" * 400 + "]" * 400 + "}"),
            (text[:at] + self.choose.choice(("9" * 5000, "}", "[", '"', "\\", "\0", "\x80", ",,")) + text[at:]),
            (text[:-1] + f', "fuel": {"8" * self.choose.choice((30, 4000, 4400))}}}'),
        )[act].encode("utf-8", "surrogatepass")

    def hosts(self) -> None:
        """The states of host modules."""
        states = self.document.manifest["hosts"]
        for _ in range(self.choose.choice((1, 2))):
            spots = self.spots(states, [])
            if spots:
                container, key = self.choose.choice(spots)
                container[key] = self.value(-5, 3, 70, {"$bytes": "QQ=="}, {"kind": "file"})
        if self.choose.random() < 0.1:
            states[self.choose.choice(("wasi", "journal", "other"))] = self.value()

    # sections
    def sections(self) -> None:
        """Sections change places, or lie elsewhere."""
        places = [c for c, k in self.spots(self.document.manifest, []) if k == "offset"]
        one, other = self.choose.choice(places), self.choose.choice(places)
        act = self.choose.random()
        if act < 0.4:
            kept = {key: one[key] for key in ("offset", "size")}
            one |= {key: other[key] for key in ("offset", "size")}
            other |= kept
        elif act < 0.7:
            one["offset"] += self.choose.choice((-4096, -1, 1, 8, 4096, len(self.document.data)))
        else:
            one["size"] = max(0, one["size"] + self.choose.choice((-4096, -1, 1, 4096, 1 << 20, 1 << 40)))

    def sums(self) -> None:
        """Checksums are others, and theirs are right."""
        entry = self.choose.choice(self.document.manifest["regions"])
        if "sums" not in entry:
            rows: list[Any] = [list(row) for row in self.document._rows()]
            row = self.choose.choice(rows)
            row[0] = self.choose.choice((bytes(32), rows[0][0]))
            which = self.choose.randrange(1, 4)
            row[which] = self.choose.choice((0, row[which] + 1, row[which] - 1, 4096, (1 << 32) - 1)) % (1 << 32)
            self.document.set_rows([tuple(row) for row in rows])
            if self.choose.random() < 0.3:
                self.choose.shuffle(self.choose.choice(self.document.manifest["regions"])["chunks"])
            return
        sums = bytearray(self.document.get(entry["sums"]))
        if sums and self.choose.random() < 0.7:
            sums[self.choose.randrange(len(sums))] ^= 1 << self.choose.randrange(8)
        else:
            sums = bytearray(self.choose.choice((b"", bytes(sums) * 2, bytes(sums)[1:])))
        entry["sums"] = self.document.put(bytes(sums))
        more = self.document.get(entry["numbers"]) if "numbers" in entry else b""
        entry["sums_digest"] = digest(bytes(sums) + more).hex()

    def pages(self) -> None:
        """A delta's numbers, and how many pages it has."""
        entry = self.choose.choice(self.document.manifest["regions"])
        if "numbers" not in entry:
            self.arena()
            return
        numbers = bytearray(self.document.get(entry["numbers"]))
        content = self.document.get(entry["content"])
        act = self.choose.randrange(5)
        if act == 0 and numbers:
            numbers[self.choose.randrange(len(numbers))] = self.choose.randrange(256)
        elif act == 1:
            numbers += struct.pack("<I", self.choose.choice((0, 1, 255, 256, 1 << 20, (1 << 32) - 1)))
            content += bytes(HOST_PAGE)
        elif act == 2:
            numbers = numbers[: self.choose.randrange(len(numbers) + 1)]
        elif act == 3:
            content = content[: self.choose.randrange(len(content) + 1)]
        else:
            numbers[:] = numbers[::-1]
        entry["numbers"], entry["content"] = self.document.put(bytes(numbers)), self.document.put(content)
        sums = checksums(content)
        entry["sums"], entry["sums_digest"] = self.document.put(sums), digest(sums + bytes(numbers)).hex()

    # the arena
    def arena(self) -> None:
        """Records and frames in the arena: words that mean something, in places that mean something; checksums mostly follow."""
        choose, document = self.choose, self.document
        places, words = document.places(), document.words()
        for _ in range(choose.choice((1, 1, 2, 4, 8))):
            at, size = choose.choice(places)
            place = at + (choose.randrange(size) & -4)
            kind = choose.random()
            word = choose.choice(words) + choose.choice((0, 0, 0, *SMALL)) if kind < 0.5 else choose.getrandbits(32)
            if kind > 0.8:
                word = choose.choice((*range(9), 0xFFFFFFFF, 0xFFFFFFF0, 0x80000000, 0x7FFFFFFF, 0x10000, THUNKS, MODULE_GRAIN))
            if 0 <= place < document.manifest["arena"]["size"] - 4:
                document.edit(0, HOST_PAGE + place, struct.pack("<I", word & 0xFFFFFFFF), honest=choose.random() < 0.9)

    def context(self) -> None:
        """The store context, which no guest can reach."""
        for _ in range(self.choose.choice((1, 3))):
            at = self.choose.randrange(64) & -4 if self.choose.random() < 0.7 else self.choose.randrange(HOST_PAGE - 8)
            word = (
                self.choose.choice((0, 1, 0xFFFFFFFF, 0x7FFFFFFF, self.choose.getrandbits(32), *self.document.words()))
                & 0xFFFFFFFF
            )
            self.document.edit(0, at, struct.pack("<I", word), honest=self.choose.random() < 0.8)

    def execution(self) -> None:
        """Where an execution stands."""
        executions, arena = self.document.manifest["executions"], self.document.manifest["arena"]
        if self.choose.random() < 0.3:  # frames may lie anywhere, up to the arena's last byte
            arena["heap"] = arena["stack_limit"] = arena["size"]
        for _ in range(self.choose.choice((1, 1, 2))):
            one = self.choose.choice(executions)
            key = self.choose.choice(list(one))
            if key == "status":
                one[key] = self.choose.choice(("ready", "entering", "looping", "calling", "searching"))
            elif key == "type":
                types = [
                    *self.document.manifest["types"],
                    {"params": [], "results": ["externref"] * self.choose.choice((1, 900))},
                ]
                one[key] = self.choose.choice(types)
            elif key == "rest" and isinstance(one[key], list) and one[key] and self.choose.random() < 0.9:
                at = self.choose.randrange(len(one[key]))
                one[key][at] = self.number(one[key][at])
            elif key == "pause":
                one[key] = self.choose.choice(
                    (None, {"reason": self.choose.choice(("fuel", "call", "not ready")), "what": "x\ud800"})
                )
            else:
                one[key] = self.number(one[key]) if type(one[key]) is int else self.value()
        if self.choose.random() < 0.1:
            executions.append(dict(self.choose.choice(executions)))

    # code
    def carried(self) -> None:
        """The bytecode that travels along is another, and is taken."""
        entry = self.choose.choice(self.document.manifest["modules"])
        change = self.choose.choice((self.operands, self.operands, self.operands, self.tables, self.noise, self.heads))
        blob = repacked(self.code(entry, "carried"), change)
        entry["carried"] = self.document.put(blob)
        entry["bytecode"] = "another"

    def operands(self, _head: Any, parts: list[bytearray]) -> None:
        """An operand of an op becomes another that might do."""
        code, functions = parts[0], list(FUNCTION.iter_unpack(bytes(parts[2])))
        for _ in range(self.choose.choice((1, 1, 2, 5))):
            function = self.choose.choice(functions)
            try:
                listing = list(ops(bytes(code), function[0], function[1]))
            except InternalError:  # by the alteration before
                return
            op = self.choose.choice(listing)
            operand = self.choose.choice(op.row.encoded) if op.row.encoded else None
            if operand is None or self.choose.random() < 0.1:
                code[op.pc : op.pc + 2] = self.choose.choice(TABLE).code.to_bytes(2, "little")
                continue
            width = operand.size
            alike = [
                bytes(code[other.pc + o.at : other.pc + o.at + o.size])
                for other in listing
                for o in other.row.encoded
                if o.kind == operand.kind
            ]
            old = int.from_bytes(code[op.pc + operand.at : op.pc + operand.at + width], "little")
            near = (old + self.choose.choice(SMALL)) % (1 << 8 * width)
            new = self.choose.choice((self.choose.choice(alike), near.to_bytes(width, "little"), self.choose.randbytes(width)))
            code[op.pc + operand.at : op.pc + operand.at + width] = new

    def tables(self, _head: Any, parts: list[bytearray]) -> None:
        """Words of the other tables: functions, return points, safepoints, locals."""
        part = self.choose.choice([p for p in parts[1:] if len(p) >= 4])
        for _ in range(self.choose.choice((1, 2))):
            at = self.choose.randrange(len(part) - 3) & -4
            old = int.from_bytes(part[at : at + 4], "little")
            new = self.choose.choice(
                (0, 1, old + 8, old - 8, old + 1, old * 2, 0xFFFFFFF8, 0x7FFFFFF8, self.choose.getrandbits(32))
            )
            part[at : at + 4] = (new % (1 << 32)).to_bytes(4, "little")

    def noise(self, _head: Any, parts: list[bytearray]) -> None:
        """Any byte of any part, or a part of another length."""
        part = self.choose.choice([p for p in parts if p])
        if self.choose.random() < 0.8:
            part[self.choose.randrange(len(part))] = self.choose.randrange(256)
        else:
            part[:] = self.choose.choice((b"", part + bytes(8), part[:-1], part * 2))

    def heads(self, head: Any, _parts: list[bytearray]) -> None:
        """Names of ops, sizes of parts."""
        kind = self.choose.random()
        if kind < 0.4:
            a, b = (self.choose.randrange(len(head["ops"])) for _ in range(2))
            head["ops"][a], head["ops"][b] = head["ops"][b], head["ops"][a]
        elif kind < 0.5:
            head["ops"][self.choose.randrange(len(head["ops"]))] = self.value()
        elif kind < 0.6:
            del head["ops"][self.choose.randrange(len(head["ops"])) :]
        elif kind < 0.8:
            head["sizes"][self.choose.randrange(len(head["sizes"]))] += self.choose.choice((*SMALL, 1 << 40))
        else:
            head[self.choose.choice(("ops", "sizes"))] = self.value(json.loads("[" * 800 + "]" * 800))

    def renamed(self) -> None:
        """Ops have other numbers, rightly or not."""

        def change(head: Any, parts: list[bytearray]) -> None:
            names = head["ops"]
            if not isinstance(names, list) or len(names) != len(TABLE):  # another change was there before
                return
            order = list(range(len(TABLE)))
            self.choose.shuffle(order)
            head["ops"] = [names[i] for i in order]
            if self.choose.random() < 0.2:
                return
            back = {number: at for at, number in enumerate(order)}
            for function in FUNCTION.iter_unpack(bytes(parts[2])):
                for op in list(ops(bytes(parts[0]), function[0], function[1])):
                    parts[0][op.pc : op.pc + 2] = back[op.row.code].to_bytes(2, "little")
            if self.choose.random() < 0.3:
                self.noise(head, parts)

        entry = self.choose.choice(self.document.manifest["modules"])
        entry["carried"] = self.document.put(repacked(self.code(entry, "carried"), change))
        entry["bytecode"] = "another"

    def modules(self) -> None:
        """Modules change places, or are others."""
        entries = self.document.manifest["modules"]
        others = [o for s in self.others for o in Document(s.files["image"]).manifest["modules"]]
        source = Document(self.choose.choice(self.others).files["image"])
        one, act = self.choose.choice(entries), self.choose.randrange(6)
        if act == 0:
            entries.reverse()
        elif act == 1:
            one["digest"] = self.choose.choice((*others, {"digest": "00" * 32}))["digest"]
        elif act == 2:
            one["wasm"] = self.document.put(source.get(self.choose.choice(source.manifest["modules"])["wasm"]))
        elif act == 3:
            one["carried"] = self.document.put(source.get(self.choose.choice(source.manifest["modules"])["carried"]))
            one["bytecode"] = "another"
        elif act == 4:
            found = self.choose.choice(source.manifest["modules"])
            one |= {name: self.document.put(source.get(found[name])) for name in ("wasm", "carried")}
            one["digest"], one["bytecode"] = found["digest"], found["bytecode"]
        else:
            blob = bytearray(self.code(one, "wasm"))
            blob[self.choose.randrange(len(blob))] ^= 1 << self.choose.randrange(8)
            one["wasm"] = self.document.put(bytes(blob))

    def bombs(self) -> None:
        """Compressed data that becomes much, or says so."""
        blob = self.choose.choice((zeros(256), huge_frame()))
        entry = self.choose.choice(self.document.manifest["modules"])
        if self.document.form == "packed" and self.choose.random() < 0.5:
            rows = self.document._rows()
            at, place = self.choose.randrange(len(rows)), self.document.put(blob)
            rows[at] = (rows[at][0], place["offset"], place["size"], rows[at][3])
            self.document.set_rows(rows)
        else:
            which = self.choose.choice(("wasm", "carried"))
            if which == "wasm" and blob == zeros(256):
                blob = zeros(32)  # a module may be large
            entry[which], entry["bytecode"] = self.document.put(blob), "another"

    def parents(self) -> None:
        """Of a delta: another parent, an altered one, itself, none."""
        if self.form != "delta":
            self.numbers()
            return
        parent, act = self.document.manifest["parent"], self.choose.randrange(6)
        if act == 0:
            self.base = None
        elif act == 1:
            self.base = self.choose.choice(self.others).files[self.choose.choice(FORMS)]
        elif act == 2:
            other = Alterer(Specimen("base", {"image": self.specimen.base}, b""), self.others, "image", self.choose)
            other.choose.choice((other.flip, other.arena, other.numbers))()
            self.base = other.data()
            parent["id"] = Header(self.base).id
        elif act == 3:
            parent["name"] = self.choose.choice(("x.arn", ".", "..", "/", "", "a/b", "\0", "\ud800", "x" * 300, "/dev/zero"))
        elif act == 4:
            parent["id"] = self.choose.choice(("", "00" * 32))
        else:  # two deltas, each the other's parent
            other_document = self.document.copy()
            other_document.manifest["parent"]["name"] = ALTERED
            self.base = other_document.whole()

    @property
    def kinds(self) -> dict[str, tuple[int, Callable[[], None]]]:
        """Kinds of alteration, and how often each is chosen."""
        return {
            "flip": (2, self.flip),
            "truncate": (1, self.truncate),
            "header": (1, self.header),
            "numbers": (4, self.numbers),
            "structure": (4, self.structure),
            "words": (1, self.words),
            "hosts": (1, self.hosts),
            "sections": (1, self.sections),
            "sums": (1, self.sums),
            "pages": (1, self.pages),
            "arena": (8, self.arena),
            "context": (1, self.context),
            "execution": (4, self.execution),
            "carried": (8, self.carried),
            "renamed": (1, self.renamed),
            "modules": (1, self.modules),
            "bombs": (1, self.bombs),
            "parents": (1, self.parents),
            "keyed": (4, self.any_other),
        }

    def any_other(self) -> None:
        """Any of the other kinds."""
        kinds = self.kinds
        del kinds["keyed"]
        kinds[self.choose.choice(list(kinds))][1]()


class Header:
    """What a delta knows its parent by."""

    def __init__(self, data: bytes) -> None:
        self.id = HEADER.unpack_from(data)[5].hex() if len(data) >= HEADER.size else ""


@functools.cache
def zeros(mib: int) -> bytes:
    """So many MiB of zeros, compressed."""
    return zstandard.ZstdCompressor(level=1).compress(bytes(mib << 20))


def huge_frame() -> bytes:
    """The beginning of a compressed frame of 16 TiB."""
    return b"\x28\xb5\x2f\xfd\xe0" + (1 << 44).to_bytes(8, "little") + b"\x01\x00\x00"


ALTERED = "altered.arn"


class Unharmed:
    """What must not change: another store of the engine, and the window that it goes by."""

    def __init__(self, of: Engine) -> None:
        self.world = World(of, modules(of))
        self.total = self.compute()
        self.then = self.parts()

    def compute(self) -> object:
        """Something that it computes."""
        self.world.store.set_fuel(10_000)
        return self.world.instances[0].call(self.world.store, "sum", 60)

    def parts(self) -> list[bytes]:
        """Everything of it, as bytes.  The window may get more thunks, behind its own."""
        watch.settle()  # else it may still raise the floor for the run that has just ended
        cage, window = self.world.machine.cage, self.world.machine.window
        memories = [bytes(cage.memory(area)) for area in range(2)]
        thunks, last = len(self.world.machine.registry.thunks), window.modules[-1]
        entries = bytes(window.entries[: 16 * thunks]) + bytes(
            window.entries[16 * THUNKS : 16 * (last.handle + last.code.function_count)]
        )
        code = bytearray(window.code[MODULE_GRAIN:])
        for placed in window.modules:
            for pc in range(0, len(placed.code.bytecode), UNIT):
                at = placed.origin + pc - MODULE_GRAIN
                if int.from_bytes(code[at : at + 2], "little") in (COUNTING, ENTER_COMPILED):  # in the place of an op of its own
                    code[at : at + 2] = placed.code.bytecode[pc : pc + 2]
        return [bytes(cage.arena), bytes(cage.store_page), *memories, entries, bytes(code)]

    def check(self) -> None:
        """It is as it was, and still works."""
        for now, then in zip(self.parts(), self.then, strict=True):
            assert now == then, "another store or the window has changed"
        assert self.compute() == self.total, "another store computes something else"
        self.then = self.parts()


class Child:
    """Rounds in one process."""

    def __init__(self, tier: Way, seed: int, only: str | None = None) -> None:
        self.seed, self.only, self.fuel = seed, only, SLOW_FUEL if tier == "safe" else FUEL
        self.engine, self.bare = engine(tier), engine(tier)  # one knows the modules, the other never
        self.folder = Path(tempfile.mkdtemp(prefix="arenite-alter-"))
        self.kept = [Module(self.engine, text) for texts in MODULES.values() for text in texts]
        self.specimens = specimens(self.folder, self.engine)
        self.keyed = {id(specimen): specimen.keyed() for specimen in self.specimens}
        self.unharmed = Unharmed(self.engine)
        self.ends: collections.Counter[str] = collections.Counter()
        if tier == "safe":  # a cage of the other asks for address space that is never memory
            resource.setrlimit(resource.RLIMIT_DATA, (ADDRESSES, ADDRESSES))
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")  # who takes too much is the one to go
        self.begun: tuple[int, int] | None = None

    def round(self, number: int) -> int:
        """One altered file from birth to end; 1."""
        choose, begun = random.Random(f"{self.seed} {number}"), time.monotonic()
        specimen, form = choose.choice(self.specimens), choose.choice(FORMS)
        alterer = Alterer(specimen, self.specimens, form, choose)
        kinds = alterer.kinds
        kind = choose.choices(list(kinds), [weight for weight, _ in kinds.values()])[0] if self.only is None else self.only
        if kind == "keyed":
            specimen = self.keyed[id(specimen)]
            alterer = Alterer(specimen, self.specimens, form, choose)
        alterer.kinds[kind][1]()
        resident = reset_peak()
        path = self.folder / ALTERED
        data = alterer.data()
        path.write_bytes(data)
        if form == "delta" and alterer.base is not None:
            (self.folder / BASE).write_bytes(alterer.base)
        try:
            if kind == "keyed":
                same = data == specimen.files[form] and (form != "delta" or alterer.base == specimen.base)
                self.refuse(path, choose, same=same)
            else:
                self.use(path, choose, kind)
        finally:
            left = {p.name for p in self.folder.iterdir()} - {ALTERED, BASE, "again.arn"}
            for name in (ALTERED, BASE, "again.arn"):
                (self.folder / name).unlink(missing_ok=True)
        assert not left, f"files are left behind: {left}"
        grown, seconds = peak() - resident, time.monotonic() - begun
        assert grown < RESIDENT, f"{kind}: {grown >> 20} MiB more for a while"
        assert seconds < SECONDS, f"{kind}: it took {seconds:.0f} seconds"
        if number % 64 == 0:
            self.look_after()
        return 1

    def look_after(self) -> None:
        """The other store is unharmed; nothing is left in the process."""
        self.unharmed.check()
        collect()
        files, memory = len(list(Path("/proc/self/fd").iterdir())), resident_now()
        if self.begun is None:
            self.begun = files, memory
        assert files <= self.begun[0], f"{files} descriptors, {self.begun[0]} at first"
        assert memory <= self.begun[1] + DRIFT, f"{(memory - self.begun[1]) >> 20} MiB more than at first"

    def finish(self) -> None:
        """What must hold in the end."""
        self.look_after()
        self.folder.rmdir()

    def refuse(self, path: Path, choose: random.Random, *, same: bool) -> None:
        """A file with a key that is not the same any more is refused."""
        of = self.engine if choose.random() < 0.7 else self.bare
        how, snapshot = ending(lambda: Snapshot.open(path, of, key=KEY))
        assert same or snapshot is None, f"an altered file with a key: {how}"
        self.ends[f"keyed:{how if snapshot is None else 'opened'}"] += 1

    def use(self, path: Path, choose: random.Random, kind: str) -> None:
        """Open, link, fork; then whatever a host does."""
        of = self.engine if choose.random() < 0.7 else self.bare

        def opened() -> Snapshot:
            snapshot = Snapshot.open(path, of, verify=choose.random() < 0.3, load=load)
            return snapshot.link(linker(of), hosts=hosts())

        how, snapshot = ending(opened)
        self.ends[f"{kind}:{how if snapshot is None else 'opened'}"] += 1
        if snapshot is None:
            return
        how, store = ending(lambda: snapshot.fork(reseed=choose.random() < 0.5))
        if store is None:
            self.ends[f"{kind}:fork:{how}"] += 1
            return
        check_trusted(store)
        for _ in range(choose.choice((1, 3, 6))):
            how, _ = ending(lambda: self.act(store, choose))
            self.ends[f"{kind}:{how}"] += 1
            check_trusted(store)
        how, _ = ending(lambda: again(store, path.with_name("again.arn"), of, choose))
        self.ends[f"{kind}:again:{how}"] += 1
        how, _ = ending(lambda: (store.reset(), self.act(store, choose)))
        self.ends[f"{kind}:reset:{how}"] += 1
        store.close()

    def act(self, store: Store, choose: random.Random) -> object:
        """Something that a host does with a fork."""
        machine = store.machine
        machine.fuel.slice = choose.choice((1, 7, 1 << 18))
        execution, kind = store.execution, choose.random()
        if execution is not None and kind < 0.6:
            if kind < 0.05:
                execution.close()
                return None
            if kind < 0.2:
                return [str(frame) for frame in execution.backtrace()], execution.paused, execution.instance
            return go_on(store, execution, self.fuel, choose)
        if not store.instances:
            return None
        exports = choose.choice(store.instances).exports(store)
        if not len(exports):
            return None
        extern = choose.choice(list(exports.values()))
        machine.fuel.left = self.fuel
        return used(store, extern, choose)


def thrown(store: Store, choose: random.Random) -> WasmException | None:
    """What a host function may throw, if there is a tag."""
    tags = [one for instance in store.instances for one in instance.exports(store).values() if isinstance(one, Tag)]
    if not tags:
        return None
    tag = choose.choice(tags)
    return WasmException(tag, [argument(t.code, choose) for t in tag.type(store).functype.params])


def go_on(store: Store, execution: Execution, fuel: int, choose: random.Random) -> object:
    """Run on, answering calls that wait as their types want it."""
    call = execution.paused.call if execution.paused is not None else None
    answers: dict[str, object] = {"mix": 5, "poke": None, "note": 9, "nest": 1, "add": 3}
    if call is not None and choose.random() < 0.3 and (error := thrown(store, choose)) is not None:
        return execution.throw(error, fuel=fuel)
    if call is not None and call.name in answers and choose.random() < 0.5:
        return execution.resume(answers[call.name], fuel=fuel)
    outcome = execution.run(fuel=fuel, pause_at=choose.choice(((), ("host.mix", "journal.note", "env.add"))))
    return str(outcome) if isinstance(outcome, Paused) else outcome


def used(store: Store, extern: object, choose: random.Random) -> object:
    """Call a function, look at and change other exports."""
    n = choose.randrange(40)
    if isinstance(extern, Func):
        return extern(store, *(argument(t.code, choose) for t in extern.type(store).params))
    if isinstance(extern, Memory):
        extern.write(store, b"xyz", n)
        extern.grow(store, n % 2)
        return extern.read(store, n, n + 50)
    if isinstance(extern, Table):
        extern.grow(store, n % 3, None)
        extern.set(store, n % 8, None)
        return [extern.get(store, i) for i in range(min(extern.size(store), 40))]
    if isinstance(extern, Tag):
        return extern.type(store)
    assert isinstance(extern, Global)
    return extern.value(store), extern.type(store)


def argument(type_: int, choose: random.Random) -> object:
    """A value of the type."""
    if type_ in (I32, I64):
        return choose.choice(NUMBERS)
    if type_ == V128:
        return choose.randbytes(16)
    return choose.choice((0.0, -1.5, float("nan"))) if type_ in (F32, F64) else None


def again(store: Store, path: Path, of: Engine, choose: random.Random) -> object:
    """Freeze the fork, save it, open that."""
    snapshot = store.snapshot()
    snapshot.fork().close()
    packed = choose.random() < 0.3
    snapshot.save(path, packed=packed, parent=store.origin if not packed and choose.random() < 0.3 else None, dump=dump)
    opened = Snapshot.open(path, of, verify=True, load=load, parent=store.origin)
    return opened.link(linker(of), hosts=hosts()).fork()


def ending(act: Callable[[], Any]) -> tuple[str, Any]:
    """How something ends, and what it gives; anything but a value, a trap or an error of arenite's goes through."""
    try:
        found = act()
    except Trap as trap:
        str(trap)
        return (trap.code.name.lower() if trap.code else "trap"), None
    except InternalError:
        raise
    except AreniteError as error:
        str(error)
        return type(error).__name__, None
    return "result", found


def check_trusted(store: Store) -> None:
    """The words below the base are the machine's own."""
    cage, page = store.machine.cage, store.machine.cage.store_page
    assert StoreContext.areas.read(page, 0) == len(cage.sizes) - 1
    assert StoreContext.stack_limit.read(page, 0) == store.machine.stack_limit <= len(cage.arena)
    assert store.machine.heap <= len(cage.arena)
    for area in range(len(cage.sizes) - 1):
        assert memory_length(page, area) == len(cage.memory(area)) <= store.engine.config.max_memory
    assert store.machine.depth == 0


def reset_peak() -> int:
    """Begin to measure the peak of memory anew; what is resident now."""
    try:
        Path("/proc/self/clear_refs").write_text("5", "ascii")
    except OSError:
        return peak()
    return resident_now()


def peak() -> int:
    """The most that was resident, in bytes."""
    status = Path("/proc/self/status").read_text("ascii")
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def resident_now() -> int:
    """What is resident, in bytes."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000, help="altered files, for each tier")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tier", choices=WAYS, action="append", help="default: each")
    parser.add_argument("--minutes", type=float, help="stop after so long, for each tier")
    parser.add_argument("--kind", help="this kind of alteration alone")
    parser.add_argument("--round", type=int, help="do this round in this process, and nothing else")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    tiers = args.tier or WAYS
    kind = args.kind or os.environ.get("ARENITE_ALTER_KIND")
    if args.child:
        run_child(Child(tiers[0], args.seed, kind), args.round)
        return 0
    if args.round is not None:
        faulthandler.enable()
        child = Child(tiers[0], args.seed, kind)
        child.round(args.round)
        print(dict(child.ends))
        child.finish()
        return 0
    if kind:
        os.environ["ARENITE_ALTER_KIND"] = kind
    what = {"program": __file__, "what": "altered files", "life": LIFE}
    found = [Campaign(t, args.seed, count=args.count, minutes=args.minutes, quiet=args.quiet, **what) for t in tiers]  # type: ignore[arg-type]
    results = [campaign.run() for campaign in found]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
