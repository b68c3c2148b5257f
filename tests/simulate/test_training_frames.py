from dataclasses import replace

import numpy as np
import pytest

from astrid_core.detection.config import TrainConfig
from astrid_core.detection.training_set import build_training_set, label
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.shared.one_thread import one_thread
from astrid_core.simulate.pair import PairConfig
from astrid_core.simulate.training_frames import SimulatedFrames, enriched

FRAMES = SimulatedFrames(
    train=TrainConfig(n_frames=4, frame_pix=320, stamp_pix=40, n_quiet=0),
    preprocess=PreprocessConfig(),
    difference=DifferenceConfig(),
)


def test_frames_come_in_order_with_candidates_of_both_kinds_and_the_same_every_time() -> None:
    frames = list(FRAMES)
    assert [one.number for one in frames] == [0, 0, 1, 1, 2, 3]
    with one_thread():  # as each process of the pool that made the others
        again = FRAMES.make(1)[0]
    np.testing.assert_array_equal(again.product.score, frames[2].product.score)
    assert again.changed == frames[2].changed
    assert not np.array_equal(frames[0].product.score, frames[2].product.score)
    found = [label(one.candidates, one.changed, fwhm_pix=one.product.science_fwhm_pix) for one in frames]
    n_real = sum(int(is_real.sum()) for is_real, _ in found)
    n_false = sum(int((is_known & ~is_real).sum()) for is_real, is_known in found)
    assert n_real >= 30
    assert n_false >= 5
    sets = build_training_set(frames, FRAMES.train)
    assert all(len(part) for part in (sets.training, sets.validation, sets.calibration, sets.test))


def test_a_spoilt_frame_shows_the_same_sky_worse_and_no_variable_stars() -> None:
    whole, spoilt = FRAMES.make(0)
    assert spoilt.changed == whole.changed
    np.testing.assert_array_equal(spoilt.product.science, whole.product.science)
    stars = [one for one in whole.changed if one.kind == "variable" and abs(one.predicted_snr) > 10.0]
    fwhm = whole.product.science_fwhm_pix
    on_stars = [int(label(one.candidates, stars, fwhm_pix=fwhm)[0].sum()) for one in (whole, spoilt)]
    assert on_stars[0] >= 1
    assert on_stars[1] == 0
    is_real, is_known = label(spoilt.candidates, spoilt.changed, fwhm_pix=fwhm)
    assert is_real.sum() >= 5
    assert (is_known & ~is_real).sum() >= 5
    good = whole.product.mask == 0
    # In units of its own noise: the reference that was moved has been smoothed.
    noise, strongest = (
        [np.nanpercentile(np.abs(one.product.difference[good]), part) for one in (spoilt, whole)]
        for part in (68.27, 99.9)
    )
    assert strongest[0] / noise[0] > 1.05 * strongest[1] / noise[1]


def test_strong_changes_become_candidates() -> None:
    (frame,) = FRAMES.make(2)
    strong = [one for one in frame.changed if abs(one.predicted_snr) >= 10.0]
    strong = [one for one in strong if not _hidden(frame.product.mask, one.x_pix, one.y_pix)]
    found = [
        one
        for one in strong
        if any(np.hypot(peak.x_pix - one.x_pix, peak.y_pix - one.y_pix) < 2.0 for peak in frame.candidates)
    ]
    assert len(strong) >= 5
    assert len(found) >= 0.8 * len(strong)


def test_the_recipe_depends_on_all_that_makes_the_frames() -> None:
    others = [
        FRAMES,
        replace(FRAMES, train=replace(FRAMES.train, seed=2)),
        replace(FRAMES, preprocess=PreprocessConfig(detect_sigma=6.0)),
        replace(FRAMES, difference=DifferenceConfig(tile_pix=256)),
        replace(FRAMES, pair=PairConfig(clipped_fraction=0.5)),
    ]
    assert len({one.recipe for one in others}) == 5
    assert replace(FRAMES).recipe == FRAMES.recipe


@pytest.mark.parametrize("seed", range(5))
def test_frames_to_learn_from_show_more_of_everything_under_other_conditions(seed: int) -> None:
    plain = PairConfig()
    rich = enriched(plain, seed)
    assert rich.sky.transients_per_mpix > plain.sky.transients_per_mpix
    assert rich.conditions.cosmic_rays_per_mpix > plain.conditions.cosmic_rays_per_mpix
    assert rich.conditions.seeing_pix[0] <= rich.conditions.seeing_pix[1]
    assert rich != enriched(plain, seed + 1)
    assert rich == enriched(plain, seed)


def _hidden(mask: np.ndarray, x: float, y: float) -> bool:
    ny, nx = mask.shape
    row, column = round(y), round(x)
    return not (0 <= row < ny and 0 <= column < nx) or bool(mask[row, column])
