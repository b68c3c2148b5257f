"""A bad recipe is mended and its night brought up to date, on Airflow: ``make test-live``."""

from collections.abc import Collection
from pathlib import Path
from uuid import UUID

import pytest

from astrid_core.bootstrap import open_services
from astrid_core.settings import Settings
from include.local.home import Home
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

DAG = "region_backfill"
SHIPPED, BAD = "threshold_sigma = 5.0", "threshold_sigma = 25.0"


def _entries(living: Living) -> dict[str, int]:
    settings = settings_of(living.home, database_of(living.home))
    with open_services(settings) as services, services.transaction() as records:
        return {str(one.id): one.n_detections for one in records.catalog.search()}


def _successors(living: Living, gone: Collection[str]) -> list[str]:
    settings = settings_of(living.home, database_of(living.home))
    with open_services(settings) as services, services.transaction() as records:
        return [str(records.catalog.get(UUID(one)).successor) for one in gone]


def _backfill(living: Living, mode: str, *, max_hours: float = 10.0, answer: str = "") -> dict[str, str]:
    """Run it, answering where a person is asked; return the states of its single tasks."""
    nights = {"first_night": NIGHT, "last_night": NIGHT}
    run_id = living.airflow.trigger(DAG, {"survey": SURVEY, "mode": mode, "max_hours": max_hours, **nights})
    if answer:
        where = living.until_asked(DAG, run_id, "ask")
        assert "stale" in living.airflow._call("GET", where)["body"]
        living.airflow._call("PATCH", where, {"chosen_options": [answer], "params_input": {}})
    run = living.airflow.wait(DAG, run_id, timeout_s=RUN_TIMEOUT_S)
    assert run.state == "success", why_failed(living.home, run)
    told = living.airflow.result(DAG, run_id, "compare") if mode != "dry" and answer != "Leave it" else None
    return {task.task: task.state for task in run.tasks} | {"told": str(told)}


def test_what_a_bad_recipe_missed_is_shown_then_put_into_the_catalog(
    prepared: Home, small: Small, workshop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, shipped = workshop / "backfill.toml", Settings().pipeline.read_text()
    assert SHIPPED in shipped
    pipeline.write_text(shipped.replace(SHIPPED, BAD))
    monkeypatch.setenv("ASTRID_PIPELINE", str(pipeline))
    with living_copy(prepared, workshop / "backfill") as living:
        living.survey(SURVEY, small.folder)
        living.run("nightly_survey", {"survey": SURVEY}, night=NIGHT)
        before = _entries(living)
        pipeline.write_text(shipped)

        assert _backfill(living, "dry")["start"] == "skipped"
        refused = _backfill(living, "commit", max_hours=0.0, answer="Leave it")
        assert (refused["start"], refused["exchange"]) == ("skipped", "skipped")
        assert _entries(living) == before

        shown = _backfill(living, "shadow", max_hours=0.0, answer="Begin")
        assert (shown["compare"], shown["exchange"]) == ("success", "skipped")
        assert _entries(living) == before
        done = _backfill(living, "commit")
        assert (done["ask"], done["exchange"], done["report"]) == ("skipped", "success", "success")
        assert done["told"] == shown["told"]
        after = _entries(living)
        assert len(after) > len(before)
        # Objects keep their names, save for those that are seen in an earlier exposure now: they name their successors.
        assert all(successor in after for successor in _successors(living, before.keys() - after.keys()))
        assert "0 gained, 0 lost, 0 changed" in _backfill(living, "commit")["told"]
