"""The work behind the tasks, over memory twins: the whole night, then what may go wrong in it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from astrid_core.bootstrap import load_pipeline
from astrid_core.catalog.report_links import Links
from astrid_core.settings import Settings
from astrid_core.shared.errors import BadConfiguration, PermanentFailure, UnknownModel, Unprocessable
from astrid_core.shared.runs import RunKey
from astrid_core.stages.batch import BatchResult, succeeded
from astrid_core.stages.heavy import HeavyStage
from astrid_core.stages.lifecycle import quarantine_observation
from include import gates, references, search
from include.batches import MAX_BATCHES
from include.dag_settings import region_param
from include.messages import Batch, Request
from include.quality.overview import read_checks
from include.quality.places import docs_of
from include.request import night_of_run, nights_between, pin_request, read_region, recipe_of
from tests.fakes.models import with_champion
from tests.stages.scene import NIGHT, REFERENCE_NIGHTS, Scene, scene
from tests.synthetic.sky_maps import multi_order_file, some_cells

SCIENCE = f"demo:{NIGHT}/a.fits"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A survey with a model, of which nothing is recorded yet."""
    monkeypatch.setenv("ASTRID_HOME", str(tmp_path))
    made = scene()
    with_champion(made.models)
    return made


def _pinned(made: Scene, *nights: str, region: str | None = None, force: bool = False) -> Request:
    return pin_request(made.services, nights=nights or (NIGHT,), survey=None, region=region, force=force)


def _searched(made: Scene, request: Request) -> list[Batch]:
    planned = search.plan_batches(made.services, request, n_slots=2)
    for batch in planned:
        prepared = search.preprocess_batch(made.services, batch)
        subtracted = search.heavy_batch(made.services, HeavyStage.DIFFERENCE, prepared, request)
        search.heavy_batch(made.services, HeavyStage.DETECT, subtracted, request)
    return planned


def _referenced(made: Scene) -> list[str]:
    wanted: dict[str, Any] = {"survey": None, "region": None, "exclude_night": NIGHT, "exclude": [], "before_mjd": None}
    for batch in references.plan_inputs(made.services, wanted, n_slots=2):  # type: ignore[arg-type]
        references.prepare_inputs(made.services, batch)
    return [
        digest
        for batch in references.plan_coadds(made.services, wanted)  # type: ignore[arg-type]
        for digest in references.coadd_groups(made.services, batch)["in_use"]
    ]


def test_a_night_goes_from_files_to_a_page_and_again_finds_nothing_to_do(made: Scene, tmp_path: Path) -> None:
    assert len(_referenced(made)) == 1
    request = _pinned(made)
    assert search.ingest_surveys(made.services, request) == {
        "n_new": 0, "n_known": 3, "n_rejected": 0, "n_undelivered": 0,
    }  # fmt: skip
    assert gates.check_ingested(made.services, request) == 1
    planned = _searched(made, request)
    assert [batch["items"] for batch in planned] == [[SCIENCE]]
    counts = search.gather(made.services, request, planned, max_failed=0.0)
    assert counts == {"n_planned": 1, "n_scored": 1, "n_skipped": 0, "n_failed": 0}
    assert gates.check_prepared(made.services, request) == 1
    assert gates.check_found(made.services, request) >= 1
    assert gates.trip_breaker(made.services, request) == 0
    assert search.curate_all(made.services, request) >= 1
    published = search.publish_all(made.services, request)["n_new_entries"]
    assert published >= 1
    assert sum(search.look_up_all(made.services, request).values()) == published
    assert search.measure_all(made.services, request)["n_measured"] == published
    (key,) = search.report_all(made.services, request)
    assert (tmp_path / "results" / f"demo-{NIGHT}.html").read_text().startswith("<!")

    again = search.plan_batches(made.services, request, n_slots=2)
    assert again == []
    (tmp_path / "results" / f"demo-{NIGHT}.html").unlink()
    assert search.report_again(made.services, None, NIGHT) == [key]
    assert json.loads((tmp_path / "results" / f"demo-{NIGHT}.json").read_text())["key"] == key
    with pytest.raises(Unprocessable, match="no exposure of this night is recorded"):
        search.report_again(made.services, "demo", "2001-01-01")
    assert search.gather(made.services, request, again, max_failed=0.0)["n_scored"] == 1
    assert search.publish_all(made.services, request)["n_published"] == 0
    assert search.report_all(made.services, request) == [key]
    forced = search.plan_batches(made.services, _pinned(made, force=True), n_slots=2)
    assert [batch["items"] for batch in forced] == [[SCIENCE]]


def test_a_report_is_another_one_only_where_its_links_lead_elsewhere(made: Scene) -> None:
    _referenced(made)
    request = _pinned(made)
    search.ingest_surveys(made.services, request)
    links = [
        Links(
            stage=f"https://airflow.example/runs/{run}/{{stage}}", observation="https://airflow.example/{observation}"
        )
        for run in ("first", "second")
    ]
    # The exposure was not searched: each page leads to the run that left it undone.
    unfinished = [search.report_all(made.services, request, one) for one in links]
    assert unfinished[0] != unfinished[1]
    _searched(made, request)
    done = [search.report_all(made.services, request, one) for one in links]
    assert done[0] == done[1] == search.report_all(made.services, request)
    assert done[0] not in unfinished


def test_a_night_is_searched_again_with_injections_that_show_on_its_page_only(made: Scene, tmp_path: Path) -> None:
    _referenced(made)
    request = _pinned(made)
    search.ingest_surveys(made.services, request)
    assert search.plan_injections(made.services, request, n_slots=2) == []
    _searched(made, request)
    search.publish_all(made.services, request)
    reported = search.report_all(made.services, request)
    page = tmp_path / "results" / f"demo-{NIGHT}.html"
    assert "0 exposures searched once more with injected sources; 1 more chosen" in page.read_text()

    (batch,) = search.plan_injections(made.services, request, n_slots=2)
    assert batch["label"] == "injections 1-1"
    (key,) = search.heavy_batch(made.services, HeavyStage.INJECT, batch, request)["items"]
    (completed,) = search.complete_reports(made.services, request, reported)
    assert completed != reported[0]
    assert "1 exposure searched once more with injected sources:" in page.read_text()
    assert "What the search finds" in page.read_text()

    assert search.plan_injections(made.services, request, n_slots=2) == []
    forced = search.plan_injections(made.services, _pinned(made, force=True), n_slots=2)
    assert [one["items"] for one in forced] == [batch["items"]]
    assert search.heavy_batch(made.services, HeavyStage.INJECT, forced[0], request)["items"] == [key]
    assert search.complete_reports(made.services, request, reported) == [completed]
    assert search.publish_all(made.services, request)["n_published"] == 0


def test_a_night_is_tracked_and_its_page_tells_so(made: Scene, tmp_path: Path) -> None:
    _referenced(made)
    request = _pinned(made)
    search.ingest_surveys(made.services, request)
    _searched(made, request)
    reported = search.report_all(made.services, request)
    page = tmp_path / "results" / f"demo-{NIGHT}.html"
    assert "The network</h2>" not in page.read_text()
    (batch,) = search.plan_injections(made.services, request, n_slots=2)
    search.heavy_batch(made.services, HeavyStage.INJECT, batch, request)
    assert search.track_models(made.services, request) == 0
    completed = search.complete_reports(made.services, request, reported)
    assert "The network</h2>" in page.read_text()
    assert "too little to compare with" in page.read_text()
    assert search.track_models(made.services, request) == 0
    assert search.complete_reports(made.services, request, reported) == completed
    with made.services.transaction() as records:
        assert [one.name for one in records.events.all()].count("model.tracked") == 1


def test_nothing_is_tracked_of_a_night_that_nobody_asked_for(made: Scene) -> None:
    with pytest.raises(search.NothingPlanned):
        search.track_models(made.services, None)


def test_a_night_without_a_report_does_not_look_complete(made: Scene) -> None:
    for request, reported in ((None, None), (_pinned(made), None)):
        with pytest.raises(search.NothingPublished):
            search.complete_reports(made.services, request, reported)


def test_injections_that_fail_leave_the_page_as_it_is(made: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    _referenced(made)
    request = _pinned(made)
    search.ingest_surveys(made.services, request)
    _searched(made, request)
    reported = search.report_all(made.services, request)
    (batch,) = search.plan_injections(made.services, request, n_slots=2)

    def broken(*_: object, **__: object) -> RunKey:
        raise PermanentFailure("disk is gone")

    monkeypatch.setattr("astrid_core.stages.heavy.run_injection", broken)
    with pytest.raises(PermanentFailure, match="disk is gone"):
        search.heavy_batch(made.services, HeavyStage.INJECT, batch, request)
    assert search.complete_reports(made.services, request, reported) == reported


def test_a_region_leaves_the_rest_of_the_night_alone(made: Scene) -> None:
    elsewhere = _pinned(made, region="cone(10.68,-41.27,0.5deg)")
    search.ingest_surveys(made.services, elsewhere)
    assert search.plan_batches(made.services, elsewhere, n_slots=2) == []
    assert gates.check_ingested(made.services, elsewhere) == 0


def test_what_is_in_quarantine_passes_no_gate_and_is_not_planned(made: Scene) -> None:
    request = _pinned(made)
    search.ingest_surveys(made.services, request)
    quarantine_observation(made.services, SCIENCE, reason="clouds")
    assert gates.check_ingested(made.services, request) == 0
    assert search.plan_batches(made.services, {**request, "force": True}, n_slots=2) == []
    assert search.gather(made.services, request, [], max_failed=0.0)["n_failed"] == 0


def test_several_nights_are_published_the_older_ones_first(made: Scene) -> None:
    request = _pinned(made, *REFERENCE_NIGHTS, NIGHT)
    search.ingest_surveys(made.services, request)
    planned = search.plan_batches(made.services, request, n_slots=1)
    nights = [item.removeprefix("demo:").partition("/")[0] for batch in planned for item in batch["items"]]
    assert nights == [*REFERENCE_NIGHTS, NIGHT]


def test_without_a_reference_the_exposure_is_skipped_not_failed(made: Scene) -> None:
    request = _pinned(made)
    search.ingest_surveys(made.services, request)
    with pytest.raises(Unprocessable, match="no reference"):
        _searched(made, request)
    planned = [Batch(label="exposures 1-1", items=[SCIENCE])]
    counts = search.gather(made.services, request, planned, max_failed=0.0)
    assert (counts["n_skipped"], counts["n_failed"]) == (1, 0)


def test_unfinished_exposures_above_the_threshold_stop_the_night(made: Scene) -> None:
    request = _pinned(made)
    search.ingest_surveys(made.services, request)
    planned = search.plan_batches(made.services, request, n_slots=2)
    assert search.gather(made.services, request, planned, max_failed=1.0)["n_failed"] == 1
    with pytest.raises(search.TooManyFailures) as caught:
        search.gather(made.services, request, planned, max_failed=0.9)
    assert caught.value.facts["first"] == SCIENCE


def test_a_night_that_was_never_planned_does_not_look_done(made: Scene) -> None:
    with pytest.raises(search.NothingPlanned):
        search.gather(made.services, None, None, max_failed=1.0)
    with pytest.raises(search.NothingPlanned):
        search.gather(made.services, _pinned(made), None, max_failed=1.0)


def test_a_batch_of_which_nothing_is_left_is_skipped_or_failed_with_the_first_reason() -> None:
    good = BatchResult(keys=(RunKey("a-1"),), skipped={"b": "no stars"}, failed={"c": "corrupt"})
    assert succeeded(good) == ("a-1",)
    with pytest.raises(Unprocessable, match="no stars"):
        succeeded(BatchResult(keys=(), skipped={"b": "no stars"}))
    with pytest.raises(PermanentFailure, match="corrupt"):
        succeeded(BatchResult(keys=(), skipped={"b": "no stars"}, failed={"c": "corrupt"}))


def test_references_that_cannot_be_built_are_no_failure_of_the_others(made: Scene) -> None:
    digests = _referenced(made)
    assert digests == _referenced(made)
    with pytest.raises(Unprocessable, match="no reference could be built"):
        references.coadd_groups(
            made.services,
            {"label": "none", "groups": [{"cells": ["6/1"], "band": "r", "leaves_out": "", "items": []}]},
        )
    with pytest.raises(Unprocessable, match="no reference that was built is in use"):
        references.require_in_use(references.check_built(made.services, [{"built": digests, "in_use": []}]))


def test_references_that_were_built_pass_their_gate_and_are_on_its_page(made: Scene) -> None:
    digests = _referenced(made)
    assert references.check_built(made.services, [{"built": digests, "in_use": digests}])["in_use"] == digests
    (check,) = read_checks(docs_of(Settings().home))
    assert (check.table, check.about, check.failed) == ("references", "demo", ())


def test_the_model_is_pinned_and_must_exist(made: Scene) -> None:
    request = _pinned(made)
    assert request["model"]["name"] == "astrid-detection"
    with_champion(made.models, threshold_sigma=9.0)
    assert recipe_of(request, load_pipeline()).model.version == request["model"]["version"] == 1
    with pytest.raises(UnknownModel, match="train_detector"):
        _pinned(scene())


def test_an_unknown_survey_or_a_region_without_sense_is_refused(made: Scene) -> None:
    with pytest.raises(BadConfiguration, match="known=demo"):
        pin_request(made.services, nights=[NIGHT], survey="other", region=None, force=False)
    with pytest.raises(BadConfiguration, match="radius"):
        _pinned(made, region="cone(10,10,200deg)")
    assert read_region("") is None


def test_a_region_in_a_file_is_pinned_as_its_cells(made: Scene, tmp_path: Path) -> None:
    path = multi_order_file(tmp_path / "map.fits.gz", some_cells())
    text = f"skymap({path},0.9)"
    assert re.search(region_param().schema["pattern"], text)
    told = read_region(text)
    pinned = _pinned(made, region=text)["region"]
    path.unlink()
    assert pinned is not None
    assert pinned.startswith("moc(")
    assert read_region(pinned) == told
    with pytest.raises(BadConfiguration, match=r"map\.fits\.gz"):
        _pinned(made, region=text)


def test_a_run_knows_its_night_by_partition_or_by_parameter() -> None:
    assert night_of_run("2026-11-20", None) == "2026-11-20"
    assert night_of_run(None, "2026-11-20") == "2026-11-20"
    assert night_of_run("2026-11-20", "2026-11-20") == "2026-11-20"
    with pytest.raises(BadConfiguration, match="needs the parameter night"):
        night_of_run(None, None)
    with pytest.raises(BadConfiguration, match="two nights"):
        night_of_run("2026-11-20", "2026-11-21")
    with pytest.raises(BadConfiguration, match="YYYY-MM-DD"):
        night_of_run("2026-11-31", None)


def test_nights_are_counted_with_both_ends_and_not_without_end() -> None:
    assert nights_between("2026-12-31", "2027-01-01") == ["2026-12-31", "2027-01-01"]
    assert len(nights_between("2026-01-01", "2026-01-31")) == 31
    for first, last in (("2026-01-02", "2026-01-01"), ("2026-01-01", "2026-02-01")):
        with pytest.raises(BadConfiguration):
            nights_between(first, last)
    assert MAX_BATCHES <= 100
