from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import ListedFile, Observation, Rejection, Survey, UndeliveredFile
from astrid_core.shared.errors import ArchiveUnavailable, BadConfiguration
from astrid_core.shared.events import verify_chain
from astrid_core.shared.sky import Region, SkyPosition
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.services import Services
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.records import MemoryDatabase
from tests.fakes.surveys import MemorySurvey
from tests.synthetic.broken import as_bytes, exposure

FIRST, SECOND = "2025-05-03", "2025-05-04"


def frame(night: int, name: str = "") -> bytes:
    return as_bytes(exposure(mid_mjd=60799.2 + night, OBJECT=name))


def services(survey: MemorySurvey) -> Services:
    return Services(
        artifacts=MemoryArtifacts(),
        models=None,  # type: ignore[arg-type]  # ingest asks no model
        surveys={survey.survey.name: survey},
        transaction=MemoryDatabase().transaction,
    )


@pytest.fixture
def survey() -> MemorySurvey:
    files = {"a.fits": frame(0, "a"), "b.fits": frame(1, "b"), "broken.fits": b"nothing"}
    return MemorySurvey(Survey(name="sky"), files)


def recorded(open_services: Services) -> tuple[list[Observation], list[Rejection], list[tuple[str, str]]]:
    with open_services.transaction() as records:
        events = list(records.events.all())
        verify_chain(events)
        return (
            list(records.observations.search(survey="sky")),
            list(records.rejections.all(survey="sky")),
            [(event.name, event.subject) for event in events],
        )


def test_new_exposures_and_reasons_are_recorded_with_their_events(survey: MemorySurvey) -> None:
    ready = services(survey)
    summary = run_ingest(ready, "sky")
    assert (summary.n_new, summary.n_changed, summary.n_known, summary.n_rejected) == (2, 0, 0, 1)
    assert summary.nights == summary.all_nights == (FIRST, SECOND)
    observations, rejections, events = recorded(ready)
    assert [one.id for one in observations] == ["sky:a.fits", "sky:b.fits"]
    assert [(one.archive_id, one.reason[:15]) for one in rejections] == [("broken.fits", "not a FITS file")]
    assert events == [
        ("observation.recorded", "sky:a.fits"),
        ("observation.recorded", "sky:b.fits"),
        ("file.rejected", "sky:broken.fits"),
    ]


def test_looking_again_records_nothing_and_still_tells_what_is_there(survey: MemorySurvey) -> None:
    ready = services(survey)
    run_ingest(ready, "sky")
    before = recorded(ready)
    summary = run_ingest(ready, "sky")
    assert (summary.n_new, summary.n_changed, summary.n_known, summary.n_rejected) == (0, 0, 2, 1)
    assert (summary.nights, summary.all_nights) == ((), (FIRST, SECOND))
    assert recorded(ready) == before


def test_only_nights_with_something_new_are_named(survey: MemorySurvey) -> None:
    ready = services(survey)
    run_ingest(ready, "sky")
    survey.files["c.fits"] = frame(1, "c")
    summary = run_ingest(ready, "sky")
    assert (summary.n_new, summary.n_known, summary.nights) == (1, 2, (SECOND,))


def test_a_changed_file_replaces_its_description_and_counts_as_changed(survey: MemorySurvey) -> None:
    ready = services(survey)
    run_ingest(ready, "sky")
    survey.files["b.fits"] = frame(1, "another object")
    summary = run_ingest(ready, "sky")
    assert (summary.n_new, summary.n_changed, summary.nights) == (0, 1, (SECOND,))
    observations, _, events = recorded(ready)
    assert [one.object_name for one in observations] == ["a", "another object"]
    assert events[-1] == ("observation.recorded", "sky:b.fits")


def test_a_mended_file_loses_its_rejection_and_so_does_one_that_went_away(survey: MemorySurvey) -> None:
    survey.files["gone.fits"] = b""
    ready = services(survey)
    assert run_ingest(ready, "sky").n_rejected == 2
    survey.files["broken.fits"] = frame(1, "mended")
    del survey.files["gone.fits"]
    summary = run_ingest(ready, "sky")
    assert (summary.n_new, summary.n_rejected) == (1, 0)
    assert recorded(ready)[1] == []


def test_another_reason_replaces_the_first_and_is_told(survey: MemorySurvey) -> None:
    ready = services(survey)
    run_ingest(ready, "sky")
    survey.files["broken.fits"] = b""
    run_ingest(ready, "sky")
    _, rejections, events = recorded(ready)
    assert [one.reason[:13] for one in rejections] == ["file is empty"]
    assert events[-1] == ("file.rejected", "sky:broken.fits")


def test_an_observation_whose_file_broke_stays_recorded(survey: MemorySurvey) -> None:
    ready = services(survey)
    run_ingest(ready, "sky")
    survey.files["b.fits"] = survey.files["b.fits"][:3000]
    summary = run_ingest(ready, "sky")
    assert (summary.n_known, summary.n_rejected) == (1, 2)
    assert len(recorded(ready)[0]) == 2


def test_a_survey_that_is_down_records_nothing(survey: MemorySurvey) -> None:
    survey.available = False
    ready = services(survey)
    with pytest.raises(ArchiveUnavailable):
        run_ingest(ready, "sky")
    assert recorded(ready) == ([], [], [])


def test_what_was_read_before_a_survey_broke_down_is_kept() -> None:
    class Failing(MemorySurvey):
        def discover(
            self, files: Iterable[ListedFile] | None = None
        ) -> Iterator[Observation | Rejection | UndeliveredFile]:
            for number, found in enumerate(super().discover(files)):
                if number == 205:
                    raise ArchiveUnavailable("went down", after=number)
                yield found

    files = {f"{number:03}.fits": f"broken {number}".encode() for number in range(250)}
    ready = services(Failing(Survey(name="sky"), files))
    with pytest.raises(ArchiveUnavailable, match="after=205"):
        run_ingest(ready, "sky")
    assert len(recorded(ready)[1]) == 205


def test_a_survey_that_nobody_configured_is_a_matter_of_configuration(survey: MemorySurvey) -> None:
    with pytest.raises(BadConfiguration, match="survey=elsewhere, known=sky"):
        run_ingest(services(survey), "elsewhere")


LIMIT = IngestConfig(max_attempts=2)


def undelivered(ready: Services) -> dict[str, int]:
    with ready.transaction() as records:
        return {one.archive_id: one.n_attempts for one in records.undelivered.all(survey="sky")}


def test_a_file_that_does_not_come_is_counted_and_costs_none_of_the_others(survey: MemorySurvey) -> None:
    survey.withheld["a.fits"] = "status 503"
    ready = services(survey)
    summary = run_ingest(ready, "sky", LIMIT)
    assert (summary.n_new, summary.n_rejected, summary.n_undelivered, summary.n_given_up) == (1, 1, 1, 0)
    assert undelivered(ready) == {"a.fits": 1}
    assert ("file.undelivered", "sky:a.fits") in recorded(ready)[2]
    del survey.withheld["a.fits"]
    assert run_ingest(ready, "sky", LIMIT).n_new == 1
    assert undelivered(ready) == {}


def test_a_file_is_asked_for_so_many_times_in_a_row_and_again_when_it_is_another_one(survey: MemorySurvey) -> None:
    survey.withheld["a.fits"] = "status 503"
    ready = services(survey)
    summaries = [run_ingest(ready, "sky", LIMIT) for _ in range(4)]
    assert [one.n_given_up for one in summaries] == [0, 1, 1, 1]
    assert [one.n_undelivered for one in summaries] == [1, 1, 0, 0]
    assert survey.asked.count("a.fits") == 2
    assert undelivered(ready) == {"a.fits": 2}
    survey.files["a.fits"] += bytes(2880)
    assert run_ingest(ready, "sky", LIMIT).n_undelivered == 1
    assert undelivered(ready) == {"a.fits": 1}
    del survey.files["a.fits"]
    run_ingest(ready, "sky", LIMIT)
    assert undelivered(ready) == {}


def test_two_looks_at_once_tell_of_an_exposure_once(survey: MemorySurvey) -> None:
    class Overtaken(MemorySurvey):
        def discover(
            self, files: Iterable[ListedFile] | None = None
        ) -> Iterator[Observation | Rejection | UndeliveredFile]:
            # Somebody else looks from beginning to end after we have read what is known.
            run_ingest(replace(ready, surveys={"sky": survey}), "sky")
            yield from super().discover(files)

    ready = services(Overtaken(Survey(name="sky"), survey.files))
    assert run_ingest(ready, "sky").n_new == 0
    names = [name for name, _ in recorded(ready)[2]]
    assert (names.count("observation.recorded"), names.count("file.rejected")) == (2, 1)


def test_a_look_at_some_nights_leaves_the_rest_as_it_is(survey: MemorySurvey) -> None:
    class Listing(MemorySurvey):
        def listing(self) -> Iterable[ListedFile]:
            places = {"a.fits": 60799.2, "b.fits": 60800.2}
            return [replace(one, mid_mjd=places.get(one.archive_id)) for one in super().listing()]

    telling = Listing(Survey(name="sky"), survey.files)
    ready = services(telling)
    summary = run_ingest(ready, "sky", nights=[SECOND])
    # The list says nothing about the time of the broken file: it cannot be left out.
    assert (telling.asked, summary.n_new, summary.n_rejected) == (["b.fits", "broken.fits"], 1, 1)
    survey.files["a.fits"] = b"broken"
    telling.files["a.fits"] = b"broken"
    assert run_ingest(ready, "sky").n_rejected == 2
    run_ingest(ready, "sky", nights=[SECOND])
    assert [one.archive_id for one in recorded(ready)[1]] == ["a.fits", "broken.fits"]


def test_a_look_at_a_region_asks_for_what_is_listed_there_or_nowhere(survey: MemorySurvey) -> None:
    class Listing(MemorySurvey):
        def listing(self) -> Iterable[ListedFile]:
            at = {"a.fits": SkyPosition(ra_deg=10.0, dec_deg=5.0), "b.fits": SkyPosition(ra_deg=200.0, dec_deg=5.0)}
            return [replace(one, position=at.get(one.archive_id)) for one in super().listing()]

    telling = Listing(Survey(name="sky"), survey.files)
    run_ingest(services(telling), "sky", region=Region.parse("cone(10, 5, 1deg)"))
    assert telling.asked == ["a.fits", "broken.fits"]
