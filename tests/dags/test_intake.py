"""The work behind the tasks that look what archives hold, over memory twins."""

from dataclasses import replace

import pytest

from astrid_core.bootstrap import Pipeline
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import Survey
from astrid_core.shared.errors import ArchiveUnavailable, BadConfiguration
from astrid_core.stages.services import Services
from include import calibrations
from include.intake import ingest_wanted, reconcile_wanted
from include.messages import CalibrationRequest, IngestRequest
from include.surveys import SurveyFailed, at_least_one, list_surveys
from tests.fakes.surveys import MemorySurvey
from tests.stages.test_ingest import frame, services

EVERYTHING = IngestRequest(survey=None, region=None, first_night=None, last_night=None)


class Refusing(MemorySurvey):
    """An archive whose address is wrong."""

    def listing(self) -> tuple[()]:
        raise BadConfiguration("no such address", survey=self.survey.name)


@pytest.fixture
def ready() -> Services:
    first = MemorySurvey(Survey(name="sky"), {"a.fits": frame(0, "a"), "broken.fits": b"nothing"})
    second = MemorySurvey(Survey(name="other"), {"b.fits": frame(1, "b")})
    return replace(services(first), surveys={"sky": first, "other": second})


def test_every_survey_is_looked_at_unless_one_is_named(ready: Services) -> None:
    counts = ingest_wanted(ready, {**EVERYTHING, "survey": "other"})
    assert counts == {"n_new": 1, "n_changed": 0, "n_rejected": 0, "n_undelivered": 0, "n_given_up": 0}
    assert ingest_wanted(ready, EVERYTHING)["n_new"] == 1
    assert list_surveys(ready, None) == ["other", "sky"]


def test_nonsense_is_refused_before_anything_is_asked(ready: Services) -> None:
    for wanted in (
        {**EVERYTHING, "survey": "elsewhere"},
        {**EVERYTHING, "region": "M31"},
        {**EVERYTHING, "first_night": "2025-05-03"},
        {**EVERYTHING, "first_night": "2025-05-03", "last_night": "2025-05-01"},
    ):
        with pytest.raises(BadConfiguration):
            ingest_wanted(ready, IngestRequest(**wanted))  # type: ignore[typeddict-item]
    with pytest.raises(BadConfiguration, match="no survey is configured"):
        list_surveys(replace(ready, surveys={}), None)
    assert ingest_wanted(ready, {**EVERYTHING, "first_night": "2025-05-03", "last_night": "2025-05-04"})["n_new"] == 2


def test_a_survey_that_is_down_does_not_keep_the_others_from_being_read(ready: Services) -> None:
    down = ready.surveys["other"]
    assert isinstance(down, MemorySurvey)
    down.available = False
    with pytest.raises(ArchiveUnavailable):
        ingest_wanted(ready, EVERYTHING)
    with ready.transaction() as records:
        assert [one.id for one in records.observations.search()] == ["sky:a.fits"]


def test_a_survey_that_no_retry_mends_is_named_when_the_others_were_read(ready: Services) -> None:
    broken = replace(ready, surveys={**ready.surveys, "broken": Refusing(Survey(name="broken"), {})})
    with pytest.raises(SurveyFailed, match=r"n_failed=1, survey=broken.*no such address"):
        ingest_wanted(broken, EVERYTHING)
    with ready.transaction() as records:
        assert len(records.observations.search()) == 2


def test_reconciling_counts_over_all_surveys(ready: Services) -> None:
    withheld = ready.surveys["other"]
    assert isinstance(withheld, MemorySurvey)
    withheld.withheld["b.fits"] = "status 503"
    counts = reconcile_wanted(ready, None, retry=False)
    assert counts == {
        "n_listed": 3, "n_missing": 3, "n_recovered": 2, "n_waiting": 1, "n_given_up": 0, "n_vanished": 0,
    }  # fmt: skip
    withheld.withheld.clear()
    withheld.files["c.fits"] = withheld.files.pop("b.fits")
    assert reconcile_wanted(ready, "other", retry=True)["n_recovered"] == 1


def test_whoever_looks_for_calibration_frames_gives_up_what_the_settings_say(
    ready: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrations, "load_pipeline", lambda: Pipeline(ingest=IngestConfig(max_attempts=1)))
    survey = ready.surveys["other"]
    assert isinstance(survey, MemorySurvey)
    survey.withheld["b.fits"] = "status 503"
    for _ in range(2):
        calibrations.plan_setups(ready, CalibrationRequest(survey="other", first_night=None, last_night=None))
    assert survey.asked.count("b.fits") == 1


def test_a_night_goes_on_without_a_survey_that_cannot_be_read() -> None:
    def look(survey: str) -> str:
        if survey != "sky":
            raise ArchiveUnavailable("no answer", survey=survey)
        return survey

    assert at_least_one(["down", "sky"], look) == ["sky"]
    with pytest.raises(ArchiveUnavailable, match="survey=down"):
        at_least_one(["down"], look)
    assert at_least_one([], look) == []
