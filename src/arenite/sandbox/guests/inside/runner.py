"""What runs inside a CPython guest: it reads requests, runs their code in one namespace, answers.  Its text is given to the guest behind that of `plain`.

A request is its length in digits, a newline, and JSON: the code, inputs as `packed`, a seed or None.  The answer is JSON in a file, which the host empties: the value
of a last expression as `packed`, the traceback or None.  What the code prints goes where it always goes.  The code may do to this program
whatever it likes, so whoever reads the answer believes nothing of it.

Example:  serve("/run/arenite/answer", 1 << 20)
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import linecache
import os
import random
import sys
import traceback
import types
from json import dumps, loads  # by name: code that changes the module changes nothing here
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from arenite.sandbox.plain import Packed, packed, unpacked  # noqa: TC004 (in the guest that text stands before this one)

PIECE: Final = 1 << 16
LONGEST_TEXT: Final = 1 << 16  # characters of a repr or a traceback


def request() -> dict[str, object] | None:
    """The next one, None where there is no more."""
    data = os.read(0, PIECE)
    head, _, rest = data.partition(b"\n")
    if not head.isdigit():
        return None
    body = bytearray(rest)
    while len(body) < int(head):
        piece = os.read(0, PIECE)
        if not piece:
            return None
        body += piece
    found: dict[str, object] = loads(body)
    return found


def shown(value: object) -> str:
    """A value that is no plain data."""
    try:
        return repr(value)[:LONGEST_TEXT]
    except Exception as error:  # noqa: BLE001 (whatever the code's own `__repr__` does)
        return f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"


def evaluated(code: str, name: str, namespace: dict[str, object]) -> object:
    """Run some code; the value of its last statement, where that is an expression."""
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    tree = ast.parse(code, name)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr):
        tree.body.pop()
    exec(compile(tree, name, "exec"), namespace)  # noqa: S102 (that is what it is for)
    return eval(compile(ast.Expression(last.value), name, "eval"), namespace) if isinstance(last, ast.Expr) else None  # noqa: S307


def told(error: BaseException) -> str:
    """The traceback as Python prints it, without the frames of this file."""
    try:
        trace = error.__traceback__
        while trace is not None and not trace.tb_frame.f_code.co_filename.startswith("<run "):
            trace = trace.tb_next
        text = "".join(traceback.format_exception(type(error), error, trace))
    except BaseException as another:  # noqa: BLE001 (no memory, or what the exception's own methods raise)
        return f"{type(error).__name__}, whose traceback raises {type(another).__name__}\n"
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT // 2]}\n[...]\n{text[-LONGEST_TEXT // 2 :]}"


def answered(code: str, name: str, namespace: dict[str, object], most: int) -> bytes:
    """Run some code; the answer."""
    value: Packed = None
    error = None
    try:
        value = packed(evaluated(code, name, namespace), shown)
    except BaseException as raised:  # noqa: BLE001 (also SystemExit: the program goes on)
        error = told(raised)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # closed, or not even a stream any more: the code's own doing
            stream.flush()
    return written(value, error, most)


def written(value: Packed, error: str | None, most: int) -> bytes:
    """The answer; a value that is too large for it is only told of."""
    try:
        answer = dumps({"value": value, "error": error}).encode()
        size = f"{len(answer)} bytes"
    except MemoryError:
        answer, size = b"", "more memory than there is"
    if not answer or len(answer) > most:
        answer = dumps(
            {"value": ["r", f"<a value that takes {size}; at most {most} bytes are handed over>"], "error": error}
        ).encode()
    return answer


def serve(path: str, most: int) -> None:
    """Answer requests until there are no more.  `path`: the file for answers; `most`: bytes of one."""
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main  # where pickles and data classes look for the code's own classes
    sys.stdin = io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)  # for good: the code may open all that it may have
    count = 0
    while (asked := request()) is not None:
        count += 1
        if asked["seed"] is not None:
            random.seed(str(asked["seed"]))
        inputs = unpacked(asked["inputs"])
        if isinstance(inputs, dict):
            main.__dict__.update(inputs)
        answer = answered(str(asked["code"]), f"<run {count}>", main.__dict__, most)
        while answer:
            answer = answer[os.write(file, answer) :]
