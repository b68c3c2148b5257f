import numpy as np
import pytest

from astrid_core.preprocessing.spikes import is_spike, stars_along
from astrid_core.shared.images import MaskPlane
from astrid_core.simulate.defects import Trail
from benchmarks.calibration import add_spikes, draw_scene, prepared

SIDE = 512
MIDDLE = np.arange(10.0, 490.0, 20.0)
ERROR = np.full(len(MIDDLE), 0.3)


def _light(fade_pix: float, star: float, *, trail: float = 0.0) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0.0, ERROR)
    return trail + 6.0 * np.exp(-np.abs(MIDDLE - star) / fade_pix) + noise


@pytest.mark.parametrize(("fade_pix", "star"), [(60.0, 250.0), (120.0, 400.0), (150.0, 60.0)])
def test_light_that_fades_on_both_sides_of_a_star_is_a_spike(fade_pix: float, star: float) -> None:
    assert is_spike(_light(fade_pix, star), ERROR, MIDDLE, np.array([int(star)]))


def test_even_light_is_no_spike_although_stars_lie_on_it() -> None:
    noise = np.random.default_rng(2).normal(0.0, ERROR)
    assert not is_spike(6.0 + noise, ERROR, MIDDLE, np.array([100, 250, 420]))


def test_a_trail_across_a_star_with_spikes_is_still_a_trail() -> None:
    assert not is_spike(_light(40.0, 250.0, trail=6.0), ERROR, MIDDLE, np.array([250]))


def test_light_that_peaks_where_there_is_no_star_is_no_spike() -> None:
    assert not is_spike(_light(60.0, 250.0), ERROR, MIDDLE, np.array([], dtype=int))


def test_stars_are_light_on_both_sides_of_a_line_and_cores_that_are_missing() -> None:
    across = np.arange(-25, 26)
    strip = np.random.default_rng(3).normal(0.0, 1.0, (51, 400))
    strip[22:29] += 5.0
    strip[:, 98:103] += 20.0
    strip[30:40, 200:205] += 20.0
    strip[15:36, 300:320] = np.nan
    found = stars_along(strip, across)
    assert abs(found[0] - 310) <= 3
    assert abs(found[1] - 100) <= 3
    assert not (np.abs(found - 202) < 5).any()


@pytest.mark.parametrize("seed", [0, 2, 4, 12, 14])
def test_spikes_across_much_of_a_frame_are_no_trails(seed: int) -> None:
    scene = draw_scene(1000 + seed, fwhm_pix=3.0, side=SIDE, hits_per_mpix=40.0)
    assert not (prepared(add_spikes(scene, seed)).image.mask & MaskPlane.TRAIL).any()


def test_a_trail_is_found_among_spikes() -> None:
    scene = draw_scene(1002, fwhm_pix=3.0, side=SIDE, hits_per_mpix=40.0)
    trail = Trail(x_pix=200.0, y_pix=240.0, angle_rad=0.5, fwhm_pix=4.0, peak_adu=60.0)
    light = trail.light((SIDE, SIDE))
    raw = (add_spikes(scene, 2) + light).astype(np.float32)
    assert ((prepared(raw).image.mask & MaskPlane.TRAIL) != 0)[light > 30.0].mean() > 0.9
