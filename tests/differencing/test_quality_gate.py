import math
from dataclasses import replace

import numpy as np
import pytest

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.entities import Quality, QualityLevel
from astrid_core.differencing.pair import difference_pair
from astrid_core.differencing.quality_config import MEASURES, QualityConfig
from astrid_core.differencing.quality_gate import judge, measures_of_difference, read_with_care
from astrid_core.differencing.subtract import Difference, subtract
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.images import SkyImage
from tests.synthetic.differences import make_difference
from tests.synthetic.pairs import Exposure, Sky, expose, make_sky, prepared, true_psf

SHAPE = (420, 440)
CONFIG = QualityConfig()


def _measures(difference: Difference, *, n_candidates: int = 0) -> dict[str, float | None]:
    return measures_of_difference(difference, n_candidates=n_candidates, registration_rms_pix=0.05, flux_ratio=1.0)


def _empty_pair(*, variance_times: float) -> Difference:
    """Return the difference of an empty pair whose stated variance is the true one times a factor."""
    images = []
    for seed in (1, 2):
        image, _ = expose(Sky(shape=SHAPE), Exposure(), seed=seed)
        images.append(
            replace(image, variance=image.variance * np.float32(variance_times), psf=true_psf(SHAPE, Exposure().fwhm))
        )
    return subtract(images[0], images[1], DifferenceConfig())


@pytest.mark.parametrize(
    ("variance_times", "level", "number"),
    [
        (1.0, QualityLevel.GREEN, ""),
        (1.2, QualityLevel.GREEN, ""),
        (1.6, QualityLevel.YELLOW, "0.8"),
        (0.4, QualityLevel.ORANGE, "1.6"),
        (0.08, QualityLevel.RED, "3."),
        (1000.0, QualityLevel.RED, "0.03"),
    ],
)
def test_a_score_is_judged_by_how_far_its_noise_was_off(
    variance_times: float, level: QualityLevel, number: str
) -> None:
    found = judge(_measures(_empty_pair(variance_times=variance_times)), CONFIG)
    assert found.level is level
    assert number in " ".join(found.reasons)


def test_noise_on_sources_is_seen_where_the_sky_is_quiet() -> None:
    quiet = make_difference((64, 64), [], fwhm=3.0, noise=1.0, seed=1)
    assert judge(_measures(quiet), CONFIG).level is QualityLevel.GREEN
    found = judge(_measures(replace(quiet, source_noise=1.4)), CONFIG)
    assert found.level is QualityLevel.YELLOW
    assert "on sources" in found.reasons[0]
    assert "1.4" in found.reasons[0]


def test_a_flood_of_candidates_is_told_from_a_few_in_a_small_frame() -> None:
    frame = make_difference((64, 64), [], fwhm=3.0, noise=1.0, seed=1)
    assert judge(_measures(frame, n_candidates=200), CONFIG).level is QualityLevel.GREEN
    found = judge(_measures(frame, n_candidates=201), CONFIG)
    assert found.level is QualityLevel.RED
    assert "candidates per Mpix" in found.reasons[0]


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (2.0, QualityLevel.GREEN),
        (1.99, QualityLevel.YELLOW),
        (4.0, QualityLevel.GREEN),
        (4.5, QualityLevel.YELLOW),
        (5.5, QualityLevel.ORANGE),
        (6.5, QualityLevel.RED),
        (math.nan, QualityLevel.RED),
    ],
)
def test_the_narrowest_range_that_holds_a_number_decides(value: float, level: QualityLevel) -> None:
    config = QualityConfig(fwhm_pix=((2.0, 4.0), (1.0, 5.0), (0.5, 6.0)))
    assert judge({"fwhm_pix": value}, config).level is level


def test_the_worst_number_decides_and_is_told_first() -> None:
    found = judge({"n_stars": 7.0, "masked_fraction": 0.95, "psf_residual": 0.2}, CONFIG)
    assert found.level is QualityLevel.RED
    assert [one.split(":")[0] for one in found.reasons] == ["red", "orange", "yellow"]
    assert "0.95" in found.reasons[0]
    assert "orange is 0 to 0.9" in found.reasons[0]


def test_what_was_not_measured_is_not_judged_and_what_is_unknown_is_a_bug() -> None:
    assert judge({"depth_mag": None, "flux_ratio": 55.0}, CONFIG).level is QualityLevel.GREEN
    with pytest.raises(KeyError, match="luck"):
        judge({"luck": 1.0}, CONFIG)


def test_a_band_may_have_limits_of_its_own() -> None:
    config = QualityConfig(bands=(("u", "n_stars", ((4.0, 9.0), (3.0, 9.0), (0.0, 9.0))),))
    assert judge({"n_stars": 4.0}, config, band="u").level is QualityLevel.GREEN
    assert judge({"n_stars": 4.0}, config, band="r").level is QualityLevel.ORANGE


@pytest.mark.parametrize(
    "wrong",
    [
        {"fwhm_pix": ((3.0, 2.0), (1.0, 5.0), (0.0, 9.0))},
        {"fwhm_pix": ((0.0, 4.0), (1.0, 5.0), (0.0, 9.0))},
        {"fwhm_pix": ((2.0, 4.0), (1.0, 5.0))},
        {"bands": (("u", "luck", ((1.0, 2.0), (1.0, 2.0), (1.0, 2.0))),)},
    ],
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadConfiguration, match=r"fwhm_pix|luck"):
        QualityConfig(**wrong)  # type: ignore[arg-type]


def test_every_number_of_a_difference_can_be_judged() -> None:
    assert set(_measures(make_difference((64, 64), [], fwhm=3.0, noise=1.0, seed=1))) <= set(MEASURES)


def _lying(image: SkyImage, factor: float) -> SkyImage:
    return replace(image, variance=image.variance * np.float32(factor))


def test_a_red_pair_gives_an_empty_table_and_the_reason() -> None:
    sky = make_sky(SHAPE, seed=5)
    science, reference = prepared(sky, Exposure(), seed=1), prepared(sky, Exposure(fwhm=2.6), seed=2)
    good = difference_pair(science, reference, DifferenceConfig())
    assert good.quality.level is QualityLevel.GREEN
    strict = DifferenceConfig(quality=QualityConfig(score_noise=((0.9, 1.1), (0.8, 1.2), (0.5, 2.0))))
    wrong = difference_pair(_lying(science, 0.2), _lying(reference, 0.2), strict)
    assert wrong.quality.level is QualityLevel.RED
    assert wrong.peaks == ()
    assert f"{wrong.difference.score_noise:.3g}" in wrong.quality.reasons[0]


def test_what_was_measured_before_is_judged_with_the_difference() -> None:
    sky = make_sky(SHAPE, seed=5)
    science, reference = prepared(sky, Exposure(), seed=1), prepared(sky, Exposure(fwhm=2.6), seed=2)
    found = difference_pair(science, reference, DifferenceConfig(), about={"masked_fraction": 0.99})
    assert found.quality.level is QualityLevel.RED
    assert found.peaks == ()


def test_a_reason_from_elsewhere_makes_a_verdict_orange_and_keeps_what_is_worse_in_front() -> None:
    good = Quality(level=QualityLevel.GREEN)
    bad = Quality(level=QualityLevel.RED, reasons=("red: a flood", "yellow: seeing"))
    assert read_with_care(good, "") is good
    assert read_with_care(good, "another survey") == Quality(
        level=QualityLevel.ORANGE, reasons=("orange: another survey",)
    )
    assert read_with_care(bad, "another survey") == Quality(
        level=QualityLevel.RED, reasons=("red: a flood", "orange: another survey", "yellow: seeing")
    )
