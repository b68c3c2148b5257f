"""What a person at the page does and sees."""

import re
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Error, Frame, Locator, Page, expect

PAINTED = "performance.getEntriesByName('astrid.painted')"
# The policy of the page forbids the browser to compile what a test would have it wait for.
_NEXT_PAINT = f"""before => new Promise((done, fail) => {{
    const end = performance.now() + 20000;
    const look = () => {{
        if ({PAINTED}.length > before) done();
        else if (performance.now() > end) fail("not painted");
        else setTimeout(look, 5);
    }};
    look();
}})"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewer:
    """Somebody in front of the page."""

    page: Page
    frame: Frame
    """Where in ``page`` ours is: the whole of it, or a part of Airflow's."""
    login: str

    @property
    def heading(self) -> Locator:
        """Says what the candidate is."""
        return self.frame.get_by_role("heading", level=2).first

    def wait(self) -> None:
        """Wait until the pictures of a candidate are there."""
        expect(self.frame.get_by_role("img", name="science image").first).to_be_visible()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def judge(self, *keys: str) -> None:
        """Press each key once the pictures that the last one called for are painted."""
        for key in keys:
            before = self.frame.evaluate(f"{PAINTED}.length")
            self.page.keyboard.press(key)
            self.frame.evaluate(_NEXT_PAINT, before)

    def painted_ms(self) -> list[float]:
        found: list[float] = self.frame.evaluate(f"{PAINTED}.map(one => one.duration)")
        return found

    @property
    def candidate(self) -> str:
        """The identity of what is shown."""
        term = self.frame.get_by_text("detection", exact=True)
        return (term.locator("xpath=following-sibling::dd[1]").text_content() or "").strip()

    def sent(self) -> None:
        """Wait until the server has everything."""
        expect(self.frame.get_by_text(re.compile(r"sending \d|Server not reached"))).to_have_count(0, timeout=30_000)

    def ask(self, path: str) -> Any:
        """Return what the API answers this person."""
        return self.frame.evaluate(
            "path => fetch(new URL('../api/v1/' + path, document.baseURI)).then(answer => answer.json())", path
        )


class Visitors:
    """Opens browsers for people; what the pages of ours complain of is kept."""

    def __init__(self, browser: Browser, *, ours: str = "") -> None:
        """``ours`` is a part of the address that only our own pages have."""
        self._browser = browser
        self._ours = ours
        self.complaints: list[str] = []
        self._opened: list[Page] = []

    def arrive(self, login: str, *, size: tuple[int, int], dark: bool) -> Page:
        """Return an empty page in a browser that nobody has used."""
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
        )
        page = context.new_page()
        page.set_default_timeout(20_000)

        def hear(said: ConsoleMessage) -> None:
            if said.type == "error" and self._ours in said.location["url"]:
                self.complaints.append(f"{login}: {said.text}")

        def fail(error: Error) -> None:
            if self._ours in (error.stack or ""):
                self.complaints.append(f"{login}: {error}")

        page.on("pageerror", fail)
        page.on("console", hear)
        self._opened.append(page)
        return page

    def leave(self) -> None:
        for page in self._opened:
            page.context.close()
