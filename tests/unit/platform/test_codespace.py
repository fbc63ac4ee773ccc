"""Code is added while other code runs, is never writable and executable at once, and is private to a process."""

from __future__ import annotations

import ctypes
import errno
import gc
import mmap
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from arenite.errors import InternalError, Limit
from arenite.platform import HAS_OBJECTS, libc, page_size
from arenite.platform.architectures import host
from interrupts import interrupted, places

if not HAS_OBJECTS:
    pytest.skip("no machine code on this platform", allow_module_level=True)

from arenite.platform.codespace import AHEAD, LARGEST, CodeSpace
from unit.platform.machine_code import constant, spin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = page_size
WRITE, EXECUTE = mmap.PROT_WRITE, mmap.PROT_EXEC


def call(address: int) -> int:
    """What the function there returns."""
    return int(ctypes.CFUNCTYPE(ctypes.c_int)(address)())


def long(number: int, size: int) -> bytes:
    """`constant`, and bytes behind it."""
    return constant(number).ljust(size, b"\0")


class Pages:
    """What the system was last told about each page, and that it was never told what it must not be."""

    def __init__(self) -> None:
        self.can: dict[int, int] = {}
        self._protect = libc.protect

    def protect(self, address: int, size: int, prot: int) -> None:
        self._protect(address, size, prot)
        if prot == libc.PROT_NONE:  # a space begins
            self.can = {page: can for page, can in self.can.items() if not address <= page < address + size}
            return
        assert prot & (WRITE | EXECUTE) != WRITE | EXECUTE
        for page in range(address, address + size, PAGE):
            assert prot & EXECUTE or not self.can.get(page, 0) & EXECUTE, "a page with code that may be running was taken away"
            self.can[page] = prot


@pytest.fixture(autouse=True)
def pages(monkeypatch: pytest.MonkeyPatch) -> Pages:
    watched = Pages()
    monkeypatch.setattr(libc, "protect", watched.protect)
    return watched


@pytest.fixture
def space() -> Iterator[CodeSpace]:
    space = CodeSpace(1 << 20)
    yield space
    space.close()


def python(program: str) -> subprocess.CompletedProcess[str]:
    """Run `program` in another process."""
    prelude = """
    import ctypes, os, signal, sys
    from arenite.errors import Limit
    from arenite.platform import faults
    from arenite.platform.codespace import CodeSpace
    from unit.platform.machine_code import constant, undefined
    def call(address): return ctypes.CFUNCTYPE(ctypes.c_int)(address)()
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    source = textwrap.dedent(prelude) + textwrap.dedent(program)
    return subprocess.run(
        [sys.executable, "-c", source], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_what_is_appended_runs(space: CodeSpace) -> None:
    found = {number: space.append(constant(number)) for number in range(100)}
    assert {number: call(address) for number, address in found.items()} == {number: number for number in range(100)}


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_every_kind_of_bytes(space: CodeSpace, kind: type[bytes | bytearray | memoryview]) -> None:
    assert call(space.append(kind(constant(7)))) == 7


def test_addresses(space: CodeSpace) -> None:
    begin, end = space.text
    assert (space.begin, space.begin + space.limit) == (begin, end)
    assert (len(space), space.end) == (0, begin)
    first = space.stage(constant(1))
    assert (first, space.at(first), space.end) == (begin, 0, begin + len(constant(1)))
    second = space.stage(constant(2), align=256)
    assert (second, space.at(second)) == (begin + 256, 256)
    space.publish()
    assert (len(space), space.end) == (PAGE, begin + PAGE)
    third = space.stage(constant(3))
    assert third == begin + PAGE
    assert len(space) == PAGE + len(constant(3))
    for outside in (begin - 1, space.end, end, 0):
        with pytest.raises(InternalError, match="no code"):
            space.at(outside)


def test_what_is_staged_cannot_run_yet(space: CodeSpace, pages: Pages) -> None:
    address = space.stage(constant(1))
    assert not pages.can[address & -PAGE] & EXECUTE
    assert space.publish() >= address + len(constant(1))
    assert pages.can[address & -PAGE] & EXECUTE
    assert call(address) == 1


def test_pages_that_are_not_full_can_wait(space: CodeSpace, pages: Pages) -> None:
    waiting: dict[int, int] = {}
    for number in range(200):
        waiting[space.stage(long(number, 600))] = number
        live = space.publish(whole_pages=True)
        assert live == space.end & -PAGE
        for address in [address for address in waiting if address + 600 <= live]:
            assert call(address) == waiting.pop(address)
    assert 0 < len(waiting) < 2 + PAGE // 600
    assert len(space) == sum([608] * 199) + 600  # nothing is wasted
    assert space.publish() >= space.end
    assert [call(address) for address in waiting] == list(waiting.values())
    assert not any(can & WRITE for page, can in pages.can.items() if page < space.end)


def test_nothing_to_publish(space: CodeSpace) -> None:
    assert space.publish() == space.publish(whole_pages=True) == space.begin
    space.append(constant(1))
    assert space.publish() == space.publish(whole_pages=True) == space.begin + PAGE


@pytest.mark.parametrize("seed", range(20))
def test_any_order(space: CodeSpace, seed: int) -> None:
    """`Pages` sees to the rest."""
    choose = random.Random(seed)
    addresses: dict[int, int] = {}
    for number in range(100):
        size = choose.choice((8, 200, PAGE - 8, PAGE, 5000, 3 * AHEAD)) if number % 10 else 8
        if choose.random() < 0.2:
            space.publish(whole_pages=choose.random() < 0.5)
        if len(space) + size + PAGE < space.limit:
            addresses[space.stage(long(number, size), 1 << choose.randrange(4, 13))] = number
    space.publish()
    assert [call(address) for address in addresses] == list(addresses.values())
    assert list(addresses) == sorted(addresses)


def test_gaps_trap(space: CodeSpace) -> None:
    size = len(constant(1))
    at = [space.stage(constant(n), 128) for n in range(3)]
    space.publish()
    gaps = [(at[0] + size, at[1]), (at[1] + size, at[2]), (at[2] + size, space.end)]
    for start, stop in gaps:
        padding = host().padding * (stop - start)
        offset = start % len(host().padding)
        assert ctypes.string_at(start, stop - start) == padding[offset:][: stop - start]


def test_a_full_space_is_a_limit() -> None:
    space = CodeSpace(4 * PAGE)
    first = space.append(long(1, 3 * PAGE))
    with pytest.raises(Limit, match=f"no room for {PAGE + 1:#x} bytes of code: {3 * PAGE:#x} of {4 * PAGE:#x}"):
        space.append(bytes(PAGE + 1))
    second = space.append(long(2, PAGE))
    with pytest.raises(Limit):
        space.append(b"\0")
    assert (call(first), call(second)) == (1, 2)
    assert len(space) == space.limit


def test_address_space_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> mmap.mmap:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(mmap, "mmap", refuse)
    with pytest.raises(Limit, match="address space"):
        CodeSpace(1 << 20)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.ENOMEM])
def test_executable_memory_refused(space: CodeSpace, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    first = space.append(constant(1))
    mprotect = libc._mprotect

    def refuse(address: int, size: int, prot: int) -> int:
        if prot & EXECUTE:
            ctypes.set_errno(code)
            return -1
        return int(mprotect(address, size, prot))

    with monkeypatch.context() as patch:
        patch.setattr(libc, "_mprotect", refuse)
        for _ in range(3):
            with pytest.raises(Limit, match="executable memory" if code != errno.ENOMEM else "mappings") as caught:
                space.append(constant(2))
            if code != errno.ENOMEM:
                assert isinstance(caught.value.__cause__, PermissionError)
    assert call(first) == 1
    assert call(space.append(constant(3))) == 3


def test_a_system_that_refuses_it() -> None:
    done = python("""
    if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0):  # PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN
        raise SystemExit(77)
    try: CodeSpace(1 << 20).append(constant(1))
    except Limit as limit: print(limit)
    """)
    if done.returncode == 77:
        pytest.skip("this kernel has no PR_SET_MDWE")
    assert (done.returncode, done.stdout) == (
        0,
        "the system refuses executable memory (mprotect of 0x1000 bytes: Permission denied)\n",
    ), done.stderr


def mapped(address: int) -> bool:
    """Whether anything lies there."""
    for line in Path("/proc/self/maps").read_text(encoding="ascii").splitlines():
        start, stop = (int(number, 16) for number in line.split(None, 1)[0].split("-"))
        if start <= address < stop:
            return True
    return False


def test_closing() -> None:
    space = CodeSpace(1 << 30)
    middle = space.append(constant(1)) + (1 << 29)
    assert mapped(middle)
    space.close()
    assert not mapped(middle)
    space.close()
    with pytest.raises(InternalError, match="closed"):
        space.append(constant(1))
    with pytest.raises(InternalError, match="closed"):
        space.publish()


def test_the_last_reference() -> None:
    space = CodeSpace(1 << 30)
    middle = space.append(constant(1)) + (1 << 29)
    assert mapped(middle)
    del space
    gc.collect()
    assert not mapped(middle)


def test_no_memory_before_it_is_used() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE

    before = resident()
    spaces = [CodeSpace(LARGEST & -PAGE) for _ in range(4)]
    for space in spaces:
        space.append(constant(1))
    assert resident() - before < 1 << 20


def test_code_runs_while_other_code_is_made(space: CodeSpace) -> None:
    """A thread that is in the middle of a page sees nothing of it."""
    busy = ctypes.c_int(1)
    turn = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(space.append(spin()))
    thread = threading.Thread(target=turn, args=(ctypes.addressof(busy),))
    thread.start()
    places = [space.append(constant(number)) for number in range(100)]
    assert thread.is_alive()
    busy.value = 0
    thread.join()
    assert [call(address) for address in places] == list(range(100))


def test_several_threads(space: CodeSpace) -> None:
    pieces: list[tuple[int, int]] = []

    def work(first: int) -> None:
        for number in range(first, first + 50):
            address = space.stage(constant(number))
            space.publish()
            assert call(address) == number
            pieces.append((address, number))

    threads = [threading.Thread(target=work, args=(50 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pieces) == 200
    assert all(call(address) == number for address, number in pieces)


def test_a_handler_that_interrupts(space: CodeSpace, monkeypatch: pytest.MonkeyPatch, pages: Pages) -> None:
    seen: list[str] = []

    def protect(address: int, size: int, prot: int) -> None:
        with pytest.raises(Limit) as caught:
            space.append(constant(2))
        seen.append(str(caught.value))
        pages.protect(address, size, prot)

    monkeypatch.setattr(libc, "protect", protect)
    address = space.append(constant(1))
    assert seen == ["a signal's handler compiles code while it interrupts that"] * 2
    assert call(address) == 1


def test_exceptions_of_handlers_anywhere() -> None:
    def prepare() -> tuple[tuple[CodeSpace, dict[int, int]], Callable[[], None]]:
        space = CodeSpace(1 << 20)
        functions = {space.append(constant(9)): 9}

        def action() -> None:
            staged = {space.stage(long(1, 5000)): 1, space.stage(constant(2), 256): 2}
            space.publish(whole_pages=True)
            staged[space.append(long(3, AHEAD))] = 3
            functions.update(staged)

        return (space, functions), action

    count = 0
    for place in places(prepare):
        (space, functions), action = prepare()
        count += interrupted(action, place)
        for number in range(4, 8):
            functions[space.stage(long(number, 700))] = number
            live = space.publish(whole_pages=number % 2 == 0)
        assert all(address + 700 <= live for address in functions if functions[address] > 3)
        assert all(call(address) == number for address, number in functions.items())
    assert count > 20


def test_a_forked_child(space: CodeSpace) -> None:
    first = space.append(constant(1))
    child = os.fork()
    if child == 0:
        second = space.append(constant(2))
        os._exit(42 if (call(first), call(second)) == (1, 2) else 1)
    second = space.append(constant(3))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
    assert (call(first), call(second)) == (1, 3)  # at the address where the child had another


def test_children_forked_while_a_thread_makes_code() -> None:
    done = python("""
    import threading, warnings
    warnings.simplefilter("ignore")
    space = CodeSpace(1 << 27)
    known = space.append(constant(1))
    ending = threading.Event()
    def busy():
        while not ending.is_set() and len(space) < 1 << 26: space.append(constant(2))
    thread = threading.Thread(target=busy)
    thread.start()
    for number in range(30):
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            assert (call(known), call(space.append(constant(number)))) == (1, number)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    ending.set()
    thread.join()
    """)
    assert (done.returncode, done.stderr) == (0, "")


PADDING = "call(space.append(constant(1)) + 2048)"
UNDEFINED = "call(space.append(undefined()))"
UNUSED = "call(space.end)"
STAGED = "call(space.stage(constant(1)))"


@pytest.mark.parametrize(
    ("fault", "number"),
    [(PADDING, signal.SIGTRAP), (UNDEFINED, signal.SIGILL), (UNUSED, signal.SIGSEGV), (STAGED, signal.SIGSEGV)],
)
@pytest.mark.parametrize("prepared", ["", "import faulthandler; faulthandler.enable(); faults.ensure()"])
def test_other_faults_are_not_the_guests(fault: str, number: signal.Signals, prepared: str) -> None:
    """Though the range is registered: they go where they went before."""
    done = python(f"""
    space = CodeSpace(1 << 20)
    faults.register(*space.text, space.append(constant(7)), -1, 1)
    {prepared}
    print("alive", flush=True)
    {fault}
    print("survived")
    """)
    assert (done.returncode, done.stdout) == (-number, "alive\n")
    assert ("Fatal Python error" in done.stderr) == bool(prepared and number != signal.SIGTRAP)
