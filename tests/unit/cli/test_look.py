"""`arenite inspect` on snapshots: what a terminal shows, refusals, and hostile files."""

from __future__ import annotations

import io
import random
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from arenite import Engine, Store, WasiConfig, wat2wasm
from arenite.cli.app import main
from arenite.cli.ending import Refused
from arenite.cli.page import page
from arenite.cli.snapshots import Wanted, look, report
from arenite.snapshot import container, private
from fuzz.alter import ALTERED, Alterer
from fuzz.frozen import BASE, FORMS, Specimen, engine, specimens
from unit.snapshot import surveyed

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 12
PARTS = """\
executions (1)
  0 deep    call: before the call of env.ask; it calls env.ask(42, 0.5)    0x1000

frames of execution 0 (5)
             - env.ask (host)    0x10c0
        0x92 - app!deep          0x1090
        0xa0 - app!deep          0x1060
        0xa0 - app!deep          0x1030
        0xa0 - app!deep          0x1000

modules (2)
  0 lib    travels along, 128 bytes, 2 functions, digest …
  1 app    travels along, 242 bytes, 1 function, digest …

imports (1)
  env.ask    func (i32 f32) -> (i32)    0x8010c0

instances (2)
  0    of module 0 lib    0x801000
  1    of module 1 app    0x8010d0

tables (2)
  0    funcref, 3 of 6 elements not null: helper, mix, deep    0x801060
  1    externref, 0 of 3 elements not null                     0x801130

memories (1)
  0    1 page of 64 KiB; 1 of 16 pages of 4 KiB are not empty    0x8010a0

globals (3)
  0    global mut i64 = 77      0x801020
  1    global f64 = 3.25        0x8010f8
  2    global funcref = deep    0x801100
"""
PICTURE = """\
frames  one cell: 16 bytes; 1 of 1 page not empty
  0x00001000 FFFFFFFFFFFFFF

records  one cell: 16 bytes; 1 of 1 page not empty
  0x00801000 IIIRRDTTEEMM·IIIIRDTT·

memory 0  one cell: 4,096 bytes; 1 of 16 pages not empty
  0x00000000 B···············
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inspect") / "small.arn"
    _, snapshot = surveyed.paused()
    snapshot.save(path)
    return path


def shown(path: Path, wanted: Wanted | None = None, *, colour: bool = False) -> str:
    """What a terminal shows, without spaces at the ends of lines."""
    out = io.StringIO()
    console = Console(file=out, width=200, force_terminal=colour, color_system="truecolor" if colour else None, highlight=False)
    console.print(report(look(path, wanted or Wanted()), console, 15))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def test_a_small_snapshot(file: Path) -> None:
    text = re.sub("digest [0-9a-f]{16}…", "digest …", shown(file))
    assert PARTS in text
    assert PICTURE in text
    assert "fuel       99" in text


def test_all_names_every_element(tmp_path: Path) -> None:
    library = surveyed.LIBRARY.replace(
        "(elem (i32.const 1) $helper $mix)", "(elem (i32.const 0) $mix $mix $mix $mix $helper $mix)"
    )
    _, snapshot = surveyed.paused(library)
    snapshot.save(tmp_path / "full.arn")
    assert "6 of 6 elements not null: mix, mix, mix, mix, deep, …" in shown(tmp_path / "full.arn")
    out = io.StringIO()
    console = Console(file=out, width=200)
    console.print(report(look(tmp_path / "full.arn", Wanted()), console, sys.maxsize))
    assert "6 of 6 elements not null: mix, mix, mix, mix, deep, mix  " in out.getvalue()


def test_memories_are_told_by_their_pages(tmp_path: Path) -> None:
    more = '(memory (export "m") 1 4) (memory i64 2 5) (memory 10 30 (pagesize 1)) (memory i64 65537 (pagesize 1))'
    _, snapshot = surveyed.paused(library=surveyed.LIBRARY.replace('(memory (export "m") 1 4)', more))
    snapshot.save(tmp_path / "memories.arn")
    text = shown(tmp_path / "memories.arn")
    for size in ("1 page of 64 KiB;", "2 pages of 64 KiB (64-bit);", "10 bytes;", "65,537 bytes (64-bit);"):
        assert re.search(rf"^  \d    {re.escape(size)}", text, re.MULTILINE)


def test_colours_stand_for_letters(file: Path) -> None:
    text = shown(file, colour=True)
    assert "\x1b[38;2;228;87;46m█" in text
    assert "F stack" not in text


def test_modules_that_do_not_travel_along_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "bare.arn"
    _, snapshot = surveyed.paused()
    snapshot.save(path, embed=False)
    text = shown(path)
    assert text.count("missing: give its file as --module") == 2
    assert "no further" in text
    assert "env.ask(42, 0.5)" in text
    files = []
    for name, source in (("lib", surveyed.LIBRARY), ("app", surveyed.PROGRAM)):
        files.append(tmp_path / f"{name}.wat")
        files[-1].write_text(source)
    assert "app!deep" in shown(path, Wanted(modules=tuple(files)))


def test_a_delta_shows_its_parents_pages_pale(tmp_path: Path) -> None:
    _, snapshot = surveyed.paused()
    snapshot.save(tmp_path / "parent.arn")
    fork = snapshot.fork()
    fork.machine.cage.memory(0)[8192] = 1
    (tmp_path / "elsewhere").mkdir()
    fork.snapshot().save(tmp_path / "elsewhere" / "child.arn", parent=snapshot)
    text = shown(tmp_path / "elsewhere" / "child.arn", Wanted(parent=tmp_path / "parent.arn"))
    assert "delta of parent.arn (" in text
    assert "  0x00000000 b·B·············" in text
    with pytest.raises(Refused, match=r"not in its folder"):
        look(tmp_path / "elsewhere" / "child.arn", Wanted())


def test_state_of_wasi_is_shown_without_values_of_the_environment(tmp_path: Path) -> None:
    engine = Engine()
    store = Store(engine)
    store.set_wasi(WasiConfig(argv=["prog", "two words"], env={"LANG": "C", "SECRET": "hidden"}))
    store.snapshot().save(tmp_path / "wasi.arn")
    text = shown(tmp_path / "wasi.arn")
    assert "prog 'two words'" in text
    assert "LANG, SECRET" in text
    assert "hidden" not in text
    assert re.search(r"descriptor 1 +standard output", text)
    assert "the store stood between calls" in text


def test_names_cannot_speak_to_the_terminal(file: Path) -> None:
    text = shown(surveyed.altered(file, lambda manifest: manifest["functions"][0].update(name="\x1b[31mred\u202e")))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[31mred\\u202e" in text


def test_what_is_no_snapshot_takes_none_of_its_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = tmp_path / "m.wasm"
    module.write_bytes(wat2wasm("(module)"))
    assert main(["inspect", str(module), "--html", str(tmp_path / "x.html")]) == 1
    assert "is no snapshot: --html is for snapshots" in capsys.readouterr().err
    assert not (tmp_path / "x.html").exists()
    (tmp_path / "key").write_bytes(bytes(16))
    assert main(["inspect", str(module), "--key-file", str(tmp_path / "key"), "--set", "tier=safe", "--untrusted"]) == 1
    assert "--key-file and --untrusted and --set are for snapshots, which `arenite freeze` writes" in capsys.readouterr().err


def test_a_file_that_was_cut_off_is_refused(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "cut.arn"
    for size in (8, 100, 4096, 1 << 20):
        bad.write_bytes(file.read_bytes()[:size])
        assert main(["inspect", str(bad)]) == 1
        assert str(bad) in capsys.readouterr().err


@pytest.fixture(scope="module")
def guests(tmp_path_factory: pytest.TempPathFactory) -> list[Specimen]:
    return specimens(tmp_path_factory.mktemp("guests"), engine("threaded"))


@pytest.mark.parametrize("form", FORMS)
def test_an_altered_snapshot_is_refused_or_shown(guests: list[Specimen], tmp_path: Path, form: str) -> None:
    choose, refused, done = random.Random(form), 0, 0
    for _ in range(ROUNDS):
        for specimen in guests:
            alterer = Alterer(specimen, guests, form, choose)
            kinds = alterer.kinds
            kinds[choose.choices(list(kinds), [weight for weight, _ in kinds.values()])[0]][1]()
            path, base = tmp_path / ALTERED, tmp_path / BASE
            path.write_bytes(alterer.data())
            base.unlink(missing_ok=True)
            if alterer.base is not None:
                base.write_bytes(alterer.base)
            done += 1
            try:
                found = look(path, Wanted())
            except Refused:
                refused += 1
                continue
            report(found, Console(file=io.StringIO(), width=120), 15)
            assert page(path, found.survey, found.stands, found.missing)
    assert 0 < refused < done


@pytest.mark.parametrize(("options", "copies"), [([], 0), (["--untrusted"], 2)])
def test_what_is_not_trusted_is_copied_first(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: list[str], copies: int
) -> None:
    """The file and a delta's parent; small files are copied in any case."""
    delta, copied = file.with_name("delta.arn"), list[str]()
    of = surveyed.paused()[1].engine
    snapshot = Store(of).snapshot()
    snapshot.save(file.with_name("parent.arn"))
    Store(of).snapshot().save(delta, parent=snapshot)

    def copy(fd: int, name: str, *more: Any) -> Any:
        copied.append(name)
        return private.private_copy(fd, name, *more)

    monkeypatch.setattr(container, "is_small", lambda _fd: False)
    monkeypatch.setattr(container, "private_copy", copy)
    assert (main(["inspect", *options, str(delta)]), capsys.readouterr().err) == (0, "")
    assert len(copied) == copies
