"""Contract of Observations and Rejections."""

from dataclasses import replace

import pytest

from astrid_core.observations.entities import Rejection
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.sky import Region
from tests.adapters.databases import AnyDatabase
from tests.adapters.invented import MID_MJD, observation, position

BROKEN = Rejection(survey="demo", archive_id="night/broken.fits", reason="truncated after 2880 bytes")


def test_an_observation_comes_back_bit_for_bit(database: AnyDatabase) -> None:
    with database.transaction() as records:
        assert records.observations.add(observation())
    with database.transaction() as records:
        assert records.observations.get("demo:night/frame1.fits[2]") == observation()


def test_a_known_observation_changes_nothing(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.observations.add(observation())
        assert not records.observations.add(observation())
    with database.transaction() as records:
        assert not records.observations.add(observation())


def test_a_changed_file_replaces_the_older_description(database: AnyDatabase) -> None:
    changed = replace(observation(file_digest="f" * 64, at=position(300.0, -20.0)), gain_e_adu=None, exposure_s=9.0)
    with database.transaction() as records:
        records.observations.add(observation())
    with database.transaction() as records:
        assert records.observations.add(changed)
        assert records.observations.get(changed.id) == changed
        assert records.observations.search(region=Region.cone(position(), radius_deg=1.0)) == ()
        assert records.observations.search(region=Region.cone(changed.position, radius_deg=1.0)) == (changed,)


def test_an_observation_that_is_not_there_is_named(database: AnyDatabase) -> None:
    with database.transaction() as records, pytest.raises(UnknownRecord, match="demo:nowhere"):
        records.observations.get("demo:nowhere")


def test_search_narrows_by_survey_night_and_region_and_sorts_by_time_then_id(database: AnyDatabase) -> None:
    late = observation(1, mid_mjd=MID_MJD + 0.2)
    twin_b, twin_a = observation(3), observation(2)
    tomorrow = observation(4, mid_mjd=MID_MJD + 1.0)
    elsewhere = observation(5, at=position(200.0, -5.0))
    other = observation(6, survey="other")
    with database.transaction() as records:
        for one in (late, twin_b, twin_a, tomorrow, elsewhere, other):
            records.observations.add(one)
    near = Region.cone(position(), radius_deg=1.0)
    night = observation().night
    with database.transaction() as records:
        search = records.observations.search
        assert search() == (twin_a, twin_b, elsewhere, other, late, tomorrow)
        assert search(survey="demo", night=night) == (twin_a, twin_b, elsewhere, late)
        assert search(survey="demo", night=night, region=near) == (twin_a, twin_b, late)
        assert search(survey="nobody") == ()
        assert records.observations.covering(near) == (twin_a, twin_b, other, late, tomorrow)


def test_nights_are_named_once_oldest_first(database: AnyDatabase) -> None:
    with database.transaction() as records:
        for number, days in enumerate((2.0, 0.0, 0.01, 1.0)):
            records.observations.add(observation(number, mid_mjd=MID_MJD + days))
        records.observations.add(observation(9, survey="other", mid_mjd=MID_MJD + 7.0))
        assert records.observations.nights(survey="demo") == ("2023-02-24", "2023-02-25", "2023-02-26")
        assert records.observations.nights() == ("2023-02-24", "2023-02-25", "2023-02-26", "2023-03-03")
        assert records.observations.nights(survey="nobody") == ()


def test_a_rejection_keeps_the_newest_reason(database: AnyDatabase) -> None:
    newer = replace(BROKEN, reason="no image HDU")
    with database.transaction() as records:
        assert records.rejections.add(BROKEN)
        assert not records.rejections.add(BROKEN)
        assert records.rejections.add(newer)
        assert records.rejections.all() == (newer,)


def test_rejections_are_ordered_and_narrowed_by_survey(database: AnyDatabase) -> None:
    # Upper case sorts before lower case, whatever the language of the database.
    archive_ids = ("b.fits", "a.fits", "B.fits", "\u00e4.fits")
    with database.transaction() as records:
        for survey in ("demo", "Other"):
            for archive_id in archive_ids:
                records.rejections.add(replace(BROKEN, survey=survey, archive_id=archive_id))
        ordered = ["B.fits", "a.fits", "b.fits", "\u00e4.fits"]
        assert [one.archive_id for one in records.rejections.all(survey="demo")] == ordered
        assert [one.survey for one in records.rejections.all()] == ["Other"] * 4 + ["demo"] * 4


def test_a_rejection_is_forgotten_when_the_file_became_usable(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.rejections.add(BROKEN)
        records.rejections.add(replace(BROKEN, survey="other"))
        records.rejections.clear("demo", BROKEN.archive_id)
        records.rejections.clear("demo", "never-there.fits")
    with database.transaction() as records:
        assert records.rejections.all() == (replace(BROKEN, survey="other"),)
