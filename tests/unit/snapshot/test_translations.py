"""A translation that was kept is the one that is made, and nobody but the user's processes is believed."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import typing
from typing import TYPE_CHECKING, Final

import pytest

from arenite import Config, Engine, Linker, Module, Snapshot, SnapshotError, Store, wat2wasm
from arenite import translate as translator
from arenite.bytecode import module as modules
from arenite.bytecode import verify as verifying
from arenite.bytecode.module import SECTIONS, ModuleCode, WasmFile, file_digest
from arenite.bytecode.ops import ROWS, TABLE
from arenite.bytecode.verify import verify_module
from arenite.layout import types
from arenite.platform import cache_key, ours, sources
from arenite.platform.cache import NO_KEY, Cache, packed
from arenite.snapshot import code as codes
from arenite.snapshot import opening, structure, translations
from arenite.translate.module import structure as own_structure
from arenite.translate.module import translate
from fuzz.frozen import Document
from marks import EACH_TIER
from snapshots.kept import HERE
from unit.snapshot import counting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from arenite.config import TierName

EVERYTHING: Final = """(module $everything
  (type $pair (func (param i32 i64) (result i64 i32)))
  (import "host" "f" (func $f (type $pair))) (import "host" "\\u{e9}\\n" (func (param f32)))
  (import "host" "t" (table 1 2 funcref)) (import "host" "m" (memory 1)) (import "host" "g" (global $g i32))
  (table $refs (export "refs") 3 externref)
  (global (export "x") (mut f64) (f64.const -0.5)) (global i64 (i64.const -9000000000000000000)) (global funcref (ref.func $f))
  (global externref (ref.null extern))
  (elem (i32.const 0) func $own $own) (elem declare func $own) (elem $items funcref (ref.func $f) (ref.null func)) (elem func $f)
  (data (i32.const 16) "active") (data "passive") (data (global.get $g) "") (data (offset (i32.add (global.get $g) (i32.const 4))) "sum")
  (func $own (type $pair) (local f32 i64) (call $f (local.get 0) (local.get 1)))
  (func (export "run") (param i32) (result i32) (loop (br_if 0 (i32.eqz (local.get 0))))
    (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 7)) (drop (call_indirect (type $pair) (i32.const 1) (i64.const 2) (local.get 0)))
    (drop) (local.get 0))
  (func $begin) (start $begin))"""
PLAIN: Final = '(module (memory 1) (func (export "run") (result i32) (i32.const 42)))'


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who has nothing yet, and for whom small modules are worth it."""
    monkeypatch.setenv("ARENITE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("ARENITE_CACHE_SIZE", raising=False)
    monkeypatch.setattr(cache_key, "place", lambda: tmp_path / "data" / cache_key.NAME)
    monkeypatch.setattr(ours, "_said", set())
    monkeypatch.setattr(modules, "WORTH_KEEPING", 0)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", 1 << 30)


def fail(*_: object, **__: object) -> typing.NoReturn:
    raise AssertionError("nothing should be done that was done before")


def without_translating(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on nothing is translated, and no file is decoded."""
    for name in ("translate", "structure"):
        monkeypatch.setattr(translator, name, fail)


def value(engine: Engine, module: Module) -> object:
    """What the module's `run` gives."""
    with Store(engine) as store:
        run: typing.Any = Linker(engine).instantiate(store, module).exports(store)["run"]
        return run(store)


READ_LATER: Final[dict[str, Callable[..., object]]] = {"data": list, "locals": tuple, "function_names": dict}
"""What an entry's parts are told apart of when somebody asks, as what it is then."""


def test_every_part_of_a_module_is_kept(cache: Cache) -> None:
    wasm = wat2wasm(EVERYTHING)
    code = translate(wasm)
    translations.keep(cache, "aa", code)
    found = translations.find(cache, "aa", WasmFile.of(wasm), fail)
    assert found is not None
    for field in dataclasses.fields(ModuleCode):
        here, there = getattr(code, field.name), getattr(found, field.name)
        if field.name in READ_LATER:
            here, there = READ_LATER[field.name](here), READ_LATER[field.name](there)
        if field.name != "wasm":
            assert (here, type(here)) == (there, type(there)), field.name
    assert (found.file, found.digest) == (wasm, code.digest)
    assert codes.bytecode_digest(found) == codes.bytecode_digest(code)
    assert codes.bytecode_digest(found) == codes.bytecode_digest(translate(wasm))


def test_every_type_can_be_kept() -> None:
    extern = {t.__name__ for t in typing.get_args(types.ExternType)}
    assert extern <= set(structure.CLASSES)
    assert set(structure.PLAIN) | structure.APART == {field.name for field in dataclasses.fields(ModuleCode)}
    assert {section.name for section in SECTIONS} < structure.APART


@EACH_TIER
def test_the_second_engine_does_not_translate(tier: TierName, monkeypatch: pytest.MonkeyPatch) -> None:
    Module(Engine(Config(tier=tier)), PLAIN)
    without_translating(monkeypatch)
    engine = Engine(Config(tier=tier))
    assert value(engine, Module(engine, PLAIN)) == 42


def test_tiers_share_what_is_kept(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    Module(Engine(Config(tier="safe", consume_fuel=True, deterministic=True, memories=3)), PLAIN)
    without_translating(monkeypatch)
    engine = Engine(Config(tier="threaded"))
    assert value(engine, Module(engine, PLAIN)) == 42
    assert len(cache.listed()) == 1


CHILD: Final = """
import sys
from pathlib import Path
from arenite.platform import cache_key
cache_key.place = lambda: Path(sys.argv[1]) / "cache.key"
from arenite import Config, Engine, Module
from arenite import translate as translator
from arenite.bytecode import module
module.WORTH_KEEPING = 0
translate, times = translator.translate, []
def counted(*args, **kwargs):
    times.append(1)
    return translate(*args, **kwargs)
translator.translate = counted
Module.from_file(Engine(Config(tier=sys.argv[2])), sys.argv[3])
print(len(times))
"""


@EACH_TIER
def test_a_second_process_does_not_translate(tier: TierName, tmp_path: Path) -> None:
    (tmp_path / "plain.wasm").write_bytes(wat2wasm(PLAIN))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", CHILD, str(tmp_path / "data"), tier, str(tmp_path / "plain.wasm")]
    runs = [subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert runs == ["1\n", "0\n"]


def test_what_is_off_small_or_elsewhere(cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Module(Engine(Config(cache=False)), PLAIN)
    assert not cache.folder.exists()
    Module(Engine(Config(cache_dir=str(tmp_path / "elsewhere"))), PLAIN)
    assert not cache.folder.exists()
    assert len(Cache(tmp_path / "elsewhere", 1).listed()) == 1
    monkeypatch.setattr(modules, "WORTH_KEEPING", 1 << 17)
    Module(Engine(), PLAIN)
    assert not cache.folder.exists()


def test_a_translation_of_other_sources_is_another(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    names = set()
    for version in (b"1", b"2"):
        monkeypatch.setattr(translations, "_version", lambda version=version: version)
        Module(Engine(), PLAIN)
        names.add(translations.entry_name(file_digest(wat2wasm(PLAIN))))
    assert {file.path.stem for file in cache.listed()} == names
    assert len(names) == 2


@pytest.fixture
def digests(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The files of which a digest was taken; on a CPU that makes the other one sooner, of any size."""
    taken: list[bytes] = []

    def counted(data: bytes) -> bytes:
        taken.append(data)
        return file_digest(data)

    monkeypatch.setattr(translations, "file_digest", counted)
    monkeypatch.setattr(translations, "LARGE", 0)
    monkeypatch.setattr(translations, "features", lambda: frozenset({"sha_ni"}))
    return taken


def test_what_a_file_is_known_by_is_asked_once(cache: Cache, digests: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = wat2wasm(PLAIN), wat2wasm("(module)")
    assert [translations.digest_of(cache, data) for data in (one, other, one, other)] == [
        file_digest(one),
        file_digest(other),
    ] * 2
    assert digests == [one, other]
    Module(Engine(), one)
    without_translating(monkeypatch)
    engine = Engine()
    assert value(engine, module := Module(engine, one)) == 42
    assert module.code.digest == file_digest(one)
    assert digests == [one, other]


def test_what_a_file_is_known_by_is_not_believed_of_anybody(
    cache: Cache, digests: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = wat2wasm(PLAIN)
    translations.digest_of(cache, data)
    (kept,) = cache.listed()
    kept.path.write_bytes(b"".join(packed(kept.path.stem, [b"", bytes(32)], NO_KEY)))
    assert translations.digest_of(cache, data) == file_digest(data)
    monkeypatch.setattr(Cache, "key", lambda _: NO_KEY)
    kept.path.write_bytes(b"".join(packed(kept.path.stem, [b"", bytes(32)], NO_KEY)))
    assert translations.digest_of(cache, data) == file_digest(data)
    assert digests == [data] * 3


@pytest.mark.parametrize(("large", "features"), [(0, frozenset[str]()), (1 << 22, frozenset({"sha_ni"}))], ids=["slow", "small"])
def test_where_the_other_digest_takes_longer_it_is_not_taken(
    cache: Cache, digests: list[bytes], large: int, features: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translations, "LARGE", large)
    monkeypatch.setattr(translations, "features", lambda: features)
    data = wat2wasm(PLAIN)
    assert [translations.digest_of(cache, data) for _ in range(2)] == [file_digest(data)] * 2
    assert not cache.folder.exists()


IMPORTED: Final = """
import sys
import arenite.translate.module, arenite.snapshot.translations
print(*(module.__file__ for name, module in sys.modules.items() if name.startswith("arenite.")))
"""
MAKE_NONE: Final = {"config.py", "errors.py", "lazy.py", "light.py", "visible.py", "compat", "platform", "machine", "snapshot"}
"""What is imported beside, and of which no translation is made: files, and packages of which `SOURCES` names the others."""


def test_the_version_covers_every_source() -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True, env=environment)
    covered = {path for pattern in translations.SOURCES for path in sources.PACKAGE.glob(pattern)}
    names = {path.split("/arenite/")[-1].split(".cpython")[0].removesuffix(".py") + ".py" for path in done.stdout.split()}
    left = {name for name in names if sources.PACKAGE / name not in covered}
    assert {name for name in left if name.split("/")[0] not in MAKE_NONE} == set()


def entry_of(cache: Cache) -> Path:
    (file,) = cache.listed()
    return file.path


@EACH_TIER
@pytest.mark.parametrize("spoil", ["cut", "flip", "foreign", "others", "folder"])
def test_what_is_spoilt_is_translated_again(spoil: str, tier: TierName, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(Config(tier=tier))
    Module(engine, PLAIN)
    path = entry_of(cache)
    whole = path.read_bytes()
    if spoil == "cut":
        path.write_bytes(whole[:-1])
    elif spoil == "flip":
        path.write_bytes(whole[:-9] + bytes([whole[-9] ^ 0x40]) + whole[-8:])
    elif spoil == "foreign":
        path.write_bytes(b"".join(packed(path.stem, [b""], b"another key")))
    else:
        (path if spoil == "others" else path.parent).chmod(0o777)
    assert value(engine, Module(engine, PLAIN)) == 42
    if spoil == "folder":
        return
    assert path.stat().st_mode & 0o777 == 0o600
    without_translating(monkeypatch)
    assert value(engine, Module(engine, PLAIN)) == 42


def no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user whose key cannot be."""
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(cache_key, "place", lambda: tmp_path / "file" / "cache.key")


@EACH_TIER
def test_without_a_key_the_file_is_decoded_and_the_bytecode_verified(
    tier: TierName, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_key(monkeypatch, tmp_path)
    engine, verified = Engine(Config(tier=tier)), list[ModuleCode]()
    Module(engine, PLAIN)
    path = entry_of(cache)
    head, *parts = cache.get(path.stem).pieces  # type: ignore[union-attr]  # it is there
    lies = head.replace(b'"run"', b'"lie"')
    assert lies != head
    path.write_bytes(b"".join(packed(path.stem, [b"", lies, *parts], NO_KEY)))
    real = verify_module

    def verify(code: ModuleCode, *, lenient: bool = False) -> None:
        verified.append(code)
        real(code, lenient=lenient)

    monkeypatch.setattr(translator, "translate", fail)
    monkeypatch.setattr(verifying, "verify_module", verify)
    module = Module(engine, PLAIN)
    assert verified == [module.code]
    assert value(engine, module) == 42


def test_without_a_key_bytecode_that_breaks_a_rule_is_not_used(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    no_key(monkeypatch, tmp_path)
    engine = Engine()
    Module(engine, PLAIN)
    path = entry_of(cache)
    pieces = list(cache.get(path.stem).pieces)  # type: ignore[union-attr]  # it is there
    for spoilt in (ROWS["halt"].code.to_bytes(2, "little") + pieces[3][2:], pieces[3][:-8], b""):
        path.write_bytes(b"".join(packed(path.stem, [b"", *pieces[:3], spoilt, *pieces[4:]], NO_KEY)))
        assert value(engine, Module(engine, PLAIN)) == 42
    assert len([record for record in caplog.records if "bytecode in the cache is not used" in record.getMessage()]) == 1


def frozen(tmp_path: Path, cache: Cache, **changes: object) -> Path:
    """A snapshot, made by an engine without the cache."""
    path = tmp_path / "s.arn"
    counting.paused().snapshot().save(path, **changes)  # type: ignore[arg-type]  # options of `save`
    assert not cache.folder.exists()
    return path


def fresh_engine(tier: TierName = "threaded") -> Engine:
    return Engine(Config(tier=tier, consume_fuel=True, max_wasm_stack=1 << 16))


@pytest.fixture
def engine_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of `counting`: made before, so that it has no cache."""
    monkeypatch.setattr(counting.of(), "cache", None)


@pytest.mark.usefixtures("engine_without")
@EACH_TIER
@pytest.mark.parametrize("form", ["image", "packed"])
def test_a_snapshot_opens_without_translating(
    form: str, tier: TierName, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = frozen(tmp_path, cache, packed=form == "packed")
    monkeypatch.setattr(translator, "translate", fail)
    assert counting.ended(Snapshot.open(path, fresh_engine(tier))) == counting.RESULT  # by what travels along
    without_translating(monkeypatch)
    monkeypatch.setattr(verifying, "verify_module", fail)
    monkeypatch.setattr(opening, "_module_file", fail)  # neither is its file unpacked
    assert counting.ended(Snapshot.open(path, fresh_engine(tier))) == counting.RESULT


@pytest.mark.usefixtures("engine_without")
def test_a_snapshot_finds_what_a_module_was_translated_to(cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = frozen(tmp_path, cache)
    Module(fresh_engine(), counting.WAT)
    without_translating(monkeypatch)
    monkeypatch.setattr(codes, "restored", fail)
    assert counting.ended(Snapshot.open(path, fresh_engine())) == counting.RESULT
    assert len(cache.listed()) == 1


@pytest.mark.usefixtures("engine_without")
def test_what_came_with_a_snapshot_is_no_translation(cache: Cache, tmp_path: Path) -> None:
    """The bytecode of a file that lies about it is verified, and used for that file alone."""
    path = frozen(tmp_path, cache)
    document = Document(path.read_bytes())
    code = translate(wat2wasm(counting.WAT.replace("i32.const 600", "i32.const 333")))
    forged = codes.carried_sections(code, [codes.signature(row) for row in TABLE])
    (module,) = document.manifest["modules"]
    module["carried"] = {"offset": len(document.data), "size": len(forged)}
    module["bytecode"] = codes.bytecode_digest(code)
    document.data += forged + bytes(-len(forged) % 4096)
    path.write_bytes(document.whole())
    engine = fresh_engine()
    for _ in range(2):
        assert counting.ended(Snapshot.open(path, engine)) == sum(range(333))
    module_ = Module(engine, counting.WAT)
    assert codes.bytecode_digest(module_.code) == codes.bytecode_digest(translate(wat2wasm(counting.WAT)))
    assert len(cache.listed()) == 2


@pytest.mark.usefixtures("engine_without")
def test_a_module_that_is_damaged_in_one_snapshot_harms_no_other(cache: Cache, tmp_path: Path) -> None:
    path = frozen(tmp_path, cache)
    Module(fresh_engine(), counting.WAT)
    document = Document(path.read_bytes())
    place = document.manifest["modules"][0]["wasm"]
    document.data[place["offset"] + place["size"] - 5] ^= 0x55
    (tmp_path / "damaged.arn").write_bytes(document.whole())
    engine = fresh_engine()
    damaged = Snapshot.open(tmp_path / "damaged.arn", engine).link(counting.linker(engine))
    with pytest.raises(SnapshotError, match="damaged"):
        _ = damaged.frozen().modules[0].file
    good = Snapshot.open(path, engine).link(counting.linker(engine))
    assert good.frozen().modules[0] is damaged.frozen().modules[0]
    assert damaged.frozen().modules[0].file == wat2wasm(counting.WAT)
    again = Snapshot.open(tmp_path / "damaged.arn", engine)
    assert counting.ended(again) == counting.RESULT


@EACH_TIER
def test_what_a_guest_may_ask_for_of_its_file_is_looked_at_before_it_goes_on(
    tier: TierName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = fresh_engine(tier)
    with Store(engine) as store:
        wat = '(module (memory 1) (data $d "late") (func (export "run") (memory.init $d (i32.const 0) (i32.const 0) (i32.const 4))))'
        Linker(engine).instantiate(store, Module(engine, wat))
        store.snapshot().save(tmp_path / "s.arn")
    document = Document((tmp_path / "s.arn").read_bytes())
    place = document.manifest["modules"][0]["wasm"]
    document.data[place["offset"] + place["size"] - 5] ^= 0x55
    (tmp_path / "damaged.arn").write_bytes(document.whole())
    without_translating(monkeypatch)
    with pytest.raises(SnapshotError, match="damaged"):
        Snapshot.open(tmp_path / "damaged.arn", fresh_engine(tier)).link()
    Snapshot.open(tmp_path / "s.arn", fresh_engine(tier)).link()


def test_what_older_versions_made_is_verified_once(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    from snapshots.kept import linker  # noqa: PLC0415 (a name of this module's, too)

    def open_() -> None:
        engine = Engine()
        Snapshot.open(HERE / "1-fib-image.arn", engine).link(linker(engine))

    open_()
    kept = cache.listed()
    without_translating(monkeypatch)
    monkeypatch.setattr(codes, "restored", fail)
    open_()
    assert [file.path for file in cache.listed()] == [file.path for file in kept]


def test_the_structure_is_what_decoding_gives(cache: Cache) -> None:
    """Without sections: so that what comes without a proof is put into the same."""
    wasm = wat2wasm(EVERYTHING)
    code, expected = translate(wasm), own_structure(wasm)
    put = codes.with_sections(expected, codes.sections(code))
    assert structure.described(put) == structure.described(code)
