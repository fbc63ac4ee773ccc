"""Names of Rust's functions in backtraces, beside what wasmtime prints for the same names (which has hashes, too)."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING

import pytest
import wasmtime

from arenite import Config, Engine, Instance, Module, Store, Trap
from arenite.machine.run.backtrace import SHOWN
from arenite.machine.run.demangle import LENGTH, demangle
from marks import EACH_TIER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arenite.config import TierName

HASH = "17h0123456789abcdefE"
LEGACY = (
    f"_ZN4core6option{HASH}",  # a length that is wrong
    f"_ZN4core6option15Option$LT$T$GT$6unwrap{HASH}",
    f"_ZN63_$LT$$RF$std..process..ChildStdin$u20$as$u20$std..io..Write$GT$14write_vectored{HASH}",
    f"_ZN4core3fmt3num53_$LT$impl$u20$core..fmt..UpperHex$u20$for$u20$i64$GT$3fmt{HASH}",
    f"_ZN12$SP$$BP$$C$x{HASH}",
    f"_ZN21$LP$$u5b$$u5d$$RP$.a.b{HASH}",
    f"_ZN3foo{HASH}.llvm.0123456789ABCDEF",
    f"_ZN3foo{HASH[:-1]}",
    f"_ZN4$u1b{HASH}",
    "_ZN",
)
V0 = (
    "_RNvC3foo4main",
    "_RNvNtCs1234_7mycrate3foo3bar",
    "_RNCNvC3foo4main0",
    "_RNCNCNvC3foo4mains_0s0_0",
    "_RNSNvC3foo4main6vtable",
    "_RINvNtC3std3mem8align_ofdE",
    "_RINvC3foo3barINtC3std3VecTReQL_hPiOoEEE",
    "_RNvMs_C3fooNtB4_3Bar3baz",
    "_RNvXs0_C3fooINtB5_3BarAhj8_SxEINtC4core4IntoTuEE4into",
    "_RNvYNtC3foo3BarNtC4core5Clone5clone",
    "_RINvC3foo3barDNtC4core3FnG_L0_EL_E",
    "_RINvC3foo3barDG0_INtC4core2FnTRL1_hRL0_tEEp6OutputuNtC4core4SendEL_E",
    "_RINvC3foo3barFG_UKCRL0_hEuE",
    "_RINvC3foo3barFK10fast_callyEzE",
    "_RINvC3foo3barKj2a_Kan2a_Kb1_Kb0_Kc41_Kce4_Kca_Kc27_Kp_E",
    "_RINvC3foo3barKoffffffffffffffffff_E",
    "_RINvC3foo3barTEThEThhEE",
    "_RNvNtCs0_u8gre_xka5straue_oya",
    "_RNvC6_123foo3bar",
    "_RNvC3foo4main.llvm.9D1C9369",
    "_RNvC3foo4mainC3bar",
    "_RNvC3foo4mainB1_",
    "_RNvC9foo",
    "_RNvC3foo",
    "_R",
    "_RNCC1aslYGhA16ahyd_1b",  # the largest number, and one too many
    "_RNCC1aslYGhA16ahye_1b",
)
OTHERS = (f"_ZN{HASH}", "", "_", "_start", "main", "_ZN3foo3barEv", "_Z3foov", "__ZN3foo", "größe", "_RNvC5größe3foo")


def told_by_wasmtime(names: Iterable[str]) -> list[str]:
    """The names as wasmtime's backtraces have them, without hashes and what tells crates apart."""
    names = list(names)
    functions = "".join(f'(func $"{name}" (export "{index}") unreachable)' for index, name in enumerate(names))
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    exports = wasmtime.Instance(store, wasmtime.Module(engine, f"(module {functions})"), []).exports(store)
    told = []
    for index in range(len(names)):
        function = exports[str(index)]
        assert isinstance(function, wasmtime.Func)
        with pytest.raises(wasmtime.Trap) as raised:
            function(store)
        (line,) = [line for line in str(raised.value).splitlines() if "<unknown>!" in line]
        shown = line.partition("<unknown>!")[2]
        told.append(re.sub(r"(?<=\w)\[[0-9a-f]+\]", "", re.sub(r"::h[0-9a-f]{16}$", "", shown)))
    return told


def test_names_are_those_of_wasmtime() -> None:
    known = [*LEGACY, *V0]
    assert [demangle(name) for name in known] == told_by_wasmtime(known)
    assert sum(demangle(name) != name for name in known) > 25


def test_other_names_stay() -> None:
    assert [demangle(name) for name in OTHERS] == list(OTHERS)


def test_random_names_are_those_of_wasmtime() -> None:
    chance = random.Random(8)
    names = sorted({f"_R{path(chance, 4)}" for _ in range(1500)})
    assert [demangle(name) for name in names] == told_by_wasmtime(names)
    assert sum(demangle(name) != name for name in names) > 1000


def test_damaged_names_stay_or_are_those_of_wasmtime() -> None:
    chance = random.Random(9)
    names = set()
    for name in [*LEGACY, *V0] * 40:
        at = chance.randrange(2, max(3, len(name)))
        names.add(name[:at] + chance.choice("_EBN0s9TLK.$z") + name[at + chance.randrange(2) :])
    damaged = sorted(names)
    for name, told in zip(damaged, told_by_wasmtime(damaged), strict=True):
        assert demangle(name) in {name, told}


def path(chance: random.Random, depth: int) -> str:
    """A random path of the v0 grammar."""
    if depth == 0:
        return f"C{identifier(chance)}"
    inner = depth - 1
    kind = chance.choice("CNNNNMXYII")
    if kind == "C":
        return f"C{identifier(chance)}"
    if kind == "N":
        return f"N{chance.choice('vtC')}{path(chance, inner)}{identifier(chance)}"
    if kind == "I":
        return f"I{path(chance, inner)}{''.join(argument(chance, inner) for _ in range(chance.randrange(1, 3)))}E"
    whose = {"M": path, "X": path}.get(kind)
    place = "" if whose is None else whose(chance, 0)
    return f"{kind}{place}{type_(chance, inner)}{'' if kind == 'M' else path(chance, inner)}"


def identifier(chance: random.Random) -> str:
    name = chance.choice(("a", "core", "_x", "1st", "vec", "fmt"))
    return f"{chance.choice(('', '', 's_', 'sZ9_'))}{len(name)}{'_' * (not name[0].isalpha())}{name}"


def type_(chance: random.Random, depth: int) -> str:
    """A random type."""
    if depth == 0:
        return chance.choice("abcdefhijlmnopstuvxyz")
    inner = depth - 1
    one = type_(chance, inner)
    some = "".join(type_(chance, inner) for _ in range(chance.randrange(3)))
    forms = (
        path(chance, inner), f"R{one}", f"Q{one}", f"RL_{one}", f"P{one}", f"O{one}", f"S{one}", f"A{one}j{chance.randrange(99):x}_", f"T{some}E",
        f"F{some}E{one}", f"FUKC{some}Eu", f"FG_RL0_{one}Eu", f"D{path(chance, inner)}EL_", f"DG_{path(chance, inner)}p1A{one}EL0_",
    )  # fmt: skip
    return chance.choice(forms).replace("DG_", "D").replace("EL0_", "EL_")


def argument(chance: random.Random, depth: int) -> str:
    """A random generic argument."""
    return chance.choice((type_(chance, depth), "L_", f"Kj{chance.randrange(999):x}_", "Kan1_", "Kb1_", "Kc41_", "Kp_"))


# ------------------------------------------------------------------------------------------------------- hostile names


def doubling(levels: int) -> str:
    """Tuples of two of the tuple before: 2 to the power of `levels` parts."""
    text = "INvC1a1bThhE"
    at = text.index("T")
    for _ in range(levels):
        again = f"B{base_62(at)}"
        at = len(text)
        text += f"T{again}{again}E"
    return f"_R{text}E"


def base_62(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    text, number = "_", number - 1
    while number >= 0:
        text, number = digits[number % 62] + text, number // 62 - 1 if number >= 62 else -1
    return text


HOSTILE = {
    "doubling": doubling(60),
    "long parts again and again": f"_RINvC1a1bNvC1a1900{'x' * 1900}{'B7_' * 600}E",
    "deep": f"_RINvC1a1b{'S' * 3000}hE",
    "deep paths": f"_R{'Nv' * 1000}C1a{'1b' * 1000}",
    "many lifetimes": "_RINvC1a1bFGzzzzzzzz_EuE",
    "a length of many digits": f"_RNvC{'9' * 4000}a",
    "a length of many digits, the older way": f"_ZN{'9' * 4000}a{HASH}",
    "a length of more digits than Python reads": f"_RNvC{'9' * 5000}a",
    "back to itself": "_RINvC1a1bB9_E",
    "back to where it is in": "_RNvB_3foo",
    "long": f"_ZN{LENGTH}{'a' * LENGTH}{HASH}",
    "half of a pair": f"_ZN7$ud800${HASH}",
    "a number of many digits": f"_RINvC1a1bKj{'f' * 4000}_E",
    "a number of many digits again and again": f"_RINvC1a1bKj{'f' * 3000}_{'KB8_' * 250}E",
    "types of long names again and again": f"_RINvC1a1bT{'j' * 100}E{'B7_' * 140}E",
    "lifetimes": "_RINvC1a1bFG3zz_EuE",
    "a lifetime again and again": f"_RINvC1a1bFG3r_T{'RLa_h' * 60}E{'Bc_' * 60}EuE",
    "closures of many digits": f"_RNCC1as{'z' * 3000}_1b",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_names_cost_little(kind: str) -> None:
    tracemalloc.start()
    try:
        assert len(demangle(HOSTILE[kind])) <= 4 * LENGTH  # what is not bounded would not come back
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_the_generator_of_hostile_names_means_what_it_says() -> None:
    assert demangle(doubling(2)) == "a::b::<(u8, u8), ((u8, u8), (u8, u8)), (((u8, u8), (u8, u8)), ((u8, u8), (u8, u8)))>"
    assert demangle(HOSTILE["doubling"]) == HOSTILE["doubling"]
    digits = HOSTILE["a number of many digits again and again"].replace("f" * 3000, "f" * 30).replace("KB8_" * 250, "KB8_")
    assert demangle(digits) == f"a::b::<0x{'f' * 30}usize, 0x{'f' * 30}usize>"
    assert demangle("_RINvC1a1bTjjEB7_E") == "a::b::<(usize, usize), (usize, usize)>"
    again = HOSTILE["a lifetime again and again"].replace("RLa_h" * 60, "RLa_h").replace("Bc_" * 60, "Bc_")
    assert demangle(again).endswith(" fn((&'_204 u8,), (&'_204 u8,))>")
    assert demangle("_RINvC1a1bFG0_EuE") == "a::b::<for<'a, 'b> fn()>"


def test_a_name_is_shown_where_the_stack_is_nearly_used_up() -> None:
    def deeper(depth: int) -> set[str]:
        if depth == 0:
            return {demangle(name)}
        try:
            return {demangle(name), *deeper(depth - 1)}
        except RecursionError:
            return set()

    name = "_RINvC1a1bSSSSSSSShE"
    assert deeper(sys.getrecursionlimit()) <= {name, "a::b::<[[[[[[[[u8]]]]]]]]>"}


# ------------------------------------------------------------------------------------------------------------ in traps


@EACH_TIER
def test_a_trap_prints_readable_names_and_keeps_those_of_the_module(tier: TierName) -> None:
    name = f"_ZN4core9panicking5panic{HASH}"
    engine = Engine(Config(tier=tier))
    module = Module(engine, f'(module (func $"{name}" unreachable) (func $outer (export "f") (call $"{name}")))')
    with Store(engine) as store, pytest.raises(Trap) as raised:
        Instance(store, module, []).call(store, "f")
    assert "!core::panicking::panic\n" in f"{raised.value}\n"
    assert [frame.func_name for frame in raised.value.frames] == [name, "outer"]


@EACH_TIER
@pytest.mark.parametrize("end", ["x", HOSTILE["a number of many digits again and again"]])
def test_a_trap_is_no_longer_than_names_are_shown(tier: TierName, end: str) -> None:
    """Each frame is cut, so the whole text is bounded, whatever a module calls itself and its functions."""
    chain = "".join(f"(func $f{n}_{'y' * 9000}{end} (call $f{n + 1}_{'y' * 9000}{end}))" for n in range(99))
    text = f'(module ${"m" * 9000} {chain} (func $f99_{"y" * 9000}{end} unreachable) (export "f" (func 0)))'
    engine = Engine(Config(tier=tier))
    with Store(engine) as store, pytest.raises(Trap) as raised:
        Instance(store, Module(engine, text), []).call(store, "f")
    lines = str(raised.value).splitlines()[2:]
    assert len(lines) == len(raised.value.frames) == 64
    for frame, line in zip(raised.value.frames, lines, strict=True):
        assert len(frame.func_name or "") > 9000
        assert re.fullmatch(rf" *\d+: +0x[0-9a-f]+ - m{{{SHOWN}}}…!f\d+_y+…", line)
        assert len(line) < 2 * SHOWN + 40


def test_it_is_not_imported_before_it_is_needed() -> None:
    program = "import sys, arenite; sys.exit('arenite.machine.run.demangle' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
