"""The page of a backfill in a browser: on a screen, on a telephone and on paper, light and dark."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from playwright.sync_api import Browser

from astrid_core.catalog.cutouts import Cutouts, draw
from astrid_core.catalog.entities import CatalogEntry, EntryStatus
from astrid_core.catalog.exchange_page import Exchanged, Group, Sight, exchange_page
from astrid_core.shared.sky import SkyPosition


def _cutouts(flux: float) -> Cutouts:
    rng = np.random.default_rng(3)
    y, x = np.mgrid[-25:26, -25:26]
    star = np.exp(-(x**2 + y**2) / 8.0).astype(np.float32)
    reference = (100.0 + rng.normal(0.0, 2.0, star.shape) + 60.0 * np.roll(star, 9, axis=1)).astype(np.float32)
    planes = {
        "science": reference + flux * star,
        "reference": reference,
        "difference": (flux * star + rng.normal(0.0, 2.0, star.shape)).astype(np.float32),
        "score": (flux / 4.0 * star + rng.normal(0.0, 1.0, star.shape)).astype(np.float32),
    }
    planes["science"][:6] = np.nan
    return draw(planes, significance=flux / 4.0)


def _entry(number: int, peak: float, n_detections: int = 3) -> CatalogEntry:
    return CatalogEntry(
        id=UUID(int=number << 96),
        position=SkyPosition(ra_deg=150.1 + number / 100.0, dec_deg=-2.2),
        first_mjd=60372.1,
        last_mjd=60380.2,
        n_detections=n_detections,
        best_score=0.97,
        peak_significance=peak,
        status=EntryStatus.CANDIDATE,
    )


def _sight(flux: float, *, is_kept: bool = True) -> Sight:
    return Sight(
        exposure="2024-03-02/a-rather-long-name-of-an-exposure-of-the-survey_0001.fits", band="r", mid_mjd=60372.1,
        significance=flux / 4.0, score=0.93, cutouts=_cutouts(flux) if is_kept else None,
    )  # fmt: skip


def invented_page() -> str:
    """Return a page with objects of every kind, one without pictures, one that was measured otherwise."""
    gained = [Exchanged(before=None, after=_entry(n, 40.0 - n), sight_after=_sight(60.0)) for n in range(1, 4)]
    lost = Exchanged(before=_entry(7, -9.0), after=None, sight_before=_sight(-40.0, is_kept=False))
    before, after = _entry(8, 20.0, 2), replace(_entry(9, 25.0, 5), status=EntryStatus.CONFIRMED)
    changed = Exchanged(before=before, after=after, sight_before=_sight(30.0), sight_after=_sight(80.0))
    return exchange_page(
        [
            Group(kind="gained", n=31, shown=tuple(gained)),
            Group(kind="lost", n=1, shown=(lost,)),
            Group(kind="changed", n=1, shown=(changed,)),
        ],
        survey="demo", nights=["2024-03-02", "2024-03-09"], is_done=False,
        counts="31 gained, 1 lost, 1 changed; 40 measurements out, 71 in (38 of the same sources)",
    )  # fmt: skip


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exchange") / "page.html"
    path.write_text(invented_page())
    return path


@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen_and_every_picture_is_there(
    browser: Browser, page_file: Path, width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(page_file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("[...document.images].every(one => one.naturalWidth === 51 && one.alt)")
    assert page.locator("img").count() == 4 * (3 + 2)
    assert page.get_by_text("31 objects; the 3 most significant are shown").is_visible()
    assert page.get_by_text("The images of this difference are not kept.").count() == 1
    assert page.get_by_text("was 00000008").is_visible()
    assert complaints == []
    context.close()


def test_paper_is_light_whatever_the_screen_is(browser: Browser, page_file: Path) -> None:
    # A4 without margins of 12 mm, at 96 pixels per inch.
    context = browser.new_context(viewport={"width": 703, "height": 1000}, color_scheme="dark")
    page = context.new_page()
    page.goto(page_file.as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") == 703
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(19, 26, 38)"
    context.close()
