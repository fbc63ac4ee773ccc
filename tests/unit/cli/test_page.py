"""The page that `arenite inspect --html` writes: its data, and a walk through it in a browser that may not ask anybody for anything."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect, sync_playwright

import browser
from arenite.cli.page import page
from arenite.cli.snapshots import Wanted, look
from unit.snapshot import surveyed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page

HOSTILE = "<script>document.title = 'owned'</script>"
ISLAND = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def written(path: Path, out: Path) -> str:
    """The page of a snapshot, in a file; its address."""
    found = look(path, Wanted())
    out.write_text(page(path, found.survey, found.stands, found.missing), encoding="utf-8")
    return out.as_uri()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def address(folder: Path) -> str:
    _, snapshot = surveyed.paused()
    snapshot.save(folder / "small.arn")
    return written(folder / "small.arn", folder / "small.html")


@pytest.fixture(scope="module")
def hostile(folder: Path) -> str:
    """A page full of names that are markup."""
    _, snapshot = surveyed.paused()
    snapshot.save(folder / "a.arn", embed=False)

    def change(manifest: Any) -> None:
        manifest["functions"][0]["module"] = HOSTILE
        manifest["functions"][0]["name"] = "--><img src=x onerror=\"document.title='owned'\">"
        for module in manifest["modules"]:
            module["name"] = "</script>" + HOSTILE
        manifest["executions"][0]["pause"]["what"] = HOSTILE

    path = surveyed.altered(folder / "a.arn", change)
    return written(path, folder / "hostile.html")


@pytest.fixture(scope="module")
def chromium() -> Iterator[BrowserContext]:
    """A browser with nothing in it."""
    path = browser.path()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(browser.QUIET))
        yield running.new_context(viewport={"width": 1400, "height": 1000})
        running.close()


class Opened:
    """A page, and what went wrong in it or left it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text))
        page.goto(address)

    def shows(self, title: str | re.Pattern[str]) -> None:
        """This record is shown, or is about to be: a click only changes the address, at which the page looks afterwards."""
        expect(self.page.locator("#title")).to_have_text(title)

    def says(self, field: str, text: str | re.Pattern[str]) -> None:
        """So it is said of a field of it; spaces count once."""
        expect(self.page.locator(f"#detail tr:has(b:text-is('{field}')) td:nth-child(3)")).to_have_text(text, use_inner_text=True)

    def follow(self, field: str) -> None:
        """Click on its link."""
        self.page.click(f"#detail tr:has(b:text-is('{field}')) td:nth-child(3) a")


@pytest.fixture
def opened(chromium: BrowserContext, address: str) -> Iterator[Opened]:
    page = chromium.new_page()
    shown = Opened(page, address)
    yield shown
    assert shown.errors == []
    assert all(url == address for url in shown.requests)
    page.close()


def test_the_data_is_json_that_no_name_can_leave(hostile: str, folder: Path) -> None:
    text = (folder / "hostile.html").read_text(encoding="utf-8")
    found = ISLAND.search(text)
    assert found is not None
    assert "<" not in found[1]
    assert HOSTILE in str(json.loads(found[1])["parts"])
    assert text.count("<script") == 2


def test_a_walk_from_an_instance_to_a_function(opened: Opened) -> None:
    opened.page.click("li:has-text('of module 1 app') a")
    opened.shows("instance 1 of module 1 app")
    opened.says("module_index", "1 module 1 app")
    opened.follow("table 0")
    opened.shows("table 0")
    opened.says("length", "6")
    expect(opened.page).to_have_url(re.compile("#at=0x801060&kind=tables$"))
    opened.follow("elements")
    opened.shows("table 0, elements")
    opened.follow("element 2")
    opened.shows("mix, of instance 0")
    opened.says("function", re.compile(r"mix \(i32 f64\) -> \(f64\)"))
    opened.follow("vmctx")
    opened.shows("instance 0 of module 0 lib")
    opened.page.go_back()
    opened.shows("mix, of instance 0")
    opened.page.go_back()
    opened.shows("table 0, elements")
    opened.says("element 1", re.compile("helper"))


def test_frames_can_be_walked(opened: Opened) -> None:
    opened.page.click(".frames li:nth-child(2) a")
    opened.shows(re.compile("app!deep$"))
    opened.says("local 1", re.compile(r"^\s*-5\s"))
    opened.says("local 2", re.compile(r"^\s*1\.5\s"))
    opened.follow("caller_sp")
    opened.says("parameter 0", "1")


def test_offsets_and_names_can_be_looked_for(opened: Opened) -> None:
    opened.page.fill("#offset", "0x801064")
    opened.page.press("#offset", "Enter")
    opened.shows("table 0")
    opened.page.fill("#offset", "env.ask")
    opened.page.press("#offset", "Enter")
    opened.shows("host function 0: env.ask")
    opened.page.press("#offset", "Enter")
    opened.shows("- env.ask (host)")  # again: the next one
    opened.page.fill("#offset", "0x700000")
    opened.page.press("#offset", "Enter")
    opened.page.wait_for_selector("text=no record at 0x700000")


def test_the_bytes_of_a_record_are_shown(opened: Opened) -> None:
    opened.page.goto(opened.page.url + "#at=0x8010f8&kind=globals")
    expect(opened.page.locator("#detail pre")).to_contain_text("00 00 00 00 00 00 0a 40")


def test_a_click_on_the_map_shows_the_record(opened: Opened) -> None:
    canvas = opened.page.locator(".band:has(b:text-is('records')) canvas")
    canvas.click(position={"x": 5, "y": 5})
    opened.shows("instance 0 of module 0 lib")


def test_names_that_are_markup_are_text(chromium: BrowserContext, hostile: str) -> None:
    page = chromium.new_page()
    shown = Opened(page, hostile)
    assert shown.errors == []
    assert shown.requests == [hostile]
    assert page.title() != "owned"
    assert page.locator("img").count() == 0
    assert HOSTILE in page.inner_text("main")
    page.close()
