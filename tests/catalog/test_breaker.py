from dataclasses import replace

import pytest

from astrid_core.catalog.breaker import Haul, trip
from astrid_core.catalog.config import BreakerConfig
from astrid_core.shared.errors import BadConfiguration

CONFIG = BreakerConfig()
QUIET = Haul(observation_id="demo:a", instrument="CCD 1", band="r", usable_mpix=2.0, n_candidates=40, n_new=4)
HISTORY = [replace(QUIET, observation_id=f"demo:old{number}") for number in range(12)]


def test_what_is_usual_passes() -> None:
    found = trip([QUIET, replace(QUIET, n_candidates=200, n_new=25)], HISTORY, CONFIG)
    assert (found.exposures, found.instruments) == ({}, {})


@pytest.mark.parametrize(
    ("flood", "word"),
    [
        (replace(QUIET, n_candidates=240), "240 candidates where 40 are usual"),
        (replace(QUIET, n_new=35), "35 new objects where 4 are usual"),
    ],
)
def test_a_jump_of_candidates_or_of_new_objects_trips(flood: Haul, word: str) -> None:
    found = trip([flood], HISTORY, CONFIG)
    assert word in found.exposures["demo:a"]
    assert "12 exposures before" in found.exposures["demo:a"]


def test_a_large_frame_may_show_more_than_a_small_one() -> None:
    assert trip([replace(QUIET, n_candidates=240, n_new=8, usable_mpix=8.0)], HISTORY, CONFIG).exposures == {}


def test_other_instruments_and_bands_tell_nothing() -> None:
    flood = replace(QUIET, n_candidates=5000)
    for other in (replace(flood, instrument="CCD 2"), replace(flood, band="g")):
        assert trip([other], HISTORY, CONFIG).exposures == {}


def test_nothing_is_usual_before_there_is_a_history() -> None:
    flood = replace(QUIET, n_candidates=5000)
    assert trip([flood], HISTORY[:9], CONFIG).exposures == {}
    assert trip([flood], HISTORY[:10], CONFIG).exposures


def test_one_flood_in_the_history_does_not_make_floods_usual() -> None:
    history = [replace(HISTORY[0], n_candidates=50_000), *HISTORY[1:]]
    assert trip([replace(QUIET, n_candidates=240)], history, CONFIG).exposures


def test_an_instrument_trips_where_most_of_its_exposures_do() -> None:
    floods = [replace(QUIET, observation_id=f"demo:{number}", n_candidates=900) for number in range(3)]
    other = replace(floods[0], observation_id="demo:x", instrument="CCD 2")
    calm = [replace(QUIET, observation_id=f"demo:calm{number}") for number in range(4)]
    history = [*HISTORY, *(replace(one, instrument="CCD 2") for one in HISTORY)]
    found = trip([*floods, other], history, CONFIG)
    assert list(found.exposures) == ["demo:x"]
    assert found.instruments["CCD 1"].startswith("3 of 3 exposures of the night")
    assert set(trip([*floods, *calm], history, CONFIG).exposures) == {"demo:0", "demo:1", "demo:2"}


@pytest.mark.parametrize("wrong", [{"jump": 1.0}, {"min_history": 0}, {"history": 5}, {"max_tripped_fraction": 0.0}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadConfiguration):
        BreakerConfig(**wrong)  # type: ignore[arg-type]
