from pathlib import Path

import numpy as np
import pytest

from astrid_core.detection.calibration import balance
from astrid_core.detection.config import TrainConfig
from astrid_core.detection.pixel_classes import PixelClass
from astrid_core.detection.real_triplets import LabelledTriplets, examples_of_triplets, read_labelled, split
from astrid_core.detection.training_set import Examples
from astrid_core.detection.triplet_injection import inject_triplets
from astrid_core.shared.errors import BadConfiguration, Unprocessable
from tests.detection.frames import labelled_triplets

CONFIG = TrainConfig(stamp_pix=64)


def _examples(labelled: LabelledTriplets) -> Examples:
    return examples_of_triplets(labelled, CONFIG, inject_triplets(labelled.triplets, seed=1))


def test_an_object_lies_in_one_half_and_stays_there_when_others_come() -> None:
    few, many = labelled_triplets(n_objects=20), labelled_triplets(n_objects=40)
    halves = [[set(part.group.tolist()) for part in split(one, seed=1)] for one in (few, many)]
    for training, test in halves:
        assert not training & test
        assert training
        assert test
    assert all(few_there <= many_there for few_there, many_there in zip(*halves, strict=True))
    assert [set(part.group.tolist()) for part in split(few, seed=2)] != halves[0]


def test_middles_keep_their_label_and_what_lies_beside_them_is_false() -> None:
    found = _examples(labelled_triplets(n_objects=6))
    # Eight middles, and a source put into each of the twelve triplets.
    assert found.is_real.sum() == 8 + 12
    # Four bogus middles, and one bright pixel beside each of the twelve middles.
    assert (~found.is_real).sum() >= 4 + 12
    assert (found.classes == PixelClass.UNUSABLE).all()
    assert np.sinh(np.abs(found.score)).min() > 5.0


def test_what_nobody_has_named_is_no_negative() -> None:
    given = labelled_triplets(n_objects=6)
    none = LabelledTriplets(
        triplets=given.triplets, is_real=given.is_real, is_known=np.zeros(12, dtype=bool), group=given.group, origin="x"
    )
    found = _examples(none)
    # Only the pixels beside the middles are left, and what was put in.
    assert found.is_real.sum() == 12
    assert len(found) == len(_examples(given)) - 12


def test_every_object_weighs_the_same() -> None:
    given = labelled_triplets(n_objects=6)
    # Of the second of two stars one row of two is left.
    chosen = np.array([number != 5 for number in range(12)])
    found = _examples(given.take(chosen))
    # The middles come first.
    weights = sorted({round(float(one), 4) for one in found.weight[:11][found.is_real[:11]]})
    assert weights[-1] / weights[0] == pytest.approx(2.0, rel=1e-3)
    assert found.weight.mean() == pytest.approx(CONFIG.real_weight, rel=1e-5)


def test_the_digest_tells_pixels_labels_and_objects_apart() -> None:
    given = labelled_triplets(n_objects=3)
    others = [labelled_triplets(n_objects=3, seed=6), given.take(np.arange(6) < 5)]
    assert len({one.digest for one in (given, *others)}) == 3
    assert labelled_triplets(n_objects=3).digest == given.digest


@pytest.mark.parametrize("wrong", ["shape", "rows"])
def test_arrays_that_do_not_fit_are_refused(wrong: str) -> None:
    given = labelled_triplets(n_objects=2)
    with pytest.raises(BadConfiguration):
        LabelledTriplets(
            triplets=given.triplets[:, :2] if wrong == "shape" else given.triplets,
            is_real=given.is_real[:-1] if wrong == "rows" else given.is_real,
            is_known=given.is_known,
            group=given.group,
            origin="x",
        )


def test_balanced_weights_make_the_wanted_part_real_and_keep_proportions() -> None:
    real = np.array([True, True, False, False, False, False])
    weight = balance(real, 0.3, np.array([1.0, 3.0, 1.0, 1.0, 1.0, 1.0]))
    assert weight.mean() == pytest.approx(1.0)
    assert weight[real].sum() / weight.sum() == pytest.approx(0.3)
    assert weight[1] == pytest.approx(3.0 * weight[0])


def _stored(folder: Path, **changed: object) -> Path:
    given = labelled_triplets(n_objects=3)
    arrays = {"triplets": given.triplets, "is_real": np.array([1, 1, 0, 0, -1, -1]), "group": given.group, **changed}
    np.savez(folder / "telescope.npz", **{name: one for name, one in arrays.items() if one is not None})  # type: ignore[arg-type]
    return folder / "telescope.npz"


def test_a_file_tells_pixels_labels_and_objects(tmp_path: Path) -> None:
    found = read_labelled(_stored(tmp_path))
    assert found.is_real.tolist() == [True, True, False, False, False, False]
    assert found.is_known.tolist() == [True, True, True, True, False, False]
    assert found.group.tolist() == labelled_triplets(n_objects=3).group.tolist()
    assert found.origin == "telescope"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"is_real": None}, "missing=is_real"),
        ({"is_real": np.array([1, 1, 0, 0, 7, 0])}, "1, 0 or -1"),
        ({"is_real": np.array([1, 1])}, "1, 0 or -1"),
        ({"triplets": None}, "no array triplets"),
    ],
)
def test_a_file_that_lacks_something_says_what(tmp_path: Path, changed: dict[str, object], said: str) -> None:
    with pytest.raises(Unprocessable, match=said):
        read_labelled(_stored(tmp_path, **changed))
