"""Random valid modules, written as binaries at once, that stress control flow: a thousand take a few seconds to make.

    wasm = module(17)           # the same bytes for the same seed, always

What other generators seldom make: many parameters, results and locals; blocks that take and leave operands; branches that carry
operands out of deep blocks; `br_table` above few operands; operands that are locals while these are written; calls of many
arguments, also through tables; tail calls between functions of other parameters; dead code; frames wider than an operand of the bytecode
reaches; vectors among all of these; several memories and tables, with indexes of 32 or 64 bits, of pages of 64 KiB or of bytes;
exceptions (`control_exceptions`).

A module ends by itself: loops and functions use up `fuel`, an exported global that the exported function `refuel` fills again, and
functions call only those behind them.  Floats are moved and stored, never computed with: so no NaN is undetermined.  Functions that take or return
vectors are not exported: other engines' Python packages have no such values.  At its end
a function folds its locals into the exported global `sum`, so that a wrong local is seen.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from differential import control_exceptions, control_memories, control_vectors
from differential.binary import MAGIC, TYPES, s, section, sized, types, u, vec
from differential.control_memories import CONSTANTS, IS_64, PLAIN, Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Types = tuple[str, ...]

FUEL = 60  # turns of loops and calls of one call from outside
DEPTH = 14  # open blocks
NUMBERS = (0, 1, 2, 3, 7, 8, 31, -1, -2, 100, 0x7FFF, 0x8000, -0x8000, -0x8001, 65536, 0x7FFFFFFF, -0x80000000)
COMPARISONS = {"i32": range(0x46, 0x50), "i64": range(0x51, 0x5B)}
BINARIES = {"i32": (*range(0x6A, 0x6F), *range(0x71, 0x79)), "i64": (*range(0x7C, 0x81), *range(0x83, 0x8B))}  # some divide
UNARIES = {"i32": (0x67, 0x68, 0x69, 0x45, 0xC0, 0xC1), "i64": (0x79, 0x7A, 0x7B, 0xC2, 0xC3, 0xC4)}
CONVERSIONS = {"i32": (("i64", 0xA7), ("f32", 0xBC)), "i64": (("i32", 0xAC), ("i32", 0xAD), ("f64", 0xBD), ("i64", 0xC4))}
BACK = {"f32": ("i32", 0xBE), "f64": ("i64", 0xBF)}
NULLS = {"funcref": b"\xd0\x70", "externref": b"\xd0\x6f", "exnref": b"\xd0\x69"}
WEIGHTS = {"i32": 40, "i64": 25, "f32": 8, "f64": 12, "funcref": 3, "externref": 2}
WITH_VECTORS = {**WEIGHTS, "v128": 25}
SUM, FUEL_LEFT = 0, 1  # globals
GLOBALS = ("i64", "i32", "i32", "f64", "funcref", "v128")  # the last is there where vectors are
BLOCK, LOOP, IF, ELSE, END = 0x02, 0x03, 0x04, 0x05, 0x0B


def some_types(rng: random.Random, scale: int = 1, *, vectors: bool = False) -> Types:
    """A list of types: mostly short, seldom long."""
    weights = WITH_VECTORS if vectors else WEIGHTS
    longest = rng.choice((0, 1, 1, 2, 2, 3, 3, 5, 5, 8, 8, 20 * scale, 40 * scale))
    if longest > 8 and rng.random() < 0.5:  # all the same: the likeliest to hide an exchange, and to fit elsewhere
        return (rng.choice(("i32", "i64")),) * rng.randint(1, longest)
    return tuple(rng.choices(list(weights), list(weights.values()), k=rng.randint(0, longest)))


@dataclass(frozen=True)
class Signature:
    """A function's type."""

    params: Types
    results: Types

    @property
    def exportable(self) -> bool:
        """Whether it can be called from outside."""
        return "v128" not in self.params + self.results


@dataclass
class Plan:
    """A module that is being made.  `functions`: the type of each; `signatures`: typeidx by type; `wide_tables`: which have 64-bit indexes;
    `exceptions`: in which form, or ""; `tags`: what each carries.
    """

    rng: random.Random
    vectors: bool
    memories: list[Memory]
    wide_tables: tuple[bool, bool]
    exceptions: str
    tags: list[Types]
    functions: list[Signature] = field(default_factory=list)
    signatures: dict[Signature, int] = field(default_factory=dict)

    @property
    def old(self) -> bool:
        """Whether it is for engines that know the older form of exceptions, and not all that has come since."""
        return self.exceptions == control_exceptions.OLDER

    def type(self, params: Types, results: Types) -> int:
        """The index of a type."""
        return self.signatures.setdefault(Signature(params, results), len(self.signatures))

    def index(self, table: int) -> str:
        """Type of a table's indexes."""
        return "i64" if self.wide_tables[table] else "i32"


@dataclass
class Frame:
    """An open block.  `height`: of the stack below its parameters; `dead`: what comes next cannot be reached."""

    kind: int
    params: Types
    results: Types
    height: int
    dead: bool = False

    @property
    def label(self) -> Types:
        """What a branch to it carries."""
        return self.params if self.kind == LOOP else self.results


class Body:
    """The code of one function; `made` is it, with its locals."""

    def __init__(self, plan: Plan, index: int, locals_: Types) -> None:
        self.plan, self.rng, self.index = plan, plan.rng, index
        self.signature = plan.functions[index]
        self.locals = (*self.signature.params, *locals_)
        chosen = [*range(min(len(self.locals), 10)), *range(max(0, len(self.locals) - 4), len(self.locals))]
        chosen += [self.rng.randrange(len(self.locals)) for _ in range(6) if self.locals]
        self.usable = sorted(set(chosen))
        self.code = bytearray()
        self.stack: list[str] = []
        self.frames = [Frame(BLOCK, (), self.signature.results, 0)]
        self.actions: list[tuple[int, Callable[[], None]]] = [
            (14, self.get),
            (10, self.compute),
            (9, self.set),
            (7, self.alias),
            (7, self.block),
            (2, self.nest),
            (5, self.br_if),
            (4, self.br_table),
            (2, self.br),
            (1, self.leave),
            (6, self.call),
            (4, self.call_indirect),
            (2, self.tail_call),
            (4, self.access),
            (2, self.select),
            (2, self.drop),
            (2, self.globals),
            (1, self.table),
            (1, self.bulk),
        ]
        if plan.vectors:
            self.actions += [(14, lambda: control_vectors.compute(self))]
        if plan.exceptions:
            self.actions += control_exceptions.actions(self)
        self.weights = [weight for weight, _ in self.actions]
        self.burn()

    def instructions(self, budget: int) -> bytes:
        """So many instructions at random, and the ends of all blocks."""
        while self.frames:
            top = self.frames[-1]
            inner = len(self.frames) > 1
            if budget <= 0 or (inner and (self.rng.random() < 0.1 or (top.dead and self.rng.random() < 0.5))):
                self.close()
            else:
                budget -= 1
                self.rng.choices(self.actions, self.weights)[0][1]()
        runs = [(u(len(list(run))), TYPES[type_]) for type_, run in groupby(self.locals[len(self.signature.params) :])]
        return sized(vec(count + bytes([type_]) for count, type_ in runs) + bytes(self.code))

    # the stack

    def emit(self, *code: int) -> None:
        self.code += bytes(code)

    def op(self, pops: Sequence[str], pushes: Sequence[str], *code: int) -> None:
        """An instruction."""
        top = self.frames[-1]
        for type_ in reversed(pops):
            if len(self.stack) > top.height:
                assert self.stack.pop() == type_
            else:
                assert top.dead
        self.emit(*code)
        self.stack += pushes

    def value(self, type_: str) -> None:
        """Push something of the type: mostly a local."""
        rng = self.rng
        found = [n for n in self.usable if self.locals[n] == type_]
        if found and rng.random() < 0.65:
            self.op((), (type_,), 0x20, *u(rng.choice(found)))
        elif type_ in CONSTANTS:
            self.op((), (type_,), CONSTANTS[type_], *s(rng.choice(NUMBERS)))
        elif type_ in BACK:
            bits, code = BACK[type_]
            self.op((), (bits,), CONSTANTS[bits], *s(rng.choice(NUMBERS)))
            self.op((bits,), (type_,), code)
        elif type_ == "v128":
            control_vectors.constant(self)
        elif type_ == "funcref" and rng.random() < 0.5:
            self.op((), (type_,), 0xD2, *u(rng.randrange(len(self.plan.functions))))
        else:
            self.op((), (type_,), *NULLS[type_])

    def need(self, wanted: Types) -> None:
        """Bring operands of these types to the top: what is there is used as far as it fits."""
        top = self.frames[-1]
        have = tuple(self.stack[top.height :])
        if top.dead and self.rng.random() < 0.5 and (not have or wanted[-len(have) :] == have):
            return
        count = min(len(have), len(wanted))
        if self.rng.random() < 0.1:
            count = 0
        while count and have[-count:] != wanted[:count]:
            count -= 1
        for type_ in wanted[count:]:
            self.value(type_)

    def condition(self) -> None:
        """Push an i32, in the forms that become part of a branch."""
        rng = self.rng
        kind = rng.randrange(6)
        self.value("i64" if kind == 5 else "i32")
        if kind == 1:
            self.op(("i32",), ("i32",), 0x45)
        elif kind == 2:
            self.value("i32")
            self.op(("i32", "i32"), ("i32",), rng.choice(COMPARISONS["i32"]))
        elif kind == 3:
            self.op((), ("i32",), 0x41, *s(rng.choice(NUMBERS)))
            self.op(("i32", "i32"), ("i32",), rng.choice((0x6A, 0x71, 0x48, 0x4D)))
        elif kind == 4:
            self.op((), ("i32",), 0x41, *s(rng.choice((1, 3, 7))))
            self.op(("i32", "i32"), ("i32",), 0x71)
        elif kind == 5:
            self.value("i64")
            self.op(("i64", "i64"), ("i32",), rng.choice(COMPARISONS["i64"]))

    # straight code

    def get(self) -> None:
        if self.usable:
            n = self.rng.choice(self.usable)
            self.op((), (self.locals[n],), 0x20, *u(n))

    def set(self) -> None:
        if self.usable:
            n = self.rng.choice(self.usable)
            type_ = self.locals[n]
            self.need((type_,))
            if self.rng.random() < 0.6:
                self.op((type_,), (), 0x21, *u(n))
            else:
                self.op((type_,), (type_,), 0x22, *u(n))

    def alias(self) -> None:
        """A local on the stack, perhaps more than once, and then written."""
        rng = self.rng
        if not self.usable:
            return
        n = rng.choice(self.usable)
        type_ = self.locals[n]
        for _ in range(rng.choice((1, 1, 2, 4))):
            self.op((), (type_,), 0x20, *u(n))
        if rng.random() < 0.3:
            self.get()
        self.value(type_)
        if type_ in BINARIES and rng.random() < 0.6:
            self.value(type_)
            self.op((type_, type_), (type_,), rng.choice(BINARIES[type_][:3]))
        self.op((type_,), (), 0x21, *u(n))

    def compute(self) -> None:
        rng = self.rng
        type_ = rng.choice(("i32", "i32", "i64"))
        kind = rng.random()
        if kind < 0.5:
            self.need((type_, type_))
            self.op((type_, type_), (type_,), rng.choice(BINARIES[type_]))
        elif kind < 0.65:
            self.need((type_, type_))
            self.op((type_, type_), ("i32",), rng.choice(COMPARISONS[type_]))
        elif kind < 0.8:
            self.need((type_,))
            code = rng.choice(UNARIES[type_])
            self.op((type_,), ("i32" if code == 0x45 else type_,), code)
        else:
            source, code = rng.choice(CONVERSIONS[type_])
            self.need((source,))
            self.op((source,), (type_,), code)

    def select(self) -> None:
        type_ = self.stack[-1] if len(self.stack) > self.frames[-1].height else "i32"
        self.need((type_, type_))
        self.condition()
        pops, typed = (type_, type_, "i32"), type_ in NULLS or self.rng.random() < 0.2
        self.op(pops, (type_,), *((0x1C, 1, TYPES[type_]) if typed else (0x1B,)))

    def drop(self) -> None:
        for _ in range(self.rng.choice((1, 1, 2, 5))):
            if len(self.stack) > self.frames[-1].height:
                self.op((self.stack[-1],), (), 0x1A)

    def globals(self) -> None:
        n = self.rng.choice((0, 2, 3, 4, 5, 5) if self.plan.vectors else (0, 2, 3, 4))
        if self.rng.random() < 0.5:
            self.op((), (GLOBALS[n],), 0x23, n)
        else:
            self.need((GLOBALS[n],))
            self.op((GLOBALS[n],), (), 0x24, n)

    def access(self) -> None:
        """A load or a store."""
        control_memories.access(self)

    def address(self, memory: int) -> str:
        """Push an address in a memory; its type."""
        return control_memories.address(self, memory)

    def memarg(self, memory: int) -> bytes:
        """The immediate of an access."""
        return control_memories.memarg(self, memory)

    def bulk(self) -> None:
        """Something with a whole memory, or many bytes."""
        control_memories.bulk(self)

    def table(self) -> None:
        """Something with the second table."""
        rng, index = self.rng, self.plan.index(1)
        if rng.random() < 0.3:
            self.op((), (index,), 0xFC, 0x10, 1)
            return
        self.op((), (index,), CONSTANTS[index], rng.randrange(11))
        if rng.random() < 0.5:
            self.op((index,), ("funcref",), 0x25, 1)
        else:
            self.value("funcref")
            self.op((index, "funcref"), (), 0x26, 1)

    # control

    def burn(self) -> None:
        """Use up fuel; trap when there is none."""
        self.emit(0x23, FUEL_LEFT, 0x45, 0x04, 0x40, 0x00, 0x0B, 0x23, FUEL_LEFT, 0x41, 1, 0x6B, 0x24, FUEL_LEFT)

    def block(self) -> None:
        """Open a block of some kind."""
        if len(self.frames) < DEPTH:
            self.open(self.rng.choice((BLOCK, BLOCK, LOOP, IF)))

    def nest(self) -> None:
        """Open several."""
        for _ in range(self.rng.randint(2, 6)):
            self.block()

    def open(self, kind: int) -> None:
        rng = self.rng
        count = min(len(self.stack) - self.frames[-1].height, rng.choice((0, 0, 0, 1, 1, 2, 3, 8, 40)))
        params = tuple(self.stack[len(self.stack) - count :])
        results = params if rng.random() < 0.3 else some_types(rng) if rng.random() < 0.6 else ()
        if rng.random() < 0.15:
            results = self.signature.results
        if kind == IF:
            self.condition()
            self.op(("i32",), ())
        if params or len(results) > 1:
            blocktype = s(self.plan.type(params, results))
        else:
            blocktype = bytes([TYPES[results[0]] if results else 0x40])
        self.emit(kind, *blocktype)
        self.frames.append(Frame(kind, params, results, len(self.stack) - count))
        if kind == LOOP:
            self.burn()

    def close(self) -> None:
        """End the innermost block, or its first arm."""
        frame = self.frames[-1]
        if self.plan.exceptions and control_exceptions.close(self):
            return
        if len(self.frames) == 1 and not frame.dead:
            self.fold()
        self.yields()
        del self.stack[frame.height :]
        if frame.kind == IF and (frame.params != frame.results or self.rng.random() < 0.5):
            self.emit(ELSE)
            self.stack += frame.params
            frame.kind, frame.dead = ELSE, False
            return
        self.emit(END)
        self.frames.pop()
        self.stack += frame.results

    def yields(self) -> None:
        """Leave the innermost block's results, and nothing else; or branch to its end with more below them."""
        frame = self.frames[-1]
        if self.rng.random() < 0.2:
            self.jump(0)
            return
        have, keep = self.stack[frame.height :], 0
        if frame.dead and self.rng.random() < 0.7 and (not have or frame.results[-len(have) :] == tuple(have)):
            return
        while keep < min(len(have), len(frame.results)) and have[keep] == frame.results[keep]:
            keep += 1
        for type_ in reversed(have[keep:]):
            self.op((type_,), (), 0x1A)
        for type_ in frame.results[keep:]:
            self.value(type_)

    def fold(self) -> None:
        """What locals hold goes into the global `sum`."""
        for n in self.usable[:12]:
            self.op((), ("i64",), 0x23, SUM)
            self.op((), ("i64",), 0x42, 31)
            self.op(("i64", "i64"), ("i64",), 0x7E)
            type_ = self.locals[n]
            if type_ == "v128":
                control_vectors.folded(self, n)
                self.op(("i64", "i64"), ("i64",), 0x7C)
                self.op(("i64",), (), 0x24, SUM)
                continue
            self.op((), (type_,), 0x20, *u(n))
            if type_ in NULLS:
                self.op((type_,), ("i32",), 0xD1)
            if type_ == "f32":
                self.op(("f32",), ("i32",), 0xBC)
            if type_ == "f64":
                self.op(("f64",), ("i64",), 0xBD)
            elif type_ != "i64":
                self.op(("i32",), ("i64",), 0xAD)
            self.op(("i64", "i64"), ("i64",), 0x7C)
            self.op(("i64",), (), 0x24, SUM)

    def dead(self) -> None:
        """What follows cannot be reached."""
        del self.stack[self.frames[-1].height :]
        self.frames[-1].dead = True

    def jump(self, depth: int) -> None:
        """Branch."""
        label = self.frames[-1 - depth].label
        self.need(label)
        if depth == len(self.frames) - 1 and self.rng.random() < 0.5:
            self.op(label, (), 0x0F)
        else:
            self.op(label, (), 0x0C, *u(depth))
        self.dead()

    def br(self) -> None:
        self.jump(self.rng.randrange(len(self.frames)))

    def leave(self) -> None:
        """Return, or trap."""
        if self.rng.random() < 0.85:
            self.jump(len(self.frames) - 1)
        else:
            self.emit(0x00)
            self.dead()

    def br_if(self) -> None:
        depth = self.rng.randrange(len(self.frames))
        label = self.frames[-1 - depth].label
        self.need(label)
        self.condition()
        self.op((*label, "i32"), label, 0x0D, *u(depth))

    def br_table(self) -> None:
        """To all labels that take the same as one of them."""
        rng = self.rng
        default = rng.randrange(len(self.frames))
        label = self.frames[-1 - default].label
        same = [depth for depth in range(len(self.frames)) if self.frames[-1 - depth].label == label]
        self.need(label)
        self.condition()
        depths = [rng.choice(same) for _ in range(rng.choice((0, 1, 2, 3, 6)))]
        self.op((*label, "i32"), (), 0x0E, *vec(map(u, depths)), *u(default))
        self.dead()

    # calls

    def call(self) -> None:
        """A function behind this one."""
        if self.index + 1 < len(self.plan.functions):
            callee = self.rng.randrange(self.index + 1, len(self.plan.functions))
            signature = self.plan.functions[callee]
            self.need(signature.params)
            self.op(signature.params, signature.results, 0x10, *u(callee))

    def call_indirect(self) -> None:
        """A function behind this one, through the table; seldom one of another type, or none."""
        functions = self.plan.functions
        if self.index + 1 >= len(functions):
            return
        callee = self.rng.randrange(self.index + 1, len(functions))
        signature = functions[callee]
        element = callee
        if self.rng.random() < 0.06:
            element = self.rng.choice([n for n, other in enumerate(functions) if other != signature] + [len(functions), 500])
        self.need(signature.params)
        type_, index = self.plan.signatures[signature], self.plan.index(0)
        self.op((), (index,), CONSTANTS[index], *s(element))
        self.op((*signature.params, index), signature.results, 0x11, *u(type_), 0)

    def tail_call(self) -> None:
        """A function behind this one that returns the same, mostly with other parameters, in this one's place; also through the table."""
        functions, rng = self.plan.functions, self.rng
        found = [n for n in range(self.index + 1, len(functions)) if functions[n].results == self.signature.results]
        if not found:
            return
        callee = rng.choice(found)
        signature = functions[callee]
        if len(self.frames) == 1:
            self.fold()
        self.need(signature.params)
        if rng.random() < 0.5:
            self.op(signature.params, (), 0x12, *u(callee))
        else:
            element = callee if rng.random() < 0.95 else rng.choice((len(functions), 500, rng.randrange(len(functions))))
            index = self.plan.index(0)
            self.op((), (index,), CONSTANTS[index], *s(element))
            self.op((*signature.params, index), (), 0x13, *u(self.plan.signatures[signature]), 0)
        self.dead()


def module(seed: int, exceptions: str = "") -> bytes:
    """The module of a seed, with exceptions of a form (see `control_exceptions`) if that is named.  In the older form it has none of what engines
    that know that form do not know.
    """
    rng = random.Random(seed)
    vectors = rng.random() < 0.5
    plain = exceptions == control_exceptions.OLDER
    memories = [PLAIN] if plain else control_memories.some_memories(rng)
    wide_tables = (False, False) if plain else (rng.random() < 0.2, rng.random() < 0.3)
    tags = control_exceptions.some_tags(rng, vectors=vectors) if exceptions else []
    plan = Plan(rng, vectors, memories, wide_tables, exceptions, tags)
    scale = 8 if rng.random() < 0.03 else 1
    pool = [Signature(some_types(rng, scale), some_types(rng, scale))]
    pool += [
        Signature(some_types(rng, scale, vectors=vectors), some_types(rng, scale, vectors=vectors))
        for _ in range(rng.randint(1, 5))
    ]
    pool += [
        Signature(some_types(rng, scale, vectors=vectors), rng.choice(pool).results) for _ in range(rng.randint(1, 4))
    ]  # for tail calls
    plan.functions = [pool[0], *(rng.choice(pool) for _ in range(rng.randint(2, 7)))]  # the first can be called
    for signature in (*plan.functions, *(Signature(carried, ()) for carried in tags)):
        plan.type(signature.params, signature.results)
    wide = rng.randrange(len(plan.functions)) if rng.random() < 0.12 else -1
    bodies = []
    for index in range(len(plan.functions)):
        locals_ = some_types(rng, 2, vectors=vectors)
        if exceptions == control_exceptions.STANDARD:
            locals_ += ("exnref",) * rng.choice((0, 1, 2))
        if index == wide:  # temporaries pass the end of what operands reach, or locals do
            locals_ += ("i64",) * rng.choice((rng.randint(8050, 8192), 9000)) + ("i32",) * 3
        bodies.append(Body(plan, index, locals_).instructions(rng.choice((5, 20, 40, 80))))
    return assembled(plan, bodies)


def assembled(plan: Plan, bodies: list[bytes]) -> bytes:
    """All sections around the functions; the last function is `refuel`."""
    count = len(plan.functions)
    refuel = plan.type((), ())
    numbers = [plan.signatures[signature] for signature in plan.functions]
    exports = [(str(n), 0, n) for n, signature in enumerate(plan.functions) if signature.exportable]
    exports += [("refuel", 0, count), ("sum", 3, SUM), ("word", 3, 2), ("double", 3, 3), ("table", 1, 1)]
    exports += [(f"tag {n}", 4, n) for n in range(len(plan.tags))]
    exports += [(f"memory {n}", 2, n) for n in range(len(plan.memories))]
    start = {
        "i64": b"\x42\0",
        "i32": b"\x41\0",
        "f64": b"\x44" + bytes(8),
        "funcref": NULLS["funcref"],
        "v128": b"\xfd\x0c" + bytes(16),
    }
    globals_ = GLOBALS if plan.vectors else GLOBALS[:-1]
    tables = [bytes([0x70, IS_64 * wide]) + u(size) for wide, size in zip(plan.wide_tables, (count + 1, 10), strict=True)]
    return MAGIC + b"".join(
        (
            section(1, *(b"\x60" + types(each.params) + types(each.results) for each in plan.signatures)),
            section(3, *map(u, [*numbers, refuel])),
            section(4, *tables),
            section(5, *(memory.type() for memory in plan.memories)),
            section(13, *(b"\0" + u(plan.type(carried, ())) for carried in plan.tags)) if plan.tags else b"",
            section(6, *(bytes([TYPES[type_], 1]) + start[type_] + b"\x0b" for type_ in globals_)),
            section(7, *(sized(name.encode()) + bytes([kind]) + u(n) for name, kind, n in exports)),
            section(9, b"\0" + start[plan.index(0)] + b"\x0b" + vec(map(u, range(count)))),
            b"\x0c" + sized(u(1 + len(plan.memories))),
            section(10, *bodies, sized(b"\0\x41" + s(FUEL) + b"\x24" + bytes([FUEL_LEFT]) + b"\x0b")),
            b"\x0b" + sized(control_memories.data_sections(plan.memories, plan.rng)),
        )
    )
