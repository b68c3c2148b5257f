"""Where a survey stands, as the API tells it: what `astrid status` says, and no more of the records than it needs."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from astrid_core.bootstrap import load_pipeline
from astrid_core.detection.config import MODEL_NAME
from astrid_core.settings import Settings
from astrid_core.stages.standing import standing_facts, survey_standing
from include.api.routes import standing
from tests.api.client import Client, named
from tests.api.night import services_in
from tests.stages.scene import NIGHT


@pytest.mark.parametrize("night", [None, NIGHT, "2020-01-01"])
def test_the_api_tells_what_the_shell_tells(client: Client, home: Path, night: str | None) -> None:
    told = client.get("/status", params={"survey": "demo"} | ({"night": night} if night else {})).json()
    with services_in(Settings(home=home)) as services:
        recipe = load_pipeline().recipe(services.models.champion(MODEL_NAME))
        expected = standing_facts(survey_standing(services, recipe, survey="demo", nights=[night] if night else None))
    assert told.pop("survey") == "demo"
    for one in expected["to_do"]:
        one["start"] = one.pop("from")
    assert told == expected
    assert (told["n_exposures"] > 0) == (night != "2020-01-01")


def test_a_region_and_a_night_leave_out_the_rest(client: Client) -> None:
    whole = client.get("/status", params={"survey": "demo"}).json()["n_exposures"]
    night = client.get("/status", params={"survey": "demo", "night": NIGHT}).json()["n_exposures"]
    assert 0 < night < whole
    assert client.get("/status", params={"survey": "demo", "region": "cone(200,-60,1deg)"}).json()["n_exposures"] == 0


def test_what_cannot_be_told_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/status", params={"survey": "other"}).status_code == 404
    assert client.get("/status").status_code == 422
    refused = client.get("/status", params={"survey": "demo", "region": "skymap(/etc/hostname,0.9)"})
    assert (refused.status_code, refused.json()["detail"].startswith("a sky map is a file")) == (422, True)
    assert client.get("/status", headers=named("nobody"), params={"survey": "demo"}).status_code == 403
    monkeypatch.setattr(standing, "MOST_EXPOSURES", 1)
    assert client.get("/status", params={"survey": "demo"}).status_code == 422


def test_only_the_nights_that_are_asked_for_are_read(
    client: Client, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with services_in(Settings(home=home)) as services:
        recipe = load_pipeline().recipe(services.models.champion(MODEL_NAME))
        with services.transaction() as records:
            kind = type(records.observations)
        read: list[str | None] = []
        search = kind.search

        def watched(self: object, **wanted: object) -> object:
            found = search(self, **wanted)  # type: ignore[arg-type]
            read.extend(one.night for one in found)
            return found

        monkeypatch.setattr(kind, "search", watched)
        before = (date.fromisoformat(NIGHT) - timedelta(days=400)).isoformat()
        survey_standing(services, recipe, survey="demo", nights=[NIGHT, before])
    assert set(read) == {NIGHT}
