"""The report of a night in a browser: on a screen, on a telephone and on paper."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from astrid_core.catalog.comparison import beside
from astrid_core.catalog.coverage import cover
from astrid_core.catalog.page import night_page
from tests.browser.chromium import CHROMIUM
from tests.catalog.test_comparison import STEADY, box
from tests.catalog.test_report import invented_night


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of an invented night."""
    facts = beside(replace(invented_night(), coverage=cover([box(10.0, 5.0)])), STEADY)
    path = tmp_path_factory.mktemp("report") / "night.html"
    path.write_text(night_page(facts, []))
    return path


@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen(browser: Browser, page_file: Path, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.get_by_role("alert").first.is_visible()
    context.close()


def test_paper_is_light_whatever_the_screen_is_and_no_table_is_cut(browser: Browser, page_file: Path) -> None:
    # A4 without margins of 12 mm, at 96 pixels per inch.
    context = browser.new_context(viewport={"width": 703, "height": 1000}, color_scheme="dark")
    page = context.new_page()
    page.goto(page_file.as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") == 703
    ink = page.evaluate("getComputedStyle(document.querySelector('h1')).color")
    assert ink == "rgb(19, 26, 38)"
    context.close()


def test_a_browser_without_a_screen_prints_it(page_file: Path) -> None:
    paper = page_file.with_suffix(".pdf")
    subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--print-to-pdf={paper}", page_file.as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    content = paper.read_bytes()
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page\n") >= 1
