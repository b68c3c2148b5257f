"""Alerts of a night that wait for a person, and the report of a night drawn anew, on Airflow: ``make test-live``."""

import json
from pathlib import Path

import pytest

from astrid_core.bootstrap import open_services
from astrid_core.settings import Settings
from include.local.home import LOGIN, Home
from include.local.progress import why_failed
from include.local.survey import settings_of
from include.local.system import database_of
from tests.end_to_end.living import RUN_TIMEOUT_S, Living, living_copy
from tests.end_to_end.small import NIGHT, SURVEY, Small

pytestmark = [
    pytest.mark.live,
    pytest.mark.filterwarnings(
        "ignore:The ``noload`` loader:sqlalchemy.exc.SADeprecationWarning"
    ),  # MLflow's own queries
]

CHANNEL = """
[[alerts.channels]]
name = "folder"
format = "gcn"
ask = true
"""


def _states(living: Living, dag: str) -> dict[str, str]:
    return {task.task: task.state for task in living.run(dag, {}).tasks}


def test_what_a_night_has_to_say_goes_out_when_a_person_says_so(
    prepared: Home, small: Small, workshop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, pipeline = workshop / "told", workshop / "alerts.toml"
    told.mkdir()
    pipeline.write_text(Settings().pipeline.read_text() + CHANNEL)
    monkeypatch.setenv("ASTRID_PIPELINE", str(pipeline))
    monkeypatch.setenv("ASTRID_ALERT_ADDRESSES", json.dumps({"folder": f"file://{told}"}))
    with living_copy(prepared, workshop / "alerts") as living:
        living.survey(SURVEY, small.folder)
        # Opens the channel; nothing has happened yet that it could hear of.
        assert _states(living, "deliver_alerts")["tell_held"] == "skipped"
        living.run("nightly_survey", {"survey": SURVEY}, night=NIGHT)
        assert _states(living, "deliver_alerts") == {"gate": "success", "deliver": "success", "tell_held": "success"}
        assert [*told.iterdir()] == []

        run_id = living.airflow.trigger("release_alerts", {})
        where = living.until_asked("release_alerts", run_id, "ask")
        asked = living.airflow._call("GET", where)
        assert "| folder |" in asked["body"]
        answer = {"chosen_options": ["Send"], "params_input": {"reason": "looked at"}}
        living.airflow._call("PATCH", where, answer)
        run = living.airflow.wait("release_alerts", run_id, timeout_s=RUN_TIMEOUT_S)
        assert run.state == "success", why_failed(living.home, run)
        assert _states(living, "deliver_alerts")["deliver"] == "success"

        settings = settings_of(living.home, database_of(living.home))
        with open_services(settings) as services, services.transaction() as records:
            entries = records.catalog.search()
            released = [event for event in records.events.all() if event.name == "alerts.released"]
        assert len([*told.rglob("*.json")]) == len(entries) > 0
        assert [(event.actor, event.facts["reason"]) for event in released] == [(LOGIN, "looked at")]

        page = living.home.results / f"{SURVEY}-{NIGHT}.html"
        page.unlink()
        living.run("nightly_report", {"survey": SURVEY, "night": NIGHT})
        assert page.read_text().startswith("<!")
