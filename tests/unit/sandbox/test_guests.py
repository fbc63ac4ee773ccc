"""What a guest has to be: what is missing is said, what numpy gives is plain data, and what arenite brings fits together."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

import testdata
from arenite import Failure, Sandbox, wat2wasm
from arenite.sandbox import CPython, NumPython, QuickJS, Repr, Start, image
from arenite.sandbox.guests import cpython, numpython, quickjs
from arenite.sandbox.guests.saved import Saved
from arenite.sandbox.plain import unpacked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    from arenite import FuncType
    from arenite.sandbox import Guest, Request

np = pytest.importorskip("numpy", reason="needs numpy")

TEXTS = testdata.ROOT / "src" / "arenite" / "sandbox"


@pytest.mark.parametrize(
    ("module", "name", "make", "extra"),
    [
        (cpython, "PACKAGE", Sandbox.python, "python"),
        (quickjs, "FOLDER", Sandbox.javascript, "javascript"),
        (numpython, "PACKAGE", lambda: Sandbox.python(numpy=True), "numpy"),
    ],
    ids=["python", "javascript", "numpy"],
)
def test_a_guest_that_is_not_there_says_what_to_install(
    module: ModuleType, name: str, make: Callable[[], Sandbox], extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, "there_is_no_such_package")
    monkeypatch.setattr(image, "_image", image._image.__wrapped__)
    with pytest.raises(ImportError, match=rf"pip install 'arenite\[{extra}\]'"):
        make()


def test_a_folder_without_the_guest_is_said(tmp_path: object) -> None:
    with pytest.raises(ImportError, match=r"there is no python-stdlib\.zip"):
        Sandbox.python(numpy=str(tmp_path))


@pytest.mark.parametrize("guest", [CPython(), QuickJS(), NumPython()], ids=lambda guest: guest.name)
def test_a_guest_out_of_a_file_has_what_any_has(guest: Guest) -> None:
    saved = Saved()
    assert set(guest.shared) <= set(saved.shared)
    assert guest.unused.items() <= saved.unused.items()
    assert guest.prompt == saved.prompt


@dataclass(frozen=True)
class Odd:
    """A guest that is none."""

    wasm: Path
    name, prompt, calls_tools, shared = "odd", "answer", False, ()

    @property
    def unused(self) -> dict[tuple[str, str], FuncType]:
        return {}

    def image(self) -> Start:
        return Start(self.wasm, ("odd",))

    def encode(self, request: Request) -> bytes:
        raise NotImplementedError

    def decode(self, answer: bytes) -> tuple[object, str | None]:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "it waits for no request, and has ended"),
        ("unreachable", "unreachable"),
        ("(loop (br 0))", "it waits for no request, and has gone on"),
        ("(drop (memory.grow (i32.const 20000))) (drop (i32.load (i32.const 100000)))", "out of bounds"),
    ],
    ids=["ends", "traps", "loops", "takes too much"],
)
def test_a_program_that_is_no_guest_does_not_start(tmp_path: Path, body: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "PATIENCE", 0.1)
    path = tmp_path / "odd.wasm"
    path.write_bytes(wat2wasm(f'(module (memory (export "memory") 1) (func (export "_start") {body}))'))
    with pytest.raises(Failure, match=f"the guest did not start: .*{why}"):
        Sandbox.of(Odd(path))


def there(value: object) -> object:
    """What comes out of a box that has numpy: the texts of its guest, run here."""
    names: dict[str, object] = {"__name__": "guest"}
    for path in ("plain.py", "guests/inside/arrays.py"):
        text = (TEXTS / path).read_text("utf-8")
        if path != "plain.py":
            exec("packed_plain = packed\nreseed_python = None", names)
        exec(compile(text.replace("if TYPE_CHECKING", "if False"), path, "exec"), names)
    packed = names["packed"]
    assert callable(packed)
    return unpacked(json.loads(json.dumps(packed(value, lambda value: f"shown {type(value).__name__}"))))


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float64(0.5), 0.5),
        (np.float32(0.25), 0.25),
        (np.int8(-3), -3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.bytes_(b"x"), b"x"),
        (np.arange(6.0).reshape(2, 3), [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]),
        (np.array(7), 7),
        (np.array([None, "a"], dtype=object), [None, "a"]),
        ([{"m": np.eye(2, dtype=int)}, (np.float64(1),)], [{"m": [[1, 0], [0, 1]]}, (1.0,)]),
        (np.complex128(2j), "shown complex"),
        (np.longdouble(1), "shown longdouble"),
        (np.zeros(1 << 20), "shown ndarray"),
        (np.float64("inf"), float("inf")),
    ],
    ids=str,
)
def test_scalars_and_arrays_are_plain_data(value: object, plain: object) -> None:
    found = there(value)
    assert found == plain
    assert type(found) is (Repr if isinstance(plain, str) and plain.startswith("shown") else type(plain))
