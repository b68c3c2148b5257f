"""What must hold for every pair: symmetries of the subtraction, and what no pixel may do to its neighbours."""

from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.subtract import Difference, subtract
from astrid_core.shared.images import MaskPlane, SkyImage
from tests.synthetic.fields import Source
from tests.synthetic.pairs import Exposure, expose, make_sky, true_psf

SHAPE = (190, 210)
SCIENCE, REFERENCE = Exposure(fwhm=3.2), Exposure(fwhm=2.6, sky=75.0)
EVERY = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)
SEEDS = st.integers(0, 10_000)


def _pair(seed: int, *, extra: list[Source] | None = None, density: float = 1 / 1500) -> tuple[SkyImage, SkyImage]:
    sky = make_sky(SHAPE, seed=seed, n_galaxies=6, density=density)
    science, _ = expose(sky, SCIENCE, seed=seed, extra=extra)
    reference, _ = expose(sky, REFERENCE, seed=seed + 1)
    return (
        replace(science, psf=true_psf(SHAPE, SCIENCE.fwhm), wcs=None),
        replace(reference, psf=true_psf(SHAPE, REFERENCE.fwhm), wcs=None),
    )


def _usable(*results: Difference) -> NDArray[np.bool_]:
    return np.asarray(np.logical_and.reduce([one.mask == 0 for one in results]))


def _scaled(image: SkyImage, factor: float) -> SkyImage:
    return replace(
        image, pixels=image.pixels * np.float32(factor), variance=image.variance * np.float32(factor) ** 2
    )  # fmt: skip


@EVERY
@given(seed=SEEDS)
def test_exchanging_the_images_changes_the_signs(seed: int) -> None:
    science, reference = _pair(seed, density=0.0)
    there = subtract(science, reference, DifferenceConfig())
    back = subtract(reference, science, DifferenceConfig())
    good = _usable(there, back)
    assert np.allclose(there.difference[good], -back.difference[good], atol=1e-3 * np.std(there.difference[good]))
    assert np.allclose(there.score[good], -back.score[good], atol=0.02)


@EVERY
@given(seed=SEEDS, factor=st.floats(1e-3, 1e3))
def test_the_unit_of_the_pixels_does_not_matter(seed: int, factor: float) -> None:
    science, reference = _pair(seed)
    one = subtract(science, reference, DifferenceConfig())
    other = subtract(_scaled(science, factor), _scaled(reference, factor), DifferenceConfig())
    good = _usable(one, other)
    noise = float(np.std(one.difference[good]))
    assert np.allclose(other.difference[good] / factor, one.difference[good], atol=1e-2 * noise)
    assert np.allclose(other.score[good], one.score[good], atol=0.01)
    assert np.allclose(other.flux_err[good] / factor, one.flux_err[good], rtol=1e-3)


@EVERY
@given(seed=SEEDS, dx=st.integers(-15, 15), dy=st.integers(-15, 15))
def test_moving_both_images_moves_the_difference(seed: int, dx: int, dy: int) -> None:
    def moved(image: SkyImage) -> SkyImage:
        return replace(
            image,
            pixels=np.roll(image.pixels, (dy, dx), (0, 1)),
            variance=np.roll(image.variance, (dy, dx), (0, 1)),
        )

    science, reference = _pair(seed, density=0.0)
    one = subtract(science, reference, DifferenceConfig())
    other = subtract(moved(science), moved(reference), DifferenceConfig())
    inner = np.s_[60:-60, 60:-60]
    expected, found = (np.roll(plane, (dy, dx), (0, 1))[inner] for plane in (one.score, one.difference))
    assert np.allclose(other.score[inner], expected, atol=0.05)
    assert np.std(other.difference[inner] - found) < 0.01 * np.std(found)


@EVERY
@given(seed=SEEDS)
def test_two_exposures_of_one_sky_differ_by_noise_only(seed: int) -> None:
    result = subtract(*_pair(seed), DifferenceConfig())
    values = result.score[result.mask == 0]
    # Some 1500 independent values: their scatter is known to 2 %, their mean to 0.03.
    assert abs(float(np.mean(values))) < 0.15
    assert 0.9 < float(np.std(values)) < 1.1
    assert np.abs(values).max() < 6.0


@EVERY
@given(seed=SEEDS)
def test_an_image_does_not_differ_from_itself(seed: int) -> None:
    science, _ = _pair(seed)
    sky = np.sqrt(np.median(science.variance))
    # A thousandth of the noise is left, so that there is a score to calibrate.
    touch = np.random.default_rng(seed).normal(0.0, 1e-3 * sky, SHAPE).astype(np.float32)
    bent = replace(science, pixels=science.pixels + touch)
    result = subtract(bent, science, DifferenceConfig())
    assert np.abs(result.difference[result.mask == 0]).max() < 0.01 * sky


@EVERY
@given(
    seed=SEEDS,
    places=st.lists(st.tuples(st.integers(30, 160), st.integers(30, 180)), min_size=1, max_size=6),
    in_science=st.booleans(),
)
def test_a_pixel_that_is_no_number_says_nothing_beyond_its_mask(
    seed: int, places: list[tuple[int, int]], in_science: bool
) -> None:
    # Without stars there is no fit over the frame, in which each pixel has its small part.
    science, reference = _pair(seed, density=0.0)
    holes = np.zeros(SHAPE, dtype=bool)
    for row, column in places:
        holes[row, column] = True

    def pierced(image: SkyImage, plane: MaskPlane) -> SkyImage:
        mask = image.mask | np.where(holes, np.uint16(plane), np.uint16(0))
        return replace(image, pixels=np.where(holes, np.float32(np.nan), image.pixels), mask=mask)

    whole = subtract(science, reference, DifferenceConfig())
    pair = (pierced(science, MaskPlane.BAD), reference) if in_science else (science, pierced(reference, MaskPlane.BAD))
    result = subtract(*pair, DifferenceConfig())
    good = _usable(whole, result)
    assert np.isfinite(result.score).all()
    assert np.isfinite(result.difference[good]).all()
    assert (result.mask[holes] != 0).all()
    # Beside a hole the filled pixel still has a part of the filter, which is at most a tenth; further off nothing.
    far = good & (ndimage.distance_transform_edt(~holes) > 12.0)
    assert np.abs(result.score - whole.score)[far].max() < 0.05


@EVERY
@given(seed=SEEDS, tile_pix=st.sampled_from([128, 150, 200, 1024]))
def test_the_size_of_the_tiles_does_not_show(seed: int, tile_pix: int) -> None:
    science, reference = _pair(seed)
    whole = subtract(science, reference, DifferenceConfig())
    cut = subtract(science, reference, replace(DifferenceConfig(), tile_pix=tile_pix))
    good = _usable(whole, cut)
    assert np.std((cut.score - whole.score)[good]) < 0.01
    assert np.percentile(np.abs(cut.score - whole.score)[good], 99.9) < 0.05


@EVERY
@given(seed=SEEDS, workers=st.integers(1, 5))
def test_the_number_of_workers_changes_no_bit(seed: int, workers: int) -> None:
    science, reference = _pair(seed)
    config = replace(DifferenceConfig(), tile_pix=128)
    one = subtract(science, reference, config, workers=1)
    many = subtract(science, reference, config, workers=workers)
    assert one.score.tobytes() == many.score.tobytes()
    assert one.difference.tobytes() == many.difference.tobytes()
