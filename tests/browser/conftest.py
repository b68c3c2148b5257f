import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright

from tests.browser.night import make_night
from tests.browser.people import Reviewer
from tests.browser.site import COOKIE, Site, serving

CHROMIUM = "/usr/bin/chromium"
# A busy machine is slow, not wrong.
expect.set_options(timeout=20_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not Path(CHROMIUM).exists():
                item.add_marker(pytest.mark.skip(reason=f"no browser at {CHROMIUM}"))


# Ends with this folder: while it runs, no other test could start an event loop.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    # Without 3D, as on a machine without a graphics card: the page must not need it.
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-3d-apis"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
    yield browser
    browser.close()


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


class People:
    """Opens the page for whoever is named; what a page complains of fails the test."""

    def __init__(self, browser: Browser, site: Site) -> None:
        self._browser = browser
        self._site = site
        self.complaints: list[str] = []
        self._opened: list[Page] = []

    def come(
        self, login: str, *roles: str, at: str = "", size: tuple[int, int] = (1400, 900), dark: bool = False
    ) -> Reviewer:
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
        )
        context.add_cookies([{"name": COOKIE, "value": ".".join((login, *roles)), "url": self._site.origin}])
        page = context.new_page()
        page.set_default_timeout(20_000)

        def note(said: ConsoleMessage) -> None:
            if said.type == "error":
                self.complaints.append(f"{login}: {said.text}")

        page.on("pageerror", lambda error: self.complaints.append(f"{login}: {error}"))
        page.on("console", note)
        page.goto(self._site.page + at)
        self._opened.append(page)
        return Reviewer(page=page, login=login)

    def leave(self) -> None:
        for page in self._opened:
            page.context.close()


@pytest.fixture
def people(browser: Browser, site: Site) -> Iterator[People]:
    people = People(browser, site)
    yield people
    people.leave()
    assert not people.complaints
