"""A survey of the sky in place of the finder chart, where it is set up, and what happens where it cannot be shown.

Nothing is asked of the world: another origin of this machine has a stand-in with the calls of Aladin Lite.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Playwright, Request, expect

from tests.browser.chromium import CHROMIUM
from tests.browser.conftest import People
from tests.browser.elsewhere import LIBRARY, Elsewhere, elsewhere
from tests.browser.people import Reviewer
from tests.browser.site import Site, serving

SURVEY = "https://survey.example/dss"


@pytest.fixture(scope="module")
def browser_with_3d(playwright: Playwright) -> Iterator[Browser]:
    arguments = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
    yield browser
    browser.close()


@pytest.fixture
def there() -> Iterator[Elsewhere]:
    with elsewhere() as there:
        yield there


@pytest.fixture
def surveyed(home: Path, there: Elsewhere) -> Iterator[Site]:
    with serving(home, aladin_url=there.origin + LIBRARY, aladin_survey=SURVEY) as site:
        yield site


def _chart(somebody: Reviewer) -> Locator:
    return somebody.page.get_by_role("img", name="Chart of")


def test_the_survey_takes_the_place_of_the_chart_and_follows_the_candidates(
    browser_with_3d: Browser, surveyed: Site, there: Elsewhere
) -> None:
    people = People(browser_with_3d, surveyed)
    ana = people.come("ana", "reviewer")
    ana.wait()
    assert there.asked == []
    ana.press("k")
    sky = ana.page.frame_locator("iframe").locator("#sky")
    expect(sky).to_contain_text("1 detection")
    expect(sky).to_contain_text(re.compile(r"[1-9]\d* catalog"))
    for candidate in (ana.candidate, None):
        if candidate is None:
            ana.judge("1")
        found = ana.ask(f"detections/{ana.candidate}")
        expect(sky).to_contain_text(f"{SURVEY} at {found['ra_deg']:.5f} {found['dec_deg']:.5f}: 1 detection")
    assert there.asked == [LIBRARY]
    ana.page.reload()
    expect(sky).to_contain_text("1 detection")
    ana.press("k")
    expect(ana.page.locator("iframe")).to_have_count(0)
    people.leave()
    assert not people.complaints


def test_what_comes_from_elsewhere_reads_nothing_of_ours_and_leaves_the_keys(
    browser_with_3d: Browser, surveyed: Site
) -> None:
    people = People(browser_with_3d, surveyed)
    ana = people.come("ana", "reviewer")
    ana.wait()
    ana.press("k")
    sky = ana.page.frame_locator("iframe").locator("#sky")
    expect(sky).to_contain_text("reads nothing of ours")
    sky.click()
    ana.judge("1")
    ana.sent()
    assert ana.ask("queue/summary")["n_judged"] == 1
    people.leave()
    assert not people.complaints


def test_without_webgl_the_chart_stays_and_says_why(browser: Browser, surveyed: Site, there: Elsewhere) -> None:
    people = People(browser, surveyed)
    ana = people.come("ana", "reviewer")
    ana.wait()
    ana.press("k")
    expect(ana.page.get_by_text("No sky survey: this browser has no WebGL 2")).to_be_visible()
    expect(_chart(ana)).to_be_visible()
    assert there.asked == []
    people.leave()
    assert not people.complaints


def test_where_nothing_answers_the_chart_stays_and_says_so(browser_with_3d: Browser, home: Path) -> None:
    with serving(home, aladin_url="http://127.0.0.1:9/aladin.js", aladin_survey=SURVEY) as site:
        people = People(browser_with_3d, site)
        ana = people.come("ana", "reviewer")
        ana.wait()
        ana.press("k")
        expect(ana.page.get_by_text("No sky survey: it could not be loaded")).to_be_visible()
        expect(_chart(ana)).to_be_visible()
        ana.judge("1")
        ana.sent()
        people.leave()


def test_a_page_without_a_survey_asks_nobody_else(browser_with_3d: Browser, site: Site) -> None:
    people = People(browser_with_3d, site)
    ana = people.come("ana", "reviewer")
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    ana.page.on("request", note)
    ana.page.reload()
    ana.wait()
    ana.press("k")
    expect(ana.page.get_by_text("No sky survey is set up here.")).to_be_visible()
    expect(ana.page.get_by_text("Nearest of")).to_be_visible()
    assert [url for url in asked if not url.startswith((site.origin, "data:"))] == []
    people.leave()
    assert not people.complaints
