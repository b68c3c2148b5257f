from dataclasses import replace
from itertools import pairwise

import pytest

from astrid_core.observations.entities import night_of
from astrid_core.shared.errors import BadConfiguration
from astrid_core.simulate.config import CameraConfig, SurveyConfig
from astrid_core.simulate.schedule import change_mjd, night_middles, schedule

CONFIG = SurveyConfig(n_fields=2, n_nights=3, reference_exposures=2, last_exposures=12, first_night="2024-02-27")


def test_files_are_named_by_night_field_band_and_number() -> None:
    paths = [visit.path for visit in schedule(CONFIG)]
    assert paths[0] == "2024-02-27/field1_r_1.fits"
    assert paths[-1] == "2024-03-06/field2_r_12.fits"
    assert len(paths) == len(set(paths)) == 2 * (2 + 2 + 12)


def test_every_exposure_belongs_to_the_night_of_its_folder_also_after_midnight() -> None:
    visits = schedule(CONFIG)
    assert {visit.begin_mjd % 1.0 < 0.5 for visit in visits} == {True, False}
    assert [night_of(visit.begin_mjd) for visit in visits] == [visit.night for visit in visits]


def test_only_the_last_night_is_searched_and_its_transients_are_new_in_it() -> None:
    visits = schedule(CONFIG)
    assert {visit.night for visit in visits if visit.is_searched} == {"2024-03-06"}
    before = [visit.begin_mjd for visit in visits if not visit.is_searched]
    after = [visit.begin_mjd for visit in visits if visit.is_searched]
    assert max(before) < change_mjd(CONFIG) < min(after)
    assert [night_of(mjd) for mjd in night_middles(CONFIG)] == ["2024-02-27", "2024-03-02", "2024-03-06"]


def test_fields_are_exposed_in_turn_and_never_at_once() -> None:
    visits = schedule(CONFIG)
    assert [visit.field_name for visit in visits[:4]] == ["field1", "field2", "field1", "field2"]
    begins = [visit.begin_mjd for visit in visits]
    assert min(later - earlier for earlier, later in pairwise(begins)) * 86400.0 >= 60.0


def test_another_exposure_leaves_the_times_of_the_others() -> None:
    more = {visit.path: visit for visit in schedule(replace(CONFIG, reference_exposures=3, last_exposures=14))}
    assert all(more[visit.path] == visit for visit in schedule(CONFIG))


def test_a_night_can_be_too_short() -> None:
    with pytest.raises(BadConfiguration, match=r"too short .*hours="):
        schedule(replace(CONFIG, camera=CameraConfig(exposure_s=3600.0)))
