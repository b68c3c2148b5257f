import numpy as np
import pytest

from astrid_core.preprocessing.radon import strongest_line
from astrid_core.preprocessing.trails import mask_trails
from astrid_core.shared.images import FloatImage, MaskPlane
from astrid_core.simulate.defects import Trail
from benchmarks.calibration import add_spikes, draw_scene, prepared, score_rays, sum_rays

SIDE = 512


@pytest.mark.parametrize(
    ("start", "end"),
    [((0, 10), (79, 60)), ((0, 60), (79, 10)), ((12, 0), (55, 89)), ((55, 0), (12, 89)), ((0, 40), (79, 40))],
)
def test_the_strongest_line_is_the_one_that_was_drawn(start: tuple[int, int], end: tuple[int, int]) -> None:
    image = np.random.default_rng(1).normal(0.0, 1.0, (80, 90)).astype(np.float32)
    for along in np.linspace(0.0, 1.0, 200):
        row, column = (round(a + along * (b - a)) for a, b in zip(start, end, strict=True))
        image[row, column] = 3.0
    line = strongest_line(image, np.ones_like(image), min_weight=40.0)
    assert line is not None
    assert line.snr > 15.0
    found = sorted((line.start, line.end))
    for (row, column), (true_row, true_column) in zip(found, sorted((start, end)), strict=True):
        assert abs(row - true_row) <= 1.5
        assert abs(column - true_column) <= 1.5


def test_an_image_without_enough_known_pixels_has_no_line() -> None:
    empty = np.zeros((32, 32), dtype=np.float32)
    assert strongest_line(empty, empty, min_weight=8.0) is None


@pytest.mark.parametrize("angle_deg", [3.0, 40.0, 91.0, 155.0])
def test_a_trail_as_faint_as_the_noise_is_masked_and_nothing_else(angle_deg: float) -> None:
    rng = np.random.default_rng(int(angle_deg))
    trail = Trail(x_pix=240.0, y_pix=260.0, angle_rad=np.radians(angle_deg), fwhm_pix=4.0, peak_adu=10.0)
    light = trail.light((SIDE, SIDE))
    pixels = (rng.normal(0.0, 10.0, light.shape) + light).astype(np.float32)
    found = mask_trails(pixels, np.full(light.shape, 10.0, np.float32), np.zeros(light.shape, dtype=bool))
    assert found[light > 5.0].mean() > 0.97
    assert found[light < 0.01].mean() < 0.02


def test_noise_alone_has_no_trail() -> None:
    for seed in range(5):
        pixels = np.random.default_rng(seed).normal(0.0, 10.0, (SIDE, SIDE)).astype(np.float32)
        assert not mask_trails(
            pixels, np.full(pixels.shape, 10.0, np.float32), np.zeros(pixels.shape, dtype=bool)
        ).any()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_spikes_that_end_in_the_frame_and_edge_on_galaxies_are_no_trails(seed: int) -> None:
    scene = draw_scene(seed, fwhm_pix=3.0, side=SIDE, hits_per_mpix=40.0)
    assert not (prepared(add_spikes(scene, seed, n_stars=1, fade_pix=(20.0, 60.0))).image.mask & MaskPlane.TRAIL).any()


@pytest.mark.parametrize("fwhm_pix", [2.5, 4.0])
def test_cosmic_rays_are_masked_and_stars_keep_their_pixels(fwhm_pix: float) -> None:
    found = sum_rays([
        score_rays(draw_scene(seed, fwhm_pix=fwhm_pix, side=SIDE, hits_per_mpix=80.0)) for seed in range(3)
    ])  # fmt: skip
    assert found.n_hit > 400
    assert found.n_hit_masked >= 0.97 * found.n_hit
    assert found.n_star_lost < 0.001 * found.n_star


def test_a_bleed_trail_below_saturation_is_masked() -> None:
    scene = draw_scene(5, fwhm_pix=3.0, side=SIDE, hits_per_mpix=0.0)
    raw: FloatImage = scene.raw.copy()
    raw[250:254, 250:254] = 60000.0
    raw[200:310, 251:253] = np.maximum(raw[200:310, 251:253], 20000.0)
    mask = prepared(raw).image.mask
    assert (mask[200:310, 251:253] != 0).all()
    assert (mask[200:310, 251:253] & (MaskPlane.SATURATED | MaskPlane.BRIGHT) != 0).mean() > 0.95
