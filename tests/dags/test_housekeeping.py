"""What the daily housekeeping does with the store, and that it stops where something is lost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

from astrid_core.bootstrap import Pipeline
from astrid_core.catalog.entities import ExportJob
from astrid_core.differencing.retention import RetentionConfig
from astrid_core.shared.errors import CorruptArtifact
from astrid_core.shared.runs import RunKey
from astrid_core.stages.services import Services
from include import housekeeping
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels
from tests.fakes.records import MemoryDatabase

PIPELINE = Pipeline(retention=RetentionConfig(scrub_days=1))
DELETING = Pipeline(retention=RetentionConfig(scrub_days=1, delete_unreferenced=True))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryArtifacts:
    monkeypatch.setenv("ASTRID_HOME", str(tmp_path / "home"))
    return MemoryArtifacts()


@pytest.fixture
def services(store: MemoryArtifacts) -> Services:
    services = Services(artifacts=store, models=MemoryModels(), surveys={}, transaction=MemoryDatabase().transaction)
    ref = store.put(b"a page", media_type="text/html")
    store.put(b"left over", media_type="text/html")
    with services.transaction() as records:
        records.exports.add(ExportJob(key=RunKey("export-1"), files={"page": ref}, n_entries=0, n_points=0))
    store.modified |= dict.fromkeys(store.stored, datetime.now(tz=UTC) - timedelta(days=9))
    return services


def test_a_sound_store_is_counted_and_nothing_is_deleted_unless_the_settings_say_so(
    services: Services, store: MemoryArtifacts
) -> None:
    assert housekeeping.scrub_store(services, PIPELINE) == {"n_there": 2, "n_read": 2, "n_unreferenced": 1}
    assert housekeeping.collect_store(services, PIPELINE) == {"n_found": 1, "n_deleted": 0}
    assert len(store.stored) == 2
    assert housekeeping.collect_store(services, DELETING) == {"n_found": 1, "n_deleted": 1}
    assert list(store.stored.values()) == [b"a page"]
    assert set(housekeeping.drop_old_images(services, DELETING).values()) == {0}


def test_a_store_that_lost_something_stops_the_run_with_its_name(services: Services, store: MemoryArtifacts) -> None:
    digest = next(digest for digest, content in store.stored.items() if content == b"a page")
    store.stored[digest] = b"bit rot"
    with pytest.raises(CorruptArtifact, match=rf"n_corrupt=1, n_missing=0, first={digest}"):
        housekeeping.scrub_store(services, PIPELINE)
    del store.stored[digest]
    with pytest.raises(CorruptArtifact, match=rf"n_corrupt=0, n_missing=1, first={digest}"):
        housekeeping.scrub_store(services, replace(PIPELINE, retention=RetentionConfig()))


def test_nothing_is_deleted_before_all_was_found_sound() -> None:
    bag = DagBag(str(Path(housekeeping.__file__).parents[1] / "dags" / "housekeeping.py"))
    (dag,) = bag.dags.values()
    assert {task.task_id: task.upstream_task_ids for task in dag.tasks} == {
        "scrub": set(), "collect": {"scrub"}, "drop": {"collect"}
    }  # fmt: skip
    assert {task.trigger_rule for task in dag.tasks} == {"all_success"}
