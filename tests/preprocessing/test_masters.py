"""Masters and their application, against a detector whose every fault is known."""

from dataclasses import replace

import numpy as np
import pytest

from astrid_core.preprocessing.apply_masters import RawFacts, apply_masters
from astrid_core.preprocessing.calibrate_config import CalibrateConfig
from astrid_core.preprocessing.combine import combine
from astrid_core.preprocessing.compare_masters import deviating_fraction, require_alike
from astrid_core.preprocessing.master_format import fits_to_master, master_to_fits
from astrid_core.preprocessing.masters import Master, Masters, build_bias, build_dark, build_flat
from astrid_core.preprocessing.raw import LevelFrame
from astrid_core.shared.errors import BadConfiguration, CorruptArtifact, NoCalibration, RejectedMaster, TooFewInputs
from astrid_core.shared.images import FloatImage
from astrid_core.simulate.raw import RawDetector, draw_detector, even_light, expose_raw
from benchmarks.calibration import block_errors, calibrated, leveled, masters_of

CONFIG = CalibrateConfig()
SHAPE = (192, 224)


@pytest.fixture(scope="module")
def detector() -> RawDetector:
    return draw_detector(3, SHAPE)


@pytest.fixture(scope="module")
def masters(detector: RawDetector) -> Masters:
    return masters_of(detector, 3, CONFIG, n_inputs=7)


def _noise(n: int, seed: int = 1, level: float = 100.0) -> list[FloatImage]:
    rng = np.random.default_rng(seed)
    return [rng.normal(level, 5.0, (40, 50)).astype(np.float32) for _ in range(n)]


def test_one_bad_input_does_not_reach_the_mean_and_the_error_is_that_of_the_mean() -> None:
    frames = _noise(9)
    frames[4] = frames[4].copy()
    frames[4][10:20, 10:20] += 500.0
    made = combine(frames, clip_sigma=5.0)
    assert set(np.unique(made.n_used[10:20, 10:20])) == {8}
    assert made.n_used[30:, 30:].mean() > 8.95
    pull = (made.pixels - 100.0) / np.sqrt(made.variance)
    assert np.std(pull) == pytest.approx(1.0, abs=0.06)
    assert abs(np.mean(pull[10:20, 10:20])) < 0.4


def test_pixels_that_no_frame_has_are_unknown_not_zero() -> None:
    frames = _noise(5)
    for frame in frames:
        frame[3, 4] = np.nan
    made = combine(frames, clip_sigma=5.0)
    assert np.isnan(made.pixels[3, 4])
    assert made.n_used[3, 4] == 0


def test_masters_are_the_faults_of_the_detector(detector: RawDetector, masters: Masters) -> None:
    assert masters.bias is not None
    assert masters.dark is not None
    assert masters.flat is not None
    assert masters.bad_pixels is not None
    good = ~detector.bad
    for master, truth in (
        (masters.bias, detector.bias),
        (masters.dark, detector.dark_e_s / detector.gain_e_adu),
        (masters.flat, detector.response),
    ):
        pull = ((master.pixels - truth) / np.sqrt(master.variance))[good]
        assert np.std(pull) == pytest.approx(1.0, abs=0.08)
        assert abs(np.median(pull)) < 0.1
    found = masters.bad_pixels.pixels > 0
    assert found[detector.bad].mean() > 0.98
    assert found[good].mean() < 2e-3


@pytest.mark.parametrize(("light", "exposure_s"), [(500.0, 60.0), (3000.0, 120.0), (20000.0, 300.0)])
def test_calibrated_frames_are_within_half_a_per_cent_of_the_truth(
    detector: RawDetector, masters: Masters, light: float, exposure_s: float
) -> None:
    truth = even_light(SHAPE, 7, level_adu=light, n_stars=8)
    found = calibrated(expose_raw(detector, truth, exposure_s=exposure_s, seed=77), masters, CONFIG)
    assert np.abs(np.median(block_errors(found, truth))) < 0.001
    assert np.abs(block_errors(found, truth)).max() < 0.005
    assert found.variance is not None
    pull = ((found.pixels - truth) / np.sqrt(found.variance))[found.mask == 0]
    assert np.std(pull) == pytest.approx(1.0, abs=0.03)


def test_full_pixels_are_known_as_such_wherever_the_flat_puts_them(detector: RawDetector, masters: Masters) -> None:
    truth = even_light(SHAPE, 8, level_adu=1000.0)
    truth[100:104, 100:104] = 90000.0
    found = calibrated(expose_raw(detector, truth, exposure_s=10.0, seed=5), masters, CONFIG)
    assert (found.mask[100:104, 100:104] & 4).all()
    assert found.saturation is not None
    assert found.saturation < detector.saturation_adu


def _without_overscan(detector: RawDetector) -> tuple[LevelFrame, RawFacts]:
    frame = expose_raw(detector, even_light(SHAPE, 7, level_adu=500.0, n_stars=0), exposure_s=60.0, seed=78)
    opened = leveled(frame, CONFIG)
    return (
        LevelFrame(pixels=opened, origin_pix=(0, 0), overscan_adu=0.0, read_noise_adu=None, is_assembled=False),
        RawFacts(exposure_s=60.0, gain_e_count=detector.gain_e_adu),
    )


def test_a_read_noise_that_nobody_says_is_that_of_the_bias_frames(detector: RawDetector, masters: Masters) -> None:
    frame, facts = _without_overscan(detector)
    found = apply_masters(frame, masters, facts, saturation_fraction=0.9)
    assert found.read_noise_e == pytest.approx(detector.read_noise_e, rel=0.03)
    told = apply_masters(frame, masters, replace(facts, read_noise_e=detector.read_noise_e), saturation_fraction=0.9)
    assert found.variance is not None
    assert told.variance is not None
    assert np.nanmedian(found.variance) == pytest.approx(np.nanmedian(told.variance), rel=0.02)


def test_a_read_noise_that_nothing_tells_is_never_taken_for_none(detector: RawDetector, masters: Masters) -> None:
    frame, facts = _without_overscan(detector)
    with pytest.raises(NoCalibration, match=r"read noise is unknown.*gain_e_count=1.5"):
        apply_masters(frame, replace(masters, bias=None), facts, saturation_fraction=0.9)
    lost = apply_masters(frame, replace(masters, bias=None), replace(facts, gain_e_count=None), saturation_fraction=0.9)
    assert lost.read_noise_e is None
    assert lost.variance is None


def test_stars_in_the_flats_leave_no_trace(detector: RawDetector) -> None:
    shape = SHAPE
    even = replace(detector, response=np.ones(shape), bias=np.zeros(shape), dark_e_s=np.zeros(shape))
    frames = []
    for number in range(5):
        light = even_light(shape, number, level_adu=20000.0)
        light[50:54, 60:64] *= 1.05 if number < 2 else 1.0
        frames.append(leveled(expose_raw(even, light, exposure_s=1.0, seed=number), CONFIG))
    flat = build_flat(frames, [1.0] * 5, Masters(), CONFIG)
    assert flat.pixels[50:54, 60:64].mean() == pytest.approx(1.0, abs=0.002)
    assert flat.n_used[51, 61] == 3


def test_too_few_frames_make_no_master() -> None:
    with pytest.raises(TooFewInputs, match=r"master bias .*n=4, required=5"):
        build_bias(_noise(4), CONFIG)
    # A dark of a second says nothing beside those of five minutes.
    with pytest.raises(TooFewInputs, match="n=2, required=3"):
        build_dark(_noise(4), [300.0, 300.0, 1.0, 0.0], None, CONFIG)


def test_a_master_with_another_shape_is_not_applied(detector: RawDetector, masters: Masters) -> None:
    frame = expose_raw(detector, 100.0, exposure_s=1.0, seed=1)
    other = replace(masters, bias=build_bias(_noise(5), CONFIG))
    with pytest.raises(NoCalibration, match=r"bias has another shape .*\(40, 50\).*\(192, 224\)"):
        calibrated(frame, other, CONFIG)


def test_a_new_master_is_rejected_where_too_much_of_it_deviates() -> None:
    before, alike = build_bias(_noise(9, 1), CONFIG), build_bias(_noise(9, 2), CONFIG)
    assert require_alike(alike, before, CONFIG, kind="bias", digest="a" * 64) < 1e-3
    frames = [frame.copy() for frame in _noise(9, 3)]
    for frame in frames:
        frame[:4] += 60.0
    with pytest.raises(RejectedMaster, match=r"bias deviate .*fraction=0\.1, allowed=0\.05, sigma=6.*previous=bbbb"):
        require_alike(build_bias(frames, CONFIG), before, CONFIG, kind="bias", digest="b" * 64)
    assert require_alike(
        build_bias(frames, CONFIG), before, replace(CONFIG, max_deviating_fraction=0.2), kind="bias", digest="b"
    ) == pytest.approx(0.1)


def test_masters_of_another_shape_deviate_altogether() -> None:
    small = Master(
        pixels=np.zeros((3, 3), np.float32), variance=np.ones((3, 3), np.float32), n_used=np.ones((3, 3), np.uint16)
    )
    assert deviating_fraction(small, build_bias(_noise(5), CONFIG), sigma=6.0) == 1.0


def test_a_master_comes_back_bit_for_bit_and_equal_masters_have_equal_bytes(masters: Masters) -> None:
    assert masters.flat is not None
    content = master_to_fits(masters.flat, kind="flat", recipe="calibration-1")
    assert content == master_to_fits(masters.flat, kind="flat", recipe="calibration-1")
    assert content != master_to_fits(masters.flat, kind="flat", recipe="calibration-2")
    back = fits_to_master(content)
    for name in ("pixels", "variance", "n_used"):
        np.testing.assert_array_equal(getattr(back, name), getattr(masters.flat, name))
    with pytest.raises(CorruptArtifact):
        fits_to_master(content[:4000])


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"required": ("arc",)}, "no such kind"),
        ({"min_bias": 2}, "min_bias must be at least 3"),
        ({"valid_days": 0.0}, "valid_days must be positive"),
        ({"flat_response": (1.1, 1.5)}, "enclose 1"),
        ({"linearity": (("camera",),)}, "an instrument and its coefficients"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object], reason: str) -> None:
    with pytest.raises(BadConfiguration, match=reason):
        CalibrateConfig(**wrong)  # type: ignore[arg-type]
