"""Judging in the browser, over the real API and a searched night."""

import json
import re
import statistics
import time

import pytest
from playwright.sync_api import Response, expect

from tests.browser.conftest import People


def test_fifty_candidates_are_judged_by_keyboard_and_three_taken_back(people: People) -> None:
    ana = people.come("ana", "reviewer")
    ana.wait()
    start_s = time.monotonic()
    ana.judge(*("1231" * 13)[:50])
    per_hour = 50 / (time.monotonic() - start_s) * 3600.0
    expect(ana.page.get_by_test_id("pace")).to_contain_text("50 judged")
    ana.press("z", "z", "z")
    expect(ana.page.get_by_test_id("pace")).to_contain_text("47 judged")
    ana.sent()
    assert ana.ask("queue/summary")["n_judged"] == 47
    assert per_hour >= 300
    assert statistics.median(ana.painted_ms()) < 200.0


def test_what_was_taken_back_is_shown_again_and_counts_once_it_is_judged_anew(people: People) -> None:
    ana = people.come("ana", "reviewer")
    ana.wait()
    first = ana.candidate
    ana.judge("1")
    assert ana.candidate != first
    ana.press("z")
    expect(ana.page.get_by_text("real taken back")).to_be_visible()
    assert ana.candidate == first
    ana.judge("2")
    ana.sent()
    verdicts = [one["verdict"] for one in ana.ask(f"detections/{first}/verdicts")["items"]]
    assert verdicts[0] == "real"
    assert verdicts[-1] == "bogus"


def test_a_reason_takes_two_keys_and_a_comment_goes_with_the_verdict(people: People) -> None:
    ana = people.come("ana", "reviewer")
    ana.wait()
    first = ana.candidate
    ana.press("c")
    ana.page.keyboard.type("a <b>spike</b>, 1 of 3")
    ana.press("Enter", "v", "v", "w")
    expect(ana.page.get_by_role("group", name="Why bogus?")).to_be_visible()
    ana.judge("5")
    ana.sent()
    (said,) = ana.ask(f"detections/{first}/verdicts")["items"]
    expected = {"verdict": "bogus", "reason": "diffraction_spike", "comment": "a <b>spike</b>, 1 of 3", "confidence": 2}
    assert {name: said[name] for name in expected} == expected
    assert said["seconds"] >= 0.0


def test_a_slip_while_reasons_are_offered_judges_nothing(people: People) -> None:
    ana = people.come("ana", "reviewer")
    ana.wait()
    first = ana.candidate
    ana.press("q", "z", "x", "Escape")
    expect(ana.page.get_by_role("group", name="Why real?")).to_have_count(0)
    assert ana.candidate == first
    assert ana.ask("queue/summary")["n_judged"] == 0


def test_skipped_and_snoozed_do_not_come_back(people: People) -> None:
    ana = people.come("ana", "reviewer")
    ana.wait()
    first = ana.candidate
    ana.judge("s")
    second = ana.candidate
    ana.judge("n")
    ana.sent()
    ana.page.reload()
    ana.wait()
    assert ana.candidate not in {first, second}


def test_a_page_that_is_loaded_anew_goes_on_with_what_was_claimed(people: People) -> None:
    ana = people.come("ana", "reviewer")
    ana.wait()
    ana.judge("1", "1")
    third = ana.candidate
    ana.sent()
    ana.page.reload()
    ana.wait()
    assert ana.candidate == third
    assert ana.ask("queue/summary")["n_judged"] == 2


def test_no_verdict_is_lost_or_doubled_while_the_server_is_away(people: People) -> None:
    ana = people.come("ana", "reviewer")
    ana.wait()
    ana.judge("1")
    ana.sent()
    ana.page.route("**/verdicts", lambda route: route.abort())
    ana.judge("2", "1", "2")
    expect(ana.page.get_by_text("Server not reached: 3 kept here")).to_be_visible()
    ana.page.reload()
    ana.page.unroute("**/verdicts")
    ana.wait()
    expect(ana.page.get_by_text("Server not reached")).to_have_count(0, timeout=20_000)
    ana.sent()
    assert ana.ask("queue/summary")["n_judged"] == 4
    people.complaints.clear()  # The browser tells of every request that failed: here they were to fail.


def test_a_whole_page_is_judged_and_taken_back_as_one(people: People) -> None:
    ana = people.come("ana", "reviewer", at="#/grid")
    tiles = ana.page.get_by_role("main").get_by_role("listitem")
    expect(tiles).to_have_count(24)
    ana.page.get_by_role("button", name="All").click()
    ana.press("2")
    dialog = ana.page.get_by_role("dialog", name="Judge 24 as bogus?")
    dialog.get_by_label("Reason for all of them").select_option("noise_peak")
    assert ana.ask("queue/summary")["n_judged"] == 0
    dialog.get_by_role("button", name="Judge all 24").click()
    ana.sent()
    assert ana.ask("queue/summary")["n_judged"] == 24
    ana.press("z")
    # What it says of it may be gone before a busy machine has painted 24 pictures.
    expect(ana.page.get_by_test_id("pace")).to_have_text(re.compile("^0 judged"))
    ana.sent()
    assert ana.ask("queue/summary")["n_judged"] == 0


def test_the_grid_is_walked_and_chosen_by_keyboard(people: People) -> None:
    ana = people.come("ana", "reviewer", at="#/grid")
    tiles = ana.page.get_by_role("main").get_by_role("listitem").get_by_role("button")
    expect(tiles).to_have_count(24)
    tiles.first.focus()
    ana.press("Space", "ArrowRight", "Space", "ArrowDown", "Space", "ArrowLeft", "ArrowUp")
    expect(ana.page.get_by_text("3 of 24 chosen")).to_be_visible()
    expect(tiles.first).to_be_focused()
    ana.press("1", "Enter")
    ana.sent()
    assert ana.ask("queue/summary")["n_judged"] == 3


def test_two_who_judge_at_once_give_each_detection_the_votes_it_needs_and_no_more(people: People) -> None:
    crowd = [people.come(login, "reviewer") for login in ("ana", "bob", "cleo")]
    for one in crowd:
        one.wait()
    seen: dict[str, list[str]] = {}
    for _ in range(8):
        for one in crowd:
            seen.setdefault(one.candidate, []).append(one.login)
            one.judge("1")
    for one in crowd:
        one.sent()
        assert one.ask("queue/summary")["n_judged"] == 8
    assert max(len(logins) for logins in seen.values()) == 2
    assert all(len(logins) == len(set(logins)) for logins in seen.values())
    states = crowd[0].ask("queue/summary")["n_by_state"]
    assert states["agreed"] == sum(len(logins) == 2 for logins in seen.values())


def test_an_arbiter_settles_what_others_disagree_about_but_not_their_own(people: People) -> None:
    ana = people.come("ana", "reviewer", "arbiter")
    ana.wait()
    disputed = ana.candidate
    ana.judge("1")
    ana.sent()
    bob = people.come("bob", "reviewer")
    bob.wait()
    assert bob.candidate == disputed
    bob.judge("2")
    bob.sent()
    ana.page.goto(ana.page.url.split("#")[0] + "#/arbitrate")
    expect(ana.page.get_by_role("heading", name="Nothing is disputed.")).to_be_visible()
    cleo = people.come("cleo", "arbiter", at="#/arbitrate")
    expect(cleo.heading).to_have_text("1 disputed")
    votes = cleo.page.get_by_role("region", name="Verdicts")
    expect(votes).to_contain_text("ana")
    expect(votes).to_contain_text("bob")
    cleo.wait()
    cleo.press("2")
    expect(cleo.heading).to_have_text("Nothing is disputed.")
    cleo.sent()
    consensus = cleo.ask(f"detections/{disputed}/verdicts")["consensus"]
    assert (consensus["state"], consensus["verdict"], consensus["arbiter"]) == ("arbitrated", "bogus", "cleo")


def test_blind_mode_hides_what_the_network_and_others_say(people: People) -> None:
    opinions: list[object] = []

    def note(answer: Response) -> None:
        if "queue/claim" in answer.url and answer.ok:
            opinions.extend(one["opinion"] for one in json.loads(answer.text())["items"])

    ana = people.come("ana", "reviewer")
    ana.wait()
    expect(ana.heading).to_contain_text("score")
    ana.page.on("response", note)
    ana.press("h")
    expect(ana.heading).not_to_contain_text("score")
    expect(ana.page.get_by_text("hidden until you have judged")).to_be_visible()
    first = ana.candidate
    ana.judge("1", "1")
    ana.sent()
    assert opinions
    assert set(opinions) == {None}
    (said,) = ana.ask(f"detections/{first}/verdicts")["items"]
    assert said["is_blind"]
    assert not said["score_shown"]
    assert "blind=1" in ana.page.url


@pytest.mark.parametrize("order", ["uncertain", "random"])
def test_order_and_filters_stand_in_the_address(people: People, order: str) -> None:
    ana = people.come("ana", "reviewer", at=f"#/review?order={order}&night=2024-01-20&band=r")
    ana.wait()
    expect(ana.page.get_by_label("Order")).to_have_value(order)
    expect(ana.page.get_by_text("Filters (2)")).to_be_visible()
    ana.page.goto(ana.page.url.replace("band=r", "band=none"))
    expect(ana.page.get_by_text("Nothing waits for you under these filters.")).to_be_visible()
