import numpy as np
import pytest
from scipy import ndimage

from astrid_core.shared.images import FloatImage, MaskPlane
from astrid_core.simulate.optics import Optics
from astrid_core.simulate.render import add_points
from benchmarks.calibration import (
    GAIN,
    HITS_PER_MPIX,
    READ_NOISE_E,
    SKY_ADU,
    Scene,
    draw_scene,
    prepared,
    score_rays,
    sum_rays,
)

SIDE = 512
COLOURS = np.array([[0.45, 1.0], [1.0, 0.35]])
"""Light that the filters of a mosaic pass: red and green, green and blue."""


def _mosaic(scene: Scene, seed: int) -> tuple[FloatImage, FloatImage]:
    """Return a frame behind a mosaic of colour filters, its sky evened out, and its starlight in units of sigma."""
    passed = np.tile(COLOURS, (SIDE // 2, SIDE // 2))
    stars = scene.stars * passed * 4.0
    rng = np.random.default_rng(seed)
    sigma = np.sqrt((stars + SKY_ADU) / GAIN + (READ_NOISE_E / GAIN) ** 2)
    raw = stars + SKY_ADU + rng.normal(0.0, sigma)
    return np.minimum(raw, 60000.0).astype(np.float32), (stars / sigma).astype(np.float32)


@pytest.mark.parametrize("seed", [1, 2])
def test_stars_of_a_colour_mosaic_are_no_cosmic_rays(seed: int) -> None:
    raw, light = _mosaic(draw_scene(seed, fwhm_pix=1.8, side=SIDE, hits_per_mpix=0.0, stars_per_mpix=2500.0), seed)
    image = prepared(raw)
    lost = (image.image.mask & MaskPlane.COSMIC_RAY) != 0
    star = (light > 10.0) & ((image.image.mask & ~np.uint16(MaskPlane.COSMIC_RAY)) == 0)
    assert lost[star].mean() < 0.02
    assert image.quality.n_stars >= 30


def test_single_pixels_are_masked_in_a_colour_mosaic_too() -> None:
    raw, light = _mosaic(draw_scene(3, fwhm_pix=1.8, side=SIDE, hits_per_mpix=0.0, stars_per_mpix=2500.0), 3)
    rng = np.random.default_rng(4)
    rows, columns = rng.integers(10, SIDE - 10, (2, 60))
    dark = ~ndimage.binary_dilation(light > 1.0, iterations=4)[rows, columns]
    raw[rows[dark], columns[dark]] += 600.0
    mask = prepared(raw).image.mask
    assert ((mask[rows[dark], columns[dark]] & MaskPlane.COSMIC_RAY) != 0).mean() > 0.95


@pytest.mark.parametrize("seed", [0, 1])
def test_faint_stars_of_a_coarsely_sampled_frame_are_spared_although_they_are_no_sources(seed: int) -> None:
    scene = draw_scene(seed, fwhm_pix=1.6, side=SIDE, hits_per_mpix=0.0)
    mask = prepared(scene.raw).image.mask
    star = (scene.stars > 5.0 * scene.sigma) & ((mask & ~np.uint16(MaskPlane.COSMIC_RAY)) == 0)
    assert ((mask & MaskPlane.COSMIC_RAY) != 0)[star].mean() < 0.01


def test_two_stars_that_touch_are_no_cosmic_rays() -> None:
    scene = draw_scene(5, fwhm_pix=1.6, side=SIDE, hits_per_mpix=0.0)
    rng = np.random.default_rng(6)
    at = np.arange(20.0, SIDE - 20.0, 24.0)
    x, y = (axis.ravel() + rng.uniform(-1.0, 1.0, axis.size) for axis in np.meshgrid(at, at))
    turn, flux = rng.uniform(0.0, 2.0 * np.pi, x.size), rng.uniform(800.0, 3000.0, (2, x.size))
    pairs = np.zeros((SIDE, SIDE))
    optics = Optics(frame_shape=(SIDE, SIDE), fwhm_pix=1.6, beta=3.0)
    add_points(pairs, optics, x, y, flux[0])
    add_points(pairs, optics, x + 2.6 * np.cos(turn), y + 2.6 * np.sin(turn), flux[1])
    mask = prepared((scene.raw + rng.poisson(pairs * GAIN) / GAIN).astype(np.float32)).image.mask
    star = (pairs > 5.0 * scene.sigma) & ((mask & ~np.uint16(MaskPlane.COSMIC_RAY)) == 0)
    assert star.sum() > 2000
    assert ((mask & MaskPlane.COSMIC_RAY) != 0)[star].mean() < 0.01


@pytest.mark.parametrize("fwhm_pix", [1.6, 2.0])
def test_hits_are_masked_and_coarse_stars_are_spared(fwhm_pix: float) -> None:
    whole = sum_rays([
        score_rays(draw_scene(seed, fwhm_pix=fwhm_pix, side=2 * SIDE, hits_per_mpix=HITS_PER_MPIX)) for seed in range(3)
    ])  # fmt: skip
    assert whole.n_hit_masked >= 0.97 * whole.n_hit
    assert whole.n_star_lost < 0.001 * whole.n_star
