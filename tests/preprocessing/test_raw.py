import numpy as np
import pytest
from astropy.io import fits

from astrid_core.observations.readout import Amplifier, Section, readout_of
from astrid_core.preprocessing.raw import level, linearize, trimmed_wcs
from astrid_core.shared.errors import UnusableFile
from astrid_core.simulate.raw import draw_detector
from tests.synthetic.fields import wcs


def _header(**cards: object) -> list[fits.Header]:
    header = fits.Header()
    for name, value in cards.items():
        header[name] = value
    return [header]


def _section(text: str) -> Section:
    (one,) = readout_of(_header(DATASEC=text))
    return one.data


def test_sections_are_read_from_one_based_closed_intervals() -> None:
    (one,) = readout_of(_header(DATASEC="[11:110,1:50]", BIASSEC=" [111:130, 1:50] "))
    assert one.data == Section(rows=(0, 50), columns=(10, 110))
    assert one.overscan is not None
    assert one.overscan.shape == (50, 20)
    assert readout_of(_header(DATASEC="[0:10,1:5]")) == ()
    assert readout_of(_header(OBJECT="M31")) == ()
    assert len(readout_of(_header(DATASECA="[1:5,1:9]", DATASECB="[6:10,1:9]", GAINA=1.5))) == 2


def test_the_overscan_follows_a_drift_along_the_rows() -> None:
    rng = np.random.default_rng(1)
    drift = 500.0 + 10.0 * np.linspace(-1, 1, 200)[:, None] ** 3
    counts = drift + rng.normal(0.0, 4.0, (200, 140))
    counts[:, :100] += 300.0
    readout = (Amplifier(data=_section("[1:100,1:200]"), overscan=_section("[101:140,1:200]"), gain_e_adu=None),)
    frame = level(counts.astype(np.float32), readout, degree=3)
    assert frame.pixels.shape == (200, 100)
    assert np.abs(frame.pixels.mean(axis=1) - 300.0).max() < 2.5
    assert np.abs(frame.pixels.reshape(10, 20, 100).mean(axis=(1, 2)) - 300.0).max() < 0.7
    assert frame.read_noise_adu == pytest.approx(4.0, rel=0.05)
    assert frame.overscan_adu == pytest.approx(500.0, abs=0.5)


def test_amplifiers_come_together_at_one_gain_without_the_overscan_between_them() -> None:
    counts = np.zeros((20, 60), dtype=np.float32)
    counts[:, :20], counts[:, 20:40], counts[:, 40:] = 100.0 + 30.0, 0.0, 200.0 + 60.0
    counts[:, 20:30], counts[:, 30:40] = 100.0, 200.0
    readout = (
        Amplifier(data=_section("[1:20,1:20]"), overscan=_section("[21:30,1:20]"), gain_e_adu=2.0),
        Amplifier(data=_section("[41:60,1:20]"), overscan=_section("[31:40,1:20]"), gain_e_adu=1.0),
    )
    frame = level(counts, readout, degree=1)
    assert frame.pixels.shape == (20, 40)
    np.testing.assert_allclose(frame.pixels, 40.0, rtol=1e-6)
    assert frame.is_assembled
    assert trimmed_wcs(wcs((20, 60)), frame) is None


def test_a_trimmed_frame_keeps_its_place_on_the_sky() -> None:
    whole = wcs((60, 80))
    frame = level(
        np.zeros((60, 80), np.float32),
        (Amplifier(data=_section("[11:80,6:60]"), overscan=None, gain_e_adu=None),),
        degree=1,
    )
    trimmed = trimmed_wcs(whole, frame)
    assert trimmed is not None
    assert trimmed.pixel_to_world(5, 7).separation(whole.pixel_to_world(15, 12)).arcsec < 1e-6


def test_sections_that_cannot_be_are_refused() -> None:
    frame = np.zeros((20, 20), np.float32)
    with pytest.raises(UnusableFile, match="off the frame"):
        level(frame, (Amplifier(data=_section("[1:30,1:20]"), overscan=None, gain_e_adu=None),), degree=1)
    parts = [_section("[1:10,1:10]"), _section("[11:20,1:10]"), _section("[1:10,11:20]")]
    with pytest.raises(UnusableFile, match="no rectangle"):
        level(frame, [Amplifier(data=one, overscan=None, gain_e_adu=None) for one in parts], degree=1)


def test_a_power_series_undoes_the_non_linearity() -> None:
    detector = draw_detector(1, (40, 40))
    light = np.linspace(0.0, 60000.0, 1600).reshape(40, 40)
    shown = light - detector.nonlinearity * light**2
    assert np.abs(shown / np.maximum(light, 1.0) - 1.0).max() > 0.05
    found = linearize(shown.astype(np.float32), detector.coefficients)
    assert np.abs(found - light).max() < 0.0005 * 60000.0
    np.testing.assert_array_equal(linearize(shown.astype(np.float32), ()), shown.astype(np.float32))
