import math

import pytest
from astropy.io import fits

from astrid_core.observations.detectors import gain_of, read_noise_of, saturation_of, zero_point_of


def header(cards: dict[str, object]) -> tuple[fits.Header, ...]:
    made = fits.Header()
    for name, value in cards.items():
        made[name] = value
    return (made,)


@pytest.mark.parametrize(
    ("cards", "gain"),
    [
        ({"GAIN": 1.645}, 1.645),
        ({"EGAIN": 0.8, "GAIN": 120}, 0.8),
        ({"GAINA": 4.0, "GAINB": 5.0}, 4.5),
        ({"BUNIT": "ELECTRONS", "CCDGAIN": 1.5}, 1.0),
        ({"BUNIT": "ELECTRONS/S"}, 60.0),
        ({"GAIN": (45, "")}, None),
        ({"GAIN": (10, ""), "SWCREATE": "SharpCap"}, None),
        ({"GAIN": (10, "[e-/ADU] gain"), "SWCREATE": "MaxIm"}, 10.0),
        ({"GAIN": 0.0}, None),
        ({"GAIN": "NaN"}, None),
        ({}, None),
    ],
)
def test_gain_is_electrons_per_count_and_no_dial_of_a_camera(cards: dict[str, object], gain: float | None) -> None:
    assert gain_of(header(cards), 60.0) == (None if gain is None else pytest.approx(gain))


def test_read_noise_and_saturation_take_the_worse_amplifier() -> None:
    cards = header({"RDNOISEA": 3.0, "RDNOISEB": 4.0, "SATURATA": 40000.0, "SATURATB": 45000.0})
    assert (read_noise_of(cards), saturation_of(cards)) == (4.0, 40000.0)
    assert (read_noise_of(header({})), saturation_of(header({"SATURATE": -1}))) == (None, None)


@pytest.mark.parametrize(
    ("cards", "magnitude"),
    [
        ({"MAGZERO": 27.5}, 27.5),
        ({"MAGZPT": (25.0, "zero point for 1 sec exposure")}, 25.0 + 2.5 * math.log10(60.0)),
        ({"MAGZERO": (27.5, "Vega")}, None),
        ({"BUNIT": "nJy"}, 31.4),
        ({"BUNIT": "Jy"}, 8.9),
        ({"BUNIT": "MJy/sr", "PIXAR_SR": 2.25e-14}, 28.02),
        ({"PHOTFLAM": 1.2450973e-19, "PHOTPLAM": 5887.43, "PHOTZPT": -21.1, "BUNIT": "ELECTRONS/S"}, 26.004),
        ({"PHOTFLAM": 1.2450973e-19, "PHOTPLAM": 5887.43, "BUNIT": "ELECTRONS"}, 26.004 + 2.5 * math.log10(60.0)),
        ({"PHOTZPT": -21.1}, None),
        ({"MAGZERO": 0.0}, None),
        ({}, None),
    ],
)
def test_zero_points_count_for_the_whole_exposure(cards: dict[str, object], magnitude: float | None) -> None:
    expected = None if magnitude is None else pytest.approx(magnitude, abs=0.005)
    assert zero_point_of(header(cards), 60.0) == expected
