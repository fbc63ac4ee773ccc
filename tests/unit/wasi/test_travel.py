"""A state from elsewhere may say anything: what is not as it should be is refused by name, and never with another error."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arenite import SnapshotError
from arenite.wasi import VirtualClocks, WasiConfig
from arenite.wasi.travel import SHAPES, FrozenDescriptor
from arenite.world.sandbox import LONGEST_WAY
from unit.wasi.program import ALL, Program

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.machine.run.hosts import HostState

GONE = object()  # takes the place of a field
Path_ = tuple[str | int, ...]

ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.binary(max_size=3), st.just([]), st.just({})
)


@pytest.fixture
def config(tmp_path: Path) -> WasiConfig:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "d").mkdir()
    return WasiConfig(argv=["prog"], env={"A": "1"}, stdin=b"input", dirs={"/": tmp_path}, clocks=VirtualClocks(), random=7)


@pytest.fixture
def state(config: WasiConfig) -> HostState:
    program = Program(config)
    program.read(0, 2)
    program.open("a")
    program.open("d", rights=ALL & ~64)
    return program.module.freeze()


def put(state: object, path: Path_, value: object) -> object:
    """A copy of the state with another value at a place."""
    changed: object = copy.deepcopy(state)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]  # type: ignore[index]  # a path through dictionaries and lists
    if value is GONE:
        del inner[path[-1]]  # type: ignore[attr-defined]  # as above
    else:
        inner[path[-1]] = value  # type: ignore[index]  # as above
    return changed


def places(state: object, path: Path_ = ()) -> list[Path_]:
    """The way to every value."""
    inner = state.items() if isinstance(state, dict) else enumerate(state) if isinstance(state, list) else ()
    return [path, *(place for step, value in inner for place in places(value, (*path, step)))]


INPUT, STDOUT, DIRECTORY, FILE, OPENED = (("descriptors", n) for n in (0, 1, 3, 4, 5))


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("args",), GONE, "WASI's state: args is missing"),
        (("args",), b"prog", "WASI's state, args: expected a list, found a bytes"),
        (("args", 0), "prog", "WASI's state, args, element 0: expected bytes without a zero, found a str"),
        (("args", 0), b"a\0b", "args, element 0: expected bytes without a zero"),
        (("env", 0), None, "env, element 0: expected bytes without a zero"),
        (("more",), 1, "WASI's state: 'more' is unknown"),
        (("descriptors",), {}, "descriptors: expected a list"),
        (("descriptors", 0), 1, "descriptors, element 0: expected a mapping, found 1"),
        (
            (*FILE, "kind"),
            GONE,
            "element 4, kind: expected input or output or root or file or directory or file in memory or directory in memory or device in memory, found a NoneType",
        ),
        ((*FILE, "kind"), "socket", "element 4, kind: expected"),
        ((*FILE, "kind"), [], "element 4, kind: expected"),
        ((*FILE, "number"), 1024, r"element 4 \(file\), number: expected a number from 0 to 1023, found 1024"),
        ((*FILE, "number"), -1, "number: expected a number"),
        ((*FILE, "number"), True, "number: expected a number from 0 to 1023, found True"),
        ((*FILE, "number"), 4.0, "number: expected a number from 0 to 1023, found a float"),
        ((*FILE, "number"), 0, "descriptors: 0 is there twice"),
        ((*FILE, "rights"), 1 << 30, "rights: expected a number"),
        ((*FILE, "inheriting"), 1 << 64, "inheriting: expected a number"),
        ((*FILE, "flags"), 32, "flags: expected a number from 0 to 31, found 32"),
        ((*FILE, "position"), 1 << 63, "position: expected a number"),
        ((*FILE, "position"), "0", "position: expected a number"),
        ((*FILE, "path"), b"/etc/passwd", "path: expected a relative path"),
        ((*FILE, "path"), b"", "path: expected a relative path"),
        ((*FILE, "path"), b"a\0", "path: expected bytes without a zero"),
        ((*FILE, "path"), b"x" * (LONGEST_WAY + 1), f"path: expected a relative path of up to {LONGEST_WAY} bytes"),
        ((*FILE, "path"), b"x/" * 2000, "descriptor 4, '(x/){100}…' in '/', cannot be opened again"),
        ((*FILE, "path"), b"d/" * 2000, "cannot be opened again"),
        ((*FILE, "directory"), "/", "directory: expected bytes"),
        ((*OPENED, "path"), b"a", "descriptor 5, 'a' in '/', is no directory"),
        ((*DIRECTORY, "path"), b"x", r"element 3 \(root\): 'path' is unknown"),
        ((*INPUT, "left"), None, "left: expected bytes, found a NoneType"),
        ((*INPUT, "consumed"), -1, "consumed: expected a number"),
        ((*INPUT, "digest"), bytes(33), "digest: expected 0 to 32 bytes, found 33"),
        ((*STDOUT, "role"), "stdin", r"element 1 \(output\), role: expected stdout or stderr"),
        ((*STDOUT, "left"), bytes(4), "left: expected 0 to 3 bytes"),
        (("clocks", "tick"), -1, "clocks, tick: expected a number"),
        (("clocks", "passed"), GONE, "clocks: passed is missing"),
        (("clocks",), [], "clocks: expected a mapping"),
        (("random", "words"), bytes(3), "random numbers, words: expected 2496 to 2496 bytes, found 3"),
        (("random", "used"), 625, "random numbers, used: expected a number from 0 to 624, found 625"),
        (("random",), 7, "random numbers: expected a mapping, found 7"),
    ],
)
def test_mutations(path: Path_, value: object, why: str, state: HostState, config: WasiConfig) -> None:
    with pytest.raises(SnapshotError, match=why):
        config.thaw(put(state, path, value), reseed=False)  # type: ignore[arg-type]  # no state, on purpose


def test_names_of_earlier_versions(state: HostState, config: WasiConfig) -> None:
    """A directory that the guest was given was of the kind `given`, and so was the field of the input's digest."""
    digest: object = state
    for step in (*INPUT, "digest"):
        digest = digest[step]  # type: ignore[index]  # a path through dictionaries and lists
    earlier: HostState = state
    for place, value in (((*DIRECTORY, "kind"), "given"), ((*INPUT, "given"), digest), ((*INPUT, "digest"), GONE)):
        earlier = put(earlier, place, value)  # type: ignore[assignment]  # what `put` changes is a state
    assert earlier != state
    found = config.thaw(earlier, reseed=False)
    assert found.freeze() == config.thaw(state, reseed=False).freeze()


@pytest.mark.parametrize("state", [None, 3, [], "state", {}, {1: 2}])
def test_what_is_no_state(state: HostState, config: WasiConfig) -> None:
    with pytest.raises(SnapshotError):
        config.thaw(state, reseed=True)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_odd_values_anywhere(data: st.DataObject, state: HostState, config: WasiConfig) -> None:
    path = data.draw(st.sampled_from(places(state)[1:]))
    changed = put(state, path, data.draw(ODD))
    try:
        module = config.thaw(changed, reseed=data.draw(st.booleans()))  # type: ignore[arg-type]  # perhaps no state
    except SnapshotError as error:
        assert len(str(error)) < 400  # noqa: PT017 - that it raises nothing else is what is tested
    else:
        module.close()


def test_every_shape_of_a_descriptor_is_a_kind() -> None:
    assert set(SHAPES.values()) == set(FrozenDescriptor.__subclasses__())
