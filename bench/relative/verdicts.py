"""What was claimed of relative pointers, and what the figures say: rules that are written down, so that equal figures give equal verdicts.

A difference is one only beyond the noise floor: how far the same build, run twice, may seem to differ from itself (the end of the interval of
its geometric mean that is farther from 1), on the same programs and the same tier.  Less than `RESOLUTION` is none either, since where code happens to lie
moves times by as much and differs between ways, which the floor does not see.  The bar knows no resolution, only the floor.

Example:  [judged.verdict for judged in judge(data)]
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.relative.kernels import LARGE, SMALL
from bench.relative.statistics import Estimate, compared, mean
from bench.relative.ways import AGAIN, RAW, RELATIVE, SINGLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bench.relative.turns import Seconds

Data = dict[str, Any]
LITTLE: Final = 1.05  # a cost that is called little
DIGITS: Final = 1.10  # single digits of a percent end here
LOSS: Final = 1.03  # a program that takes longer by more is listed
RESOLUTION: Final = 0.01
OPEN: Final = "not measured"
SAME: Final = "no difference"


class Beside(NamedTuple):
    """A way beside `raw`: geometric mean of run times, and the noise floor of the same things."""

    way: str
    tier: str
    ratio: Estimate
    floor: float

    @property
    def band(self) -> float:
        """A ratio above 1 by no more than this, or below by as much, is no difference."""
        return max(self.floor, RESOLUTION)

    @property
    def verdict(self) -> str:
        """`no difference`, `faster` or `slower`."""
        within = 1 / (1 + self.band) <= self.ratio.value <= 1 + self.band
        if within or self.ratio.low <= 1 <= self.ratio.high:
            return SAME
        return "faster" if self.ratio.value < 1 else "slower"


class Loss(NamedTuple):
    """A program that takes a way longer than `raw` by more than `LOSS`."""

    tier: str
    name: str
    way: str
    ratio: Estimate
    floor: float

    @property
    def noise(self) -> bool:
        """Whether the same build differs from itself as much, or the interval reaches 1."""
        return self.ratio.value <= 1 + self.floor or self.ratio.low <= 1


@dataclass(frozen=True)
class Judged:
    """A claim, judged.  `figures`: what the verdict was read off, by name."""

    key: str
    verdict: str
    figures: Mapping[str, object] = field(default_factory=dict)


def floor(seconds: Seconds, names: Iterable[str] | None = None) -> float:
    """The noise floor of the geometric mean of these things."""
    found = mean(seconds, AGAIN, SINGLE, names)
    return found.off if found else 0.0


def floors(seconds: Seconds) -> dict[str, float]:
    """The noise floor of each thing."""
    return {name: found.off for name, found in compared(seconds, AGAIN, SINGLE).items()}


def beside(data: Data, kind: str, tier: str, way: str, names: Iterable[str] | None = None) -> Beside | None:
    """A way beside `raw`; `kind`: `programs` or `kernels`.  None where one of them was not measured."""
    seconds, chosen = data[kind].get(tier, {}), None if names is None else list(names)
    ratio = mean(seconds, way, RAW, chosen)
    return Beside(way, tier, ratio, floor(seconds, chosen)) if ratio else None


CHOSEN: Final[dict[str, Callable[[dict[str, Any]], bool]]] = {
    "base": lambda k: k["elements"] <= SMALL and not k["group"].startswith("call_indirect"),
    "handle": lambda k: k["elements"] <= SMALL and k["group"].startswith("call_indirect"),
    "tables": lambda k: k["elements"] >= LARGE and k["order"] == "random",
}
"""Which kernels a claim is judged by: those whose records fit caches anyway, those that call through references too, those that no L2 holds."""


def kernels(data: Data, claim: str) -> list[str]:
    """The kernels that a claim is judged by."""
    return [name for name, known in data["kernel facts"].items() if CHOSEN[claim](known)]


def by_tier(data: Data, claim: str) -> list[Beside]:
    """`single` beside `raw` on each tier, over a claim's kernels."""
    return [b for tier in data["kernels"] if (b := beside(data, "kernels", tier, SINGLE, kernels(data, claim)))]


def losses(data: Data) -> list[Loss]:
    """Programs that lose more than `LOSS`, the greatest first."""
    found = []
    for tier, seconds in data["programs"].items():
        noise = floors(seconds)
        for way in RELATIVE:
            found += [
                Loss(tier, name, way, ratio, noise.get(name, 0.0))
                for name, ratio in compared(seconds, way, RAW).items()
                if ratio.value > LOSS
            ]
    return sorted(found, key=lambda loss: -loss.ratio.value)


def best(data: Data, kind: str, tier: str, names: Iterable[str] | None = None) -> Beside | None:
    """The faster of the two ways, beside `raw`."""
    found = [b for way in RELATIVE if (b := beside(data, kind, tier, way, names))]
    return min(found, key=lambda b: b.ratio.value) if found else None


def bar(data: Data) -> Judged:
    """`single` or `spaces` takes no longer than `raw`, but for noise, on the default tier."""
    found = best(data, "programs", data["default tier"])
    if found is None:
        return Judged("bar", OPEN)
    return Judged("bar", "reached" if found.ratio.value <= 1 + found.floor else "missed", {"best": found})


def provenance(data: Data) -> Judged:
    """No integer becomes a pointer in generated code."""
    casts = {way: facts["casts"] for way, facts in data["facts"].items() if way != AGAIN}
    inttoptr = {way: sum(count for what, count in found.items() if what.startswith("inttoptr")) for way, found in casts.items()}
    back = {way: found["ptrtoint, interpreter"] for way, found in casts.items()}
    if not set(RELATIVE) <= inttoptr.keys():
        return Judged("provenance", OPEN)
    holds = not any(inttoptr[way] or back[way] for way in RELATIVE)
    return Judged("provenance", "confirmed" if holds else "refuted", {"inttoptr": inttoptr, "ptrtoint": back})


def mitigation(data: Data) -> Judged:
    """No corrupted record leads out of the cage, and that costs little."""
    escapes, cost = data["escapes"], best(data, "programs", data["default tier"])
    if cost is None or not {*RELATIVE, RAW} <= escapes.keys():
        return Judged("mitigation", OPEN)
    out = {way: found["escapes"] for way, found in escapes.items()}
    figures = {"escapes": out, "cost": cost}
    if any(out[way] for way in RELATIVE):
        return Judged("mitigation", "refuted: there are escapes", figures)
    if any(escapes[way].get("failures") for way in RELATIVE):
        return Judged("mitigation", "undecided: the fuzzer found other failures", figures)
    if not out[RAW]:
        return Judged("mitigation", "undecided: the control has no escapes either", figures)
    if cost.ratio.value <= 1 + cost.band:
        return Judged("mitigation", "confirmed: it costs nothing that can be measured", figures)
    return Judged("mitigation", "confirmed" if cost.ratio.value <= LITTLE else "refuted: it costs more than a little", figures)


def base(data: Data) -> Judged:
    """Where nothing is gained in caches, `single` loses less than ten percent to `raw`."""
    found = by_tier(data, "base")
    if not found:
        return Judged("base", OPEN)
    worst = max(found, key=lambda b: b.ratio.value)
    figures = {"tiers": {b.tier: b for b in found}}
    if worst.ratio.value <= 1 + worst.band:
        return Judged("base", "confirmed: less than can be measured", figures)
    return Judged(
        "base", "confirmed: single digits of a percent" if worst.ratio.value < DIGITS else "refuted: more than that", figures
    )


def handle(data: Data) -> Judged:
    """What a call through a reference takes longer where it finds code by a handle, not a pointer.  Nobody claimed anything of it."""
    found = by_tier(data, "handle")
    if not found:
        return Judged("handle", OPEN)
    worst = max(found, key=lambda b: b.ratio.value)
    said = worst.verdict
    if said == "slower":
        said += " by single digits of a percent" if worst.ratio.value < DIGITS else f" by {100 * (DIGITS - 1):.0f} % or more"
    return Judged("handle", said, {"tiers": {b.tier: b for b in found}})


def tables(data: Data) -> Judged:
    """Large tables, called through or read in random order, are faster with elements of half the size."""
    found = by_tier(data, "tables")
    if not found:
        return Judged("tables", OPEN)
    words = {b.verdict for b in found}
    said = {frozenset({"faster"}): "confirmed", frozenset({SAME}): "not seen"}.get(
        frozenset(words), "refuted" if "slower" in words else "confirmed on some tiers"
    )
    return Judged("tables", said, {"tiers": {b.tier: b for b in found}})


def neutral(data: Data) -> Judged:
    """Over all programs there is no difference, on any tier."""
    found = {tier: {way: b for way in RELATIVE if (b := beside(data, "programs", tier, way))} for tier in data["programs"]}
    if not all(found.values()) or not found:
        return Judged("neutral", OPEN)
    words = {b.verdict for by_way in found.values() for b in by_way.values()}
    if words == {SAME}:
        said = f"confirmed: {SAME}"
    else:
        said = (
            "better than neutral"
            if "slower" not in words
            else "worse than neutral"
            if "faster" not in words
            else "neutral on some tiers"
        )
    return Judged("neutral", said, {"tiers": found})


def snapshots(data: Data) -> Judged:
    """Records do not depend on where they lie, so a machine can be frozen in the middle of a call, and forked."""
    state, forks = data["state"], {way: facts["forks"] for way, facts in data["facts"].items()}
    if not state or not set(RELATIVE) <= forks.keys():
        return Judged("snapshots", OPEN)
    differ = {
        way: sum(of[way]["differ"] for of in state.values() if way in of) for way in {way for of in state.values() for way in of}
    }
    holds = all(not differ.get(way, 1) and "microseconds" in forks[way] for way in RELATIVE)
    return Judged("snapshots", "confirmed" if holds else "refuted", {"differ": differ, "forks": forks})


CLAIMS: Final[tuple[Callable[[Data], Judged], ...]] = (provenance, mitigation, base, handle, tables, neutral, snapshots)


def judge(data: Data) -> list[Judged]:
    """Every claim, and the bar."""
    return [*(claim(data) for claim in CLAIMS), bar(data)]
