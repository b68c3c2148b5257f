"""The light curve beside a detection: what was found, measured at its place, and limits, told apart by shape."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import People

FOUND, FORCED, LIMIT, DEPTH = "found", "measured at its place", "upper limit at its place", "depth of the exposure"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_light_curve_draws_all_that_was_measured(people: People, dark: bool) -> None:
    vera = people.come("vera", "viewer", at="#/list", dark=dark)
    vera.page.get_by_role("link", name="Show the detection").first.click()
    vera.wait()
    curve = vera.ask(f"detections/{vera.candidate}/lightcurve")
    has_mag = any(one["mag_ab"] is not None for one in curve["points"])
    value = "mag_ab" if has_mag else "flux"
    expected = {
        FOUND: len(curve["points"]),
        FORCED: sum(one["flux"] is not None and one[value] is not None for one in curve["forced"]),
        LIMIT: sum(one["is_forced"] for one in curve["limits"]) if has_mag else 0,
        DEPTH: sum(not one["is_forced"] for one in curve["limits"]) if has_mag else 0,
    }
    assert expected[FOUND] > 0
    assert expected[FORCED] > 0
    picture = vera.page.get_by_role("img", name="Light curve:")
    expect(picture).to_have_accessible_name(
        f"Light curve: {expected[FOUND]} found, {expected[FORCED]} measured at its place, "
        f"{expected[LIMIT] + expected[DEPTH]} upper limits; the table below has the numbers"
    )
    marks = picture.locator("g").filter(has=vera.page.locator("title"))
    for word, n_marks in expected.items():
        expect(picture.get_by_text(word, exact=True)).to_have_count(n_marks)
    shapes = {
        word: marks.filter(has=vera.page.get_by_text(word, exact=True)).first.locator("text, path").first
        for word, n_marks in expected.items()
        if n_marks
    }
    drawn = {word: one.text_content() or one.get_attribute("d") for word, one in shapes.items()}
    assert len(set(drawn.values())) == len(drawn), "without colour they could not be told apart"


def test_the_numbers_say_how_each_was_measured(people: People) -> None:
    vera = people.come("vera", "viewer", at="#/list")
    vera.page.get_by_role("link", name="Show the detection").first.click()
    vera.wait()
    vera.page.get_by_text("The numbers").click()
    table = vera.page.get_by_role("region", name="Points of the light curve")
    for word in (FOUND, FORCED):
        expect(table.get_by_role("cell", name=word, exact=True).first).to_be_visible()
