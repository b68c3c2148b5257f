"""Injected sources over the API: nothing tells them from detections, and only the queue of who judges lists them."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from astrid_core.bootstrap import Pipeline
from astrid_core.curation.access import Role
from astrid_core.differencing.inject_config import InjectConfig
from astrid_core.settings import Settings
from astrid_core.stages.access import set_roles
from astrid_core.stages.inject import run_injection
from include.api.app import Api
from include.api.context import Context
from tests.api.client import Client, named
from tests.api.night import services_in
from tests.stages.scene import NIGHT

ADA, BOB, CLEO, VERA = (
    named("ada", Role.REVIEWER),
    named("bob", Role.REVIEWER),
    named("cleo", Role.ARBITER),
    named("vera", Role.VIEWER),
)
SCIENCE = f"demo:{NIGHT}/a.fits"
PIPELINE = Pipeline(inject=InjectConfig(n_sources=40))


@pytest.fixture(scope="module")
def seeded_home(night_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The night with an injection run, and two who judge."""
    home = tmp_path_factory.mktemp("seeded") / "home"
    shutil.copytree(night_home, home)
    with services_in(Settings(home=home)) as services:
        with services.transaction() as records:
            (run,) = records.model_runs.of_observation(SCIENCE)
        run_injection(services, run.difference_key, run.model, PIPELINE.trial(), curate=PIPELINE.curate)
        for login, role in (("ada", Role.REVIEWER), ("bob", Role.REVIEWER), ("cleo", Role.ARBITER)):
            set_roles(services, login=login, roles=[role])
    return home


@pytest.fixture
def client(made_app: Api, seeded_home: Path, tmp_path: Path) -> Iterator[Client]:
    """Each test has a database of its own."""
    shutil.copy(seeded_home / "astrid.sqlite", tmp_path / "astrid.sqlite")
    (tmp_path / "artifacts").symlink_to(seeded_home / "artifacts")
    made_app.state.context = Context(Settings(home=tmp_path), services_in)
    client = Client(made_app)
    yield client
    client.close()


@pytest.fixture
def ids(client: Client) -> tuple[list[str], list[str]]:
    """Detections of the queue, and injected seeds."""
    real = [one["id"] for one in client.get("/queue", headers=VERA).json()["items"]]
    with services_in(client.app.state.context.settings) as services, services.transaction() as records:
        (run,) = records.model_runs.of_observation(SCIENCE)
        behind = [f"{run.key}:{len(run.detections) + number}" for number in range(1, 500)]
        injected = list(records.injected_seeds.of(behind))
    assert len(injected) == PIPELINE.curate.injected_seeds
    return real, injected


def shape(value: object) -> object:
    """Return what kind of answer this is, without its values."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def test_each_answer_about_one_has_the_shape_of_one_about_a_detection(
    client: Client, ids: tuple[list[str], list[str]]
) -> None:
    (real, *_), injected = ids
    told = client.get(f"/detections/{real}", headers=ADA)
    for one in injected:
        seen = client.get(f"/detections/{one}", headers=ADA)
        assert (seen.status_code, shape(seen.json())) == (200, shape(told.json()))
        assert seen.headers.keys() == told.headers.keys()
        assert seen.json()["provenance"] == told.json()["provenance"]
        assert re.fullmatch(re.sub("[0-9]+$", "[0-9]+", re.escape(real)), one)
    one = injected[0]
    for path in ("lightcurve", "verdicts", "neighbours?radius_arcsec=0.5"):
        answers = [client.get(f"/detections/{name}/{path}", headers=ADA).json() for name in (real, one)]
        assert shape(answers[0]) == shape(answers[1]), path
    curves = [client.get(f"/detections/{name}/lightcurve", headers=ADA).json() for name in (real, one)]
    assert [len(curve["points"]) for curve in curves] == [1, 1]
    assert [curve["entry_id"] for curve in curves] == [None, None]
    assert curves[0]["limits"] == curves[1]["limits"]
    assert {curve["points"][0]["reference_digest"] for curve in curves} == {
        curves[0]["points"][0]["reference_digest"]
    }  # fmt: skip
    # Whoever does not judge is told of the object.
    assert client.get(f"/detections/{real}/lightcurve", headers=VERA).json()["entry_id"] is not None
    assert client.get(f"/detections/{one}99", headers=ADA).status_code == 404


def test_pixels_show_a_source_and_come_as_those_of_a_detection(
    client: Client, ids: tuple[list[str], list[str]]
) -> None:
    (real, *_), injected = ids
    for query in ("", "?half_pix=100&planes=4"):
        told, seen = (client.get(f"/detections/{one}/pixels{query}", headers=ADA) for one in (real, injected[0]))
        assert seen.status_code == 200
        assert len(seen.content) == len(told.content)
        assert seen.headers.keys() == told.headers.keys()
        for name in ("x-astrid-shape", "x-astrid-planes", "x-astrid-scale-arcsec", "cache-control", "content-type"):
            assert seen.headers[name] == told.headers[name]
        assert seen.headers["etag"][:41] == told.headers["etag"][:41]
        again = client.ask(
            "GET", f"/detections/{injected[0]}/pixels{query}", headers={**ADA, "If-None-Match": seen.headers["etag"]}
        )
        assert again.status_code == 304


def test_no_list_but_the_queue_of_who_judges_holds_one(client: Client, ids: tuple[list[str], list[str]]) -> None:
    _, injected = ids
    claimed = claim(client, ADA, n=50)
    for one in claimed:
        say(client, ADA, one)
    for one in injected:
        for who in (BOB, CLEO):
            say(client, who, one, path="/arbitrations" if who is CLEO else "/verdicts")
    paths = [
        path
        for path, ways in client.app.openapi()["paths"].items()
        if "get" in ways and "{" not in path and path not in {"/v1/audit", "/v1/queue", "/v1/queue/claims"}
    ]
    assert len(paths) > 12
    needle = re.compile("|".join(re.escape(one) + r"(?![0-9])" for one in injected))
    for path in paths:
        for who in (VERA, CLEO, ADA):
            answer = client.get(path.removeprefix("/v1"), headers=who)
            assert answer.status_code < 500, path
            assert not needle.search(answer.text), path
    run, number = injected[0].rpartition(":")[::2]
    for query in (f"run={run}", f"observation={SCIENCE}", f"night={NIGHT}"):
        assert not needle.search(client.get(f"/detections?{query}&limit=200", headers=VERA).text)
    assert f'"number":{number},' not in client.get("/candidates?limit=200", headers=VERA).text
    assert not needle.search(client.get("/queue", headers=VERA).text)
    for one in ids[0]:
        assert not needle.search(client.get(f"/detections/{one}/neighbours?radius_arcsec=600", headers=VERA).text)


def test_what_is_claimed_was_in_the_list_and_is_not_told_apart(
    client: Client, ids: tuple[list[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, injected = ids
    often = replace(PIPELINE, curate=replace(PIPELINE.curate, seed_fraction=0.5))
    monkeypatch.setattr(client.app.state.context, "_pipeline", often)
    before = client.get("/queue?limit=200", headers=ADA).json()
    listed = {one["id"]: one for one in before["items"]}
    assert set(real) < set(listed)
    assert set(injected) & set(listed)
    assert len({str(shape(one)) for one in listed.values()}) == 1
    got = claim(client, ADA, n=50)
    assert set(got) <= set(listed)
    assert set(got) & set(injected)
    scores = [one["opinion"]["score"] for one in listed.values()]
    assert scores == sorted(scores, reverse=True)
    assert client.get("/queue/summary", headers=VERA).json()["n_by_state"]["open"] == len(real)


def test_each_is_told_which_part_of_them_they_recognised(client: Client, ids: tuple[list[str], list[str]]) -> None:
    _, injected = ids
    for number, one in enumerate(injected):
        say(client, ADA, one, "real" if number else "bogus")
    say(client, BOB, injected[0])
    own, all_of_them = (client.get("/agreement", headers=who).json() for who in (ADA, CLEO))
    assert [one["login"] for one in own["completeness"]] == ["ada"]
    assert [one["login"] for one in all_of_them["completeness"]] == ["ada", "bob"]
    bins = own["completeness"][0]["bins"]
    assert sum(one["n_shown"] for one in bins) == len(injected)
    assert sum(one["n_called_real"] for one in bins) == len(injected) - 1
    assert bins[-1]["high"] is None
    assert own["against_seeds"][0]["counts"] == {"real/bogus": 1, "real/real": len(injected) - 1}
    assert (own["n_votes"], own["n_detections"]) == (0, 0)


def claim(client: Client, who: dict[str, str], **wish: object) -> list[str]:
    answer = client.post("/queue/claim", headers=who, json=wish)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


def say(client: Client, who: dict[str, str], detection: str, verdict: str = "real", *, path: str = "/verdicts") -> None:
    answer = client.post(path, headers=who, json={"id": str(uuid4()), "detection": detection, "verdict": verdict})
    assert answer.status_code == 200, answer.text
    assert "seed" not in answer.text
