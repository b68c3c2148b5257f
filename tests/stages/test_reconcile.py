"""What an archive lists against what is recorded, over memory twins."""

import pytest

from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import Survey
from astrid_core.shared.errors import ArchiveUnavailable, BadConfiguration
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.reconcile import run_reconcile
from astrid_core.stages.services import Services
from tests.fakes.surveys import MemorySurvey
from tests.stages import raw_scene
from tests.stages.test_ingest import frame, services

LIMIT = IngestConfig(max_attempts=2)


@pytest.fixture
def survey() -> MemorySurvey:
    return MemorySurvey(
        Survey(name="sky"), {"a.fits": frame(0, "a"), "b.fits": frame(1, "b"), "broken.fits": b"nothing"}
    )


def last_event(ready: Services) -> tuple[str, dict[str, object]]:
    with ready.transaction() as records:
        event = list(records.events.all())[-1]
    return event.name, dict(event.facts)


def test_an_archive_that_is_recorded_misses_nothing(survey: MemorySurvey) -> None:
    ready = services(survey)
    run_ingest(ready, "sky", LIMIT)
    summary = run_reconcile(ready, "sky", LIMIT)
    assert (summary.n_listed, summary.n_missing, summary.vanished) == (3, 0, ())
    counts = {"n_listed": 3, "n_missing": 0, "n_recovered": 0, "n_waiting": 0, "n_given_up": 0, "n_vanished": 0}
    assert last_event(ready) == ("survey.reconciled", {**counts, "vanished": []})


def test_what_is_missing_is_asked_for_until_it_is_given_up_and_again_when_somebody_says_so(
    survey: MemorySurvey,
) -> None:
    survey.withheld["a.fits"] = "status 503"
    ready = services(survey)
    first = run_reconcile(ready, "sky", LIMIT)
    assert (first.n_missing, first.n_recovered, first.n_waiting, first.n_given_up) == (3, 2, 1, 0)
    second, third = (run_reconcile(ready, "sky", LIMIT) for _ in range(2))
    assert (second.n_missing, second.n_waiting, second.n_given_up) == (1, 0, 1)
    assert third == second
    assert survey.asked.count("a.fits") == 2
    del survey.withheld["a.fits"]
    assert run_reconcile(ready, "sky", LIMIT).n_given_up == 1
    retried = run_reconcile(ready, "sky", LIMIT, retry=True)
    assert (retried.n_missing, retried.n_recovered, retried.n_given_up) == (1, 1, 0)
    with ready.transaction() as records:
        assert records.undelivered.all() == ()
        assert ["attempts.forgotten", "sky"] in [[event.name, event.subject] for event in records.events.all()]


def test_a_file_that_the_archive_replaced_is_asked_for_anew(survey: MemorySurvey) -> None:
    survey.withheld["a.fits"] = "status 503"
    ready = services(survey)
    for _ in range(3):
        run_reconcile(ready, "sky", LIMIT)
    survey.files["a.fits"] += bytes(2880)
    del survey.withheld["a.fits"]
    assert run_reconcile(ready, "sky", LIMIT).n_recovered == 1


def test_what_vanished_is_named_and_stays_recorded(survey: MemorySurvey) -> None:
    ready = services(survey)
    run_ingest(ready, "sky", LIMIT)
    del survey.files["a.fits"]
    assert run_reconcile(ready, "sky", LIMIT).vanished == ("sky:a.fits",)
    assert last_event(ready)[1]["vanished"] == ["sky:a.fits"]
    with ready.transaction() as records:
        assert records.observations.get("sky:a.fits").object_name == "a"


def test_an_archive_that_cannot_be_asked_has_lost_nothing(survey: MemorySurvey) -> None:
    ready = services(survey)
    run_ingest(ready, "sky", LIMIT)
    survey.available = False
    with pytest.raises(ArchiveUnavailable):
        run_reconcile(ready, "sky", LIMIT)
    assert last_event(ready)[0] != "survey.reconciled"
    with pytest.raises(BadConfiguration, match="survey=elsewhere"):
        run_reconcile(ready, "elsewhere", LIMIT)


def test_calibration_frames_are_not_missing() -> None:
    ready = raw_scene.services({"bias.fits": raw_scene.calibration_files("2024-01-10")["2024-01-10/bias0.fits"]})
    first, second = (run_reconcile(ready, "raw", LIMIT) for _ in range(2))
    assert (first.n_missing, first.n_recovered, first.n_waiting) == (1, 1, 0)
    assert (second.n_listed, second.n_missing, second.n_waiting) == (1, 0, 0)
