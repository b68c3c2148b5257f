"""What comes after scoring, over memory twins: queue, verdicts, catalog, export, report."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from astrid_core.catalog.config import PublishConfig, ReportConfig
from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.curation.access import Role
from astrid_core.curation.config import CurateConfig
from astrid_core.curation.entities import Verdict
from astrid_core.shared.errors import BadConfiguration, UnknownRecord
from astrid_core.shared.runs import RunKey
from astrid_core.stages.access import grant_role
from astrid_core.stages.curate import run_curate
from astrid_core.stages.export import run_export
from astrid_core.stages.publish import run_publish
from astrid_core.stages.report import run_report
from astrid_core.stages.review import record_verdict
from astrid_core.stages.review_queue import list_pending
from astrid_core.stages.services import Services
from tests.catalog.night import NIGHT, difference_run, model_run, observation, preprocess_run
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels, MemoryNetwork
from tests.fakes.records import MemoryDatabase
from tests.stages.exported import exported_files
from tests.stages.voting import REFERENCE

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLACES = [(50.0, 50.0, 20.0), (20.0, 30.0, -9.0), (80.0, 80.0, 6.0)]
SCORES = [0.98, 0.7, 0.1]
MODEL, INSTRUMENT = "unet/1", "widecam"


def _scored() -> tuple[Services, RunKey]:
    """A night of one exposure with three detections, the last below the threshold."""
    database = MemoryDatabase()
    services = Services(
        artifacts=MemoryArtifacts(), models=MemoryModels(), surveys={}, transaction=database.transaction
    )
    seen = replace(observation(1), instrument=INSTRUMENT)
    difference = difference_run(seen, PLACES)
    scored = model_run(difference, SCORES)
    with services.transaction() as records:
        records.observations.add(seen)
        records.preprocess_runs.add(preprocess_run(seen))
        records.references.add(REFERENCE)
        records.difference_runs.add(difference)
        records.model_runs.add(scored)
    return services, scored.key


def test_only_good_scores_wait_for_people_and_only_once() -> None:
    services, key = _scored()
    assert run_curate(services, key, CurateConfig()) == 2
    assert run_curate(services, key, CurateConfig()) == 0
    waiting = list_pending(services)
    assert [one.score for one in waiting] == [0.98, 0.7]
    assert waiting[0].night == NIGHT


def test_publishing_twice_changes_nothing() -> None:
    services, key = _scored()
    first = run_publish(services, "demo", NIGHT, PublishConfig(), [key])
    assert (first.n_published, first.n_new_entries, first.n_below_threshold) == (2, 2, 1)
    before = run_export(services, ExportConfig())
    again = run_publish(services, "demo", NIGHT, PublishConfig(), [key])
    assert (again.n_published, again.n_new_entries, again.n_changed_entries, again.n_known) == (0, 0, 0, 2)
    assert run_export(services, ExportConfig()) == before


def test_the_threshold_may_be_the_one_that_the_model_keeps_for_a_density_of_false_alarms() -> None:
    services, key = _scored()
    _register(services, {"thresholds_per_deg2": {"10": 0.8, "100": 0.05}})
    few = run_publish(services, "demo", NIGHT, PublishConfig(max_false_per_deg2=10.0), [key])
    assert (few.n_published, few.n_below_threshold) == (1, 2)
    assert few.min_scores == {MODEL: {INSTRUMENT: 0.8}}
    many = run_publish(services, "demo", NIGHT, PublishConfig(max_false_per_deg2=100.0), [key])
    assert (many.n_known, many.n_published) == (1, 2)
    with services.transaction() as records:
        told = [event.facts["min_scores"] for event in records.events.all() if event.name == "catalog.published"]
    assert told == [{MODEL: {INSTRUMENT: 0.8}}, {MODEL: {INSTRUMENT: 0.05}}]


def test_a_threshold_that_the_model_does_not_keep_publishes_nothing() -> None:
    services, key = _scored()
    _register(services, {"thresholds_per_deg2": {"10": 0.8}})
    with pytest.raises(BadConfiguration, match=rf"model={MODEL}.*max_false_per_deg2=30.*known=10"):
        run_publish(services, "demo", NIGHT, PublishConfig(max_false_per_deg2=30.0), [key])
    with services.transaction() as records:
        assert list(records.catalog.search()) == []


def _register(services: Services, manifest: Mapping[str, object]) -> None:
    model = services.models.register(
        "unet", MemoryNetwork(threshold=1.0), recipe=RunKey("train-1"), parameters={}, metrics={}, manifest=manifest
    )
    assert model.id == MODEL


def test_a_run_of_another_night_is_refused() -> None:
    services, key = _scored()
    with pytest.raises(ValueError, match="not of demo 2020-01-01"):
        run_publish(services, "demo", "2020-01-01", PublishConfig(), [key])


def test_a_detection_that_was_judged_bogus_is_not_published() -> None:
    services, key = _scored()
    run_curate(services, key, CurateConfig(n_votes=1))
    grant_role(services, login="vera", role=Role.REVIEWER)
    detection_id = list_pending(services)[0].detection_id
    record_verdict(
        services, event_id=UUID(int=1), detection_id=detection_id, login="vera", verdict=Verdict.BOGUS, at=NOW
    )
    summary = run_publish(services, "demo", NIGHT, PublishConfig(), [key])
    assert (summary.n_judged_bogus, summary.n_published) == (1, 1)


def test_an_export_is_named_by_its_content_and_holds_what_the_catalog_holds() -> None:
    services, key = _scored()
    empty = run_export(services, ExportConfig())
    run_publish(services, "demo", NIGHT, PublishConfig(), [key])
    full = run_export(services, ExportConfig())
    assert full != empty
    files = exported_files(services, full)
    assert {"manifest.json", "SHA256SUMS", "catalog.parquet", "light_curves.parquet"} <= set(files)
    assert len(files["catalog.csv"].splitlines()) == 3
    with pytest.raises(UnknownRecord, match="no such export"):
        exported_files(services, RunKey("export-none"))


def test_a_report_counts_the_night_and_is_drawn_once() -> None:
    services, key = _scored()
    run_publish(services, "demo", NIGHT, PublishConfig(), [key])
    report = run_report(services, survey="demo", night=NIGHT, config=ReportConfig(max_cutouts=0))
    assert "1 in: 1 searched, 0 skipped, 0 failed" in report.table
    assert report.facts.n_entries_new == 2
    assert run_report(services, survey="demo", night=NIGHT, config=ReportConfig(max_cutouts=0)).key == report.key
    with services.transaction() as records:
        assert [event.name for event in records.events.all()].count("analytics.recorded") == 1
