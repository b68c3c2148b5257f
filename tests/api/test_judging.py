"""People judge over the API: claims, verdicts, undo, arbitration, what each of them sees, and the log."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest

from astrid_core.curation.access import Role
from astrid_core.shared.events import verify_chain
from astrid_core.stages.access import set_roles
from include.api.app import Api
from tests.adapters.databases import SqlDatabase
from tests.api.client import Client, named
from tests.api.night import services_in, url_of

ADA, BOB, CLEO, VERA = (
    named("ada", Role.REVIEWER),
    named("bob", Role.REVIEWER),
    named("cleo", Role.ARBITER),
    named("vera", Role.VIEWER),
)
ODD = "'; DROP TABLE validation_event; -- <script>alert(1)</script> \u202e \U0001f4a5 %00 {{7*7}}"


@pytest.fixture
def people(app: Api) -> Iterator[Client]:
    """The API with two reviewers and an arbiter on record; requests say who sends them."""
    with services_in(app.state.context.settings) as services:
        for login, role in (("ada", Role.REVIEWER), ("bob", Role.REVIEWER), ("cleo", Role.ARBITER)):
            set_roles(services, login=login, roles=[role])
    client = Client(app)
    yield client
    client.close()


def _claim(client: Client, who: dict[str, str], **wish: object) -> list[dict[str, object]]:
    answer = client.post("/queue/claim", headers=who, json=wish)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


def _verdict(detection: object, verdict: str = "real", **more: object) -> dict[str, object]:
    return {"id": str(uuid4()), "detection": detection, "verdict": verdict, **more}


def _open_ids(client: Client) -> list[str]:
    return [one["id"] for one in client.get("/queue", headers=VERA).json()["items"]]


def test_what_is_claimed_comes_best_first_and_not_twice(people: Client) -> None:
    first = _claim(people, ADA, n=2)
    second = _claim(people, ADA, n=50)
    scores = [one["opinion"]["score"] for one in first + second]  # type: ignore[index]

    assert len(first) == 2
    assert len({one["id"] for one in first + second}) == len(first + second) == len(_open_ids(people))
    assert scores == sorted(scores, reverse=True)
    assert all(one["claim_until"] for one in first)
    held = people.get("/queue/claims", headers=ADA).json()["items"]
    assert {one["id"] for one in held} == {one["id"] for one in first + second}


def test_pages_of_the_queue_add_up(people: Client) -> None:
    for order in ("top", "uncertain", "anomalous", "random"):
        whole = people.get("/queue", params={"order": order}, headers=VERA).json()["items"]
        pages, after = [], None
        while True:
            asked = {"order": order, "limit": 1} | ({"after": after} if after else {})
            page = people.get("/queue", params=asked, headers=VERA).json()
            pages += page["items"]
            after = page["next"]
            if after is None:
                break
        assert pages == whole
        assert len(whole) > 3


def test_a_blind_claim_says_nothing_of_the_network(people: Client) -> None:
    (one,) = _claim(people, ADA, n=1, blind=True)

    assert one["opinion"] is None
    assert one["provenance"]["model"] is None  # type: ignore[index]
    assert one["significance"]


def test_what_is_put_off_is_not_given_again_but_what_is_released_is(people: Client) -> None:
    first, second, third = _claim(people, ADA, n=3)
    until = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    assert people.post(f"/queue/{first['id']}/release", headers=ADA).status_code == 200
    assert people.post(f"/queue/{second['id']}/skip", headers=ADA).json()["hidden_until"]
    assert people.post(f"/queue/{third['id']}/snooze", headers=ADA, json={"until": until}).status_code == 200
    again = {one["id"] for one in _claim(people, ADA, n=50)}

    assert first["id"] in again
    assert not again & {second["id"], third["id"]}


def test_a_verdict_sent_twice_is_one_verdict(people: Client) -> None:
    (one,) = _claim(people, ADA, n=1)
    body = _verdict(one["id"], reason="transient", comment="next to a galaxy", confidence=3, seconds=1.5)
    first = people.post("/verdicts", headers=ADA, json=body)
    again = people.post("/verdicts", headers=ADA, json=body)
    other = people.post("/verdicts", headers=ADA, json={**body, "verdict": "bogus", "reason": ""})

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert (other.status_code, other.json()["type"]) == (409, "urn:astrid:error:Conflict")
    assert len(people.get(f"/detections/{one['id']}/verdicts", headers=ADA).json()["items"]) == 1


def test_a_reason_of_another_verdict_is_not_valid(people: Client) -> None:
    (one,) = _claim(people, ADA, n=1)
    answer = people.post("/verdicts", headers=ADA, json=_verdict(one["id"], "bogus", reason="transient"))

    assert answer.status_code == 422
    assert "noise_peak" in answer.text


def test_undo_leaves_the_queue_as_it_was(people: Client) -> None:
    before = _open_ids(people)
    (one,) = _claim(people, ADA, n=1)
    body = _verdict(one["id"])
    people.post("/verdicts", headers=ADA, json=body)
    assert people.post(f"/verdicts/{body['id']}/withdraw", headers=BOB).status_code == 403
    undone = people.post(f"/verdicts/{body['id']}/withdraw", headers=ADA, json={"id": str(uuid4())})

    assert undone.json()[0]["verdict"] == "withdrawn"
    assert undone.json()[0]["supersedes"] == body["id"]
    assert _open_ids(people) == before


def test_a_batch_is_given_and_taken_back_as_one(people: Client) -> None:
    items = _claim(people, ADA, n=3)
    batch = str(uuid4())
    sent = {"batch": batch, "verdicts": [_verdict(one["id"], "bogus") for one in items]}
    said = people.post("/verdicts/batch", headers=ADA, json=sent).json()
    wrong = {"batch": str(uuid4()), "verdicts": [_verdict(items[0]["id"]), _verdict("detect-0:1")]}
    refused = people.post("/verdicts/batch", headers=BOB, json=wrong)

    assert [one["batch"] for one in said] == [batch] * 3
    assert refused.status_code == 404
    assert people.get("/queue/summary", headers=BOB).json()["n_judged"] == 0
    assert people.get("/queue/summary", headers=ADA).json()["n_judged"] == 3
    assert len(people.post(f"/verdicts/batch/{batch}/withdraw", headers=ADA).json()) == 3
    assert people.get("/queue/summary", headers=ADA).json()["n_judged"] == 0


def test_votes_stay_hidden_until_they_cannot_sway_anybody(people: Client) -> None:
    (one,) = _claim(people, ADA, n=1)
    path = f"/detections/{one['id']}/verdicts"
    people.post("/verdicts", headers=ADA, json=_verdict(one["id"]))

    assert people.get(path, headers=BOB).json() == {"items": [], "consensus": None}
    assert len(people.get(path, headers=VERA).json()["items"]) == 1
    people.post("/verdicts", headers=BOB, json=_verdict(one["id"]))
    assert people.get(path, headers=BOB).json()["consensus"]["state"] == "agreed"
    assert len(people.get(path, headers=ADA).json()["items"]) == 2


def test_an_arbiter_settles_what_others_dispute_but_not_what_they_judged(people: Client) -> None:
    (one,) = _claim(people, ADA, n=1)
    people.post("/verdicts", headers=ADA, json=_verdict(one["id"], "real"))
    people.post("/verdicts", headers=BOB, json=_verdict(one["id"], "bogus"))
    waiting = people.get("/arbitrations", headers=CLEO).json()["items"]
    assert [found["id"] for found in waiting] == [one["id"]]
    assert {found["verdict"] for found in waiting[0]["verdicts"]} == {"real", "bogus"}
    assert people.post("/arbitrations", headers=ADA, json=_verdict(one["id"])).status_code == 403
    assert people.post("/arbitrations", headers=CLEO, json=_verdict(one["id"], "bogus")).status_code == 200
    consensus = people.get(f"/detections/{one['id']}/verdicts", headers=CLEO).json()["consensus"]
    assert (consensus["state"], consensus["verdict"], consensus["arbiter"]) == ("arbitrated", "bogus", "cleo")

    (other,) = _claim(people, CLEO, n=1)
    people.post("/verdicts", headers=CLEO, json=_verdict(other["id"]))
    assert people.post("/arbitrations", headers=CLEO, json=_verdict(other["id"])).status_code == 403


def test_strange_words_are_kept_as_they_are(people: Client, home: Path) -> None:
    (one,) = _claim(people, ADA, n=1)
    body = _verdict(one["id"], comment=ODD)
    assert people.post("/verdicts", headers=ADA, json=body).status_code == 200
    answer = people.get(f"/detections/{one['id']}/verdicts", headers=ADA)

    assert answer.json()["items"][0]["comment"] == ODD
    assert answer.headers["content-type"] == "application/json"
    for odd in (ODD, "\0", "\ud800", "x" * 5000):
        for path in ("/detections", "/observations", "/audit", "/catalog"):
            words = urlencode(dict.fromkeys(("survey", "band", "subject", "after"), odd), errors="surrogatepass")
            found = people.get(f"{path}?{words}", headers=named("olga", "admin"))
            assert found.status_code in {200, 422}
        sent = json.dumps(_verdict(odd, comment=odd))
        told = {**ADA, "Content-Type": "application/json"}
        assert people.post("/verdicts", headers=told, content=sent).status_code in {404, 422}
    assert _open_ids(people)


def test_the_log_tells_who_did_it_in_which_request(people: Client, home: Path) -> None:
    (one,) = _claim(people, ADA, n=1)
    body = _verdict(one["id"])
    people.post("/verdicts", headers={**ADA, "X-Request-Id": "page-1"}, json=body)
    people.get("/audit", headers={**named("olga", "admin"), "X-Request-Id": "look-1"})
    database = SqlDatabase(url_of(home))
    with database.transaction() as records:
        events = list(records.events.all())
        kept = records.validation_events.find(UUID(str(body["id"])))
    database.close()
    (said,) = [event for event in events if event.name == "verdict.recorded"]
    (read,) = [event for event in events if event.name == "restricted.read"]

    assert kept is not None
    assert said.actor == "ada"
    assert said.facts["by"] == {"roles": ["reviewer"], "via": "token", "request": "page-1"}
    assert (read.actor, read.subject) == ("olga", "/audit")
    assert verify_chain(events) == len(events)


def test_how_well_others_judge_is_for_those_who_oversee(people: Client) -> None:
    items = _claim(people, ADA, n=3)
    for one in items:
        people.post("/verdicts", headers=ADA, json=_verdict(one["id"]))
        people.post("/verdicts", headers=BOB, json=_verdict(one["id"]))
    mine = people.get("/agreement", headers=ADA).json()
    all_of_them = people.get("/agreement", headers=CLEO).json()

    assert {one["login"] for one in mine["against_final"]} <= {"ada"}
    assert {one["login"] for one in all_of_them["against_final"]} == {"ada", "bob"}
    assert all_of_them["n_votes"] == 6
    assert all_of_them["pairs"][0]["n_both"] == 3
