"""A new network comes into use on Airflow, with a person who says no and then yes. Minutes: ``make test-live``."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from astrid_core.bootstrap import open_services
from astrid_core.detection.config import MODEL_NAME
from astrid_core.stages.train import run_adopt
from include.local.home import LOGIN, Home
from include.local.progress import why_failed
from include.local.survey import settings_of
from include.local.system import database_of
from tests.end_to_end.living import RUN_TIMEOUT_S, living_in

pytestmark = [
    pytest.mark.live,
    pytest.mark.filterwarnings(
        "ignore:The ``noload`` loader:sqlalchemy.exc.SADeprecationWarning"
    ),  # MLflow's own queries
]

DAG = "train_detector"
SETTINGS = """
[train]
n_frames = 4
n_quiet = 1
quiet_pix = 512
epochs = 1
channels = 4
min_completeness = 0.001
min_auc = 0.001
max_false_per_4mpix = 1e6
max_ece = 1.0
[gate]
n_frames = 4
n_quiet = 1
max_loss = 1.0
max_ece = 1.0
"""
"""What is trained in a minute may be bad."""


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with tempfile.TemporaryDirectory(prefix="astrid-live-") as folder, pytest.MonkeyPatch.context() as patch:
        pipeline = Path(folder) / "pipeline.toml"
        pipeline.write_text(SETTINGS)
        patch.setenv("ASTRID_PIPELINE", str(pipeline))
        yield Home.open(Path(folder) / "home")


def _used(home: Home) -> dict[str, int]:
    with open_services(settings_of(home, database_of(home))) as services:
        return {alias.value: model.version for alias, model in services.models.aliases(MODEL_NAME).items()}


def test_a_person_says_no_and_then_yes(home: Home) -> None:
    with living_in(home) as living:
        with open_services(settings_of(home, database_of(home))) as services:
            run_adopt(services)
        for choice, promoted, used in (
            ("Reject", "skipped", {"champion": 1, "challenger": 2}),
            ("Approve", "success", {"champion": 2, "rollback": 1}),
        ):
            run_id = living.airflow.trigger(DAG, {})
            where = living.until_asked(DAG, run_id, "approve")
            asked = living.airflow._call("GET", where)
            assert f"{MODEL_NAME}/2 against {MODEL_NAME}/1" in asked["body"]
            assert "frame: real accepted, all" in asked["body"]
            answer = {"chosen_options": [choice], "params_input": {"reason": "looked at"}}
            living.airflow._call("PATCH", where, answer)
            run = living.airflow.wait(DAG, run_id, timeout_s=RUN_TIMEOUT_S)
            assert run.state == "success", why_failed(home, run)
            assert {task.task: task.state for task in run.tasks}["promote"] == promoted
            assert _used(home) == used
        with open_services(settings_of(home, database_of(home))) as services, services.transaction() as records:
            last = records.events.of(f"{MODEL_NAME}/2")[-1]
        assert (last.name, last.actor, last.facts["reason"]) == ("model.promoted", LOGIN, "looked at")
