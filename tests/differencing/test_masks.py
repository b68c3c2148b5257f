from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.extract import extract
from astrid_core.differencing.pair import difference_pair
from astrid_core.differencing.subtract import Difference, subtract
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.prepare import Detector, prepare
from astrid_core.shared.errors import TooFewSources, TooLittleOverlap, Unprocessable
from astrid_core.shared.images import FloatImage, MaskPlane, SkyImage
from tests.synthetic.fields import Source, draw
from tests.synthetic.pairs import GAIN, READ_NOISE, Exposure, Sky, expose, make_sky, prepared, true_psf

SHAPE = (420, 450)
SCIENCE = Exposure(fwhm=3.2)
REFERENCE = Exposure(fwhm=2.6, sky=75.0)


def _images(sky: Sky, *, seed: int, extra: list[Source] | None = None) -> tuple[SkyImage, SkyImage]:
    science, _ = expose(sky, SCIENCE, seed=seed, extra=extra)
    reference, _ = expose(sky, REFERENCE, seed=seed + 1)
    return (
        replace(science, psf=true_psf(sky.shape, SCIENCE.fwhm)),
        replace(reference, psf=true_psf(sky.shape, REFERENCE.fwhm)),
    )


def _masked(image: SkyImage, where: NDArray[np.bool_], plane: MaskPlane, value: float) -> SkyImage:
    return replace(
        image,
        pixels=np.where(where, np.float32(value), image.pixels),
        mask=image.mask | np.where(where, np.uint16(plane), np.uint16(0)),
    )


def _strong(result: Difference) -> list[tuple[float, float, float]]:
    return [(p.x_pix, p.y_pix, p.score) for p in extract(result, threshold_sigma=5.5, limit=100)]


@pytest.mark.parametrize("value", [np.nan, 0.0, 65535.0, -1e6])
def test_what_a_masked_pixel_holds_changes_nothing(value: float) -> None:
    science, reference = _images(make_sky(SHAPE, seed=3, n_galaxies=30), seed=5)
    holes = np.random.default_rng(1).random(SHAPE) < 0.002
    holes[100:140, 200:240] = True
    holes[:, 300:302] = True
    result = subtract(_masked(science, holes, MaskPlane.BAD, value), reference, DifferenceConfig())
    expected = subtract(_masked(science, holes, MaskPlane.BAD, 1.0), reference, DifferenceConfig())
    assert np.array_equal(result.score, expected.score)
    assert np.isnan(result.difference[holes]).all()
    assert not _strong(result)


def test_a_masked_transient_is_no_candidate_and_leaves_no_ring() -> None:
    science, reference = _images(Sky(shape=SHAPE), seed=7, extra=[Source(x_pix=220.0, y_pix=200.0, flux=1e5)])
    y, x = np.indices(SHAPE)
    core = np.hypot(x - 220.0, y - 200.0) < 16.0
    assert not _strong(subtract(_masked(science, core, MaskPlane.SATURATED, 60000.0), reference, DifferenceConfig()))


def test_masked_pixels_are_masked_in_the_result_with_their_reason() -> None:
    science, reference = _images(Sky(shape=SHAPE), seed=9)
    where = np.zeros(SHAPE, dtype=bool)
    where[50:60, 50:60] = True
    other = np.roll(where, 100, axis=1)
    result = subtract(
        _masked(science, where, MaskPlane.COSMIC_RAY, 1.0),
        _masked(reference, other, MaskPlane.BAD, 1.0),
        DifferenceConfig(),
    )
    assert (result.mask[where] & MaskPlane.COSMIC_RAY).all()
    assert (result.mask[other] & MaskPlane.REFERENCE).all()
    assert result.mask[0, 0] & MaskPlane.EDGE


def _defective(sky: Sky, exposure: Exposure, *, seed: int) -> SkyImage:
    """A raw frame with saturated stars, a dead column and cosmic rays, as a detector gives it, then prepared."""
    rng = np.random.default_rng(seed)
    big = [
        Source(x_pix=90.0, y_pix=110.0, flux=4e6), Source(x_pix=300.0, y_pix=250.0, flux=2e6),
        Source(x_pix=200.0, y_pix=360.0, flux=8e5),
    ]  # fmt: skip
    image, frame = expose(sky, exposure, seed=seed, extra=big)
    raw = np.minimum(image.pixels + np.float32(exposure.sky), np.float32(60000.0))
    raw[:, 150 + seed] = 100.0
    for _ in range(25):
        row, column, length = int(rng.integers(5, 400)), int(rng.integers(5, 430)), int(rng.integers(1, 8))
        raw[row, column : column + length] += np.float32(rng.uniform(300, 5000))
    detector = Detector(gain_e_count=GAIN, read_noise_e=READ_NOISE, saturation=60000.0)
    return prepare(raw.astype(np.float32), wcs=frame, detector=detector, config=PreprocessConfig()).image


@pytest.mark.parametrize("seed", [11, 13])
def test_saturated_stars_columns_and_cosmic_rays_of_both_frames_give_no_candidates(seed: int) -> None:
    sky = make_sky(SHAPE, seed=seed, n_galaxies=30)
    pair = difference_pair(
        _defective(sky, replace(SCIENCE, shift=(2.4, 1.3)), seed=seed), _defective(sky, REFERENCE, seed=seed + 1),
        DifferenceConfig(),
    )  # fmt: skip
    assert [peak for peak in pair.peaks if abs(peak.score) > 7.5] == []
    assert (pair.difference.mask == 0).mean() > 0.75


def test_a_hit_on_one_frame_that_no_mask_caught_is_no_candidate_but_a_star_is() -> None:
    science, reference = _images(Sky(shape=SHAPE), seed=15, extra=[Source(x_pix=100.0, y_pix=100.0, flux=4000.0)])
    pixels = science.pixels.copy()
    pixels[200, 200] += 900.0
    pixels[300, 250:254] += 300.0
    result = subtract(replace(science, pixels=pixels), reference, DifferenceConfig())
    assert abs(result.score[200, 200]) > 7.5
    found = _strong(result)
    assert len(found) == 1
    assert found[0][:2] == pytest.approx((100.0, 100.0), abs=0.5)


@pytest.mark.parametrize("shape", [(257, 300), (300, 257), (211, 211), (130, 700)])
def test_any_shape_is_subtracted(shape: tuple[int, int]) -> None:
    sky = make_sky(shape, seed=17, n_galaxies=10)
    new = Source(x_pix=shape[1] / 2, y_pix=shape[0] / 2, flux=5000.0)
    science, _ = expose(sky, SCIENCE, seed=1, extra=[new])
    reference, _ = expose(sky, REFERENCE, seed=2)
    result = subtract(
        replace(science, psf=true_psf(shape, SCIENCE.fwhm)), replace(reference, psf=true_psf(shape, REFERENCE.fwhm)),
        DifferenceConfig(),
    )  # fmt: skip
    assert result.score.shape == shape
    (x, y, score), *others = _strong(result)
    assert (x, y) == pytest.approx((new.x_pix, new.y_pix), abs=0.6)
    assert score > 20.0
    assert not others


def test_the_size_of_the_tiles_changes_the_score_by_less_than_a_hundredth_of_sigma() -> None:
    science, reference = _images(Sky(shape=(600, 620)), seed=19)
    small = subtract(science, reference, DifferenceConfig(tile_pix=200))
    large = subtract(science, reference, DifferenceConfig(tile_pix=600))
    good = (small.mask == 0) & (large.mask == 0)
    assert np.abs(small.score - large.score)[good].max() < 0.01


def test_a_reference_that_covers_little_is_refused_with_the_fraction() -> None:
    science, reference = _images(Sky(shape=SHAPE), seed=21)
    gone = np.zeros(SHAPE, dtype=bool)
    gone[:, 60:] = True
    with pytest.raises(TooLittleOverlap, match=r"overlap=0\.1"):
        subtract(science, _masked(reference, gone, MaskPlane.NO_DATA, np.nan), DifferenceConfig())


def _raw(shape: tuple[int, int], seed: int = 1) -> FloatImage:
    image, _ = expose(make_sky(shape, seed=seed), SCIENCE, seed=seed)
    return (image.pixels + np.float32(300.0)).astype(np.float32)


def _broken(kind: str) -> tuple[FloatImage, FloatImage | None]:
    pixels = _raw((300, 320)).copy()
    variance: FloatImage | None = None
    if kind == "rows of NaN":
        pixels[::2] = np.nan
    elif kind == "negative variance":
        variance = np.full(pixels.shape, -1.0, dtype=np.float32)
    elif kind == "variance of NaN":
        variance = np.full(pixels.shape, np.nan, dtype=np.float32)
    elif kind == "flux units":
        pixels = (pixels * np.float32(1e-19)).astype(np.float32)
    elif kind == "huge units":
        pixels = (pixels * np.float32(1e12)).astype(np.float32)
    elif kind == "infinities":
        pixels[100:110, 100:110] = np.inf
        pixels[200:210, 100:110] = -np.inf
    return pixels, variance


@pytest.mark.parametrize(
    "kind", ["rows of NaN", "negative variance", "variance of NaN", "flux units", "huge units", "infinities"]
)
def test_odd_frames_are_prepared_or_refused_with_numbers(kind: str) -> None:
    pixels, variance = _broken(kind)
    try:
        image = prepare(pixels, variance=variance, detector=Detector(), config=PreprocessConfig()).image
    except Unprocessable as error:
        assert "=" in str(error)  # noqa: PT017 - both ends are right; a refusal must name its number
        return
    usable = image.usable
    assert usable.mean() > 0.3
    assert np.isfinite(image.pixels[usable]).all()
    assert (image.variance[usable] > 0.0).all()


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (16, 16), (3, 400), (40, 40)])
def test_tiny_frames_are_refused_with_a_number(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).normal(300.0, 10.0, shape).astype(np.float32)
    with pytest.raises(Unprocessable, match="="):
        prepare(pixels, detector=Detector(), config=PreprocessConfig())


def test_a_field_without_stars_is_refused_with_their_number() -> None:
    pixels = np.random.default_rng(2).normal(300.0, 12.0, (300, 300)).astype(np.float32)
    with pytest.raises(TooFewSources, match="n_stars="):
        prepare(pixels, detector=Detector(), config=PreprocessConfig())


def test_frames_of_two_different_fields_are_refused() -> None:
    one = prepared(make_sky(SHAPE, seed=25), SCIENCE, seed=1)
    other = prepared(make_sky(SHAPE, seed=26), REFERENCE, seed=2)
    with pytest.raises(Unprocessable, match="n_science="):
        difference_pair(one, other, DifferenceConfig())


def test_a_satellite_trail_is_masked_and_gives_no_candidates_but_a_transient_beside_it_does() -> None:
    new = Source(x_pix=300.0, y_pix=120.0, flux=6000.0)
    science, reference = _images(make_sky(SHAPE, seed=27, n_galaxies=20), seed=31, extra=[new])
    across = [Source(x_pix=float(x), y_pix=40.3 + 0.75 * x, flux=900.0) for x in range(SHAPE[1]) if 40 + 0.75 * x < 400]
    light = draw(SHAPE, across, SCIENCE.fwhm).astype(np.float32)
    result = subtract(replace(science, pixels=science.pixels + light), reference, DifferenceConfig())
    assert (result.mask[light > 100.0] & MaskPlane.TRAIL).all()
    assert ((result.mask & MaskPlane.TRAIL) != 0).mean() < 0.06
    ((x, y, score),) = _strong(result)
    assert (x, y) == pytest.approx((new.x_pix, new.y_pix), abs=0.5)
    assert score > 20.0


@pytest.mark.parametrize("beyond", [-6.0, -4.0, -2.0, 0.0])
def test_a_bright_star_that_the_edge_cuts_gives_no_candidate_but_a_new_one_beside_the_edge_does(beyond: float) -> None:
    cut = Sky(shape=SHAPE, stars=[Source(x_pix=100.3, y_pix=beyond, flux=3e5)])
    science, reference = _images(cut, seed=21, extra=[Source(x_pix=300.0, y_pix=6.0, flux=4000.0)])
    found = _strong(subtract(science, reference, DifferenceConfig()))
    assert len(found) == 1
    assert found[0][:2] == pytest.approx((300.0, 6.0), abs=0.5)
