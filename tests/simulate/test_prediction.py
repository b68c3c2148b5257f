from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from astrid_core.differencing.zogy import make_kernels, score_variance, subtract_tile, transform_psf
from astrid_core.shared.images import FloatImage, PsfModel
from astrid_core.simulate.changing import ChangingObject
from astrid_core.simulate.exposure import Exposed, expose, look
from astrid_core.simulate.optics import Optics
from astrid_core.simulate.population import FieldSky
from astrid_core.simulate.prediction import STAMP_PIX, Sight, predict_snr
from tests.simulate.skies import CALM, CENTRE, canvas, empty_sky, plan, transient, with_stars

SIDE = 288
ON = canvas(SIDE)
BEFORE, AFTER = 60000.0, 60010.0


def sky_of_transients(*, fading: bool = False) -> FieldSky:
    """Return 49 transients, from faint to bright, each on the flank of a star."""
    rng = np.random.default_rng(5)
    places = [(float(x), float(y)) for x in np.linspace(30.3, 257.1, 7) for y in np.linspace(28.7, 256.9, 7)]
    found = [
        transient(ON, x, y, float(10.0 ** rng.uniform(2.9, 4.5)), name=f"t{number}")
        for number, (x, y) in enumerate(places)
    ]
    if fading:
        found = [replace(one, from_mjd=0.0, until_mjd=60005.0) for one in found]
    stars = [(x + 1.0, y - 0.5, float(10.0 ** rng.uniform(2.0, 4.5))) for x, y in places]
    return with_stars(empty_sky(*found), ON, *stars)


def exposure(sky: FieldSky, name: str, fwhm_pix: float, begin_mjd: float, *, dimming_mag: float = 0.0) -> Exposed:
    planned = plan(ON, name, begin_mjd=begin_mjd, conditions=CALM)
    optics = Optics(frame_shape=planned.shape, fwhm_pix=fwhm_pix, beta=3.0, shear=(0.03, -0.02))
    return expose(sky, replace(planned, optics=optics, zero_point_mag=planned.zero_point_mag - dimming_mag))


def true_score(science: Exposed, reference: Exposed) -> FloatImage:
    """Return S_corr with the true PSFs, the true noise and the true flux scale."""
    scale = np.float32(10.0 ** (0.4 * (science.plan.zero_point_mag - reference.plan.zero_point_mag)))
    middle = (SIDE - 1) / 2
    science_variance, reference_variance = science.variance, reference.variance * scale**2
    psfs = [
        PsfModel(
            coefficients=one.plan.optics.stamp(middle, middle, STAMP_PIX)[None].astype(np.float64),
            degree=0,
            frame_shape=(SIDE, SIDE),
        )
        for one in (science, reference)
    ]
    kernels = make_kernels(
        *(transform_psf(one, (SIDE, SIDE)).at(middle, middle) for one in psfs),
        science_variance=float(np.median(science_variance)),
        reference_variance=float(np.median(reference_variance)),
        shape=(SIDE, SIDE),
    )
    tile = subtract_tile(_flat(science), _flat(reference) * scale, kernels)
    return np.asarray(tile.score / np.sqrt(score_variance(science_variance, reference_variance, kernels)))


def _flat(exposed: Exposed) -> FloatImage:
    return (exposed.counts - exposed.plan.sky_light.on(exposed.plan.shape)).astype(np.float32)


@pytest.mark.parametrize(
    ("science_fwhm", "reference_fwhm", "dimming_mag", "fading"),
    [(3.0, 3.0, 0.0, False), (3.8, 2.8, 0.2, False), (2.8, 4.0, -0.2, False), (3.4, 3.0, 0.1, True)],
)
def test_a_subtraction_with_the_true_psfs_measures_what_is_predicted(
    science_fwhm: float, reference_fwhm: float, dimming_mag: float, fading: bool
) -> None:
    sky = sky_of_transients(fading=fading)
    science = exposure(sky, "science", science_fwhm, AFTER, dimming_mag=dimming_mag)
    reference = exposure(sky, "reference", reference_fwhm, BEFORE)
    score = true_score(science, reference)
    predicted, measured = [], []
    for one in sky.changing:
        seen, before = look(science, one), look(reference, one)
        assert seen is not None
        assert before is not None
        predicted.append(predict_snr(seen, [before]))
        measured.append(float(ndimage.map_coordinates(score, [[seen.y_pix], [seen.x_pix]], order=3)[0]))
    expected, found = np.array(predicted), np.array(measured)
    bright = np.abs(expected) > 8.0
    assert bright.sum() > 25
    assert (expected < 0.0).all() == fading
    assert np.median(found[bright] / expected[bright]) == pytest.approx(1.0, abs=0.03)
    assert np.std(found - expected) == pytest.approx(1.0, abs=0.35)


def sight(**changed: object) -> Sight:
    psf = Optics(frame_shape=(64, 64), fwhm_pix=3.0, beta=3.0).stamp(32.0, 32.0, STAMP_PIX)
    blank = Sight(
        x_pix=32.0,
        y_pix=32.0,
        position=CENTRE,
        flux_adu=0.0,
        zero_point_mag=28.0,
        psf=psf,
        sky_variance=100.0,
        variance=np.full((STAMP_PIX, STAMP_PIX), 100.0),
        weight_noise=10.0,
        fwhm_pix=3.0,
    )
    return replace(blank, **changed)  # type: ignore[arg-type]


def test_against_a_perfect_reference_it_is_the_significance_of_a_psf_fit() -> None:
    perfect = sight(sky_variance=1e-6, variance=np.full((STAMP_PIX, STAMP_PIX), 1e-6))
    new = sight(flux_adu=1000.0)
    assert predict_snr(new, [perfect]) == pytest.approx(
        1000.0 * np.sqrt(np.sum(new.psf.astype(float) ** 2)) / 10.0, rel=1e-3
    )


def test_an_equal_reference_costs_root_two_and_four_cost_root_five_quarters() -> None:
    alone = predict_snr(sight(flux_adu=1000.0), [sight()])
    four = predict_snr(sight(flux_adu=1000.0), [sight() for _ in range(4)])
    assert four / alone == pytest.approx(np.sqrt(2.0 / 1.25), rel=1e-6)


def test_light_of_a_host_costs_significance() -> None:
    y, x = np.mgrid[-20:21, -20:21]
    bright = np.where(np.hypot(x, y) < 5.0, 400.0, 100.0)
    dark = predict_snr(sight(flux_adu=1000.0), [sight()])
    on_host = predict_snr(sight(flux_adu=1000.0, variance=bright), [sight(variance=bright)])
    assert 0.45 < on_host / dark < 0.7


def test_a_constant_source_changes_nothing_even_through_clouds() -> None:
    dimmed = sight(flux_adu=1000.0 * 10.0**-0.4, zero_point_mag=27.0)
    assert predict_snr(dimmed, [sight(flux_adu=1000.0)]) == pytest.approx(0.0, abs=1e-6)


def test_a_deep_sharp_exposure_decides_what_the_reference_shows() -> None:
    deep = sight(flux_adu=0.0, weight_noise=1.0)
    shallow = sight(flux_adu=1000.0, weight_noise=10.0)
    assert predict_snr(sight(flux_adu=0.0), [deep, shallow]) < 0.0
    assert abs(predict_snr(sight(flux_adu=0.0), [deep, shallow])) < 1.0


def test_an_exposure_sees_nothing_where_an_asteroid_will_be() -> None:
    ra, dec = ON.sky(np.array([100.0]), np.array([100.0]))
    asteroid = ChangingObject(
        object_id="a",
        kind="moving",
        position=replace(CENTRE, ra_deg=float(ra[0]), dec_deg=float(dec[0])),
        mag_ab=20.0,
        epoch_mjd=AFTER,
        east_arcsec_h=10.0,
    )
    sky = empty_sky(asteroid)
    science, reference = exposure(sky, "s", 3.0, AFTER), exposure(sky, "r", 3.0, BEFORE)
    seen, before = look(science, asteroid), look(reference, asteroid, at_mjd=science.plan.mid_mjd)
    assert seen is not None
    assert before is not None
    assert before.x_pix == pytest.approx(seen.x_pix)
    assert before.y_pix == pytest.approx(seen.y_pix)
    assert before.flux_adu == 0.0
    assert predict_snr(seen, [before]) > 10.0
    assert look(reference, asteroid) is None
