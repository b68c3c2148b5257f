"""Recorded exposures with sources put into them, as frames to learn from."""

import numpy as np
import pytest

from astrid_core.bootstrap import Pipeline
from astrid_core.detection.config import TrainConfig
from astrid_core.detection.injected_search import InjectedConfig
from astrid_core.detection.pixel_classes import PixelClass
from astrid_core.detection.training_set import examples_of
from astrid_core.differencing.inject_config import InjectConfig
from astrid_core.shared.runs import RunKey
from astrid_core.stages.injected_frames import FIRST_NUMBER, RecordedFrames, frames_of_nights
from tests.stages.scene import NIGHT, Scene, scene
from tests.stages.searched import searched

PIPELINE = Pipeline(inject=InjectConfig(n_sources=40, separation_fwhm=4.0), train=TrainConfig(stamp_pix=32))
CONFIG = InjectedConfig.of(PIPELINE.train, PIPELINE.inject, PIPELINE.preprocess, PIPELINE.difference)


@pytest.fixture(scope="module")
def made() -> tuple[Scene, RunKey]:
    """A searched exposure; tests must not change it."""
    found = scene()
    return found, searched(found, PIPELINE)[0]


def test_what_was_put_in_is_real_and_nothing_else_is_known(made: tuple[Scene, RunKey]) -> None:
    frames = frames_of_nights(made[0].services, [NIGHT], CONFIG)
    assert frames is not None
    assert frames.difference_keys == [made[1]]
    (frame,) = frames
    assert frame.number == FIRST_NUMBER
    assert len(frame.changed) > 20
    examples = examples_of(frame, PIPELINE.train)
    assert len(examples) > 10
    assert examples.is_real.all()
    assert set(np.unique(examples.classes)) <= {PixelClass.NEW, PixelClass.FADED, PixelClass.UNUSABLE}
    assert (examples.classes == PixelClass.NEW).any()


def test_other_sources_than_those_that_measure(made: tuple[Scene, RunKey]) -> None:
    assert CONFIG.inject.snr != PIPELINE.inject.snr
    first, again = (
        next(iter(RecordedFrames(services=made[0].services, difference_keys=[made[1]], config=CONFIG)))
        for _ in range(2)
    )
    assert first.changed == again.changed


def test_the_recipe_names_exposures_and_settings(made: tuple[Scene, RunKey]) -> None:
    services = made[0].services
    other = InjectedConfig.of(
        TrainConfig(stamp_pix=32, seed=9), PIPELINE.inject, PIPELINE.preprocess, PIPELINE.difference
    )
    recipes = {
        RecordedFrames(services=services, difference_keys=keys, config=config).recipe
        for keys, config in (([made[1]], CONFIG), ([made[1]], other), ([], CONFIG))
    }
    assert len(recipes) == 3


def test_a_night_without_a_searched_exposure_gives_none(made: tuple[Scene, RunKey]) -> None:
    assert frames_of_nights(made[0].services, ["1999-01-01"], CONFIG) is None
    assert frames_of_nights(made[0].services, [], CONFIG) is None
