import math

import pytest
from astropy.io import fits

from astrid_core.observations.bands import band_of
from astrid_core.observations.cards import Headers
from astrid_core.observations.detectors import gain_of, read_noise_of, saturation_of, zero_point_of
from astrid_core.observations.dialects import level_of, translated
from astrid_core.observations.registry import Level, Registry
from astrid_core.observations.registry_file import known_instruments, read_registry
from astrid_core.observations.times import exposure_of, mid_mjd_of

ESO = {"TELESCOP": "ESO-VLT-U1", "INSTRUME": "FORS2"}
PS1 = {"HIERARCH FPA.TELESCOPE": "PS1", "HIERARCH FPA.INSTRUMENT": "GPC1"}
UKIRT = {"TELESCOP": "UKIRT", "INSTRUME": "WFCAM"}


def written(cards: dict[str, object]) -> Headers:
    header = fits.Header()
    for name, value in cards.items():
        header[name] = value
    return (header,)


def spoken(cards: dict[str, object], registry: Registry | None = None) -> Headers:
    return translated(written(cards), registry or known_instruments())


def test_cards_of_an_observatory_are_read_by_their_common_names() -> None:
    headers = spoken(
        {
            **ESO,
            "HIERARCH ESO INS FILT1 NAME": "free",
            "HIERARCH ESO INS FILT2 NAME": "B_BESS",
            "HIERARCH ESO DET OUT1 CONAD": 1.25,
            "HIERARCH ESO DET OUT1 GAIN": 0.8,
            "HIERARCH ESO DET OUT1 RON": 2.7,
            "HIERARCH ESO DET WIN1 DIT1": 12.0,
        }
    )
    assert (band_of(headers), gain_of(headers, 60.0), read_noise_of(headers)) == ("B", 1.25, 2.7)
    assert exposure_of(headers) == 12.0


def test_a_pan_starrs_stack_has_the_gain_of_its_scaled_mean() -> None:
    headers = spoken(
        {
            **PS1,
            "HIERARCH FPA.FILTERID": "g.00000",
            "HIERARCH CELL.GAIN": 1.0,
            "HIERARCH CELL.SATURATION": 60000.0,
            "HIERARCH FPA.ZP": 25.0,
            "NINPUTS": 2,
            "SCL_0000": 20.0,
            "SCL_0001": 30.0,
        }
    )
    # the mean of two inputs multiplied by 25 on average: 25 counts per electron, averaged over two
    assert gain_of(headers, 60.0) == pytest.approx(2.0 / 25.0)
    assert (band_of(headers), saturation_of(headers)) == ("g", 60000.0)
    assert zero_point_of(headers, 60.0) == pytest.approx(25.0 + 2.5 * math.log10(60.0))


def test_vega_magnitudes_of_a_pipeline_are_not_taken_for_ab() -> None:
    assert zero_point_of(spoken({**UKIRT, "MAGZPT": (24.05, "Photometric ZP")}), 60.0) is None
    assert zero_point_of(spoken({"INSTRUME": "Camera", "MAGZPT": 24.05}), 60.0) == 24.05


def test_a_camera_that_counts_one_integration_tells_all_of_them() -> None:
    assert exposure_of(spoken({"TELESCOP": "Keck II", "INSTRUME": "NIRC2", "ITIME": 2.0, "COADDS": 30})) == 60.0


def test_headers_of_strangers_pass_unchanged() -> None:
    headers = written({"TELESCOP": "backyard", "HIERARCH ESO INS FILT1 NAME": "B_BESS"})
    assert translated(headers, known_instruments()) is headers


@pytest.mark.parametrize(
    ("cards", "level"),
    [
        ({"TELESCOP": "HST", "INSTRUME": "WFC3", "FLATCORR": "COMPLETE"}, Level.CALIBRATED),
        ({"TELESCOP": "HST", "INSTRUME": "WFC3", "FLATCORR": "PERFORM"}, Level.RAW),
        (PS1, Level.CALIBRATED),
        ({"TELESCOP": "CFHT 3.6m", "INSTRUME": "MegaPrime"}, Level.RAW),
        ({"TELESCOP": "backyard"}, Level.UNKNOWN),
    ],
)
def test_the_level_of_processing_is_known_by_mission_or_card(cards: dict[str, object], level: Level) -> None:
    assert level_of(written(cards), known_instruments()) is level


def odd(dialect: str) -> Registry:
    return read_registry(
        '[missions.home]\nmatch = { TELESCOP = "Home" }\n'
        '[instruments.odd]\nmission = "home"\nmatch = { INSTRUME = "Odd" }\n'
        f"[instruments.odd.dialect]\n{dialect}"
    )


def test_a_middle_of_the_dialect_goes_before_any_beginning() -> None:
    registry = odd('middle = ["MIDTIME"]')
    headers = spoken({"TELESCOP": "Home", "INSTRUME": "Odd", "MJD-OBS": 50000.0, "MIDTIME": 60000.5}, registry)
    assert mid_mjd_of(headers, 60.0) == pytest.approx(60000.5)


def test_cards_that_mean_something_else_are_ignored() -> None:
    registry = odd('begin = ["START"]\ntime_scale = "tai"\nignore = ["DATE-OBS"]')
    headers = spoken(
        {"TELESCOP": "Home", "INSTRUME": "Odd", "DATE-OBS": "1999-01-01T00:00:00", "START": 60000.0}, registry
    )
    # 37 leap seconds between TAI and UTC
    assert mid_mjd_of(headers, 0.0) == pytest.approx(60000.0 - 37.0 / 86400.0, abs=1e-9)


def test_units_of_the_dialect_are_used() -> None:
    registry = odd('exposure = ["LONG"]\nexposure_unit = "min"')
    assert exposure_of(spoken({"TELESCOP": "Home", "INSTRUME": "Odd", "LONG": 2.0, "EXPTIME": 7.0}, registry)) == 120.0
