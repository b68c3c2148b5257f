import math

import pytest
from astropy.io import fits
from astropy.time import Time

from astrid_core.observations.times import exposure_of, mid_mjd_of, parse_clock, parse_date
from astrid_core.shared.errors import UnusableFile

SECOND = 1.0 / 86400.0


def header(**cards: object) -> tuple[fits.Header, ...]:
    made = fits.Header()
    for name, value in cards.items():
        made[name.replace("_", "-") if name.startswith(("DATE", "MJD", "TIME", "UT", "TDB", "JD")) else name] = value
    return (made,)


def mjd(text: str) -> float:
    return float(Time(text, scale="utc").mjd)


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2017-12-20T01:33:43.317", "2017-12-20T01:33:43.317"),
        ("2017-12-19T18:33:43.317-0700", "2017-12-20T01:33:43.317"),
        ("2017-12-20T03:33:43.317+02:00", "2017-12-20T01:33:43.317"),
        ("2017-12-20T01:33:43.317Z", "2017-12-20T01:33:43.317"),
        ("2017-12-20 01:33:43", "2017-12-20T01:33:43"),
        ("2017-12-20T01:33", "2017-12-20T01:33:00"),
        ("2017/12/20", "2017-12-20T00:00:00"),
        ("20171220T013343", "2017-12-20T01:33:43"),
        ("20/12/97", "1997-12-20T00:00:00"),
        ("2016-12-31T23:59:60", "2017-01-01T00:00:00"),
    ],
)
def test_dates_are_read_as_archives_write_them(written: str, instant: str) -> None:
    assert parse_date(written) == pytest.approx(mjd(instant), abs=1e-8)


@pytest.mark.parametrize("written", ["", "yesterday", "2017-13-20", "2017-02-30T01:00:00", "58107.06", "22.07.2024"])
def test_what_is_no_date_is_none(written: str) -> None:
    assert parse_date(written) is None


@pytest.mark.parametrize(
    ("written", "hours"),
    [("09:19:16.50", 9.32125), ("9 19 16.5", 9.32125), (13.201389, 13.201389), (9619.0, 9619 / 3600), ("6:00", 6.0)],
)
def test_times_of_day_are_clocks_hours_or_seconds(written: object, hours: float) -> None:
    assert parse_clock(written) == pytest.approx(hours / 24.0)


@pytest.mark.parametrize("written", [None, "", "noon", -1.0, 90000.0, math.nan, True])
def test_what_is_no_time_of_day_is_none(written: object) -> None:
    assert parse_clock(written) is None


@pytest.mark.parametrize(
    ("cards", "begin"),
    [
        ({"MJD_OBS": 58107.065}, "2017-12-20T01:33:36"),
        ({"MJDATE": 58107.065}, "2017-12-20T01:33:36"),
        ({"JD": 2458107.565}, "2017-12-20T01:33:36"),
        ({"EXPSTART": 58107.065}, "2017-12-20T01:33:36"),
        ({"DATE_OBS": "2017-12-20T01:33:43.317"}, "2017-12-20T01:33:43.317"),
        ({"DATE_OBS": "2017-12-20", "TIME_OBS": "01:33:43"}, "2017-12-20T01:33:43"),
        ({"DATE_OBS": "2017-12-20", "UT": "01:33:43"}, "2017-12-20T01:33:43"),
        ({"DATE_OBS": "2017-12-20"}, "2017-12-20T00:00:00"),
        ({"DATE_OBS": "20/12/97", "UTSTART": 1.5}, "1997-12-20T01:30:00"),
        ({"DATE_BEG": "2017-12-20T01:33:43"}, "2017-12-20T01:33:43"),
        ({"MJD_OBS": 0.0, "DATE_OBS": "2017-12-20T01:33:43"}, "2017-12-20T01:33:43"),
        ({"MJD_OBS": "NaN", "DATE_OBS": "2017-12-20T01:33:43"}, "2017-12-20T01:33:43"),
    ],
)
def test_the_exposure_begins_where_any_dialect_says(cards: dict[str, object], begin: str) -> None:
    assert mid_mjd_of(header(**cards), 60.0) == pytest.approx(mjd(begin) + 30.0 * SECOND, abs=1e-8)


def test_rounded_days_yield_to_the_exact_date() -> None:
    exact = mid_mjd_of(header(MJD_OBS=58107.065, DATE_OBS="2017-12-19T18:33:43.317-0700"), 60.0)
    assert exact == pytest.approx(mjd("2017-12-20T01:34:13.317"), abs=1e-8)


def test_local_time_without_offset_yields_to_the_day_number() -> None:
    assert mid_mjd_of(header(MJD_OBS=58107.065, DATE_OBS="2017-12-19T18:33:43"), 60.0) == pytest.approx(
        58107.065 + 30.0 * SECOND
    )


def test_begin_and_end_of_several_exposures_give_the_middle() -> None:
    cards = {"DATE_OBS": "2024-07-22T22:48:42", "DATE_END": "2024-07-22T22:54:42", "DATE_AVG": "2024-07-22T22:48:42"}
    assert mid_mjd_of(header(**cards), 120.0) == pytest.approx(mjd("2024-07-22T22:51:42"), abs=1e-8)


def test_the_end_of_a_readout_does_not_move_the_middle_of_an_exposure() -> None:
    # MegaCam at CFHT: the shutter was open for 287.083 s, and the detector read out 47.6 s later
    cards = {"MJD_OBS": 56391.3883854, "MJDEND": 56391.3922591}
    assert mid_mjd_of(header(**cards), 287.083) == pytest.approx(mjd("2013-04-09T09:21:40.04"), abs=1e-7)


def test_dates_copied_from_another_image_are_not_believed() -> None:
    copied = {
        "MJD_OBS": 59759.41,
        "TDB_BEG": 59759.36,
        "TDB_END": 59759.44,
        "DATE_BEG": "2022-11-11T02:54:39",
        "DATE_END": "2022-11-11T05:26:35",
        "MJD_BEG": 59894.12,
        "MJD_AVG": 59894.17,
        "MJD_END": 59894.23,
    }
    # barycentric dynamical time runs 69.2 s ahead of UTC in 2022
    assert mid_mjd_of(header(**copied), 44579.0) == pytest.approx(59759.40 - 69.184 * SECOND, abs=1e-6)


@pytest.mark.parametrize(("scale", "ahead_s"), [("TAI", 37.0), ("TT", 69.184), ("TDB", 69.184), ("UTC", 0.0)])
def test_time_scales_are_brought_to_utc(scale: str, ahead_s: float) -> None:
    middle = mid_mjd_of(header(MJD_OBS=59000.5, TIMESYS=scale), 0.0)
    assert middle == pytest.approx(59000.5 - ahead_s * SECOND, abs=0.003 * SECOND)


def test_only_a_middle_is_enough() -> None:
    assert mid_mjd_of(header(MJD_AVG=59000.5), 60.0) == pytest.approx(59000.5)
    assert mid_mjd_of(header(DATE_AVG="2020-05-31T12:00:00"), 60.0) == pytest.approx(59000.5)


def test_no_time_at_all_is_a_reason() -> None:
    with pytest.raises(UnusableFile, match="no time of observation"):
        mid_mjd_of(header(OBJECT="M31"), 60.0)


@pytest.mark.parametrize(
    ("cards", "seconds"),
    [
        ({"EXPTIME": 60.0}, 60.0),
        ({"EXPOSURE": 60}, 60.0),
        ({"XPOSURE": 60.0}, 60.0),
        ({"EFFEXPTM": 60.0}, 60.0),
        ({"EXP_TIME": "60.0"}, 60.0),
        ({"EXPTIME": 0.0, "EXPOSURE": 60.0}, 60.0),
        ({"EXPOSURE": (65.0, "Observation: Exposure Minutes")}, 3900.0),
        ({"EXPTIME": (1500, "[ms] exposure")}, 1.5),
        ({"DATE_OBS": "2024-07-22T22:48:42", "DATE_END": "2024-07-22T22:49:02"}, 20.0),
    ],
)
def test_exposures_are_seconds_in_every_dialect(cards: dict[str, object], seconds: float) -> None:
    assert exposure_of(header(**cards)) == pytest.approx(seconds, rel=1e-6)


@pytest.mark.parametrize(
    ("cards", "reason"),
    [
        ({"EXPTIME": 0.0}, "EXPTIME is 0.0"),
        ({"EXPTIME": -5}, "EXPTIME is -5"),
        ({"EXPOSURE": "NaN"}, "EXPOSURE is NaN"),
        ({"EXPTIME": "long"}, "EXPTIME is long"),
        ({}, "no exposure time"),
    ],
)
def test_an_exposure_that_is_no_time_is_a_reason(cards: dict[str, object], reason: str) -> None:
    with pytest.raises(UnusableFile, match=reason):
        exposure_of(header(**cards))
