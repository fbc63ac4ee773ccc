"""JavaScript in boxes: what code is given, what comes of it, promises and timers, and that nothing which it does harms more than its box."""

from __future__ import annotations

import asyncio
import math
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

import testdata
from arenite import Failure, Sandbox
from arenite.sandbox import Pending, QuickJS, Repr, Result
from arenite.sandbox.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

if find_spec("qjs-wasi-reactor") is None:
    testdata.absent("needs the extra `javascript`")


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox.javascript() as made:
        yield made


def test_what_it_prints_and_gives(box: Sandbox) -> None:
    told: list[str] = []
    result = box.run("console.log('out', 1); console.error('err', {a: 1}); 6 * 7", on_stdout=told.append)
    assert (result.stdout, result.stderr, result.value, result.error) == ("out 1\n", 'err Object {"a":1}\n', 42, None)
    assert "".join(told) == result.stdout


def test_everything_stays_between_runs(box: Sandbox) -> None:
    box.run(
        "let n = 1; const twice = (x) => 2 * x; function* count() { while (true) yield n++ }\nvar counter = count(); counter.next()"
    )
    assert box.run("[counter.next().value, twice(4), n]").value == [2, 8, 3]
    assert "redeclaration" in str(box.run("let n = 2").error)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("undefined", None),
        ("null", None),
        ("[true, 'ä\\ud800', 2.5, -7]", [True, "ä\ud800", 2.5, -7]),
        ("2n ** 70n", 2**70),
        ("-(2n ** 8191n)", -(2**8191)),
        ("({a: [1], 'ü': {}, ['__proto__']: 3})", {"a": [1], "ü": {}, "__proto__": 3}),
        ("Object.create(null)", {}),
        ("new Uint8Array([0, 255])", b"\0\xff"),
        ("[1 / 0, -1 / 0]", [math.inf, -math.inf]),
        ("[,1]", [None, 1]),
        ("Promise.resolve([1])", [1]),
        ("const later = (ms, value) => new Promise((done) => setTimeout(done, ms, value)); await later(1, 5)", 5),
    ],
)
def test_plain_data_comes_out(box: Sandbox, code: str, value: object) -> None:
    result = box.run(code)
    assert (result.value, result.error) == (value, None)


def test_numbers_that_json_has_not(box: Sandbox) -> None:
    value = box.run("[NaN, -0]").value
    assert isinstance(value, list)
    assert math.isnan(value[0])
    assert math.copysign(1, value[1]) == -1


def test_what_is_deep_beyond_measure_ends(box: Sandbox) -> None:
    value: object = box.run("let o = 1; for (let n = 0; n < 100_000; n++) o = [o]; o").value
    for _ in range(50):
        assert isinstance(value, list)
        (value,) = value
    assert value == "[object Array]"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("(x) => x + 1", "(x) => x + 1"),
        ("new Map([[1, 2]])", "Map [[1,2]]"),
        ("class A { constructor() { this.q = 1 } }\nnew A()", 'A {"q":1}'),
        ("Symbol('s')", "Symbol(s)"),
        ("2n ** 8192n", "a bigint of more than 8192 bits"),
        ("const o = {}; o.o = o; new (class B { constructor() { this.o = o } })()", "[object Object]"),
        ("'x'.repeat(2 << 20)", "<a value that takes 2097154 bytes; at most 1048576 bytes are handed over>"),
    ],
)
def test_a_value_that_is_not_plain_is_its_text(box: Sandbox, code: str, said: str) -> None:
    value = box.run(code).value
    assert (value, type(value)) == (said, Repr)


def test_inputs_are_variables(box: Sandbox) -> None:
    given = {"a": [1, 2.5, None, -math.inf], "b": b"\0\xff", "c": {"__proto__": "ä\ud800"}, "d": 2**60, "e": -(2**53) + 1}
    assert box.run("[a, b, c, d, e]", inputs=given).value == list(given.values())
    kinds = box.run("[typeof d, typeof e, Object.getPrototypeOf(c) === Object.prototype]").value
    assert kinds == ["bigint", "number", True]
    assert box.run("t", inputs={"t": (1, 2)}).value == [1, 2]
    with pytest.raises(TypeError, match="inputs are plain data"):
        box.run("", inputs={"a": object()})


def test_an_error_is_the_stack(box: Sandbox) -> None:
    result = box.run("console.log('before')\nfunction f() { return null.x }\nf()")
    assert result.stdout == "before\n"
    assert result.error is not None
    assert [line.rpartition(":")[0] or line for line in result.error.splitlines()] == [
        "TypeError",
        "    at f (<evalScript>:2",
        "    at <eval> (<evalScript>:3",
    ]
    deep = str(box.run("function down(n) { if (n) down(n - 1); else throw new RangeError('deep') }\ndown(50)").error)
    assert deep.count("at down (") == 51
    assert str(box.run("let let = 1").error).startswith("SyntaxError")
    assert box.run("throw {a: 1}").error == 'Uncaught Object {"a":1}\n'
    assert box.run("throw null").error == "Uncaught null\n"
    assert "[cause]: Error: inner" in str(box.run("throw new Error('outer', {cause: new Error('inner')})").error)
    both = str(box.run("await Promise.any([Promise.reject(new Error('one')), Promise.reject(new Error('two'))])").error)
    assert "one" in both
    assert "two" in both
    assert "Maximum call stack" in str(box.run("function r() { r() }\nr()").error)
    assert box.run("f.name").value == "f"


# -------------------------------------------------------------------------------------------------------- promises, timers


def test_promises_and_timers_take_their_turns(box: Sandbox) -> None:
    code = """
        setTimeout(() => console.log("timer"), 200);
        setTimeout(() => console.log("first"), 1);
        queueMicrotask(() => console.log("job"));
        (function long(n) { n ? Promise.resolve(n - 1).then(long) : console.log("long") })(2000);
        console.log("script");
    """
    assert box.run(code).stdout.split() == ["script", "job", "long", "first", "timer"]


def test_work_in_promises_is_not_held_up_by_a_timer(box: Sandbox) -> None:
    code = """
        const work = async () => { for (let n = 0; n < 2000; n++) await null; return "done" };
        await Promise.race([new Promise((_, fail) => setTimeout(fail, 60_000, new Error("late"))), work()])
    """
    assert box.run(code, seconds=20).value == "done"
    assert box.run("1", seconds=0.1).limit == "time"  # a timer is left, and the run waits for it


def test_intervals_come_until_they_are_cleared(box: Sandbox) -> None:
    assert (
        box.run("let k = 0; const id = setInterval(() => { console.log(k); if (++k === 3) clearInterval(id) }, 1)").stdout
        == "0\n1\n2\n"
    )
    assert box.run("clearTimeout(setTimeout(() => console.log('never'), 1))").stdout == ""


def test_a_timer_that_fails_says_so_and_the_run_goes_on(box: Sandbox) -> None:
    result = box.run("setTimeout(() => { throw new Error('in a timer') }); await new Promise((done) => setTimeout(done, 5, 3))")
    assert (result.value, result.error) == (3, None)
    assert result.stderr.startswith("Uncaught Error: in a timer")


def test_a_promise_that_fails_is_an_error(box: Sandbox) -> None:
    assert str(box.run("(async () => { throw new TypeError('no') })()").error).startswith("TypeError: no\n")
    assert str(box.run("async function main() { null.x }\nawait main()").error).count("at main") == 1
    assert str(box.run("async function other() { await null; null.x }\nother()").error).count("at other") == 1
    assert box.run("(async () => { throw new Error('nobody looks') })(); 5").value == 5
    assert box.run("6").value == 6


def test_a_promise_that_nothing_can_settle_is_an_error(box: Sandbox) -> None:
    assert "nothing here can bring about" in str(box.run("new Promise(() => 0)").error)
    assert "nothing here can bring about" in str(box.run("await new Promise(() => 0)").error)


def test_sleeping_counts_as_time_and_takes_none_of_the_cpu(box: Sandbox) -> None:
    before = time.process_time()
    result = box.run("await os.sleepAsync(60_000)", seconds=0.5)
    assert result.limit == "time"
    assert time.process_time() - before < result.duration / 2
    assert box.stopped


# ------------------------------------------------------------------------------------------------------------------ tools


def search(query: str, limit: int = 3) -> list[str]:
    """Find what there is."""
    return [f"{query}{n}" for n in range(limit)]


def echo(*args: object, **kwargs: object) -> object:
    return [*args, kwargs]


def fail() -> None:
    raise KeyError("k")


def test_code_calls_tools_by_name() -> None:
    with Sandbox.javascript(tools=[search, echo, fail]) as box:
        assert box.run("[search('a', 2), search({query: 'b', limit: 1})]").value == [["a0", "a1"], ["b0"]]
        data: list[object] = [1, 2.5, None, True, "ä\ud800", b"\0\xff", [[], {}], 2**70, math.inf]
        assert box.run("echo(...data, {a: 1})", inputs={"data": data}).value == [*data, {"a": 1}, {}]
        assert box.run("await Promise.all(['x', 'y'].map(async (q) => search(q, 1)))").value == [["x0"], ["y0"]]
        assert box.run("[search.signature, search.doc]").value == [
            "(query: str, limit: int = 3) -> list[str]",
            "Find what there is.",
        ]
        assert str(box.run("function f() { fail() }\nf()").error).startswith("KeyError: 'k'\n    at f (")
        assert box.run("try { fail() } catch (error) { [error instanceof ToolError, error.name] }").value == [True, "KeyError"]
        assert "argument 'query' must be str, not int" in str(box.run("search(5)").error)
        assert "tools take plain data, not (x) => x" in str(box.run("search((x) => x)").error)
        assert "RangeError: echo is given 1048" in str(box.run("echo('x'.repeat(1 << 20))").error)
        box.tools = Toolbox([search])
        assert box.run("[typeof echo, search('c', 1)]").value == ["undefined", ["c0"]]


def test_a_call_is_data_and_is_answered_later(tmp_path: Path) -> None:
    with Sandbox.javascript(tools=[search]) as box:
        pending = box.run_until_tool("const found = search('a', 1); found.length")
        assert isinstance(pending, Pending)
        assert (pending.tool, pending.args) == ("search", ("a", 1))
        box.save(tmp_path / "box.arn")
    with Sandbox.open(tmp_path / "box.arn") as again:
        waiting = again.pending()
        assert waiting is not None
        result = waiting.answer(["b", "c"])
        assert isinstance(result, Result)
        assert result.value == 2


# ------------------------------------------------------------------------------------------------- files, forks, the box


def test_files_in_and_out(box: Sandbox) -> None:
    box.files["/data/in.csv"] = "1,2\n"
    box.files["/mine.js"] = "export const x = 5"
    result = box.run(
        "const text = std.loadFile('/data/in.csv'); const f = std.open('/data/out.csv', 'w'); f.puts(text + text); f.close()"
    )
    assert (result.error, result.files) == (None, ("/data/out.csv",))
    assert box.files["/data/out.csv"] == b"1,2\n1,2\n"
    assert box.run("(await import('/mine.js')).x").value == 5


def test_its_own_reading_finds_the_end(box: Sandbox) -> None:
    assert box.run("std.in.getline()").value is None
    assert box.run("std.in.readAsString()").value == ""
    assert box.run("1").value == 1


@pytest.mark.parametrize(
    ("code", "limits", "limit"),
    [
        ("while (true);", {"seconds": 0.1}, "time"),
        ("os.sleep(60_000)", {"seconds": 0.1}, "time"),
        ("for (;;) await null", {"seconds": 0.1}, "time"),
        ("for (;;);", {"fuel": 1_000_000}, "fuel"),
        ("for (;;) console.log('x'.repeat(99))", {"output": 10_000}, "output"),
    ],
)
def test_a_limit_stops_the_run(box: Sandbox, code: str, limits: dict[str, float], limit: str) -> None:
    before = box.checkpoint()
    result = box.run(code, **limits)  # type: ignore[arg-type]  # each its own
    assert (result.limit, box.stopped) == (limit, True)
    assert box.go_on(seconds=0.1, fuel=1_000_000, output=1).limit is not None
    box.restore(before)
    assert box.run("1").value == 1


def test_memory_is_bounded() -> None:
    with Sandbox.javascript(memory=32 << 20) as box:
        assert "out of memory" in str(box.run("const all = []; for (;;) all.push(new Uint8Array(1 << 20))").error)
        assert box.run("all.length = 0; 1").value == 1


def test_forks_go_on_each_for_itself_and_chance_is_fresh(box: Sandbox, tmp_path: Path) -> None:
    other = Sandbox.javascript()
    assert box.run("Math.random()").value != other.run("Math.random()").value
    other.close()
    box.run("const items = [1]; let p = new Promise((done) => setTimeout(done, 1, 'later')); 0", seconds=5)
    forks = box.fork(2)
    for n, fork in enumerate(forks):
        assert fork.run("items.push(n); [items, Math.random()]", inputs={"n": n}).value != box.run("0").value
        assert fork.run("items").value == [1, n]
        fork.close()
    with box.attempt() as trial:
        trial.run("items.push(9)")
    box.save(tmp_path / "box.arn", key=b"k" * 32)
    with Sandbox.open(tmp_path / "box.arn", key=b"k" * 32, guest=QuickJS()) as again:
        assert again.run("items.push(2n ** 60n); [...items, await p]").value == [1, 9, 2**60, "later"]


def test_bytes_beside_the_image_and_pools_are_for_every_guest(box: Sandbox) -> None:
    box.run("var n = 41; Math.random()")
    data = box.dumps()
    assert len(data) < 100_000
    with Sandbox.loads(data, guest=QuickJS()) as again:
        assert again.run("n + 1").value == 42
    with Sandbox.pool(1, begin=box.checkpoint()) as pool, pool.box() as fresh:
        assert fresh.run("n").value == 41
    drawn = [fork.run("Math.random()").value for fork in box.fork(2, reseed=True)]
    assert drawn[0] != drawn[1]


def test_in_an_event_loop(box: Sandbox) -> None:
    pytest.importorskip("anyio", reason="needs the extra `async`")
    assert asyncio.run(box.run_async("await os.sleepAsync(1); 3")).value == 3


FORGED = "const f = std.open('/run/arenite/answer', 'w'); f.puts(%s); f.close(); std.in.getline()"


@pytest.mark.parametrize(
    "code",
    [
        "std.exit(0)",
        FORGED % "'['",
        FORGED % "'['.repeat(1_000_000)",
        FORGED % '\'{"value": 1, "error": 2}\'',
        "os.remove('/run/arenite/answer')",
        "os.remove('/run/arenite/answer'); os.mkdir('/run/arenite/answer')",
        "os.close(0)",
        "for (let n = 3; n < 20; n++) os.close(n)",
        "std.evalScript('('.repeat(100_000))",
        "Object.getPrototypeOf(std.open('/x', 'w')).puts = () => 0",
        "import('qjs:os').then((os) => os.setTimeout(() => { for (;;); }, 0))",
    ],
)
def test_whatever_it_does_ends_and_harms_its_box_alone(box: Sandbox, code: str) -> None:
    box.run("var x = 1")
    (fork,) = box.fork()
    first = box.run(code, seconds=1)
    assert first.error or not box.alive or box.run("1", seconds=1).error
    if not box.alive:
        with pytest.raises(Failure, match="dead"):
            box.run("1")
    with fork:
        assert fork.run("x").value == 1


def test_changed_built_ins_are_its_own_loss(box: Sandbox) -> None:
    box.run(
        "JSON.stringify = JSON.parse = Array.prototype.push = Array.prototype.join = String.prototype.replace = Reflect.apply = () => 0;"
        "RegExp.prototype.exec = RegExp.prototype.test = RegExp.prototype[Symbol.replace] = Promise.prototype.then = () => { throw 1 };"
        "Promise = Array = Object = String = Map = Set = BigInt = Uint8Array = undefined; 0"
    )
    assert box.run("[1, {a: 'b'}]").value == [1, {"a": "b"}]
    assert "Error: still" in str(box.run("throw new Error('still ä')").error)
    assert box.run("(async () => [1n])()").value == [1]
