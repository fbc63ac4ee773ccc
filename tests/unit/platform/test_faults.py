"""A fault in the guest's window ends at the landing; any other fault does what it did before."""

from __future__ import annotations

import ctypes
import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import wasmtime

import interrupts
from arenite.errors import InternalError, Limit
from arenite.platform import HAS_FAULTS, Reservation, fault_handler, faults, memfd, page_size
from arenite.platform.architectures import MACHINES, host

if not HAS_FAULTS:
    pytest.skip("no faults on this platform", allow_module_level=True)

from arenite.platform.codespace import CodeSpace
from unit.platform import fault_guest as guest
from unit.platform import machine_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.platform.architectures import Architecture

TRAP = -1
OUTSIDE = 1 << 23  # within the window, nothing committed there


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    guest.register()
    yield
    guest.unregister()


def resident_size() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * page_size


def python(program: str) -> subprocess.CompletedProcess[str]:
    """Run `program` in another process, after a trap that shows that the handler works."""
    prelude = f"""
    import ctypes, faulthandler, os, signal, sys
    from arenite.platform import faults
    from unit.platform import fault_guest as guest
    def trap():
        assert guest.run(guest.base, 0, {OUTSIDE}) == {TRAP}
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    source = textwrap.dedent(prelude) + textwrap.dedent(program)
    return subprocess.run(
        [sys.executable, "-c", source], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("architecture", [*dict.fromkeys(MACHINES.values())], ids=lambda a: a.name)
def test_the_handler_casts_no_pointer(architecture: Architecture) -> None:
    assert "inttoptr" not in fault_handler.handler_ir(architecture)
    assert "ptrtoint" not in fault_handler.handler_ir(architecture)


def test_what_is_committed_is_read() -> None:
    assert guest.run(guest.base, 0, 0) == 77


@pytest.mark.parametrize("at", [guest.LOW, -1, 65536, OUTSIDE, guest.SIZE - 1])
def test_the_landing_sees_the_registers(at: int) -> None:
    assert guest.run(guest.base, 41, at) == TRAP
    assert list(guest.seen) == [guest.base, 42, at]


@pytest.fixture
def space() -> Iterator[CodeSpace]:
    """A code space, which the guest's function comes to lie in."""
    space = CodeSpace(1 << 24)
    op = ctypes.c_uint64.from_address(guest.code.symbols["op"])
    usual = op.value
    yield space
    op.value = usual
    faults.unregister(space.begin)
    space.close()


@pytest.mark.parametrize("far", range(3))
@pytest.mark.parametrize("told", [1, 2, None])
def test_the_landing_is_told_the_instruction(space: CodeSpace, far: int, told: int | None) -> None:
    register = None if told is None else host().arguments[told]
    faults.register(*space.text, guest.code.symbols["landing"], guest.LOW, guest.SIZE, instruction_in=register)
    op = ctypes.c_uint64.from_address(guest.code.symbols["op"])
    for _ in range(3):  # what comes after the registration is known too
        code, offset = machine_code.loads(far)
        op.value = space.append(code)
        assert guest.run(guest.base, 41, 0) & 0xFF == 77
        assert guest.run(guest.base, 41, OUTSIDE) == TRAP
        expected = [guest.base, 42, OUTSIDE]
        if told is not None:
            expected[told] = op.value + offset
        assert list(guest.seen) == expected


def test_a_hundred_thousand_faults() -> None:
    guest.many(guest.base, 1000, OUTSIDE)
    before = resident_size()
    assert guest.many(guest.base, 100_000, OUTSIDE) == 100_000
    assert resident_size() - before < 1 << 20


def test_threads() -> None:
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(guest.many(guest.base, 20_000, OUTSIDE))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [20_000] * 4


def test_a_file_that_shrank() -> None:
    """SIGBUS is a fault like the other."""
    fd = memfd("shrinks")
    os.ftruncate(fd, 1 << 20)
    reservation = Reservation(1 << 20)
    reservation.map(0, fd, 1 << 20, writable=False, private=False)
    assert guest.run(reservation.address, 0, 1 << 19) == 0
    os.ftruncate(fd, page_size)
    assert guest.run(reservation.address, 0, 1 << 19) == TRAP
    assert guest.run(reservation.address, 0, 0) == 0
    os.close(fd)


def test_a_forked_child() -> None:
    child = os.fork()
    if child == 0:
        os._exit(42 if guest.run(guest.base, 0, OUTSIDE) == TRAP else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42


def test_rows_are_used_again() -> None:
    faults.install()
    assert faults._handler is not None
    before = faults._handler.used.value
    for _ in range(fault_handler.CAPACITY + 1):
        faults.register(8, 16, 8, 0, 1)
        faults.unregister(8)
    assert faults._handler.used.value <= before + 1


def test_a_full_table_is_a_limit() -> None:
    faults.install()
    assert faults._handler is not None
    begins = range(8, 8 * (1 + len(faults._handler.free)), 8)
    for begin in begins:
        faults.register(begin, begin + 8, 8, 0, 1)
    with pytest.raises(Limit, match=str(fault_handler.CAPACITY)):
        faults.register(1, 2, 8, 0, 1)
    assert guest.run(guest.base, 0, OUTSIDE) == TRAP
    for begin in begins:
        faults.unregister(begin)


def test_a_signal_handler_that_registers(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of another registration: both count."""
    begins = itertools.count(1 << 40, 16)

    def register(*_signal: object) -> None:
        begin = next(begins)
        faults.register(begin, begin + 8, 8, 0, 1)
        numbers.append(begin)

    assert faults._handler is not None
    numbers: list[int] = []
    monkeypatch.setattr(interrupts, "_handler", register)
    for place in interrupts.places(lambda: (None, register)):
        interrupts.interrupted(register, place)
        rows = faults._handler.rows
        assert all(rows[begin] < faults._handler.used.value for begin in numbers)
        assert all(faults._handler.ranges[rows[begin]].begin == begin for begin in numbers)
    assert guest.run(guest.base, 0, OUTSIDE) == TRAP
    assert len(numbers) > 20
    for begin in numbers:
        faults.unregister(begin)


def test_what_is_not_registered_cannot_be_unregistered() -> None:
    with pytest.raises(InternalError, match="no range"):
        faults.unregister(8)


def test_faulthandler_comes_and_goes() -> None:
    # in a process of its own: faulthandler takes away every handler that came after it, such as wasmtime's
    done = python(f"""
    import faulthandler
    guest.register()
    for _ in range({3 * fault_handler.LEVELS}):
        faulthandler.enable(); faults.ensure(); trap()
        faulthandler.disable(); faults.ensure(); trap()
    """)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_sent_signal_reaches_the_handler_before_us() -> None:
    caught: list[int] = []
    before = signal.getsignal(signal.SIGBUS)
    signal.signal(signal.SIGBUS, lambda number, _: caught.append(number))
    faults.ensure()
    try:
        signal.raise_signal(signal.SIGBUS)
        os.kill(os.getpid(), signal.SIGBUS)
        assert caught == [signal.SIGBUS] * 2
        signal.signal(signal.SIGBUS, signal.SIG_IGN)
        faults.ensure()
        signal.raise_signal(signal.SIGBUS)
        assert guest.run(guest.base, 0, OUTSIDE) == TRAP
    finally:
        signal.signal(signal.SIGBUS, before or signal.SIG_DFL)
        faults.ensure()


WASMTIME = """
(module (memory 1)
  (func (export "load") (param i32) (result i32) local.get 0 i32.load offset=0xfffffff0))
"""


def test_beside_wasmtime() -> None:
    store = wasmtime.Store()
    load = wasmtime.Instance(store, wasmtime.Module(store.engine, WASMTIME), []).exports(store)["load"]
    assert isinstance(load, wasmtime.Func)

    def both(times: int) -> None:
        for _ in range(times):
            with pytest.raises(wasmtime.Trap):
                load(store, 5)
            assert guest.run(guest.base, 0, OUTSIDE) == TRAP

    counts: list[int] = []
    thread = threading.Thread(target=lambda: counts.append(guest.many(guest.base, 50_000, OUTSIDE)))
    thread.start()
    both(200)  # it came after us, and chains
    faults.ensure()
    both(200)  # we are above it
    thread.join()
    assert counts == [50_000]


def test_wasmtime_first() -> None:
    done = python(f"""
    import wasmtime
    store = wasmtime.Store()
    load = wasmtime.Instance(store, wasmtime.Module(store.engine, '''{WASMTIME}'''), []).exports(store)["load"]
    def theirs():
        try: load(store, 5)
        except wasmtime.Trap: return
        raise SystemExit("no trap")
    theirs(); guest.register()
    for _ in range(1000): theirs(); trap()
    """)
    assert (done.returncode, done.stderr) == (0, "")


FOREIGN = "ctypes.string_at(8)"
BEHIND = "guest.run(guest.base, 0, guest.SIZE)"
LATER = "guest.unregister(); guest.run(guest.base, 0, 1 << 23)"
SENT = "os.kill(os.getpid(), signal.SIGSEGV)"


@pytest.mark.parametrize("fault", [FOREIGN, BEHIND, LATER, SENT])
@pytest.mark.parametrize("order", ["none", "before", "after", "many"])
def test_other_faults_end_the_process(fault: str, order: str) -> None:
    enable = "faulthandler.enable()"
    setup = {
        "none": "guest.register()",
        "before": f"{enable}; guest.register()",
        "after": f"guest.register(); {enable}; faults.ensure()",
        "many": f"guest.register()\nfor _ in range(50): {enable}; faults.ensure(); trap(); faulthandler.disable(); faults.ensure()"
        f"\n{enable}; faults.ensure()",
    }[order]
    done = python(f"{setup}\ntrap()\nprint('alive', flush=True)\n{fault}\nprint('survived')")
    assert (done.returncode, done.stdout) == (-signal.SIGSEGV, "alive\n")
    assert done.stderr.count("Fatal Python error: Segmentation fault") == (order != "none")


def test_nobody_can_ignore_a_fault() -> None:
    done = python(
        "signal.signal(signal.SIGSEGV, signal.SIG_IGN); guest.register(); trap(); os.kill(os.getpid(), 11); ctypes.string_at(8)"
    )
    assert done.returncode == -signal.SIGSEGV


def test_the_handler_outlives_python() -> None:
    done = python("""
    import builtins
    class Late:
        def __del__(self, send=ctypes.CDLL(None)["raise"], number=int(signal.SIGBUS), write=os.write):
            send(number)
            write(1, b"alive")
    signal.signal(signal.SIGBUS, signal.SIG_IGN)
    guest.register()
    builtins.late = Late()
    """)
    assert (done.returncode, done.stdout) == (0, "alive")


def test_a_child_forked_while_a_thread_registers() -> None:
    done = python("""
    import threading, warnings
    warnings.simplefilter("ignore")
    guest.register()
    ending = threading.Event()
    def busy():
        while not ending.is_set(): faults.register(8, 16, 8, 0, 1); faults.unregister(8)
    thread = threading.Thread(target=busy)
    thread.start()
    for _ in range(30):
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            guest.unregister(); guest.register(); trap()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    ending.set()
    thread.join()
    """)
    assert (done.returncode, done.stderr) == (0, "")
