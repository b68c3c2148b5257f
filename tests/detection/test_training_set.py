from dataclasses import replace

import numpy as np
import pytest

from astrid_core.detection.config import TrainConfig
from astrid_core.detection.pixel_classes import PixelClass, class_map
from astrid_core.detection.training_set import assign_frames, build_training_set, examples_of, label
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.images import MaskPlane
from tests.detection.frames import candidate, known, labelled, product
from tests.synthetic.fields import Source

SMALL = TrainConfig(n_frames=6, stamp_pix=32, validation_fraction=0.17, calibration_fraction=0.17, test_fraction=0.17)


def test_a_candidate_on_a_source_that_changed_its_way_is_real() -> None:
    changed = [known(50.0, 60.0, 9.0), known(80.0, 30.0, -9.0, "variable")]
    places = [candidate(51.0, 60.5, 9.0), candidate(80.0, 30.0, -9.0), candidate(20.0, 20.0, 9.0)]
    is_real, is_known = label(places, changed, fwhm_pix=3.0)
    assert is_real.tolist() == [True, True, False]
    assert is_known.all()


def test_nothing_is_said_of_a_candidate_next_to_a_change_that_does_not_explain_it() -> None:
    places = [candidate(50.0, 60.0, 9.0)]
    for near in (known(50.0, 60.0, -9.0), known(50.0, 60.0, 1.0), known(52.0, 60.0, 9.0)):
        is_real, is_known = label(places, [near], fwhm_pix=3.0)
        assert not is_real.any()
        assert not is_known.any()
    is_real, is_known = label(places, [known(56.0, 60.0, 9.0)], fwhm_pix=3.0)
    assert is_known.all()
    assert not is_real.any()


def test_the_match_radius_grows_with_the_seeing() -> None:
    for fwhm, expected in ((3.0, False), (6.0, True)):
        assert label([candidate(52.4, 60.0, 9.0)], [known(50.0, 60.0, 9.0)], fwhm_pix=fwhm)[0].tolist() == [expected]


def test_pixels_know_what_they_show() -> None:
    made = product(Source(x_pix=70.0, y_pix=50.0, flux=30.0), Source(x_pix=30.0, y_pix=50.0, flux=30.0), noise=0.0)
    mask = made.mask.copy()
    mask[100, 100], mask[100, 101] = MaskPlane.BAD, MaskPlane.EDGE
    classes = class_map(replace(made, mask=mask), [known(70.0, 50.0, 30.0), known(-40.0, 50.0, 30.0)])
    assert classes[50, 70] == classes[51, 71] == PixelClass.NEW
    assert classes[50, 30] == PixelClass.RESIDUAL
    assert classes[100, 100] == PixelClass.INSTRUMENTAL
    assert classes[100, 101] == PixelClass.UNUSABLE
    assert classes[10, 10] == PixelClass.BACKGROUND
    assert (classes == PixelClass.NEW).sum() <= 69  # pixels of a disc of radius 4.5


def test_stamps_labels_and_classes_stay_together() -> None:
    frame = labelled(0)
    examples = examples_of(frame, SMALL)
    assert len(examples) == 12
    assert examples.is_real.sum() == 6
    at = (np.arange(len(examples)), *examples.offset.T)
    middle = examples.classes[at]
    # What faded is shown as new, its classes too.
    assert set(middle[examples.is_real]) == {PixelClass.NEW}
    assert set(middle[~examples.is_real]) == {PixelClass.RESIDUAL}
    np.testing.assert_allclose(
        examples.stamps[..., 0][at], np.arcsinh(np.abs(examples.score)), rtol=0.1
    )  # the score plane is noisy
    assert examples.searched_mpix == pytest.approx(240 * 240 / 1e6)


def test_faint_false_candidates_are_thinned_out_the_same_way_every_time() -> None:
    frame = labelled(0, n_false=0)
    noise = [candidate(20.0 + x, 225.0, 4.0, number=10 + x) for x in range(60)]
    frame = replace(frame, candidates=[*frame.candidates, *noise])
    config = replace(SMALL, max_faint_per_frame=5)
    one, other = examples_of(frame, config), examples_of(frame, config)
    assert (~one.is_real).sum() == 5
    assert one.is_real.sum() == 6
    np.testing.assert_array_equal(one.stamps, other.stamps)


def test_no_frame_serves_two_purposes() -> None:
    frames = [labelled(number) for number in range(SMALL.n_frames)]
    sets = build_training_set(frames, SMALL)
    numbers = [set(part.frame.tolist()) for part in (sets.training, sets.validation, sets.calibration, sets.test)]
    assert set.union(*numbers) == set(range(6))
    assert sum(len(one) for one in numbers) == 6
    assert [len(one) for one in numbers] == [3, 1, 1, 1]
    assert len(sets.training) == 36


def test_every_purpose_gets_a_frame() -> None:
    roles = assign_frames(TrainConfig(n_frames=4, n_quiet=0, validation_fraction=0.01, test_fraction=0.01))
    assert sorted(roles) == ["calibration", "test", "training", "validation"]


def test_quiet_frames_train_validate_and_calibrate_and_none_of_them_tests() -> None:
    roles = assign_frames(TrainConfig(n_frames=10, n_quiet=10))
    assert roles[10:] == ("training",) * 6 + ("validation",) * 2 + ("calibration",) * 2


def test_frames_without_candidates_make_an_empty_set() -> None:
    frame = labelled(0, n_real=0, n_false=0)
    sets = build_training_set([frame], SMALL)
    assert len(sets.training) == len(sets.test) == 0
    assert sets.training.stamps.shape == (0, 32, 32, 5)
    assert sets.training.searched_mpix > 0.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_frames": 3},
        {"stamp_pix": 20},
        {"frame_pix": 100},
        {"validation_fraction": 0.6, "test_fraction": 0.5},
        {"epochs": 0},
        {"n_quiet": -1},
        {"triplet_fraction": 1.5},
        {"threshold_sigma": 1.0},
        {"real_weight": 0.0},
        {"precision": "float8"},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadConfiguration):
        TrainConfig(**wrong)  # type: ignore[arg-type]
