from dataclasses import replace

import numpy as np
import pytest
from astropy.wcs import WCS

from astrid_core.preprocessing.entities import ImageQuality
from astrid_core.preprocessing.exposure_quality import LIMIT_SIGMA, limiting_flux, measure_exposure
from astrid_core.preprocessing.psf_flux import measure_psf_fluxes
from astrid_core.preprocessing.psf_shape import adaptive_moments, local_scale_arcsec, measure_psf_shape
from astrid_core.shared.errors import BadPixels
from astrid_core.shared.images import MaskPlane, PsfModel, SkyImage
from astrid_core.simulate.optics import Optics
from tests.preprocessing.invented_stars import Sky, see
from tests.synthetic.fields import Source, draw, observe, wcs
from tests.synthetic.pairs import true_psf

SHAPE = (400, 420)
FWHM = 3.2
GAIN = 2.0
SKY = 60.0


def _empty(light: np.ndarray | None = None, *, seed: int = 1, scale_arcsec: float = 0.5) -> SkyImage:
    light = np.zeros(SHAPE) if light is None else light
    image = observe(light, sky=SKY, gain=GAIN, read_noise=4.0, seed=seed, frame=wcs(SHAPE, scale_arcsec=scale_arcsec))
    return replace(image, psf=true_psf(SHAPE, FWHM))


def _quality(image: SkyImage) -> ImageQuality:
    return ImageQuality(
        n_stars=40, fwhm_pix=FWHM, psf_residual=0.01, sky=SKY, sky_rms=7.0, gain_e_count=GAIN, saturation=None,
        masked_fraction=0.0, depth_mag=None,
    )  # fmt: skip


def _elliptical(ellipticity: float, angle_deg: float) -> PsfModel:
    """Return a Moffat PSF whose major axis is turned from x towards y."""
    # A shear g squeezes by (1 - g) / (1 + g).
    g = ellipticity / (2.0 - ellipticity)
    turn = np.radians(2.0 * angle_deg)
    optics = Optics(frame_shape=SHAPE, fwhm_pix=4.0, beta=3.0, shear=(float(g * np.cos(turn)), float(g * np.sin(turn))))
    stamp = optics.stamp((SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2, 41).astype(float)
    return PsfModel(coefficients=stamp[None] / stamp.sum(), degree=0, frame_shape=SHAPE)


def test_sources_at_the_limit_have_five_sigma() -> None:
    places = [(x, y) for x in range(30, SHAPE[1] - 30, 40) for y in range(30, SHAPE[0] - 30, 40)]
    limit = limiting_flux(_empty(), gain_e_count=GAIN)
    light = draw(SHAPE, [Source(x_pix=x, y_pix=y, flux=limit) for x, y in places], FWHM)
    x, y = (np.array(axis, dtype=float) for axis in zip(*places, strict=True))
    found = np.concatenate(
        [measure_psf_fluxes(_empty(light, seed=seed), x, y, recentre=False).flux for seed in range(20)]
    )

    assert np.mean(found) == pytest.approx(limit, rel=0.02)
    assert np.mean(found) / np.std(found) == pytest.approx(LIMIT_SIGMA, rel=0.05)


def test_the_own_photons_of_a_source_make_the_limit_brighter() -> None:
    image = _empty()

    assert limiting_flux(image, gain_e_count=0.1) > 1.5 * limiting_flux(image, gain_e_count=None)


def test_bright_stars_do_not_change_the_limit() -> None:
    rng = np.random.default_rng(2)
    stars = [Source(x_pix=rng.uniform(30, 390), y_pix=rng.uniform(30, 370), flux=5e4) for _ in range(30)]

    assert limiting_flux(_empty(draw(SHAPE, stars, FWHM)), gain_e_count=GAIN) == pytest.approx(
        limiting_flux(_empty(), gain_e_count=GAIN), rel=0.03
    )


def test_a_frame_without_a_clear_place_is_refused() -> None:
    image = _empty()
    mask = np.zeros(SHAPE, dtype=np.uint16)
    mask[::5] = MaskPlane.BAD

    with pytest.raises(BadPixels, match="clear enough"):
        limiting_flux(replace(image, mask=mask), gain_e_count=None)


def test_an_exposure_is_described_in_magnitudes_and_arcseconds() -> None:
    image, photometry = _empty(), see(Sky(n=200), 1).solve()
    found = measure_exposure(image, _quality(image), photometry=photometry, airmass=1.3)

    assert found.seeing_arcsec == pytest.approx(0.5 * FWHM, rel=0.05)
    assert found.limiting_mag == pytest.approx(photometry.zero_point_mag - 2.5 * np.log10(found.limiting_flux))
    # One pixel is a quarter of a square arcsecond.
    assert found.sky_mag_arcsec2 == pytest.approx(photometry.zero_point_mag - 2.5 * np.log10(4.0 * SKY), abs=1e-3)
    assert found.zero_point_scatter_mag == photometry.scatter_mag
    assert found.masked_fraction == 0.0
    assert found.airmass == 1.3


def test_without_zero_point_and_wcs_counts_and_pixels_remain() -> None:
    image = replace(_empty(), wcs=None)
    found = measure_exposure(image, _quality(image), photometry=None, airmass=None)

    assert (found.limiting_mag, found.sky_mag_arcsec2, found.seeing_arcsec, found.position_angle_deg) == (None,) * 4
    assert found.limiting_flux > 0.0
    assert found.fwhm_pix == pytest.approx(FWHM, rel=0.05)


@pytest.mark.parametrize("ellipticity", [0.05, 0.2, 0.4])
def test_adaptive_moments_tell_the_axes_of_a_moffat_profile(ellipticity: float) -> None:
    found = measure_psf_shape(_elliptical(ellipticity, 30.0), None)

    # Square pixels round off a little.
    assert found.ellipticity == pytest.approx(ellipticity, rel=0.07)


@pytest.mark.parametrize(("angle_deg", "position_angle_deg"), [(90.0, 0.0), (0.0, 90.0), (135.0, 45.0), (60.0, 150.0)])
def test_position_angles_run_from_north_through_east(angle_deg: float, position_angle_deg: float) -> None:
    # North is up and east to the left: from y towards minus x.
    found = measure_psf_shape(_elliptical(0.2, angle_deg), wcs(SHAPE, scale_arcsec=0.5))

    assert found.position_angle_deg is not None
    assert (found.position_angle_deg - position_angle_deg + 90.0) % 180.0 - 90.0 == pytest.approx(0.0, abs=0.5)


def test_a_turned_camera_sees_the_same_position_angle() -> None:
    turned = WCS(naxis=2)
    turned.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    turned.wcs.crval, turned.wcs.crpix = [150.0, 70.0], [210.5, 200.5]
    turned.wcs.cd = np.array([[0.0, 0.5], [0.5, 0.0]]) / 3600.0
    turned.wcs.set()
    # East is up and north to the right.
    found = measure_psf_shape(_elliptical(0.2, 20.0), turned)

    assert found.position_angle_deg == pytest.approx(20.0, abs=0.5)
    assert np.linalg.det(local_scale_arcsec(turned, 200.0, 200.0)) == pytest.approx(-0.25, rel=1e-3)


def test_moments_of_a_gaussian_are_its_own() -> None:
    y, x = np.mgrid[-20:21, -20:21]
    stamp = np.exp(-0.5 * (x**2 / 9.0 + y**2 / 4.0))

    assert adaptive_moments(stamp) == pytest.approx(np.array([[9.0, 0.0], [0.0, 4.0]]), abs=1e-3)
