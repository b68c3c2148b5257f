import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.chromium import CHROMIUM, MISSING, chromium
from tests.browser.night import make_night
from tests.browser.people import Reviewer, Visitors
from tests.browser.site import COOKIE, Site, serving


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not Path(CHROMIUM).exists():
                item.add_marker(pytest.mark.skip(reason=MISSING))


# Ends with this folder: while it runs, no other test could start an event loop.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with chromium(playwright) as browser:
        yield browser


@pytest.fixture(scope="session")
def night_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a night of more than a hundred detections, which no test may change."""
    home = tmp_path_factory.mktemp("browser") / "home"
    assert make_night(home) > 100
    return home


@pytest.fixture
def home(night_home: Path, tmp_path: Path) -> Path:
    """A home of one test: the same artifacts, a database of its own."""
    shutil.copy(night_home / "astrid.sqlite", tmp_path / "astrid.sqlite")
    (tmp_path / "artifacts").symlink_to(night_home / "artifacts")
    return tmp_path


@pytest.fixture
def site(home: Path) -> Iterator[Site]:
    """The page over a home of one test."""
    with serving(home) as site:
        yield site


class People(Visitors):
    """Opens the page for whoever is named."""

    def __init__(self, browser: Browser, site: Site) -> None:
        super().__init__(browser)
        self._site = site

    def come(
        self, login: str, *roles: str, at: str = "", size: tuple[int, int] = (1400, 900), dark: bool = False
    ) -> Reviewer:
        page = self.arrive(login, size=size, dark=dark)
        page.context.add_cookies([{"name": COOKIE, "value": ".".join((login, *roles)), "url": self._site.origin}])
        page.goto(self._site.page + at)
        return Reviewer(page=page, frame=page.main_frame, login=login)


@pytest.fixture
def people(browser: Browser, site: Site) -> Iterator[People]:
    people = People(browser, site)
    yield people
    people.leave()
    assert not people.complaints
