"""People who come to the page of the curators through Airflow: its login, its menu."""

from playwright.sync_api import Browser, Error, Frame, Page, expect

from tests.browser.people import Reviewer, Visitors
from tests.end_to_end.fab import Logins

PAGE = "/astrid/ui/"


class Curators(Visitors):
    """Opens Airflow for whoever has a login."""

    def __init__(self, browser: Browser, logins: Logins) -> None:
        super().__init__(browser, ours="/astrid/")
        self._logins = logins
        self.url = logins.living.system.address.url

    def arrive(self, login: str, *, size: tuple[int, int] = (1400, 900), dark: bool = False) -> Page:
        page = super().arrive(login, size=size, dark=dark)
        # The first page after a start is slow.
        page.set_default_timeout(60_000)
        return page

    def log_in(self, page: Page, login: str) -> None:
        """Fill in Airflow's own form, which is what somebody without a session gets."""
        page.get_by_label("Username:").fill(login)
        page.get_by_label("Password:").fill(self._logins.passwords[login])
        page.get_by_role("button", name="Sign In").click()

    def come(self, login: str, *, size: tuple[int, int] = (1400, 900), dark: bool = False) -> Reviewer:
        """Log in, and open the page by clicks in Airflow's menu."""
        page = self.arrive(login, size=size, dark=dark)
        page.goto(f"{self.url}/")
        self.log_in(page, login)
        browse = page.get_by_role("button", name="Browse")
        try:
            browse.wait_for(timeout=30_000)
        except Error:
            # On a busy machine Airflow's page now and then stays empty; whoever sits before it loads it again.
            page.reload()
        browse.click()
        page.get_by_role("menuitem", name="Curation").click()
        return Reviewer(page=page, frame=_inside(page), login=login)

    def come_alone(self, login: str, *, at: str = "", size: tuple[int, int] = (1400, 900)) -> Reviewer:
        """Log in, and have the page without Airflow around it."""
        page = self.arrive(login, size=size)
        page.goto(f"{self.url}{PAGE}{at}")
        self.log_in(page, login)
        return Reviewer(page=page, frame=page.main_frame, login=login)


def _inside(page: Page) -> Frame:
    """Return the page of ours inside Airflow's, with the keyboard on it."""
    frame = page.locator("iframe").element_handle().content_frame()
    assert frame is not None
    heading = frame.get_by_role("heading", name="Curation")
    expect(heading).to_be_visible(timeout=60_000)
    heading.click()
    return frame
