"""``python -m tests.browser.pictures``: the pictures of the pages, taken of the nights of the tests."""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from astrid_core.stages.report import run_report
from tests.browser.chromium import CHROMIUM
from tests.browser.conftest import People
from tests.browser.night import make_night
from tests.browser.people import Reviewer
from tests.browser.site import serving
from tests.stages.reported import night_before_its_report
from tests.stages.scene import NIGHT

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"


def _take(somebody: Reviewer, name: str) -> None:
    somebody.page.wait_for_load_state("networkidle")
    somebody.page.screenshot(path=PICTURES / f"{name}.png")


def _take_report(browser: Browser) -> None:
    """Take the upper part of the report of a night."""
    with tempfile.TemporaryDirectory() as folder, night_before_its_report(Path(folder)) as made:
        out = Path(folder) / "page.html"
        run_report(made.services, survey="demo", night=NIGHT, out=out, injection_run_keys=[made.injection])
        page = browser.new_page(viewport={"width": 1200, "height": 1500})
        page.goto(out.as_uri())
        page.screenshot(path=PICTURES / "report.png")


def main() -> None:
    """Take them all."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder)
        make_night(home)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with serving(home) as site:
            people = People(browser, site)
            ana = people.come("ana", "reviewer", size=(1280, 860))
            ana.wait()
            ana.judge("1", "1", "2", "1", "1", "1", "2")
            ana.press("w")
            _take(ana, "curation")
            bob = people.come("bob", "reviewer", at="#/grid", size=(1280, 500))
            tiles = bob.page.get_by_role("main").get_by_role("listitem").get_by_role("button")
            tiles.first.wait_for()
            for place in (0, 1, 4):
                tiles.nth(place).click()
            _take(bob, "curation_grid")
            cleo = people.come("cleo", "reviewer", size=(390, 844), dark=True)
            cleo.wait()
            _take(cleo, "curation_phone")
            people.leave()
        _take_report(browser)
        browser.close()


if __name__ == "__main__":
    main()
