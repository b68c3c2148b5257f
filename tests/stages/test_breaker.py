from dataclasses import replace

import pytest

from astrid_core.catalog.config import BreakerConfig
from astrid_core.shared.runs import RunKey
from astrid_core.stages.breaker import run_breaker
from astrid_core.stages.lifecycle import quarantine_observation, release_observation, show_observation
from astrid_core.stages.services import Services
from tests.adapters.invented import reference
from tests.catalog.night import NIGHT, START_MJD, difference_run, model_run, observation, preprocess_run
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels
from tests.fakes.records import MemoryDatabase

CONFIG = BreakerConfig(min_history=3, history=5, min_candidates=5, min_new=3)
FLOOD = [(float(10 + 8 * number), 50.0, 9.0) for number in range(12)]
USUAL = [(50.0, 50.0, 9.0)]
NAME = f"demo:{NIGHT}/exposure9.fits"


def _add(
    services: Services,
    number: int,
    places: list[tuple[float, float, float]],
    *,
    mid_mjd: float,
    instrument: str = "CCD 1",
) -> RunKey:
    """Record an exposure that was searched, all its candidates scored well."""
    seen = replace(observation(number, mid_mjd=mid_mjd), instrument=instrument)
    made = difference_run(seen, places)
    run = model_run(made, [0.9] * len(places))
    with services.transaction() as records:
        (digest,) = made.reference_digests
        if not any(one.digest == digest for one in records.references.search()):
            records.references.add(replace(reference(), image=replace(reference().image, digest=digest)))
        records.observations.add(seen)
        records.preprocess_runs.add(preprocess_run(seen))
        records.difference_runs.add(made)
        records.model_runs.add(run)
    return run.key


@pytest.fixture
def services() -> Services:
    """Three quiet exposures of the nights before."""
    made = Services(
        artifacts=MemoryArtifacts(), models=MemoryModels(), surveys={}, transaction=MemoryDatabase().transaction
    )
    for number in (1, 2, 3):
        _add(made, number, USUAL, mid_mjd=START_MJD - number)
    return made


def test_a_flood_is_set_aside_with_its_numbers_and_once(services: Services) -> None:
    keys = [_add(services, 9, FLOOD, mid_mjd=START_MJD), _add(services, 8, USUAL, mid_mjd=START_MJD)]
    tripped = run_breaker(services, "demo", NIGHT, CONFIG, keys)
    assert list(tripped.exposures) == [NAME]
    quarantine = show_observation(services, NAME).quarantine
    assert quarantine is not None
    assert quarantine.reason.startswith("breaker: 12 candidates where 1 are usual (3 exposures before)")
    run_breaker(services, "demo", NIGHT, CONFIG, keys)
    with services.transaction() as records:
        assert [event.name for event in records.events.all()] == ["observation.quarantined"]


def test_people_overrule_the_breaker(services: Services) -> None:
    key = _add(services, 9, FLOOD, mid_mjd=START_MJD)
    run_breaker(services, "demo", NIGHT, CONFIG, [key])
    release_observation(services, NAME, reason="a globular cluster")
    assert run_breaker(services, "demo", NIGHT, CONFIG, [key]).exposures == {}
    assert show_observation(services, NAME).quarantine is None


def test_a_release_of_what_people_had_set_aside_does_not_overrule_the_breaker(services: Services) -> None:
    key = _add(services, 9, FLOOD, mid_mjd=START_MJD)
    quarantine_observation(services, NAME, reason="clouds")
    release_observation(services, NAME, reason="was fog")
    assert list(run_breaker(services, "demo", NIGHT, CONFIG, [key]).exposures) == [NAME]


def test_a_rarely_used_instrument_has_a_history_of_its_own(services: Services) -> None:
    for number in range(20, 30):
        _add(services, number, USUAL, mid_mjd=START_MJD - 0.5, instrument="CCD 2")
    key = _add(services, 9, FLOOD, mid_mjd=START_MJD)
    tripped = run_breaker(services, "demo", NIGHT, CONFIG, [key])
    assert "(3 exposures before)" in tripped.exposures[NAME]


def test_what_was_set_aside_is_no_history(services: Services) -> None:
    first = _add(services, 9, FLOOD, mid_mjd=START_MJD)
    run_breaker(services, "demo", NIGHT, CONFIG, [first])
    later = _add(services, 7, FLOOD, mid_mjd=START_MJD + 1.0)
    tripped = run_breaker(services, "demo", "2024-03-03", CONFIG, [later])
    assert "(3 exposures before)" in tripped.exposures[f"demo:{NIGHT}/exposure7.fits"]


def test_an_instrument_that_floods_is_set_aside_as_a_whole(services: Services) -> None:
    keys = [_add(services, number, FLOOD, mid_mjd=START_MJD) for number in (7, 8, 9)]
    tripped = run_breaker(services, "demo", NIGHT, CONFIG, keys)
    assert (tripped.exposures, list(tripped.instruments)) == ({}, ["CCD 1"])
    quarantine = show_observation(services, NAME).quarantine
    assert quarantine is not None
    assert quarantine.instrument == "CCD 1"
