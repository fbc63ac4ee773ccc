"""The guests that the corruption fuzzer damages, and the places and values that are worth damaging.

A world is a store with two linked instances (tables, indirect calls, globals, references, bulk operations, host functions that call
back, exceptions in both forms), on an engine of its own tier.  It knows where its records lie and what words mean something there.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any

from arenite import (
    Engine,
    Func,
    FuncType,
    Global,
    GlobalType,
    Instance,
    Limits,
    Module,
    Store,
    Table,
    TableType,
    Tag,
    ValType,
    WasmException,
)
from arenite.layout.cage import ARENA_MAX, HANDLE_MASK, MEMORY_AT, MODULE_GRAIN, STACK_AT, THUNKS
from arenite.layout.frame import HALT_PC
from arenite.layout.records import (
    FrameHeader,
    FuncRefRecord,
    GlobalRecord,
    InstanceRecord,
    MemoryRecord,
    StoreContext,
    TableRecord,
    TagRecord,
)
from arenite.layout.types import PAGE_SIZE
from tiers import engine_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tiers import Way

AREAS = 8
STACK = 1 << 16
I32, I64, F32, F64 = ValType.i32(), ValType.i64(), ValType.f32(), ValType.f64()
FUNCREF, EXTERNREF = ValType.funcref(), ValType.externref()
HOST_TYPES: dict[str, tuple[list[ValType], list[ValType]]] = {
    "poke": ([], []),
    "mix": ([I32, I64, F32, F64], [I64]),
    "refs": ([FUNCREF, EXTERNREF], [FUNCREF, EXTERNREF]),
    "nest": ([I32], [I32]),
    "throw": ([I32], [I32]),
}

WHAT_THROWS = re.compile(r" *;; what throws\n.*?;; end\n", re.DOTALL)
LIBRARY = """(module
  (type $unary (func (param i32) (result i32)))
  (import "host" "poke" (func $poke))
  (import "host" "mix" (func $mix (param i32 i64 f32 f64) (result i64)))
  (import "host" "refs" (func $refs (param funcref externref) (result funcref externref)))
  (import "host" "nest" (func $nest (param i32) (result i32)))
  (import "host" "throw" (func $throw (param i32) (result i32)))
  (import "host" "counter" (global $counter (mut i64)))
  ;; what throws
  (tag $word (export "word") (param i32))
  (tag $wide (export "wide") (param i64 externref exnref))
  (tag $other)
  (global $last (export "last") (mut exnref) (ref.null exn))
  ;; end
  (memory (export "memory") 1 4)
  (table $t (export "table") 8 32 funcref)
  (table $x (export "things") 4 16 externref)
  ;; what throws
  (table $caught (export "caught") 4 8 exnref)
  ;; end
  (global $g (export "g") (mut i32) (i32.const 5))
  (global $f (export "f") (mut funcref) (ref.null func))
  (elem (i32.const 0) $small $twice $twice $deep)
  (elem $more funcref (ref.func $small) (ref.null func) (ref.func $twice))
  (elem $plain func $deep $small)
  (data (i32.const 16) "corruption is data like any other")
  (data $text "a passive segment of some length")
  (func $small (export "small") (type $unary) (i32.add (local.get 0) (i32.const 3)))
  (func $twice (export "twice") (type $unary) (return_call $wide (call $small (local.get 0)) (i64.const 1) (f64.const 2)))
  (func $wide (param i32 i64 f64) (result i32)
    (call $poke)
    (return_call_indirect $t (type $unary) (i32.add (local.get 0) (i32.const 2)) (i32.and (local.get 0) (i32.const 1))))
  (func $deep (export "deep") (type $unary) (local i64 f64)
    (if (result i32) (i32.le_s (local.get 0) (i32.const 0))
      (then (call $poke) (i32.const 1))
      (else (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))))
  (func (export "sum") (param i32) (result i32) (local i32)
    (loop $l
      (local.set 1 (i32.add (local.get 1) (i32.load8_u (local.get 0))))
      (i32.store (i32.const 128) (local.get 1))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))
  (func (export "indirect") (param i32 i32) (result i32) (local i32)
    (loop $l
      (local.set 2 (i32.add (local.get 2)
        (call_indirect $t (type $unary) (i32.const 2) (i32.and (local.get 0) (i32.const 3)))))
      (call $poke)
      (br_if $l (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (local.get 1))) (i32.const 0))))
    (local.get 2))
  (func (export "numbers") (param i32 i64 f32 f64) (result i64) (local i32)
    (loop $l
      (local.set 1 (i64.add (call $mix (local.get 0) (local.get 1) (local.get 2) (local.get 3)) (i64.const 1)))
      (global.set $counter (i64.add (global.get $counter) (local.get 1)))
      (br_if $l (i32.lt_u (local.tee 4 (i32.add (local.get 4) (i32.const 1))) (i32.const 6))))
    (local.get 1))
  (func (export "bulk") (param i32 i32 i32)
    (memory.fill (local.get 0) (local.get 1) (local.get 2))
    (call $poke)
    (memory.copy (local.get 1) (local.get 0) (local.get 2))
    (memory.init $text (local.get 0) (i32.const 1) (i32.and (local.get 2) (i32.const 7)))
    (call $poke)
    (data.drop $text)
    (memory.copy (local.get 0) (local.get 1) (i32.const 70000)))
  (func (export "tables") (param i32 funcref externref) (result i32)
    (table.fill $t (i32.const 4) (local.get 1) (i32.const 2))
    (drop (table.grow $x (local.get 2) (i32.const 1)))
    (call $poke)
    (drop (table.grow $t (local.get 1) (i32.and (local.get 0) (i32.const 3))))
    (table.init $t $more (i32.const 0) (i32.const 0) (i32.const 3))
    (table.init $t $plain (i32.const 5) (i32.const 0) (i32.const 2))
    (call $poke)
    (table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 4))
    (table.set $x (i32.const 1) (local.get 2))
    (elem.drop $more)
    (i32.add (table.size $t) (table.size $x)))
  (func (export "references") (param i32) (result funcref externref)
    (global.set $f (ref.func $twice))
    (call $refs (table.get $t (i32.and (local.get 0) (i32.const 7))) (table.get $x (i32.const 1)))
    (drop) (global.set $f) (global.get $f) (table.get $x (i32.const 0)))
  (func (export "walk") (param i32) (result i32) (local i32)
    (loop $l
      (local.set 0 (i32.load offset=4 (i32.and (local.get 0) (i32.const 0xfff))))
      (i32.store16 (i32.and (local.get 0) (i32.const 0xffff)) (local.get 1))
      (global.set $g (local.get 0))
      (block $b2 (block $b1 (block $b0
        (br_table $b0 $b1 $b2 (i32.and (local.get 1) (i32.const 3)))) (call $poke)) (drop (call $twice (local.get 1))))
      (br_if $l (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 9))))
    (global.get $g))
  ;; what throws
  (func $fail (export "fail") (param $n i32) (param $depth i32) (result i32)
    (if (i32.gt_s (local.get $depth) (i32.const 0)) (then
      (block $not
        (return (try_table (result i32) (catch $other $not)
          (call $fail (local.get $n) (i32.sub (local.get $depth) (i32.const 1))))))))
    (call $poke)
    (block $host (block $wide (block $word
      (br_table $word $wide $host (i32.rem_u (local.get $n) (i32.const 3))))
      (throw $word (local.get $n)))
      (throw $wide (i64.extend_i32_s (local.get $n)) (table.get $x (i32.const 1)) (global.get $last)))
    (call $throw (local.get $n)))
  (func (export "tries") (param $n i32) (result i32) (local $error exnref) (local $found i32)
    (loop $l
      (block $done
        (block $all (result exnref)
          (block $word (result i32)
            (br $done (local.set $found (try_table (result i32) (catch $word $word) (catch_all_ref $all)
              (call $fail (local.get $n) (i32.and (local.get $n) (i32.const 7)))))))
          (br $done (local.set $found)))
        (local.set $error)
        (call $poke)
        (table.set $caught (i32.and (local.get $n) (i32.const 3)) (local.get $error)))
      (br_if $l (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (local.get $found))
  (func (export "keeps") (param $n i32) (result i32) (local $error exnref)
    (block $all (result exnref)
      (try_table (catch_all_ref $all) (drop (call $fail (local.get $n) (i32.const 2))))
      (return (i32.const 0)))
    (local.tee $error) (global.set $last)
    (table.set $caught (i32.and (local.get $n) (i32.const 3)) (local.get $error))
    (call $poke)
    (block $wide (result i64 externref exnref)
      (block $again (result i32 exnref)
        (try_table (catch_ref $word $again) (catch $wide $wide) (throw_ref (local.get $error))) (unreachable))
      (drop) (return))
    (global.set $last) (drop) (i32.wrap_i64))
  (func (export "again") (param i32) (throw_ref (table.get $caught (i32.and (local.get 0) (i32.const 3)))))
  ;; end
  (func (export "grow") (param i32) (result i32) (call $poke) (i32.add (memory.grow (local.get 0)) (memory.size)))
  (func (export "nested") (param i32) (result i32) (i32.add (call $nest (local.get 0)) (call $nest (i32.const 2)))))"""

USER = """(module
  (type $unary (func (param i32) (result i32)))
  (import "library" "small" (func $small (type $unary)))
  (import "library" "deep" (func $deep (type $unary)))
  (import "host" "poke" (func $poke))
  (import "host" "nest" (func $nest (param i32) (result i32)))
  (import "library" "table" (table $t 8 funcref))
  (import "library" "g" (global $g (mut i32)))
  ;; what throws
  (import "library" "word" (tag $word (param i32)))
  (import "library" "fail" (func $fail (param i32 i32) (result i32)))
  ;; end
  (memory (export "memory") 2)
  (data (i32.const 8) "the user's own memory")
  (func $own (export "own") (type $unary) (call $poke) (i32.mul (local.get 0) (i32.load (i32.const 8))))
  (elem (i32.const 6) $own $own)
  (func (export "across") (param i32) (result i32) (local i32)
    (loop $l
      (i32.store (i32.shl (local.get 0) (i32.const 2)) (call $small (local.get 0)))
      (local.set 1 (i32.add (local.get 1) (call $deep (i32.and (local.get 0) (i32.const 3)))))
      (global.set $g (local.get 1))
      (local.set 1 (i32.add (local.get 1) (call_indirect $t (type $unary) (local.get 1) (i32.and (local.get 0) (i32.const 7)))))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))
  ;; what throws
  (func (export "older") (param i32) (result i32) (local i32)
    try (result i32)
      try (result i32)
        (call $fail (local.get 0) (i32.const 1))
      catch $word
        (local.set 1)
        (call $poke)
        try (call $poke) (rethrow 1) delegate 0
        (i32.const 0)
      catch_all
        (call $poke)
        (rethrow 0)
      end
    catch $word
      (i32.add (local.get 1))
    catch_all
      (i32.const -1)
    end)
  ;; end
  (func (export "back") (param i32) (result i32) (i32.add (call $own (i32.const 1)) (call $nest (local.get 0))))
  (func (export "many") (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64 i64 i64)
    (call $poke) (i64.add (local.get 0) (local.get 7)) (local.get 3) (local.get 5)))"""


def answer(name: str, caller: Any, *args: Any) -> object:
    """What host functions do."""
    if name == "nest":
        small = caller.get("small") or caller.get("own")
        return small(caller, args[0]) if isinstance(small, Func) else 0
    if name == "throw":
        tag = caller.get("word")
        if args[0] % 2 and isinstance(tag, Tag):
            raise WasmException(tag, [args[0]])
        return args[0]
    return {"poke": None, "mix": 7, "refs": list(args)}[name]


class World:
    """One victim.  `poke` damages it: called by host functions, between slices of fuel, and by the fuzzer."""

    def __init__(self, engine: Engine, modules: tuple[Module, Module]) -> None:
        self.store = Store(engine)
        self.machine = self.store.machine
        self.poke: Callable[[], object] = int  # what happens to it in a host function
        library, user = modules
        functions = {name: self._host(name) for name in HOST_TYPES}
        self.counter = Global(self.store, GlobalType(I64, True), 1)
        self.spare = Table(self.store, TableType(EXTERNREF, Limits(2, 8)), "spare")
        externs: dict[str, Any] = functions | {"counter": self.counter}
        first = Instance(self.store, library, [externs[i.name] for i in library.imports])
        externs |= dict(first.exports(self.store))
        self.instances = [first, Instance(self.store, user, [externs[i.name] for i in user.imports])]
        self.modules = modules
        self.word = externs.get("word")
        self.functions: list[tuple[Any, list[ValType]]] = []
        self.others: list[Any] = [self.counter, self.spare]
        for instance in self.instances:
            for extern in instance.exports(self.store).values():
                if isinstance(extern, Func):
                    self.functions.append((extern, extern.type(self.store).params))
                else:
                    self.others.append(extern)

    def _host(self, name: str) -> Func:
        params, results = HOST_TYPES[name]

        def call(caller: Any, *args: Any) -> object:
            self.poke()
            return answer(name, caller, *args)

        return Func(self.store, FuncType(params, results), call, access_caller=True)

    @property
    def arena(self) -> memoryview:
        return self.machine.cage.arena

    def places(self) -> list[tuple[int, int]]:
        """Spans of the arena that mean something: (offset, bytes)."""
        found = [(STACK_AT, 512), (self.machine.top, 256), (StoreContext.sp.read(self.machine.cage.store_page, 0), 96)]
        for instance in self.machine.registry.instances:
            layout = instance.code.layout
            found.append((instance.at, layout.size))
            found.append((instance.at, InstanceRecord.size))
            funcrefs = instance.at + layout.size + 15 & -16
            found.append((funcrefs, FuncRefRecord.size * instance.code.function_count))
            found.append((funcrefs + FuncRefRecord.size * instance.code.function_count, 32))
            for table in instance.tables:
                found += [(table.at, TableRecord.size), (table.at + TableRecord.size, 64)]
            found += [(memory.at, MemoryRecord.size) for memory in instance.memories]
            found += [(variable.at, GlobalRecord.size) for variable in instance.globals]
        found += [(at, TagRecord.size) for at in self.machine.registry.tags]
        return found

    def exceptions(self) -> list[int]:
        """Where exceptions lie that the guests keep, or may have kept."""
        found = self.machine.registry.exceptions
        ends = {end: begin for begin, end in found.gaps}  # what is free behind those that were made
        return [at for begin, end in found.regions for at in range(begin, min(ends.get(end, end), begin + 1024), 16)]

    def words(self) -> list[int]:
        """Words that mean something somewhere."""
        arena, heap = len(self.arena), self.machine.heap
        placed = self.machine.window.modules
        pcs = [
            0,
            HALT_PC,
            16,
            24,
            32,
            *(p.origin + f.begin + 8 * k for p in placed for f in p.code.all_functions() for k in (0, 1, 3)),
        ]
        handles = [0, 1, 2, 3, THUNKS - 1, THUNKS, THUNKS + 5, THUNKS + 20, HANDLE_MASK, HANDLE_MASK + 1]
        types = [*range(2 + sum(len(p.code.types) for p in placed))]
        edges = [
            arena,
            arena - 4,
            arena - 8,
            arena - 16,
            heap,
            heap - 16,
            STACK_AT,
            STACK_AT + STACK,
            MEMORY_AT,
            MEMORY_AT - 4,
            ARENA_MAX + 65536,
        ]
        return [
            *range(9),
            0xFFFFFFFF,
            0xFFFFFFFC,
            0xFFFFFFF0,
            0x7FFFFFFF,
            0x80000000,
            0x10000,
            *pcs,
            *handles,
            *types,
            *edges,
            MODULE_GRAIN,
        ]


def memory_length(page: memoryview, area: int) -> int:
    """Bytes of a memory area, as a store page says."""
    lengths = StoreContext.lengths
    return PAGE_SIZE * int(lengths.packer.unpack_from(page, lengths.offset + lengths.size * area)[0])


def engine(tier: Way, **options: Any) -> Engine:
    """An engine for worlds: small enough that each costs little, big enough that everything can go wrong."""
    limits = {"max_wasm_stack": STACK, "max_memory": 1 << 21, "max_table_elements": 5000}
    return engine_of(tier, consume_fuel=True, memories=AREAS, **limits, **options)


def modules(of: Engine, *, throwing: bool = True) -> tuple[Module, Module]:
    """The library and its user; `throwing`: with exceptions, which the raw layout has none of."""
    library, user = (text if throwing else WHAT_THROWS.sub("", text) for text in (LIBRARY, USER))
    return Module(of, library), Module(of, user)


class Poker:
    """Damages a world at random; `count`: how often it has."""

    def __init__(self, world: World, choose: random.Random) -> None:
        self.world = world
        self.choose = choose
        self.places = world.places()
        self.words = world.words() + [at for at, _ in self.places]
        self.count = 0

    def poke(self) -> None:
        """One damage: in the records, in the stack's present frames, or in a memory."""
        self.count += 1
        choose, world = self.choose, self.world
        kind = choose.random()
        if kind < 0.08:
            memory = world.machine.cage.memory(choose.randrange(2))
            memory[choose.randrange(len(memory))] = choose.randrange(256)
            return
        arena = world.arena
        if kind < 0.35:
            at, size = StoreContext.sp.read(world.machine.cage.store_page, 0), 64 + FrameHeader.size
        elif kind < 0.4:
            at, size = 0, len(arena)
        elif kind < 0.5 and (kept := world.exceptions()):
            at, size = choose.choice(kept), 16
        else:
            at, size = choose.choice(self.places)
        place = min(at + choose.randrange(size), len(arena) - 8)
        self.damage(arena, place)

    def damage(self, arena: memoryview, place: int) -> None:
        """Overwrite what lies there: a byte, a word that means something, or any eight bytes."""
        choose = self.choose
        kind = choose.random()
        if kind < 0.15:
            arena[place] = choose.randrange(256)
        elif kind < 0.25:
            struct.pack_into("<Q", arena, place, choose.getrandbits(64))
        else:
            word = choose.choice(self.words) if kind < 0.9 else choose.getrandbits(32)
            if kind > 0.95:
                word = choose.choice(self.world.exceptions() or self.words)
            if choose.random() < 0.1:
                word += choose.choice((-8, -4, -1, 1, 4, 8, 16))
            struct.pack_into("<I", arena, place if choose.random() < 0.1 else place & -4, word & 0xFFFFFFFF)
