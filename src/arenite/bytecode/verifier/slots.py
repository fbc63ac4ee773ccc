"""The class of every slot of a function, where the walk is and at labels ahead (see `classes`).

- Slots are counted without the declared locals, whose classes are their types' and never change: 8 slots of 8 bits to a word.
- A word belongs to the present state while its stamp is the present `epoch`, else all of it is unwritten.
- A branch to a label that was branched to before is free as long as no slot's class grew meanwhile: `growths` counts that.
- Work and memory beyond a multiple of what is verified are a `Limit`.

Compiled by mypyc; see `translate.writer` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import read_i64_le
from librt.vecs import append, vec
from mypy_extensions import i32, i64

from arenite.bytecode.verifier.classes import UNWRITTEN
from arenite.errors import Limit

SIGNED: Final = 56  # where the slot with a word's sign stands
NOTHING: Final = -1  # a word of slots that nobody wrote; no slot, no pc


@final
class SlotClasses:
    """The classes of a function's slots where the walk is, and at labels ahead.

    A label's state is `counts` pairs of `places` (of a word) and `values`, from `starts` on; `merged`: how many growths there had been when a
    branch last brought its state.  `regions`: labels in the order of their pairs.  `live`: a path leads to where the walk is.
    """

    def __init__(self, room: i64, work: i64) -> None:
        self.room: i64 = room
        self.work: i64 = work
        self.live = False
        self.words: vec[i64] = vec[i64]()
        self.stamps: vec[i64] = vec[i64]()
        self.touched: vec[i32] = vec[i32]()
        self.touched_count: i64 = 0
        self.epoch: i64 = 0
        self.growths: i64 = 0
        self.starts: vec[i32] = vec[i32]()
        self.counts: vec[i32] = vec[i32]()
        self.merged: vec[i64] = vec[i64]()
        self.label_count: i64 = 0
        self.regions: vec[i32] = vec[i32]()
        self.region_count: i64 = 0
        self.places: vec[i32] = vec[i32]()
        self.values: vec[i64] = vec[i64]()
        self.top: i64 = 0  # pairs in use

    def begin(self, slots: i64) -> None:
        """A function with so many slots, none of them written."""
        words = (slots + 7) >> 3
        self.charge(24 * words)
        while len(self.words) < words:
            self.words = append(self.words, NOTHING)
            self.stamps = append(self.stamps, 0)
            self.touched = append(self.touched, 0)
        self.label_count = 0
        self.region_count = 0
        self.top = 0
        self.forget()

    def charge(self, size: i64) -> None:
        """So many bytes are about to be in use beside those of labels."""
        if size + 12 * self.top + 20 * self.label_count > self.room:
            raise Limit("the state of the module's operands takes too much memory to verify")

    def spend(self, words: i64) -> None:
        """So many words are looked at."""
        self.work -= words
        if self.work < 0:
            raise Limit("the module's branches carry too many operands to verify")

    def forget(self) -> None:
        """No slot is written."""
        self.epoch += 1
        self.touched_count = 0
        self.growths += 1

    def word(self, w: i64) -> i64:
        """Eight slots."""
        return self.words[w] if self.stamps[w] == self.epoch else NOTHING

    def put(self, w: i64, value: i64) -> None:
        """Eight slots, none of them written before."""
        self.stamps[w] = self.epoch
        self.words[w] = value
        self.touched[self.touched_count] = i32(w)
        self.touched_count += 1

    def get(self, i: i64) -> i64:
        """The class of a slot."""
        w = i >> 3
        if self.stamps[w] != self.epoch:
            return UNWRITTEN
        return self.words[w] >> ((i & 7) << 3) & UNWRITTEN

    def set(self, i: i64, class_: i64) -> None:
        """A slot is written."""
        w = i >> 3
        if self.stamps[w] != self.epoch:
            self.put(w, NOTHING)
        shift = (i & 7) << 3
        before = self.words[w] >> shift & 0xFF
        if class_ & ~before != 0:
            self.growths += 1
        change = class_ - before
        if shift == SIGNED and before > UNWRITTEN:
            change += 256
        self.words[w] += change << shift

    def fits(self, words: bytes) -> i64:
        """The first of the slots from 0 on that does not fit, NOTHING if they all fit."""
        size: i64 = len(words)
        at: i64 = 0
        while at < size:
            wrong = self.word(at >> 3) & ~read_i64_le(words, at)
            if wrong != 0:
                i: i64 = 0
                while wrong >> (i << 3) & 0xFF == 0:
                    i += 1
                return at + i
            at += 8
        return NOTHING

    def take(self, words: bytes) -> None:
        """The slots from 0 on are like this, and no other is written."""
        self.forget()
        size: i64 = len(words)
        at: i64 = 0
        while at < size:
            self.put(at >> 3, read_i64_le(words, at))
            at += 8

    def label(self) -> i64:
        """A new label, which no path leads to so far."""
        n = self.label_count
        self.label_count = n + 1
        if n >= len(self.starts):
            self.starts = append(self.starts, 0)
            self.counts = append(self.counts, 0)
            self.merged = append(self.merged, 0)
            self.regions = append(self.regions, 0)
        self.counts[n] = NOTHING
        return n

    def reached(self, label: i64) -> bool:
        """Whether a path leads to the label."""
        return self.counts[label] >= 0

    def join(self, label: i64) -> None:
        """A path leads to the label from here."""
        if self.counts[label] < 0:
            self.copy(label)
        elif self.merged[label] != self.growths:
            at = i64(self.starts[label])
            end = at + i64(self.counts[label])
            self.spend(end - at + 1)
            while at < end:
                self.values[at] |= self.word(i64(self.places[at]))
                at += 1
        self.merged[label] = self.growths

    def copy(self, n: i64) -> None:
        """The first path to a label brings its state."""
        self.charge(24 * len(self.words) + 12 * self.touched_count)
        at = self.top
        self.starts[n] = i32(at)
        i: i64 = 0
        while i < self.touched_count:
            w = i64(self.touched[i])
            if at >= len(self.places):
                self.places = append(self.places, 0)
                self.values = append(self.values, 0)
            self.places[at] = i32(w)
            self.values[at] = self.words[w]
            at += 1
            i += 1
        self.counts[n] = i32(at - self.top)
        self.spend(at - self.top + 1)
        self.top = at
        self.regions[self.region_count] = i32(n)
        self.region_count += 1

    def bind(self, label: i64) -> None:
        """The label, to which a path leads, is here, and no branch behind leads to it."""
        self.forget()
        at = i64(self.starts[label])
        end = at + i64(self.counts[label])
        while at < end:
            if self.values[at] != NOTHING:
                self.put(i64(self.places[at]), self.values[at])
            at += 1
        self.counts[label] = NOTHING
        while self.region_count > 0:
            last = i64(self.regions[self.region_count - 1])
            if self.counts[last] >= 0:
                break
            self.top = i64(self.starts[last])
            self.region_count -= 1
