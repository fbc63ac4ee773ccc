"""Every public error can be copied and pickled, with its attributes, and so crosses the border of a process."""

from __future__ import annotations

import concurrent.futures
import copy
import multiprocessing
import pickle
from typing import TYPE_CHECKING, Any

import pytest

import arenite
from arenite import (
    AreniteError,
    Config,
    DecodeError,
    Engine,
    Instance,
    Module,
    NotReady,
    Store,
    Trap,
    TrapCode,
    ValidationError,
    WasmException,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NEEDED: dict[str, tuple[Any, ...]] = {
    "DecodeError": ("unexpected end", 3),
    "ValidationError": ("type mismatch", 70, 2),
    "NotReady": ("nothing to read", "stdin"),
    "Trap": ("unreachable", TrapCode.UNREACHABLE),
    "Exit": (3,),
    "WasmException": (None, (5, 2.5, b"0123456789abcdef", None), "thrown"),
}
"""What the constructors of those take that take more than a message."""

PUBLIC = sorted(
    {e for e in vars(arenite).values() if isinstance(e, type) and issubclass(e, BaseException)}, key=lambda e: e.__name__
)


def pickled(protocol: int) -> Callable[[Any], Any]:
    """There and back."""
    return lambda error: pickle.loads(pickle.dumps(error, protocol))


WAYS: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {p}": pickled(p) for p in range(pickle.HIGHEST_PROTOCOL + 1)},
}


class Custom(NotReady):
    """A user's error, made of other arguments than its base."""

    def __init__(self, *, device: str) -> None:
        super().__init__(f"{device} is not ready", "stdin")
        self.device = device


def same(left: BaseException, right: BaseException) -> bool:
    """Whether two errors say the same."""
    return type(left) is type(right) and str(left) == str(right) and left.args == right.args and vars(left) == vars(right)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_every_public_error(kind: type[AreniteError], way: str) -> None:
    error = kind(*NEEDED.get(kind.__name__, ("a message",)))
    error.add_note("while loading")
    again = WAYS[way](error)
    assert again is not error
    assert same(again, error)
    assert again.__notes__ == ["while loading"]


@pytest.mark.parametrize("way", WAYS)
def test_a_subclass_with_arguments_of_its_own(way: str) -> None:
    error = Custom(device="tape")
    again = WAYS[way](error)
    assert same(again, error)
    assert (again.device, again.stream) == ("tape", "stdin")


def trapped() -> tuple[Trap, Module]:
    """A trap three frames deep, and the module that trapped."""
    engine = Engine(Config(tier="safe"))
    module = Module(
        engine,
        """(module $deep (func $in unreachable) (func $middle call $in)
          (func (export "f") call $middle))""",
    )
    store = Store(engine)
    function: Any = Instance(store, module, []).exports(store)["f"]
    with pytest.raises(Trap) as caught:
        function(store)
    return caught.value, module


@pytest.mark.parametrize("way", WAYS)
def test_a_trap_takes_its_frames_along(way: str) -> None:
    trap, _ = trapped()
    again = WAYS[way](trap)
    assert str(again) == str(trap)
    assert again.code is TrapCode.UNREACHABLE
    assert again.trap_code is TrapCode.UNREACHABLE
    assert again.message == trap.message
    names = ("func_index", "func_name", "module_name", "module_offset", "func_offset")
    assert [[getattr(f, n) for n in names] for f in again.frames] == [[getattr(f, n) for n in names] for f in trap.frames]
    assert [f.func_name for f in again.frames] == ["in", "middle", "f"]
    assert again.frames == trap.frames
    assert {*again.frames} == {*trap.frames}


def test_a_trap_that_travels_takes_no_module_along() -> None:
    trap, _ = trapped()
    assert b"ModuleCode" not in pickle.dumps(trap)
    assert len(pickle.dumps(trap)) < 2000
    for frame in copy.deepcopy(trap).frames:
        assert {*vars(frame)} == {"pc", "func_index", "func_name", "module_name", "module_offset", "func_offset"}


def refused(data: bytes) -> str:
    """What a worker does: it validates a module."""
    Module.validate(Engine(Config(tier="safe")), data)
    return "valid"


EMPTY = b"\0asm\1\0\0\0"
UNSOUND = EMPTY + b"\1\5\1\x60\0\1\x7f" + b"\3\2\1\0" + b"\x0a\4\1\2\0\x0b"  # a function that returns no i32


def test_a_pool_raises_what_its_worker_raised() -> None:
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        with pytest.raises(DecodeError) as decode:
            pool.submit(refused, b"junk").result(60)
        with pytest.raises(ValidationError) as validation:
            pool.submit(refused, UNSOUND).result(60)
        assert pool.submit(refused, EMPTY).result(60) == "valid"
    assert (decode.value.message, decode.value.offset) == ("magic header not detected", 0)
    assert validation.value.func == 0


def test_what_an_exception_carries_travels_or_is_words() -> None:
    class Number(int):
        """One that no other process can make."""

    class LocalError(Exception):
        """Another such thing."""

    inner = WasmException(None, (LocalError("a"),))
    found = pickle.loads(pickle.dumps(WasmException("tag", (1, Number(2), KeyError("b"), LocalError("c"), lambda: None, inner))))
    assert found.tag is None
    assert found.values[:4] == (1, "2", "KeyError('b')", "LocalError('c')")
    assert found.values[4].startswith("<function")
    assert isinstance(found.values[5], WasmException)
    assert found.values[5].values == ("LocalError('a')",)


@pytest.mark.parametrize("name", ["tag", "values", "name"])
def test_what_an_exception_is_stays(name: str) -> None:
    error = WasmException(None, (1,), "thrown")
    with pytest.raises(AttributeError):
        setattr(error, name, None)
    assert (error.tag, error.values, error.name) == (None, (1,), "thrown")
