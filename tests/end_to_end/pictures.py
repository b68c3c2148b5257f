"""``python -m tests.end_to_end.pictures [HOME]``: the page inside Airflow, for ``docs/curation.md``.

HOME is that of a demonstration that has ended; without it, one runs first.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from include.local.home import Home
from tests.browser.chromium import chromium
from tests.browser.pictures import PICTURES
from tests.end_to_end.curators import Curators
from tests.end_to_end.fab import living_with_logins
from tests.end_to_end.living import copied, told_by_demo


def main() -> None:
    """Take it."""
    with tempfile.TemporaryDirectory(prefix="astrid-live-") as folder:
        home = Path(folder) / "home"
        if sys.argv[1:]:
            copied(Home.open(Path(sys.argv[1])), home)
        else:
            told_by_demo(home)
        with (
            living_with_logins(Home.open(home)) as logins,
            sync_playwright() as playwright,
            chromium(playwright) as browser,
        ):
            logins.add("ana", "Viewer", "AstrID Reviewer")
            people = Curators(browser, logins)
            ana = people.come("ana", size=(1280, 860))
            ana.wait()
            ana.judge("1", "1", "2")
            # Airflow's own page asks on and on: there is no end of the network to wait for.
            expect(ana.frame.get_by_text("loading", exact=True)).to_have_count(0)
            ana.page.get_by_role("button", name="Browse").click()
            ana.page.get_by_role("menuitem", name="Curation").hover()
            ana.page.screenshot(path=PICTURES / "curation_airflow.png")
            people.leave()


if __name__ == "__main__":
    main()
