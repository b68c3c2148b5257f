"""People judge a night that Airflow searched, inside Airflow and behind the path of a proxy: minutes."""

import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from astrid_core.bootstrap import open_services
from astrid_core.catalog.entities import RELEASED
from astrid_core.curation.consensus import counted
from astrid_core.curation.entities import ReviewItem, ReviewState, ValidationEvent, Verdict
from astrid_core.curation.verdicts import standing
from astrid_core.differencing.entities import ReferenceStatus
from astrid_core.stages.audit import verify_log
from astrid_core.stages.release import is_released
from include.local.client import Airflow, Run
from include.local.home import LOGIN, Home
from include.local.progress import why_failed
from include.local.survey import settings_of
from include.local.system import database_of
from include.messages import ACCEPT
from tests.browser.chromium import CHROMIUM, MISSING, chromium
from tests.end_to_end.curators import PAGE, Curators
from tests.end_to_end.fab import Logins, living_with_logins
from tests.end_to_end.living import RUN_TIMEOUT_S, copied

pytestmark = [
    pytest.mark.live,
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=MISSING),
    pytest.mark.filterwarnings(
        "ignore:The ``noload`` loader:sqlalchemy.exc.SADeprecationWarning"
    ),  # MLflow's own queries
]

BELOW = "/observatory"
PHONE = (390, 844)


@pytest.fixture(scope="module")
def logins(demo: tuple[Home, str], workshop: Path) -> Iterator[Logins]:
    """The night of the demonstration, in a system that many people can log in to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASTRID_PATH", BELOW)
        with living_with_logins(copied(demo[0], workshop / "judged")) as logins:
            for login in ("ana", "bob", "cleo"):
                logins.add(login, "Viewer", "AstrID Reviewer")
            logins.add("dora", "AstrID Arbiter")
            logins.add("vera", "Viewer")
            logins.add("otto", "Op", "AstrID Data release")
            yield logins


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, chromium(playwright) as browser:
        yield browser


@pytest.fixture
def people(browser: Browser, logins: Logins) -> Iterator[Curators]:
    people = Curators(browser, logins)
    yield people
    people.leave()
    assert not people.complaints


@dataclass(frozen=True)
class Said:
    """What the database says of all verdicts."""

    events: Sequence[ValidationEvent]
    items: dict[str, ReviewItem]

    def by(self, *logins: str) -> Sequence[ValidationEvent]:
        return [one for one in self.events if one.curator in logins]

    def votes_of(self, login: str) -> Counter[Verdict]:
        """Count what somebody's verdicts say that stand; nobody judges a detection twice."""
        return Counter(one.verdict for one in standing(self.by(login)))


def said_in(home: Home) -> Said:
    """Read every verdict; the log must be whole, and what is recorded of the queue must follow from the verdicts."""
    with open_services(settings_of(home, database_of(home))) as services:
        report = verify_log(services)
        with services.transaction() as records:
            events = tuple(records.validation_events.all())
            items = dict(records.review_queue.of(sorted({one.detection_id for one in events})))
    assert report.faults == ()
    assert report.n_verdicts == len(events)
    for detection, item in items.items():
        assert item == counted(item, [one for one in events if one.detection_id == detection])
    return Said(events=events, items=items)


def test_a_stranger_logs_in_first_and_whoever_has_no_role_is_told_so(people: Curators, logins: Logins) -> None:
    vera = people.come_alone("vera")
    expect(vera.page.get_by_role("heading", name="You have no role here yet")).to_be_visible()
    expect(vera.page.get_by_text("astrid access grant vera --role reviewer")).to_be_visible()
    assert vera.page.url == f"{people.url}{PAGE}"
    assert vera.ask("queue/summary")["status"] == 403
    assert httpx.get(f"{people.url}/astrid/api/v1/queue/summary", timeout=30.0).status_code == 401
    people.complaints.clear()  # The browser tells of the request that was to be refused.


def test_fifty_are_judged_by_keyboard_inside_airflow_and_three_taken_back(people: Curators, logins: Logins) -> None:
    ana = people.come("ana")
    ana.wait()
    assert ana.page.url.startswith(f"{people.url}/plugin/astrid-curation")
    assert ana.frame.url.partition("#")[0] == f"{people.url}{PAGE}"
    assert ana.frame.evaluate("document.createElement('canvas').getContext('webgl')") is None
    me = ana.ask("me")
    assert (me["login"], me["via"], me["roles"]) == ("ana", "airflow", ["reviewer"])
    start_s = time.monotonic()
    ana.judge(*("1231" * 13)[:50])
    per_hour = 50 / (time.monotonic() - start_s) * 3600.0
    painted_ms = statistics.median(ana.painted_ms())
    expect(ana.frame.get_by_test_id("pace")).to_contain_text("50 judged")
    ana.press("z", "z", "z")
    expect(ana.frame.get_by_test_id("pace")).to_contain_text("47 judged")
    ana.sent()
    sys.stdout.write(f"{per_hour:.0f} verdicts an hour, next candidate painted in {painted_ms:.0f} ms (median)\n")
    said = said_in(logins.living.home)
    assert len(said.by("ana")) == 53
    assert said.votes_of("ana") == {Verdict.REAL: 23, Verdict.BOGUS: 12, Verdict.UNSURE: 12}
    assert per_hour >= 300
    assert painted_ms < 200.0


def test_a_page_of_the_grid_is_judged_and_taken_back_as_one(people: Curators, logins: Logins) -> None:
    bob = people.come("bob")
    bob.frame.get_by_role("link", name="Grid").click()
    expect(bob.frame.get_by_role("main").get_by_role("listitem")).to_have_count(24)
    bob.frame.get_by_role("button", name="All").click()
    bob.press("2")
    bob.frame.get_by_role("dialog").get_by_role("button", name="Judge all 24").click()
    bob.sent()
    before = said_in(logins.living.home).by("bob")
    bob.press("z")
    expect(bob.frame.get_by_test_id("pace")).to_have_text(re.compile("^0 judged"))
    bob.sent()
    after = said_in(logins.living.home)
    assert len({one.batch for one in before}) == 1
    assert Counter(one.verdict for one in before) == {Verdict.BOGUS: 24}
    assert after.votes_of("bob") == {}
    assert {one.supersedes for one in after.by("bob")} == {None, *(one.id for one in before)}


def test_two_judge_one_queue_at_once_and_an_arbiter_settles_what_they_dispute(people: Curators, logins: Logins) -> None:
    bob, cleo = people.come("bob"), people.come("cleo")
    for one in (bob, cleo):
        one.wait()
    known = {one.id for one in said_in(logins.living.home).events}
    for _ in range(10):
        bob.judge("1")
        cleo.judge("2")
    bob.sent()
    cleo.sent()
    said = said_in(logins.living.home)
    new = [one for one in said.events if one.id not in known]
    assert Counter((one.curator, one.verdict) for one in new) == {
        ("bob", Verdict.REAL): 10,
        ("cleo", Verdict.BOGUS): 10,
    }
    both = {one.detection_id for one in new if not one.is_seed}
    assert max(said.items[detection].n_given for detection in both) == 2
    disputed = {one.detection_id for one in said.items.values() if one.state is ReviewState.DISPUTED}
    assert disputed

    dora = people.come("dora")
    dora.frame.get_by_role("link", name="Disputed").click()
    expect(dora.heading).to_have_text(f"{len(disputed)} disputed")
    dora.wait()
    settled = dora.candidate
    dora.press("2")
    expect(dora.heading).to_have_text(f"{len(disputed) - 1} disputed")
    dora.sent()
    item = said_in(logins.living.home).items[settled]
    assert settled in disputed
    assert (item.state, item.verdict) == (ReviewState.ARBITRATED, Verdict.BOGUS)
    assert dora.ask(f"detections/{settled}/verdicts")["consensus"]["arbiter"] == "dora"


def test_who_judges_blind_is_on_record_as_blind(people: Curators, logins: Logins) -> None:
    cleo = people.come("cleo")
    cleo.wait()
    expect(cleo.heading).to_contain_text("score")
    known: set[UUID] = {one.id for one in said_in(logins.living.home).events}
    cleo.press("h")
    expect(cleo.frame.get_by_text("hidden until you have judged")).to_be_visible()
    expect(cleo.heading).not_to_contain_text("score")
    cleo.judge("1", "2")
    cleo.sent()
    new = [one for one in said_in(logins.living.home).events if one.id not in known]
    assert [(one.is_blind, one.score_shown) for one in new] == [(True, False)] * 2


def test_a_telephone_is_enough(people: Curators, logins: Logins) -> None:
    cleo = people.come_alone("cleo", size=PHONE)
    cleo.wait()
    assert cleo.page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    n_before = len(said_in(logins.living.home).by("cleo"))
    first = cleo.candidate
    cleo.page.get_by_role("button", name="real", exact=True).click()
    cleo.sent()
    assert cleo.candidate != first
    assert len(said_in(logins.living.home).by("cleo")) == n_before + 1


def _ask(logins: Logins, dag: str, conf: Mapping[str, object], task: str) -> tuple[str, str]:
    run_id = logins.living.airflow.trigger(dag, conf)
    return run_id, logins.living.until_asked(dag, run_id, task)


def _answer(logins: Logins, somebody: Airflow, asked: tuple[str, str], dag: str, choice: str) -> Run:
    run_id, where = asked
    somebody._call("PATCH", where, {"chosen_options": [choice], "params_input": {"reason": "looked at"}})
    return logins.living.airflow.wait(dag, run_id, timeout_s=RUN_TIMEOUT_S)


def test_new_references_come_into_use_once_a_person_accepts_them(logins: Logins) -> None:
    living, dag = logins.living, "build_references"
    with open_services(settings_of(living.home, database_of(living.home))) as services:
        with services.transaction() as records:
            one, *others = sorted(records.observations.search(survey="demo"), key=lambda one: one.mid_mjd)
        region = f"cone({one.position.ra_deg},{one.position.dec_deg},1arcmin)"
        conf = {"survey": "demo", "region": region, "exclude_night": others[-1].night, "exclude": [one.id], "ask": True}
        asked = _ask(logins, dag, conf, "accept")
        drafts = living.airflow.result(dag, asked[0], "list_drafts")["digests"]
        assert drafts
        with services.transaction() as records:
            assert {records.references.get(digest).status for digest in drafts} == {ReferenceStatus.DRAFT}
        run = _answer(logins, living.airflow, asked, dag, ACCEPT)
        assert run.state == "success", why_failed(living.home, run)
        with services.transaction() as records:
            assert {records.references.get(digest).status for digest in drafts} == {ReferenceStatus.ACTIVE}
            last = [records.events.of(digest)[-1] for digest in drafts]
    assert {(event.actor, event.facts["reason"]) for event in last} == {(LOGIN, "looked at")}


def test_an_extract_becomes_public_by_a_second_person_only(logins: Logins) -> None:
    living, dag = logins.living, "release_catalog"
    # What Airflow says of somebody counts from the first time that they come.
    assert logins.answer("otto", "/astrid/api/v1/me").json()["roles"] == ["data-release"]
    asked = _ask(logins, dag, {}, "approve")
    assert _answer(logins, living.airflow, asked, dag, "Approve").state == "failed"
    asked = _ask(logins, dag, {}, "approve")
    key = living.airflow.result(dag, asked[0], "freeze")["key"]
    with open_services(settings_of(living.home, database_of(living.home))) as services:
        assert not is_released(services, key)
        run = _answer(logins, logins.airflow("otto"), asked, dag, "Approve")
        assert run.state == "success", why_failed(living.home, run)
        with services.transaction() as records:
            last = records.events.of(key)[-1]
    assert (last.name, last.actor, last.facts["requested_by"]) == (RELEASED, "otto", LOGIN)
