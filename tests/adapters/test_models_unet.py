from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from astrid_core.adapters.models.checkpoint import Checkpoint
from astrid_core.adapters.models.content import digest_of, pack, unpack
from astrid_core.adapters.models.network import UNet, read_network
from astrid_core.adapters.models.training import train_unet
from astrid_core.adapters.models.unet import turned
from astrid_core.detection.config import DetectConfig, TrainConfig
from astrid_core.detection.cutouts import Stamps, cut_stamps, frame_planes
from astrid_core.detection.evaluate import evaluate
from astrid_core.detection.pixel_classes import N_LEARNT
from astrid_core.detection.training_set import TrainingSet, build_training_set
from astrid_core.shared.errors import CorruptArtifact, UnknownModel
from tests.adapters.untrained import SMALL, untrained
from tests.detection.frames import candidate, labelled, product
from tests.synthetic.fields import Source

CONFIG = TrainConfig(
    n_frames=14, stamp_pix=32, channels=8, epochs=10, patience=10, batch_size=16, validation_fraction=0.17
)


@pytest.fixture(scope="module")
def sets() -> TrainingSet:
    return build_training_set([labelled(number) for number in range(CONFIG.n_frames)], CONFIG)


@pytest.fixture(scope="module")
def trained(sets: TrainingSet) -> UNet:
    return train_unet(sets, CONFIG, progress=lambda _: None)


def test_it_learns_to_tell_stars_from_hits(trained: UNet, sets: TrainingSet) -> None:
    found = evaluate(sets.test, trained.judge(sets.test.in_frames).score)
    assert found.n_real_bright == found.n_false == 12
    assert found.completeness is not None
    assert found.completeness >= 0.9
    assert found.n_false_accepted <= 1
    assert found.auc is not None
    assert found.auc > 0.97


def test_what_faded_is_as_real_as_what_appeared(trained: UNet, sets: TrainingSet) -> None:
    test = sets.test
    scores = trained.judge(test.in_frames).score
    for sign in (-1.0, 1.0):
        chosen = test.is_real & (test.score * sign > 0)
        assert chosen.sum() >= 3
        assert scores[chosen].mean() > 0.8


def test_losses_fall(trained: UNet) -> None:
    losses = [epoch["validation_loss"] for epoch in trained.history]
    assert losses[-1] < 0.5 * losses[0]


def test_the_same_examples_and_settings_give_the_same_network(sets: TrainingSet) -> None:
    config = replace(CONFIG, epochs=2, channels=4)
    nets = [train_unet(sets, one, progress=lambda _: None) for one in (config, config, replace(config, seed=2))]
    digests = [digest_of(net.content) for net in nets]
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_training_needs_examples(sets: TrainingSet) -> None:
    nothing = sets.test.take(np.zeros(len(sets.test), dtype=bool), searched_mpix=0.0)
    with pytest.raises(ValueError, match="no validation examples"):
        train_unet(replace(sets, validation=nothing), CONFIG, progress=lambda _: None)


def test_a_network_survives_its_bytes(trained: UNet, sets: TrainingSet) -> None:
    again = read_network(trained.content)
    np.testing.assert_array_equal(again.judge(sets.test.in_frames).score, trained.judge(sets.test.in_frames).score)
    assert again.content == trained.content
    assert again.stamp_pix == CONFIG.stamp_pix


def _some(stamps: Stamps, chosen: np.ndarray) -> Stamps:
    return replace(stamps, pixels=stamps.pixels[chosen], offset=stamps.offset[chosen], index=stamps.index[chosen])


def test_scores_do_not_depend_on_the_company(trained: UNet, sets: TrainingSet) -> None:
    many = _some(sets.test.in_frames, np.tile(np.arange(len(sets.test)), 20))
    one_by_one = [trained.judge(_some(many, np.array([n]))).score[0] for n in range(0, len(many), 97)]
    np.testing.assert_allclose(trained.judge(many).score[::97], one_by_one, atol=1e-5)


def test_turning_a_stamp_carries_its_candidate_along() -> None:
    pixels = np.zeros((1, 32, 32, 1), dtype=np.float32)
    pixels[0, 14, 17] = 1.0
    for turns in range(4):
        for is_mirrored in (False, True):
            shown, at = turned(pixels, np.array([[14, 17]]), turns=turns, is_mirrored=is_mirrored)
            assert shown[0, at[0, 0], at[0, 1], 0] == 1.0


def test_a_candidate_gets_the_same_answer_from_its_stamp_and_from_the_whole_frame() -> None:
    known = ((70.0, 50.0, 30.0), (41.0, 93.0, -20.0), (3.0, 60.0, 15.0), (131.0, 110.0, -9.0), (92.0, 17.0, 12.0))
    sources = [Source(x_pix=x, y_pix=y, flux=flux) for x, y, flux in known]
    made = product(*sources, shape=(121, 139))
    places = [candidate(one.x_pix, one.y_pix, one.flux) for one in sources]
    network = UNet(untrained(replace(SMALL, stamp_pix=64), seed=3))
    stamps = cut_stamps(made, places, size_pix=64, config=DetectConfig(max_masked_fraction=0.9))
    assert len(stamps) == len(places)
    at = np.array([(round(one.y_pix), round(one.x_pix)) for one in places])
    whole = network.judge_frame(frame_planes(made), at, np.array([1 if one.score > 0 else -1 for one in places]))
    single = network.judge(stamps)
    assert np.ptp(single.score) > 0.0
    np.testing.assert_allclose(whole.score, single.score, atol=1e-5)
    np.testing.assert_allclose(whole.anomaly, single.anomaly, rtol=1e-4)
    np.testing.assert_allclose(whole.pixels, single.pixels, atol=1e-5)
    np.testing.assert_array_equal(whole.has_old_source, single.has_old_source)


def test_what_is_stranger_than_the_training_is_told(trained: UNet, sets: TrainingSet) -> None:
    usual = trained.judge(sets.test.in_frames)
    strange = replace(sets.test.in_frames, pixels=sets.test.stamps + 6.0)
    assert np.median(trained.judge(strange).anomaly) > 3.0 * np.median(usual.anomaly)


def test_a_training_that_was_killed_comes_to_the_same_network(sets: TrainingSet, tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=4, channels=4)
    whole = train_unet(sets, config, progress=lambda _: None)
    kept = Checkpoint(path=tmp_path / "one.npz", recipe="recipe")

    def killed(text: str) -> None:
        if text.startswith("epoch 3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_unet(sets, config, progress=killed, checkpoint=kept)
    said: list[str] = []
    resumed = train_unet(sets, config, progress=said.append, checkpoint=kept)
    assert [text[:7] for text in said] == ["epoch 3", "epoch 4"]
    assert resumed.history == whole.history
    assert digest_of(resumed.content) == digest_of(whole.content)


def test_a_checkpoint_of_another_recipe_or_of_broken_bytes_is_ignored(sets: TrainingSet, tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=1, channels=4)
    path = tmp_path / "one.npz"
    for recipe, content in (("one", b""), ("other", None), ("other", b"broken")):
        if content is not None:
            path.write_bytes(content)
        said: list[str] = []
        kept = Checkpoint(path=path, recipe=recipe)
        train_unet(sets, config, progress=said.append, checkpoint=kept)
        assert len(said) == 1


def test_there_is_a_class_for_every_pixel() -> None:
    classes = UNet(untrained()).pixel_classes(np.zeros((3, 16, 20, 5), dtype=np.float32))
    assert classes.shape == (3, 16, 20, N_LEARNT)


def test_classes_stay_where_their_pixels_are() -> None:
    # An untrained network passes on where the light is: moved light moves the classes by as much.
    network = UNet(untrained(seed=3))
    stamps = np.zeros((2, 32, 32, 5), dtype=np.float32)
    stamps[0, 16, 16] = stamps[1, 8, 24] = 10.0
    changed = np.abs(network.pixel_classes(stamps) - network.pixel_classes(0.0 * stamps)).sum(axis=-1)
    for number, (y, x) in enumerate([(16, 16), (8, 24)]):
        row, column = np.unravel_index(int(changed[number].argmax()), (32, 32))
        assert abs(int(row) - y) <= 3
        assert abs(int(column) - x) <= 3


def test_bytes_that_are_no_network_are_corrupt() -> None:
    made = untrained()
    whole = pack(made)
    few, turned_round = (pack(replace(made, weights=one)) for one in (made.weights[:-1], made.weights[::-1]))
    for broken in (b"", b"nonsense", whole[: len(whole) // 2], few, turned_round):
        with pytest.raises(CorruptArtifact):
            read_network(broken)


def test_a_network_of_other_stamps_is_refused() -> None:
    made = untrained()
    for other in (replace(SMALL, stamp_version=0), replace(SMALL, planes=("score",)), replace(SMALL, architecture=1)):
        with pytest.raises(UnknownModel, match="no longer cut"):
            unpack(pack(replace(made, description=other)))
