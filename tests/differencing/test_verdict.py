from dataclasses import replace

import numpy as np
import pytest

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.entities import ScoreLevel
from astrid_core.differencing.pair import difference_pair
from astrid_core.differencing.subtract import subtract
from astrid_core.differencing.verdict import judge
from astrid_core.shared.images import SkyImage
from tests.synthetic.differences import make_difference
from tests.synthetic.pairs import Exposure, Sky, expose, make_sky, prepared, true_psf

SHAPE = (420, 440)


def _score_of(*, variance_times: float) -> tuple[ScoreLevel, str]:
    """Return the verdict on an empty pair whose stated variance is the true one times a factor."""
    images = []
    for seed in (1, 2):
        image, _ = expose(Sky(shape=SHAPE), Exposure(), seed=seed)
        images.append(
            replace(image, variance=image.variance * np.float32(variance_times), psf=true_psf(SHAPE, Exposure().fwhm))
        )
    found = judge(subtract(images[0], images[1], DifferenceConfig()), n_candidates=0, config=DifferenceConfig())
    return found.level, found.reason


@pytest.mark.parametrize(
    ("variance_times", "level", "number"),
    [
        (1.0, ScoreLevel.GOOD, ""),
        (1.2, ScoreLevel.GOOD, ""),
        (1.6, ScoreLevel.FLAGGED, "the score was 0.8"),
        (0.5, ScoreLevel.FLAGGED, "the score was 1.4"),
        (0.08, ScoreLevel.UNRELIABLE, "the score was 3."),
        (1000.0, ScoreLevel.UNRELIABLE, "the score was 0.03"),
    ],
)
def test_a_score_is_judged_by_how_far_its_noise_was_off(variance_times: float, level: ScoreLevel, number: str) -> None:
    found, reason = _score_of(variance_times=variance_times)
    assert found is level
    assert number in reason


def test_noise_on_sources_flags_a_score_that_is_quiet_on_the_sky() -> None:
    config, quiet = DifferenceConfig(), make_difference((64, 64), [], fwhm=3.0, noise=1.0, seed=1)
    assert judge(quiet, n_candidates=3, config=config).level is ScoreLevel.GOOD
    found = judge(replace(quiet, source_noise=1.4), n_candidates=3, config=config)
    assert found.level is ScoreLevel.FLAGGED
    assert "1.40 times as noisy on sources" in found.reason


def test_a_flood_of_candidates_is_told_from_a_few_in_a_small_frame() -> None:
    config, frame = DifferenceConfig(), make_difference((64, 64), [], fwhm=3.0, noise=1.0, seed=1)
    assert judge(frame, n_candidates=200, config=config).level is ScoreLevel.GOOD
    found = judge(frame, n_candidates=201, config=config)
    assert found.level is ScoreLevel.UNRELIABLE
    assert "201 candidates" in found.reason


def _lying(image: SkyImage, factor: float) -> SkyImage:
    return replace(image, variance=image.variance * np.float32(factor))


def test_an_unreliable_pair_gives_an_empty_table_and_the_reason() -> None:
    sky = make_sky(SHAPE, seed=5)
    science, reference = prepared(sky, Exposure(), seed=1), prepared(sky, Exposure(fwhm=2.6), seed=2)
    good = difference_pair(science, reference, DifferenceConfig())
    assert good.score_quality.level is ScoreLevel.GOOD
    strict = replace(DifferenceConfig(), max_score_noise=2.0)
    wrong = difference_pair(_lying(science, 0.2), _lying(reference, 0.2), strict)
    assert wrong.score_quality.level is ScoreLevel.UNRELIABLE
    assert wrong.peaks == ()
    assert f"{wrong.difference.score_noise:.3g}" in wrong.score_quality.reason
