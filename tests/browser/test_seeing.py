"""Who can use the page, and on what: screens, colours, screen readers, no graphics card."""

from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import People
from tests.browser.people import Reviewer

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
PHONE = (390, 844)
EVERYTHING = ("reviewer", "arbiter", "admin")


def _violations(somebody: Reviewer) -> list[str]:
    """Return what axe calls serious or critical, with the first place of each."""
    somebody.page.evaluate(AXE.read_text())
    found = somebody.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("size", [(1400, 900), PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_view_bars_anybody(people: People, size: tuple[int, int], dark: bool) -> None:
    ana = people.come("ana", *EVERYTHING, size=size, dark=dark)
    ana.wait()
    expect(ana.page.get_by_role("region", name="Neighbours")).to_be_visible()
    found = {"review": _violations(ana)}
    ana.press("w")
    found["reasons"] = _violations(ana)
    ana.press("Escape", "?")
    expect(ana.page.get_by_role("dialog")).to_be_visible()
    found["keys"] = _violations(ana)
    ana.press("Escape")
    for view in ("grid", "list", "arbitrate", "agreement", "sky", "audit"):
        ana.page.goto(ana.page.url.split("#")[0] + f"#/{view}")
        ana.page.wait_for_load_state("networkidle")
        found[view] = _violations(ana)
    assert {view: one for view, one in found.items() if one} == {}


def test_it_is_dark_where_airflow_is_dark_whatever_the_system_says(people: People) -> None:
    ana = people.come("ana", "reviewer")
    ana.wait()
    assert "dark" not in (ana.page.locator("html").get_attribute("class") or "")
    ana.page.evaluate("localStorage.setItem('theme', 'dark')")
    ana.page.reload()
    expect(ana.page.locator("html")).to_have_class("dark")


def test_a_phone_shows_pictures_and_verdicts_without_scrolling_sideways(people: People) -> None:
    ana = people.come("ana", "reviewer", size=PHONE)
    ana.wait()
    assert ana.page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    for name in ("real", "bogus", "unsure"):
        expect(ana.page.get_by_role("button", name=name, exact=True)).to_be_in_viewport()
    first = ana.candidate
    ana.page.get_by_role("button", name="real", exact=True).click()
    ana.sent()
    assert ana.candidate != first


def test_pictures_are_drawn_without_a_graphics_card(people: People) -> None:
    ana = people.come("ana", "reviewer")
    ana.wait()
    assert ana.page.evaluate("document.createElement('canvas').getContext('webgl')") is None
    n_levels = ana.page.evaluate(
        """() => [...document.querySelectorAll('main figure canvas')].map(canvas =>
            new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size)"""
    )
    assert len(n_levels) == 4
    assert min(n_levels) > 30


def test_stretches_and_inversion_change_the_picture(people: People) -> None:
    ana = people.come("ana", "reviewer")
    ana.wait()
    picture = "document.querySelector('main figure canvas').toDataURL()"
    seen = {ana.page.evaluate(picture)}
    for key in ("t", "t", "t", "i", "+", "x"):
        ana.press(key)
        ana.page.wait_for_timeout(100)
        seen.add(ana.page.evaluate(picture))
    assert len(seen) == 7


def test_a_pixel_is_read_by_mouse_and_by_keyboard(people: People) -> None:
    ana = people.come("ana", "reviewer")
    ana.wait()
    science = ana.page.get_by_role("img", name="science image")
    science.hover()
    expect(ana.page.get_by_text("(0, 0) pix: science")).to_be_visible()
    science.focus()
    ana.press("Shift+ArrowRight", "Shift+ArrowUp")
    expect(ana.page.get_by_text("(1, 1) pix: science")).to_be_visible()
    assert ana.ask("queue/summary")["n_judged"] == 0


def test_a_key_may_be_chosen_anew_and_stays(people: People) -> None:
    ana = people.come("ana", "reviewer")
    ana.wait()
    ana.press("?")
    ana.page.get_by_role("button", name="Key for Judge real: 1").click()
    ana.press("y")
    expect(ana.page.get_by_role("button", name="Key for Judge real: y")).to_be_visible()
    ana.press("Escape")
    ana.page.reload()
    ana.wait()
    ana.judge("y")
    ana.sent()
    assert ana.ask("queue/summary")["n_judged"] == 1


def test_keys_may_be_switched_off_for_those_who_speak_to_their_computer(people: People) -> None:
    ana = people.come("ana", "reviewer")
    ana.wait()
    ana.press("?")
    ana.page.get_by_role("button", name="Keys are on").click()
    ana.press("Escape", "1", "2")
    assert ana.ask("queue/summary")["n_judged"] == 0
    ana.page.get_by_role("button", name="unsure", exact=True).click()
    ana.sent()
    assert ana.ask("queue/summary")["n_judged"] == 1


def test_what_others_wrote_is_shown_as_they_wrote_it(people: People) -> None:
    evil = "<img src=x onerror=\"document.title='taken'\">'; DROP TABLE verdict; --"
    ana = people.come("ana", "reviewer")
    ana.wait()
    first = ana.candidate
    ana.press("c")
    ana.page.keyboard.insert_text(evil)
    ana.press("Enter")
    ana.judge("1")
    ana.sent()
    cleo = people.come("cleo", "arbiter", at=f"#/candidate/{first}")
    expect(cleo.page.get_by_text(evil)).to_be_visible()
    assert cleo.page.title() == "AstrID curation"


def test_a_viewer_looks_and_does_not_judge(people: People) -> None:
    vera = people.come("vera", "viewer", at="#/list")
    vera.page.get_by_role("link", name="Show the detection").first.click()
    vera.wait()
    assert vera.candidate.startswith("detect-")
    vera.page.goto(vera.page.url.split("#")[0] + "#/review")
    expect(vera.page.get_by_text("Nothing waits")).to_be_visible()
    expect(vera.page.get_by_role("button", name="Real")).to_have_count(0)


def test_the_log_says_in_words_who_changed_what(people: People) -> None:
    ana = people.come("ana", "reviewer")
    ana.wait()
    ana.judge("1")
    ana.sent()
    olga = people.come("olga", "admin", at="#/audit")
    entries = olga.page.get_by_role("list", name="Log").get_by_role("listitem")
    expect(entries.filter(has_text="roles.changed").first).to_contain_text("none → ")
    olga.page.get_by_label("What", exact=True).fill("verdict.recorded")
    olga.press("Enter")
    expect(entries).to_have_count(1)
    for words in ("ana", "reviewer", "open, as before", "verdict real"):
        expect(entries).to_contain_text(words)


def test_a_detection_tells_where_all_of_it_came_from(people: People) -> None:
    vera = people.come("vera", "viewer", at="#/list")
    vera.page.get_by_role("link", name="Show the detection").first.click()
    vera.wait()
    provenance = vera.page.locator("details", has=vera.page.get_by_text("Provenance"))
    for name in ("science digest", "reference digests", "difference digest", "model run"):
        expect(provenance.get_by_text(name, exact=True)).to_be_visible()


def test_the_sky_of_a_night_leads_to_its_detections(people: People) -> None:
    vera = people.come("vera", "viewer", at="#/sky")
    expect(vera.page.get_by_role("img", name="Map of the whole sky")).to_be_visible()
    vera.page.get_by_role("link", name="sigma").first.press("Enter")
    vera.wait()
    assert vera.candidate.startswith("detect-")
