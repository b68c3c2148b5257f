import numpy as np
import pytest
from astropy.wcs import WCS, Sip

from astrid_core.preprocessing.sources import FloatArray
from astrid_core.preprocessing.tangent_plane import plane_at, sky_of, to_plane, to_sky
from astrid_core.preprocessing.wcs_fit import Distortion, WcsModel, fit_wcs
from astrid_core.preprocessing.wcs_models import MatchedStars, choose_model, models_for
from tests.synthetic.star_fields import worst_pix

SHAPE = (800, 1000)


def _wcs(dec_deg: float, kind: str = "TAN") -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---{kind}", f"DEC--{kind}"]
    wcs.wcs.crpix = [500.0, 400.0]
    wcs.wcs.crval = [10.0, dec_deg]
    wcs.wcs.cd = np.array([[-1.0, 0.1], [0.1, 1.0]]) * 3e-4
    wcs.wcs.lonpole = 180.0
    wcs.wcs.set()
    return wcs


def _bent(dec_deg: float) -> WCS:
    wcs = _wcs(dec_deg)
    a, b = np.zeros((3, 3)), np.zeros((3, 3))
    a[2, 0], a[1, 1], b[0, 2] = 1e-5, -5e-6, 2e-5
    wcs.sip = Sip(a, b, None, None, [500.0, 400.0])
    wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
    wcs.wcs.set()
    return wcs


def _pixels(n: int, seed: int = 1) -> FloatArray:
    return np.random.default_rng(seed).uniform([0.0, 0.0], [1000.0, 800.0], (n, 2))


def _spoiled(wcs: WCS) -> WCS:
    """20 arcsec away, 1 % larger."""
    spoiled = wcs.deepcopy()
    spoiled.wcs.crval = to_sky(plane_at(*wcs.wcs.crval), np.array([[15.0, 13.0]]) / 3600.0)[0]
    spoiled.wcs.cd = wcs.wcs.cd * 1.01
    spoiled.wcs.set()
    return spoiled


def _matched(wcs: WCS, n: int, err_pix: float, seed: int = 1) -> MatchedStars:
    xy = _pixels(n, seed)
    noise = np.random.default_rng(seed + 1).normal(0.0, err_pix, xy.shape)
    return MatchedStars(xy=xy + noise, sky=sky_of(wcs, xy), err_pix=np.full(xy.shape, err_pix))


@pytest.mark.parametrize("dec_deg", [0.0, 60.0, 89.99, 90.0, -90.0])
@pytest.mark.parametrize("model", [WcsModel(Distortion.KEPT), WcsModel(Distortion.FREE, 2)], ids=str)
def test_a_bent_frame_is_fitted_exactly_also_at_the_poles(dec_deg: float, model: WcsModel) -> None:
    truth, xy = _bent(dec_deg), _pixels(40)
    fitted = fit_wcs(model, _spoiled(truth), xy, sky_of(truth, xy), np.ones(40))
    plane = plane_at(*truth.wcs.crval)
    off = to_plane(plane, sky_of(fitted, xy)) - to_plane(plane, sky_of(truth, xy))
    assert np.abs(off).max() * 3.6e6 < 1e-3  # mas


def test_the_distortion_of_a_tpv_header_is_kept() -> None:
    header = _wcs(20.0).to_header()
    for axis in (1, 2):
        header[f"CTYPE{axis}"] = header[f"CTYPE{axis}"].replace("TAN", "TPV")
        header[f"PV{axis}_1"], header[f"PV{axis}_4"] = 1.0, 0.02
    truth = WCS(header)
    spoiled, xy = truth.deepcopy(), _pixels(40)
    spoiled.wcs.crpix = truth.wcs.crpix + np.array([12.0, -7.0])
    spoiled.wcs.set()
    fitted = fit_wcs(WcsModel(Distortion.KEPT), spoiled, xy, sky_of(truth, xy), np.ones(40))
    assert worst_pix(fitted, truth, SHAPE) < 1e-3


def test_a_radial_distortion_about_a_far_centre_needs_three_numbers() -> None:
    xy = _pixels(40)
    far = xy - [-3000.0, 5000.0]
    moved = xy + 1e-9 * far * (far**2).sum(axis=1, keepdims=True)
    sky = sky_of(_wcs(5.0), moved)
    fitted = fit_wcs(WcsModel(Distortion.RADIAL, 3), _wcs(5.0), xy, sky, np.ones(40))
    other = _pixels(30, seed=9)
    far = other - [-3000.0, 5000.0]
    there = other + 1e-9 * far * (far**2).sum(axis=1, keepdims=True)
    plane = plane_at(10.0, 5.0)
    off = to_plane(plane, sky_of(fitted, other)) - to_plane(plane, sky_of(_wcs(5.0), there))
    assert np.abs(off).max() / 3e-4 < 2e-3  # pixels


@pytest.mark.parametrize(("bent", "expected"), [(True, Distortion.FREE), (False, Distortion.LINEAR)])
def test_distortion_is_fitted_only_where_stars_ask_for_it(bent: bool, expected: Distortion) -> None:
    truth = _bent(30.0) if bent else _wcs(30.0)
    stars = _matched(truth, 60, 0.1)
    models = models_for(_wcs(30.0), len(stars), max_order=3, is_header=False)
    assert choose_model(_wcs(30.0), truth, stars, 0.01, models).model.distortion is expected


def test_a_right_header_stays_as_it_is() -> None:
    header = _bent(30.0)
    stars = _matched(header, 60, 0.1)
    chosen = choose_model(header, header, stars, 0.01, models_for(header, 60, max_order=3, is_header=True))
    assert chosen.model.distortion is Distortion.HEADER
    assert worst_pix(chosen.wcs, header, SHAPE) == pytest.approx(0.0, abs=1e-6)


def test_stars_left_out_scatter_more_than_stars_that_were_fitted() -> None:
    stars = _matched(_wcs(0.0), 20, 0.2)
    chosen = choose_model(_wcs(0.0), _wcs(0.0), stars, 0.01, (WcsModel(Distortion.FREE, 3),))
    assert np.sqrt(np.mean(chosen.held_out_pix**2)) > 0.2
    assert np.sqrt(np.mean(chosen.studentised_pix**2)) == pytest.approx(0.2, rel=0.35)
