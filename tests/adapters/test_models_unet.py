from dataclasses import replace

import numpy as np
import pytest

from astrid_core.adapters.models.content import Description, digest_of, pack, unpack
from astrid_core.adapters.models.training import train_unet
from astrid_core.adapters.models.unet import UNet, build_network, read_network
from astrid_core.detection.config import TrainConfig
from astrid_core.detection.evaluate import evaluate
from astrid_core.detection.training_set import PixelClass, TrainingSet, build_training_set
from astrid_core.shared.errors import CorruptArtifact, UnknownModel
from tests.detection.frames import labelled

CONFIG = TrainConfig(
    n_frames=12, stamp_pix=24, channels=8, epochs=10, patience=10, batch_size=16, validation_fraction=0.2
)
SMALL = Description(stamp_pix=16, channels=4)


@pytest.fixture(scope="module")
def sets() -> TrainingSet:
    return build_training_set([labelled(number) for number in range(CONFIG.n_frames)], CONFIG)


@pytest.fixture(scope="module")
def trained(sets: TrainingSet) -> UNet:
    return train_unet(sets.training, sets.validation, CONFIG, progress=lambda _: None)


def test_it_learns_to_tell_stars_from_hits(trained: UNet, sets: TrainingSet) -> None:
    found = evaluate(sets.test, trained.score(sets.test.stamps))
    assert found.n_real_bright == found.n_false == 12
    assert found.completeness is not None
    assert found.completeness >= 0.9
    assert found.n_false_accepted <= 1
    assert found.auc is not None
    assert found.auc > 0.97


def test_what_faded_is_as_real_as_what_appeared(trained: UNet, sets: TrainingSet) -> None:
    test = sets.test
    scores = trained.score(test.stamps)
    for sign in (-1.0, 1.0):
        chosen = test.is_real & (test.score * sign > 0)
        assert chosen.sum() >= 3
        assert scores[chosen].mean() > 0.8


def test_losses_fall(trained: UNet) -> None:
    losses = [epoch["validation_loss"] for epoch in trained.history]
    assert losses[-1] < 0.5 * losses[0]


def test_the_same_examples_and_settings_give_the_same_network(sets: TrainingSet) -> None:
    config = replace(CONFIG, epochs=2, channels=4)
    nets = [
        train_unet(sets.training, sets.validation, one, progress=lambda _: None)
        for one in (config, config, replace(config, seed=2))
    ]
    digests = [digest_of(net.content) for net in nets]
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_training_needs_examples(sets: TrainingSet) -> None:
    nothing = sets.test.take(np.zeros(len(sets.test), dtype=bool), searched_mpix=0.0)
    with pytest.raises(ValueError, match="no validation examples"):
        train_unet(sets.training, nothing, CONFIG, progress=lambda _: None)


def test_a_network_survives_its_bytes(trained: UNet, sets: TrainingSet) -> None:
    again = read_network(trained.content)
    np.testing.assert_array_equal(again.score(sets.test.stamps), trained.score(sets.test.stamps))
    assert again.content == trained.content
    assert again.stamp_pix == CONFIG.stamp_pix


def test_scores_do_not_depend_on_the_company(trained: UNet, sets: TrainingSet) -> None:
    stamps = np.repeat(sets.test.stamps, 20, axis=0)
    one_by_one = np.concatenate([trained.score(stamps[n : n + 1]) for n in range(0, len(stamps), 97)])
    np.testing.assert_allclose(trained.score(stamps)[::97], one_by_one, atol=1e-5)


def test_a_score_does_not_depend_on_the_orientation(trained: UNet, sets: TrainingSet) -> None:
    stamps = sets.test.stamps
    for turned in (np.rot90(stamps, 1, axes=(1, 2)), stamps[:, :, ::-1]):
        np.testing.assert_allclose(trained.score(np.ascontiguousarray(turned)), trained.score(stamps), atol=1e-5)


def test_there_is_a_class_for_every_pixel() -> None:
    logit, classes = build_network(SMALL)(np.zeros((3, 16, 16, 6), dtype=np.float32))
    assert logit.shape == (3, 1)
    assert classes.shape == (3, 16, 16, len(PixelClass))


def test_classes_stay_where_their_pixels_are() -> None:
    # An untrained network passes on where the light is: moved light moves the classes by as much.
    network = build_network(replace(SMALL, stamp_pix=32), seed=3)
    stamps = np.zeros((2, 32, 32, 6), dtype=np.float32)
    stamps[0, 16, 16] = stamps[1, 8, 24] = 10.0
    changed = np.abs(np.asarray(network(stamps)[1]) - np.asarray(network(0.0 * stamps)[1])).sum(axis=-1)
    for number, (y, x) in enumerate([(16, 16), (8, 24)]):
        row, column = np.unravel_index(int(changed[number].argmax()), (32, 32))
        assert abs(int(row) - y) <= 3
        assert abs(int(column) - x) <= 3


def test_bytes_that_are_no_network_are_corrupt() -> None:
    weights = build_network(SMALL).get_weights()
    whole = pack(SMALL, weights)
    for broken in (b"", b"nonsense", whole[: len(whole) // 2], pack(SMALL, weights[:-1]), pack(SMALL, weights[::-1])):
        with pytest.raises(CorruptArtifact):
            read_network(broken)


def test_a_network_of_other_stamps_is_refused() -> None:
    weights = build_network(SMALL).get_weights()
    for other in (replace(SMALL, stamp_version=0), replace(SMALL, planes=("score",))):
        with pytest.raises(UnknownModel, match="no longer cut"):
            unpack(pack(other, weights))
