"""What a change of settings, references, masters or network makes out of date: that, and nothing else."""

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from astrid_core.bootstrap import Pipeline
from astrid_core.shared.runs import RunKey
from astrid_core.stages.batch import run_each
from astrid_core.stages.chain import Recipe, Step
from astrid_core.stages.detect import run_detect
from astrid_core.stages.difference import run_difference
from astrid_core.stages.lifecycle import quarantine_observation, reprocess_observation
from astrid_core.stages.plan import plan_night
from astrid_core.stages.preprocess import run_preprocess
from astrid_core.stages.reference_status import retire_reference
from astrid_core.stages.standing import Standing, SurveyStanding, standing_facts, standing_lines, survey_standing
from tests.fakes.models import with_champion
from tests.stages.scene import NIGHT, Scene, exposure, scene
from tests.stages.searched import searched

FIRST, SECOND, EMPTY = (f"demo:{NIGHT}/{name}.fits" for name in ("a", "b", "empty"))
PIPELINE = Pipeline()
Change = Callable[[Scene, Recipe], Recipe]


@pytest.fixture
def night() -> tuple[Scene, Recipe]:
    """A night of two exposures that were searched and one that shows nothing."""
    made = scene(**{f"{NIGHT}/b.fits": exposure(NIGHT, seed=12), f"{NIGHT}/empty.fits": _empty()})
    _, _, model = searched(made, PIPELINE)
    recipe = PIPELINE.recipe(model)
    _search(made, recipe)
    return made, recipe


def _empty() -> bytes:
    with fits.open(io.BytesIO(exposure(NIGHT, seed=13))) as file:
        file[0].data = np.full_like(file[0].data, 300.0)
        buffer = io.BytesIO()
        file.writeto(buffer)
    return buffer.getvalue()


def _search(made: Scene, recipe: Recipe) -> None:
    services = made.services
    prepared = run_each(lambda one: run_preprocess(services, one, recipe.preparation), [FIRST, SECOND, EMPTY])
    subtracted = run_each(lambda key: run_difference(services, RunKey(key), recipe.difference), prepared.keys)
    run_each(lambda key: run_detect(services, RunKey(key), recipe.model.id, recipe.detect), subtracted.keys)


def _standing(made: Scene, recipe: Recipe) -> SurveyStanding:
    return survey_standing(made.services, recipe, survey="demo", nights=[NIGHT])


def _told(standing: SurveyStanding) -> dict[str, tuple[Standing, Step | None, str]]:
    return {one.observation_id: (one.standing, one.next_step, one.reason) for one in standing.exposures}


def test_a_night_that_was_searched_is_done_or_skipped_with_the_reason(night: tuple[Scene, Recipe]) -> None:
    made, recipe = night
    told = _told(_standing(made, recipe))
    assert told[FIRST] == told[SECOND] == (Standing.DONE, None, "")
    assert told[EMPTY][:2] == (Standing.SKIPPED, None)
    assert told[EMPTY][2]
    assert _standing(made, recipe).cost_s == 0.0


def _other_background(_: Scene, recipe: Recipe) -> Recipe:
    preprocess = replace(recipe.preparation.preprocess, background_box_pix=48)
    return replace(recipe, preparation=replace(recipe.preparation, preprocess=preprocess))


def _other_threshold(_: Scene, recipe: Recipe) -> Recipe:
    return replace(recipe, difference=replace(recipe.difference, threshold_sigma=6.0))


def _other_detection(_: Scene, recipe: Recipe) -> Recipe:
    return replace(recipe, detect=replace(recipe.detect, max_masked_stamp=0.6))


def _other_network(made: Scene, recipe: Recipe) -> Recipe:
    return replace(recipe, model=with_champion(made.models, threshold_sigma=7.0))


def _no_reference(made: Scene, recipe: Recipe) -> Recipe:
    with made.services.transaction() as records:
        (reference,) = records.references.search()
    retire_reference(made.services, reference.digest, reason="found to be bad")
    return recipe


def _anew(made: Scene, recipe: Recipe) -> Recipe:
    for one in (FIRST, SECOND):
        reprocess_observation(made.services, one, reason="to see")
    return recipe


@pytest.mark.parametrize(
    ("change", "step", "reason", "n_steps"),
    [
        (_other_background, Step.PREPROCESS, "settings of preprocess", 3),
        (_anew, Step.PREPROCESS, "asked for anew", 3),
        (_other_threshold, Step.DIFFERENCE, "settings of difference", 2),
        (_no_reference, Step.DIFFERENCE, "reference", 2),
        (_other_detection, Step.DETECT, "settings of detect", 1),
        (_other_network, Step.DETECT, "network", 1),
    ],
)
def test_a_change_makes_stale_what_depends_on_it_and_says_why(
    night: tuple[Scene, Recipe], change: Change, step: Step, reason: str, n_steps: int
) -> None:
    made, recipe = night
    recipe = change(made, recipe)
    standing = _standing(made, recipe)
    told = _told(standing)
    assert told[FIRST] == told[SECOND] == (Standing.STALE, step, reason)
    n_pending = sum(next_step is not None for _, next_step, _ in told.values())
    assert standing.steps.total() == n_pending * n_steps
    pending = plan_night(made.services, recipe, survey="demo", night=NIGHT).pending
    assert [one for one in told if told[one][1] is not None] == [*pending]
    _search(made, recipe)
    assert {one.standing for one in _standing(made, recipe).exposures} <= {Standing.DONE, Standing.SKIPPED}


def test_what_was_never_done_is_missing_and_what_is_set_aside_says_so(night: tuple[Scene, Recipe]) -> None:
    made, recipe = night
    quarantine_observation(made.services, SECOND, reason="a satellite")
    whole = survey_standing(made.services, recipe, survey="demo")
    told = _told(whole)
    assert told[SECOND] == (Standing.QUARANTINED, None, "a satellite")
    earlier = [one for one in whole.exposures if one.night != NIGHT]
    # Prepared, for the reference, and compared with nothing.
    assert {(one.standing, one.next_step) for one in earlier} == {(Standing.MISSING, Step.DIFFERENCE)}


def test_people_and_programs_read_the_same(night: tuple[Scene, Recipe]) -> None:
    made, recipe = night
    standing = _standing(made, _other_network(made, recipe))
    lines = [*standing_lines(standing)]
    assert lines[0] == "3 exposures"
    assert any(line.split() == ["stale", "2", "network", "2"] for line in lines)
    assert lines[-1].startswith("to bring them up to date: detect 2; about 0.00 h")
    facts = standing_facts(standing)
    assert facts["steps"] == {"preprocess": 0, "difference": 0, "detect": 2}
    assert [one["observation"] for one in facts["to_do"]] == [FIRST, SECOND]
