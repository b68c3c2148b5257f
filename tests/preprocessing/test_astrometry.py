import numpy as np
import pytest

from astrid_core.preprocessing.astrometry import match, tie_by_patterns, tie_to_reference
from astrid_core.preprocessing.sources import FloatArray, SourceList
from astrid_core.shared.errors import NotRegistered
from tests.synthetic.fields import wcs

FRAME = (800, 900)


def _list(xy: FloatArray) -> SourceList:
    n = len(xy)
    return SourceList(
        x_pix=xy[:, 0], y_pix=xy[:, 1], flux=np.linspace(1e5, 1e3, n), snr=np.full(n, 50.0), peak=np.full(n, 10.0),
        half_light_pix=np.full(n, 2.0), ellipticity=np.zeros(n), clean=np.ones(n, dtype=bool),
    )  # fmt: skip


def _field(seed: int, n: int = 120) -> FloatArray:
    return np.random.default_rng(seed).uniform([20, 20], [880, 780], (n, 2))


def _turned(xy: FloatArray, degrees: float, shift: tuple[float, float], scale: float = 1.0) -> FloatArray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.asarray(scale * xy @ np.array([[c, -s], [s, c]]).T + np.array(shift))


def test_a_wcs_that_is_off_by_pixels_and_turned_is_corrected() -> None:
    truth, header = wcs(FRAME), wcs(FRAME, shift=(5.5, -3.0))
    xy = _field(1)
    jitter = np.random.default_rng(2).normal(0.0, 0.05, xy.shape)
    tied = tie_to_reference(_list(xy + jitter), header, FRAME, _list(xy), truth)
    assert tied.offset_pix == pytest.approx((5.5, -3.0), abs=0.05)
    assert tied.rms_pix == pytest.approx(0.05, abs=0.02)
    sky, expected = tied.wcs.pixel_to_world(100.0, 700.0), truth.pixel_to_world(100.0, 700.0)
    assert sky.separation(expected).arcsec < 0.05


def test_outliers_and_missing_stars_do_not_matter() -> None:
    xy = _field(3)
    other = np.concatenate([xy[30:] + np.array([12.0, -7.0]), _field(4, 40)])
    found = match(xy, other, reach_pix=60.0, frame=FRAME)
    assert found.apply(np.array([[450.0, 400.0]]))[0] == pytest.approx([462.0, 393.0], abs=0.02)


def test_unrelated_fields_are_not_registered() -> None:
    with pytest.raises(NotRegistered, match="do not match"):
        match(_field(5), _field(6), reach_pix=60.0, frame=FRAME)
    with pytest.raises(NotRegistered, match="too few stars"):
        match(_field(5)[:2], _field(5), reach_pix=60.0, frame=FRAME)


@pytest.mark.parametrize(("degrees", "scale"), [(0.0, 1.0), (90.0, 1.0), (173.0, 1.0), (30.0, 1.2)])
def test_a_frame_without_wcs_gets_the_reference_s_by_its_star_pattern(degrees: float, scale: float) -> None:
    xy = _field(7)
    moved = _turned(xy, degrees, (400.0, 150.0), scale)
    tied = tie_by_patterns(_list(moved), FRAME, _list(xy), wcs(FRAME))
    assert tied.method == "stars"
    got = tied.wcs.pixel_to_world(moved[:, 0], moved[:, 1])
    assert got.separation(wcs(FRAME).pixel_to_world(xy[:, 0], xy[:, 1])).arcsec.max() < 0.01


def test_a_mirrored_frame_is_recognised() -> None:
    xy = _field(8)
    mirrored = np.column_stack([FRAME[1] - 1.0 - xy[:, 0], xy[:, 1]])
    tied = tie_by_patterns(_list(mirrored), FRAME, _list(xy), wcs(FRAME))
    got = tied.wcs.pixel_to_world(mirrored[:, 0], mirrored[:, 1])
    assert got.separation(wcs(FRAME).pixel_to_world(xy[:, 0], xy[:, 1])).arcsec.max() < 0.01
