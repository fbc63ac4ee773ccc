"""What runs inside a CPython guest: it reads requests, runs their code in one namespace, answers.  Its text is given to the guest behind that of `plain`.

A request is its length in digits, a newline, and JSON: the code, inputs as `packed`, a seed or None, tools if there are others than before.  The answer is JSON in a file, which the host empties: the value
of a last expression as `packed`, the traceback or None.  What the code prints goes where it always goes.  The code may do to this program
whatever it likes, so whoever reads the answer believes nothing of it.

Example:  serve("/run/arenite/answer", "/run/arenite/tools", 1 << 20, "/run/arenite/lasting")
"""

from __future__ import annotations

import builtins
import gc
import io
import linecache
import os
import random
import sys
import traceback
import types
from json import JSONDecoder, dumps
from json.encoder import c_make_encoder, encode_basestring_ascii  # type: ignore[attr-defined]  # CPython's own
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    # in the guest those texts stand before this one
    from arenite.sandbox.guests.inside.lasting import fill, tell  # noqa: TC004
    from arenite.sandbox.guests.inside.loop import in_loop  # noqa: TC004
    from arenite.sandbox.guests.inside.statements import AWAITING, by_tree, parted  # noqa: TC004
    from arenite.sandbox.guests.inside.tooling import Tools  # noqa: TC004
    from arenite.sandbox.plain import Packed, packed, unpacked  # noqa: TC004

PIECE: Final = 1 << 16
USUAL: Final = 1 << 12  # bytes of a request that are there at once
LONGEST_TEXT: Final = 1 << 16  # characters of a repr or a traceback
MOST_TOLD: Final = 1000  # exceptions that one has in it
NAME: Final = type.__dict__["__name__"]
AWAITS: Final = 0x80  # `inspect.CO_COROUTINE`
STREAMS: Final = ("stdout", "stderr")
ROUNDS: Final = 12  # after so many CPython has found the short ways that it finds for code that runs often
WARMING: Final = (
    "print(6 * 7)",
    "6 * 7",
    "x = 1\nfor i in range(3):\n    x += i\nprint(x, 'text')",
    "def f(n):\n    return n\n[f(n) for n in range(3)]",
    "{'a': [1, 2.5, None], 'b': f'{7}'}",
    "class A:\n    pass\nstr(A())",
    "import math\nmath.sqrt(4)",
    "1 / 0",
    "(",
)
seeds: list[str] = []
NO_INPUTS: Final = ["d"]
scan = JSONDecoder().scan_once  # type: ignore[attr-defined]  # what is asked comes from the host: it is one value, and nothing around it
make = c_make_encoder(None, None, encode_basestring_ascii, None, ": ", ", ", False, False, True)


def request(size: int) -> dict[str, object] | str | None:
    """The next one, of which there may be the code alone; None where there is no more.   `size`: for how many bytes to ask at first."""
    data = os.read(0, size)
    head, _, body = data.partition(b"\n")
    alone = head[:1] == b"+"
    if alone:
        head, _, seed = head.partition(b" ")
        if seed:
            reseed(seed.decode())
    elif not head.isdigit():
        return None
    if len(body) < int(head):
        parts = [body]
        left = int(head) - len(body)
        while left > 0:
            piece = os.read(0, PIECE)
            if not piece:
                return None
            parts.append(piece)
            left -= len(piece)
        body = b"".join(parts)
    return body.decode() if alone else understood(body)


def understood(body: bytes) -> dict[str, object]:
    """A request."""
    found: dict[str, object] = scan(body.decode(), 0)[0]
    return found


class Untouched(types.ModuleType):
    """What `random` is until somebody looks for something in it: only then is it seeded, which takes a third of a line's work."""

    def __getattribute__(self, name: str) -> object:
        random.__class__ = types.ModuleType
        while seeds:
            random.seed(int(seeds.pop(), 16))
        return getattr(self, name)


def reseed(seed: str) -> None:
    """Begin chance anew.  `seed`: in hexadecimal."""
    if type(random) is Untouched:
        seeds[:] = [seed]
    else:
        random.seed(int(seed, 16))


def shown(value: object) -> str:
    """A value that is no plain data."""
    try:
        return str.__getitem__(repr(value), slice(LONGEST_TEXT))  # which may be a string of the code's own kind
    except Exception as error:  # noqa: BLE001 (whatever the code's own `__repr__` does)
        return f"<{kind(value)}, whose repr raises {kind(error)}>"


def kind(value: object) -> str:
    """The name of its class, which is not asked itself: that may have been made by the code's own."""
    name: str = NAME.__get__(type(value))
    return name


def evaluated(code: str, name: str, namespace: dict[str, object]) -> object:
    """Run some code; the value of its last statement, where that is an expression."""
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    try:
        program, last = parted(code, name)
    except SyntaxError:
        if "await" not in code and "async" not in code:
            raise
    else:
        if program is not None:
            exec(program, namespace)  # noqa: S102 (that is what it is for)
        return None if last is None else eval(last, namespace)  # noqa: S307
    return in_loop(awaited(*by_tree(code, name, AWAITING), namespace))


async def awaited(program: types.CodeType | None, last: types.CodeType | None, namespace: dict[str, object]) -> object:
    """The same for code that awaits something outside of functions."""
    value = None
    for part in (program, last):
        if part is not None:
            value = eval(part, namespace)  # noqa: S307 (which gives a coroutine where it awaits)
            if part.co_flags & AWAITS:
                value = await value
    return None if last is None else value


def told(error: BaseException) -> str:
    """The traceback as Python prints it, without the frames of this file."""
    try:
        trace = error.__traceback__
        while trace is not None and not trace.tb_frame.f_code.co_filename.startswith("<run "):
            trace = trace.tb_next
        if is_tellable(error):
            text = "".join(traceback.format_exception(type(error), error, trace))
        else:
            place = "".join(traceback.format_tb(trace))
            text = (
                f"Traceback (most recent call last):\n{place}{kind(error)}: {error}\n[and more exceptions than can be told of]\n"
            )
    except BaseException as another:  # noqa: BLE001 (no memory, or what the exception's own methods raise)
        return f"{kind(error)}, whose traceback raises {kind(another)}\n"
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT // 2]}\n[...]\n{text[-LONGEST_TEXT // 2 :]}"


def is_tellable(error: BaseException) -> bool:
    """Whether an error has few others in it, as `traceback` counts them: each as often as a group has it.  What they have of this file is taken out."""
    seen, todo, ours, count = set[int](), [error], globals(), 0
    while todo:
        one = todo.pop()
        trace = one.__traceback__
        while trace is not None:
            while trace.tb_next is not None and trace.tb_next.tb_frame.f_globals is ours:
                trace.tb_next = trace.tb_next.tb_next
            trace = trace.tb_next
        seen.add(id(one))
        todo += [other for other in (one.__cause__, one.__context__) if other is not None and id(other) not in seen]
        more = one.exceptions if isinstance(one, BaseExceptionGroup) else ()
        count += 1
        if count + len(todo) + len(more) > MOST_TOLD:
            return False
        todo += more
    return True


def answered(code: str, name: str, namespace: dict[str, object], most: int) -> bytes:
    """Run some code; the answer, which is empty where there is neither a value nor an error."""
    value: Packed = None
    error = None
    try:
        value = packed(evaluated(code, name, namespace), shown)
    except BaseException as raised:  # noqa: BLE001 (also SystemExit: the program goes on)
        error = told(raised)
    for stream in STREAMS:
        try:  # noqa: SIM105 (`suppress` takes as long as the rest of an answer)
            getattr(sys, stream).flush()
        except BaseException:  # noqa: BLE001, S110 (closed, or not even a stream any more: the code's own doing)
            pass
    return written(value, error, most)


def written(value: Packed, error: str | None, most: int) -> bytes:
    """The answer; a value that is too large for it is only told of."""
    if value is None and error is None:
        return b""
    try:
        answer = "".join(make({"value": value, "error": error}, 0)).encode()
        size = f"{len(answer)} bytes"
    except MemoryError:
        answer, size = b"", "more memory than there is"
    if not answer or len(answer) > most:
        answer = dumps(
            {"value": ["r", f"<a value that takes {size}; at most {most} bytes are handed over>"], "error": error}
        ).encode()
    return answer


def warm(namespace: dict[str, object], most: int, rounds: int) -> None:
    """Run some code before there is any: a box is a copy of what is here afterwards, and what was written already need not be written there."""
    body = dumps({"code": "print(6 * 7)", "inputs": ["d"], "seed": None}).encode()
    before = dict(namespace)
    out, sys.stdout = sys.stdout, io.TextIOWrapper(io.BytesIO(), line_buffering=True)
    for _ in range(rounds):
        for code in WARMING:
            understood(body)
            answered(code, "<run 0>", namespace, most)
    sys.stdout = out
    namespace.clear()
    namespace.update(before)
    linecache.cache.clear()


def serve(path: str, device: str, most: int, lasting: str, silent: int) -> None:
    """Answer requests until there are no more.

    `path`: the file for answers; `device`: that of tools; `most`: bytes of an answer; `lasting`: the file of what lasts.
    `silent`: of how many bytes a read says that there is nothing to answer.
    """
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main  # where pickles and data classes look for the code's own classes
    sys.stdin = io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)  # for good: the code may open all that it may have
    tools = Tools(device)
    warm(main.__dict__, most, 2)
    fill()
    for function in globals().values():
        if isinstance(function, types.FunctionType):
            function.__code__ = function.__code__.replace()  # they count how often they run: in one place, now
    warm(main.__dict__, most, ROUNDS)
    fill()
    warm(main.__dict__, most, 2)
    tell(lasting)
    random.__class__ = Untouched  # behind whatever looks at all objects
    gc.freeze()  # what is there stays: no collection looks at it, and so none writes to it
    count, size = 0, USUAL
    while (asked := request(size)) is not None:
        count += 1
        if isinstance(asked, str):
            code = asked
        else:
            code = str(asked["code"])
            if asked["seed"] is not None:
                reseed(str(asked["seed"]))
            known = asked.get("tools")
            if isinstance(known, list):
                tools.install(known, main.__dict__)
            if asked["inputs"] != NO_INPUTS:
                inputs = unpacked(asked["inputs"])
                assert isinstance(inputs, dict)
                main.__dict__.update(inputs)
        answer = answered(code, f"<run {count}>", main.__dict__, most)
        size = USUAL if answer else silent
        while answer:
            answer = answer[os.write(file, answer) :]
