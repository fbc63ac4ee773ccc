"""Ids of work, and answers that are given again."""

from __future__ import annotations

import pytest

from arenite.serving.record import KeyUsedError, Record, Work, digest


def test_work_is_counted() -> None:
    record = Record[str]("e")
    assert [record.next(), record.next()] == [Work("e", 1), Work("e", 2)]


def test_an_answer_is_kept_under_its_key() -> None:
    record = Record[str]("e")
    request = digest("run", {"code": "1"})
    assert record.find("k", request) is None
    assert record.keep("k", request, "one", size=3) == "one"
    assert record.find("k", request) == "one"
    assert record.find("other", request) is None


def test_a_key_is_of_one_request() -> None:
    record = Record[str]("e")
    record.keep("k", digest("run", {"code": "1"}), "one", size=3)
    for other in (digest("run", {"code": "2"}), digest("fork", {"code": "1"})):
        with pytest.raises(KeyUsedError, match="'k'"):
            record.find("k", other)


def test_older_answers_go() -> None:
    record = Record[str]("e", answers=3, size=100)
    request = digest("run", {})

    def kept() -> str:
        return "".join(key for key in "abcdef" if record.find(key, request) is not None)

    for key in "abcd":
        record.keep(key, request, key, size=1)
    assert kept() == "bcd"
    record.keep("e", request, "e", size=99)
    assert kept() == "de"
    record.keep("f", request, "f", size=101)
    assert kept() == "", "one that is larger than all there may be"
    record.keep("a", request, "a", size=100)
    assert kept() == "a"


def test_a_request_is_what_its_json_is() -> None:
    assert digest("run", {"a": 1, "b": [2.5]}) == digest("run", {"b": [2.5], "a": 1})
    assert len({digest("run", {"a": value}) for value in (1, 1.5, "1", None, True, [1], float("nan"), "\ud800")}) == 8
