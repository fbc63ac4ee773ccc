"""Engines where the threaded tier cannot run, and what modules carry beside their code."""

from __future__ import annotations

import ctypes
import dataclasses
import inspect
import subprocess
import sys
from platform import machine
from typing import TYPE_CHECKING, Any

import pytest
import wasmtime

from arenite import Config, Engine, Func, FuncType, Instance, Linker, Module, Snapshot, Store, ValidationError, platform, wat2wasm
from arenite.compat.wasmtime import OPTIONS as WASMTIME
from arenite.features import SUPPORTED, SWITCHES
from marks import EACH_TIER

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName

GUEST = """
import resource, sys, warnings
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
import arenite
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    engine = arenite.Engine()
(warning,) = caught
print(engine.tier.name, "|", warning.category.__name__, "|", warning.message)
module = arenite.Module(engine, bytes.fromhex("{module}"))
with arenite.Store(engine) as store:
    print(arenite.Instance(store, module, []).call(store, "f"))
"""
TEXT = """
(module (memory 1) (func (export "f") (result i32)
  (i32.store (i32.const 0) (i32.const 42)) (i32.load (i32.const 0))))
"""


@pytest.mark.skipif(not platform.HAS_CAGE, reason="without a cage every engine is portable")
def test_no_room_for_a_cage() -> None:
    command = [sys.executable, "-c", GUEST.format(module=wat2wasm(TEXT).hex())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("safe | RuntimeWarning | guests run on the slower tier 'safe': ")
    assert second == "42"


def test_custom_sections() -> None:
    wasm = bytes.fromhex("0061736d01000000" + "00060161" + "01020304" + "00020162" + "00030161" + "05")
    module = Module(Engine(), wasm)
    assert module.custom_sections("a") == [bytes((1, 2, 3, 4)), bytes((5,))]
    assert module.custom_sections("b") == [b""]
    assert module.custom_sections("c") == []


def test_switches_of_the_wasmtime_package() -> None:
    config = Config()
    config.wasm_multi_value = True
    config.wasm_gc = False
    config.debug_info = True
    config.strategy = "cranelift"
    assert config == Config()
    for name in ("wasm_gc", "wasm_component_model"):
        with pytest.raises(ValueError, match=f"{name} is True: arenite does not have that"):
            setattr(config, name, True)
    with pytest.raises(AttributeError):
        config.wasm_smid = False


MULTI = "(module (func (result i32 i32) (i32.const 1) (i32.const 2)))"


@EACH_TIER
def test_a_feature_that_is_switched_off(tier: TierName, tmp_path: Path) -> None:
    config = Config(tier=tier, cache_dir=str(tmp_path))
    everything = Engine(config)
    wasm = wat2wasm(MULTI)
    Module(everything, wasm)
    config.wasm_multi_value = False
    assert config == Config(tier=tier, cache_dir=str(tmp_path), features=SUPPORTED - {"multi-value"})
    engine = Engine(config)
    for refused in (lambda: Module(engine, wasm), lambda: Module.validate(engine, wasm)):
        with pytest.raises(ValidationError, match=r"needs multi-value, which is switched off \(wasm_multi_value\)"):
            refused()
    Module(everything, wasm)  # which has a copy of its own
    config.wasm_multi_value = True
    Module(Engine(config), wasm)


def test_a_snapshot_brings_no_feature_that_is_switched_off(tmp_path: Path) -> None:
    """Neither where its bytecode is used as it comes, nor where it is translated."""
    body = "(drop (i32.extend8_s (i32.const 1)))" * 40_000  # large enough for its bytecode to be believed
    for text in (MULTI, f"(module (func {body}))"):
        path = tmp_path / "s.arn"
        store = Store(Engine(Config(cache=False)))
        Instance(store, Module(store.engine, text), [])
        store.snapshot().save(path, embed=True)
        Snapshot.open(path, Engine(Config(cache=False))).fork()
        config = Config(features=frozenset({"mvp"}))
        with pytest.raises(ValidationError, match="which is switched off"):
            Snapshot.open(path, Engine(config)).fork()


@EACH_TIER
def test_a_module_of_another_engine_brings_no_feature_that_is_switched_off(tier: TierName) -> None:
    everything, limited = Engine(Config(tier=tier)), Engine(Config(tier=tier, features=frozenset({"mvp"})))
    plain, several, hidden = (
        Module(everything, text) for text in ("(module)", MULTI, "(module (func (drop (i32.extend8_s (i32.const 1)))))")
    )
    for store in (Store(everything), Store(limited)):
        Instance(store, plain, [])
        Instance.start(store, plain, [])
    store, linker = Store(limited), Linker(limited)
    linker.define_func("host", "f", FuncType([], []), lambda caller: Instance(caller, hidden, []), access_caller=True)
    calling = Module(limited, '(module (import "host" "f" (func $f)) (func (export "go") (call $f)))')
    go = linker.instantiate(store, calling).exports(store)["go"]
    assert isinstance(go, Func)
    for refused in (
        lambda: Instance(store, several, []),
        lambda: Instance.start(store, several, []),
        lambda: linker.instantiate(store, several),
        lambda: linker.define_module(store, "other", several),
        lambda: go(store),
        lambda: Instance(store.snapshot().fork(), several, []),
        lambda: Instance(store, hidden, []),
    ):
        with pytest.raises(ValidationError, match="which is switched off"):
            refused()
    Instance(Store(everything), several, [])


def test_engines_may_ask_at_once_whether_a_module_fits() -> None:
    """Each remembers what it has found out, while another looks through what is remembered."""
    module = Module(Engine(), "(module)")
    asked: list[bool] = []

    class Slow(frozenset[str]):
        """Features which another engine asks for just when these are compared."""

        def __le__(self, other: object) -> bool:
            if not asked:
                asked.append(True)
                module.check_features(SUPPORTED - {"tail-call"})
            return False

    module._within = {Slow(SUPPORTED)}
    module.check_features(SUPPORTED - {"simd"})
    assert asked
    assert {SUPPORTED - {"simd"}, SUPPORTED - {"tail-call"}} & module._within


def test_modules_given_to_a_snapshot_bring_no_feature_that_is_switched_off(tmp_path: Path) -> None:
    store = Store(Engine(Config(cache=False)))
    module = Module(store.engine, MULTI)
    Instance(store, module, [])
    store.snapshot().save(tmp_path / "s.arn", embed=False)
    Snapshot.open(tmp_path / "s.arn", Engine()).link(modules=[module]).fork()
    with pytest.raises(ValidationError, match="which is switched off"):
        Snapshot.open(tmp_path / "s.arn", Engine(Config(features=frozenset({"mvp"})))).link(modules=[module])


def test_only_features_that_there_are() -> None:
    for features in (frozenset({"gc", "mvp"}), frozenset({"simd"}) - {"mvp"}, frozenset[str]()):
        with pytest.raises(ValueError, match=r"^features is "):
            Config(features=features)
    with pytest.raises(TypeError, match=r"^features is "):
        Config(features={"mvp"})  # type: ignore[arg-type]  # the test's matter


NONSENSE = {
    "strategy": ("turbo", 5, None),
    "cranelift_opt_level": ("fast", 2),
    "profiler": ("gprof", "jitdump", True),
    "cache": (5, "/no/such/file.toml"),
    "target": ("x", "", 5, "m68k-unknown-linux-gnu", f"{machine()}-apple-darwin"),
    "cranelift_nan_canonicalization": (1, "yes", None),
    "debug_info": (1, "yes"),
    "memory_reservation": ("much", 1.5, True),
    "wasm_simd": (0, None),
    "consume_fuel": (1, None, "yes"),
    "deterministic": (1,),
    "epoch_interruption": (1,),
    "max_wasm_stack": ("much", 1.5, True, 0, -1),
    "tier": ("fast", 5),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in NONSENSE.items() for value in values])
def test_nonsense_is_refused_when_it_is_set(name: str, value: object) -> None:
    config = Config()
    with pytest.raises((TypeError, ValueError), match=f"^{name} is "):
        setattr(config, name, value)
    assert config == Config()


@pytest.mark.parametrize("name", sorted(set(NONSENSE) - {"tier"}))
def test_the_wasmtime_package_refuses_it_too(name: str) -> None:
    for value in NONSENSE[name]:
        if value in LENIENT.get(name, ()):
            continue
        with pytest.raises((TypeError, ValueError, wasmtime.WasmtimeError, ctypes.ArgumentError)):
            setattr(wasmtime.Config(), name, value)


LENIENT = {  # what it takes, and arenite does not
    "profiler": ("jitdump",),
    "target": ("m68k-unknown-linux-gnu", f"{machine()}-apple-darwin"),
    "memory_reservation": (True,),
    "max_wasm_stack": (True, 0, -1),
    "epoch_interruption": (1,),
    "deterministic": (1,),  # it has no such option
}


def test_what_means_the_same_here() -> None:
    config = Config()
    config.cranelift_nan_canonicalization = True
    config.cache = True
    config.target = f"{machine()}-unknown-linux-gnu"
    assert config == Config(deterministic=True)
    config.cranelift_nan_canonicalization = False
    assert config == Config()


@EACH_TIER
def test_canonical_nans(tier: TierName) -> None:
    config = Config(tier=tier)
    config.cranelift_nan_canonicalization = True
    text = """(module
  (func (export "f") (param $a f32) (result i32)
    (i32.reinterpret_f32 (f32.div (local.get $a) (local.get $a)))))"""
    store = Store(Engine(config))
    assert Instance(store, Module(store.engine, text), []).call(store, "f", 0.0) == 0x7FC00000


WITHOUT_SWITCH = {  # features that it always has, or cannot have
    "wasm_mutable_globals",
    "wasm_sign_extension",
    "wasm_nontrapping_float_to_int",
    "wasm_extended_const",
    "wasm_branch_hinting",
    "wasm_legacy_exceptions",
}


def test_every_switch_of_the_wasmtime_package_is_known() -> None:
    theirs = {name for name, item in vars(wasmtime.Config).items() if isinstance(item, property)}
    assert theirs - {field.name for field in dataclasses.fields(Config)} == {*WASMTIME, *SWITCHES} - WITHOUT_SWITCH


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wasm_gc", "arenite does not have gc"),
        ("wasm_simd", r"give features=.*'simd'.* or set config\.wasm_simd"),
        ("wasm_exceptions", r"give features=.*'exceptions'"),
        ("cranelift_nan_canonicalization", "called deterministic here"),
        ("memory_guard_size", r"wasmtime package .* config\.memory_guard_size"),
        ("consumefuel", "there is consume_fuel"),
        ("zzz", "there are tier, "),
    ],
)
def test_a_keyword_that_is_none_is_told_which_option_is_meant(name: str, message: str) -> None:
    options: Any = {name: True}
    with pytest.raises(TypeError, match=f"Config takes no '{name}': .*{message}"):
        Config(**options)
    assert str(inspect.signature(Config)).startswith("(tier: ")
