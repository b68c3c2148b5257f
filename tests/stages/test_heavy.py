"""What may be computed elsewhere: the same settings have the same name there, and what it left is found here."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from astrid_core.bootstrap import Pipeline
from astrid_core.detection.entities import Model
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.runs import RunKey
from astrid_core.stages.difference import run_difference
from astrid_core.stages.heavy import HeavyStage, HeavyWork, find_heavy, largest_mpix, run_heavy
from astrid_core.stages.preprocess import run_preprocess
from tests.stages.scene import SHAPE, scene
from tests.stages.searched import SCIENCE, searched

PIPELINE = Pipeline()
MODEL = Model(name="unet", version=3, digest="a" * 64)


def _work(stage: HeavyStage = HeavyStage.DETECT, *, model: Model = MODEL, pipeline: Pipeline = PIPELINE) -> HeavyWork:
    return pipeline.heavy(stage, model)


def test_what_was_measured_of_a_network_does_not_change_the_name_of_the_settings() -> None:
    assert _work(model=replace(MODEL, metrics={"auc": 0.98})).settings == _work().settings
    _work().require(_work(model=replace(MODEL, metrics={"auc": 0.98})).settings)


@pytest.mark.parametrize(
    "other",
    [
        lambda: _work(model=replace(MODEL, digest="b" * 64)),
        lambda: _work(model=replace(MODEL, version=4)),
        lambda: _work(pipeline=replace(PIPELINE, difference=replace(PIPELINE.difference, threshold_sigma=7.0))),
        lambda: _work(pipeline=replace(PIPELINE, inject=replace(PIPELINE.inject, n_sources=7))),
    ],
)
def test_whatever_decides_the_keys_changes_it_and_is_refused(other: Callable[[], HeavyWork]) -> None:
    with pytest.raises(BadConfiguration, match="settings, version or network differ"):
        other().require(_work().settings)


@pytest.mark.parametrize("stage", list(HeavyStage))
def test_what_was_computed_elsewhere_is_found_and_nothing_is_computed_to_find_it(stage: HeavyStage) -> None:
    made = scene()
    difference, _, model = searched(made, PIPELINE)
    work = _work(stage, model=model)
    item = (
        run_preprocess(made.services, SCIENCE, PIPELINE.preparation) if stage is HeavyStage.DIFFERENCE else difference
    )
    computed = run_heavy(made.services, work, [item])
    assert find_heavy(made.services, work, [item]) == computed
    assert largest_mpix(made.services, work, [item]) == pytest.approx(SHAPE[0] * SHAPE[1] / 1e6)
    other = replace(work, recipe=replace(work.recipe, difference=replace(PIPELINE.difference, threshold_sigma=9.0)))
    if stage is HeavyStage.DIFFERENCE:
        assert [*find_heavy(made.services, other, [item]).failed] == [item]
        assert run_difference(made.services, RunKey(item), PIPELINE.difference) == difference
