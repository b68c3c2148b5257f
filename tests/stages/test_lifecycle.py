"""No dead ends: exposures are set aside, released and done anew, over memory twins."""

from dataclasses import dataclass, replace

import pytest

from astrid_core.catalog.config import PublishConfig
from astrid_core.curation.config import CurateConfig
from astrid_core.detection.config import DetectConfig
from astrid_core.detection.entities import ModelRun
from astrid_core.differencing.config import ActivationConfig, DifferenceConfig, ReferenceConfig
from astrid_core.differencing.entities import DifferenceRun
from astrid_core.observations.entities import Observation
from astrid_core.preprocessing.choose_masters import CalibrationPlan
from astrid_core.preprocessing.entities import PreprocessRun
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.events import verify_chain
from astrid_core.shared.runs import RunKey
from astrid_core.stages.build_reference import run_build_reference
from astrid_core.stages.chain import Recipe
from astrid_core.stages.curate import run_curate
from astrid_core.stages.detect import detect_key
from astrid_core.stages.difference import difference_key, find_references
from astrid_core.stages.lifecycle import (
    quarantine_instrument,
    quarantine_observation,
    release_instrument,
    release_observation,
    reprocess_observation,
    show_observation,
)
from astrid_core.stages.plan import NightPlan, plan_night
from astrid_core.stages.preprocess import Preparation, planned_key, preprocess_key
from astrid_core.stages.publish import run_publish
from astrid_core.stages.references import plan_references
from astrid_core.stages.report import run_report
from astrid_core.stages.review_queue import list_pending
from astrid_core.stages.services import Services
from tests.adapters.invented import observation as invented
from tests.catalog.night import NIGHT, difference_run, model_run, observation, preprocess_run
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels, with_champion
from tests.fakes.records import MemoryDatabase
from tests.stages.voting import REFERENCE

AS_IT_IS = CalibrationPlan(rule="taken as it is")
PREPARATION, DIFFERENCE, DETECT = Preparation(), DifferenceConfig(), DetectConfig()
PLACES = [(50.0, 50.0, 20.0), (20.0, 30.0, -9.0)]
NAMES = [f"demo:{NIGHT}/exposure{number}.fits" for number in (1, 2)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """Two exposures of a night, searched under today's settings; only the runs are invented."""

    services: Services
    recipe: Recipe

    def plan(self, *, force: bool = False) -> NightPlan:
        return plan_night(self.services, self.recipe, survey="demo", night=NIGHT, force=force)

    def search(self, name: str) -> RunKey:
        """Record the runs that the stages would, under the keys that they would give them."""
        with self.services.transaction() as records:
            seen = records.observations.get(name)
            number = records.processing_rounds.of(name)
            key = planned_key(records, seen, None, PREPARATION)
            prepared: PreprocessRun = replace(preprocess_run(seen), key=key, processing_round=number)
            made = difference_run(seen, PLACES)
            key = difference_key(prepared, find_references(records, seen, DIFFERENCE), DIFFERENCE)
            candidates = tuple(replace(one, run=key) for one in made.candidates)
            subtracted: DifferenceRun = replace(made, key=key, preprocess_key=prepared.key, candidates=candidates)
            run = model_run(subtracted, [0.9, 0.8], model=self.recipe.model.id)
            key = detect_key(subtracted.key, self.recipe.model, DETECT)
            detections = tuple(replace(one, model_run=key) for one in run.detections)
            scored: ModelRun = replace(run, key=key, detections=detections)
            records.preprocess_runs.add(prepared)
            records.difference_runs.add(subtracted)
            records.model_runs.add(scored)
        return scored.key

    def names(self) -> list[tuple[str, str]]:
        with self.services.transaction() as records:
            events = list(records.events.all())
        verify_chain(events)
        return [(event.name, event.subject) for event in events]


@pytest.fixture
def night() -> Night:
    models = MemoryModels()
    with_champion(models)
    services = Services(
        artifacts=MemoryArtifacts(), models=models, surveys={}, transaction=MemoryDatabase().transaction
    )
    recipe = Recipe(
        model=models.champion("astrid-detection"), preparation=PREPARATION, difference=DIFFERENCE, detect=DETECT
    )
    made = Night(services=services, recipe=recipe)
    with services.transaction() as records:
        records.references.add(REFERENCE)
        for number in (1, 2):
            records.observations.add(_seen(number))
    for name in NAMES:
        made.search(name)
    return made


def _seen(number: int) -> Observation:
    return replace(observation(number), instrument=f"CCD {number}")


def test_what_is_set_aside_is_not_planned_and_comes_back_without_being_computed_again(night: Night) -> None:
    before = night.plan()
    assert (before.pending, len(before.scored), before.n_quarantined) == ((), 2, 0)
    assert quarantine_observation(night.services, NAMES[0], reason="clouds")
    assert not quarantine_observation(night.services, NAMES[0], reason="once more")
    during = night.plan(force=True)
    assert (during.pending, during.scored, during.n_quarantined) == ((NAMES[1],), before.scored[1:], 1)
    assert release_observation(night.services, NAMES[0], reason="was fog")
    assert not release_observation(night.services, NAMES[0])
    assert night.plan() == before
    assert night.names() == [("observation.quarantined", NAMES[0]), ("observation.released", NAMES[0])]


def test_who_set_it_aside_and_why_is_on_record(night: Night) -> None:
    quarantine_observation(night.services, NAMES[0], reason="clouds")
    state = show_observation(night.services, NAMES[0])
    with night.services.transaction() as records:
        (event,) = records.events.all()
    assert state.quarantine is not None
    assert (state.quarantine.reason, state.quarantine.actor, state.quarantine.at) == ("clouds", "test", event.at)
    assert (event.facts, state.n_searched, state.n_published) == ({"reason": "clouds"}, 1, 0)
    assert show_observation(night.services, NAMES[1]).quarantine is None


def test_nothing_of_it_waits_for_people_or_is_published(night: Night) -> None:
    first, second = night.plan().scored
    assert run_curate(night.services, first, CurateConfig()) == 2
    quarantine_observation(night.services, NAMES[0], reason="clouds")
    assert list_pending(night.services) == ()
    assert run_curate(night.services, first, CurateConfig()) == 0
    assert run_curate(night.services, second, CurateConfig()) == 2
    # What is set aside must not use up the places of the others.
    assert [one.observation_id for one in list_pending(night.services, limit=1)] == [NAMES[1]]
    summary = run_publish(night.services, "demo", NIGHT, PublishConfig(), [first, second])
    assert (summary.n_detections, summary.n_quarantined, summary.n_published) == (4, 2, 2)
    release_observation(night.services, NAMES[0])
    assert len(list_pending(night.services)) == 4
    assert run_publish(night.services, "demo", NIGHT, PublishConfig(), [first, second]).n_published == 2


def test_the_page_of_the_night_says_how_many_and_why(night: Night) -> None:
    report = run_report(night.services, survey="demo", night=NIGHT)
    assert "quarantined" not in report.table
    quarantine_observation(night.services, NAMES[0], reason="clouds on the left half")
    after = run_report(night.services, survey="demo", night=NIGHT)
    assert after.key != report.key
    assert "2 in: 1 searched, 0 skipped, 0 failed, 1 quarantined" in after.table
    assert "clouds on the left half; by test" in after.table
    page = night.services.artifacts.get(after.page.digest).decode()
    assert "1 quarantined" in page
    assert "clouds on the left half; by test" in page
    release_observation(night.services, NAMES[0])
    assert run_report(night.services, survey="demo", night=NIGHT).key == report.key


def test_no_reference_is_built_from_it(night: Night) -> None:
    def inputs() -> list[str]:
        groups = plan_references(night.services, survey="demo", config=ReferenceConfig())
        return sorted(name for group in groups for name in group.observation_ids)

    assert inputs() == NAMES
    quarantine_observation(night.services, NAMES[0], reason="clouds")
    assert inputs() == NAMES[1:]
    with night.services.transaction() as records:
        (run,) = records.preprocess_runs.of_observation(NAMES[0])
    with pytest.raises(Exception, match="no prepared exposure to coadd"):
        run_build_reference(night.services, [run.key], ReferenceConfig(), ActivationConfig(), cells=("6/1",), band="r")


def test_an_instrument_is_set_aside_with_what_is_still_to_come(night: Night) -> None:
    assert quarantine_instrument(night.services, "demo", "CCD 1", reason="light leak")
    with night.services.transaction() as records:
        records.observations.add(replace(_seen(3), instrument="CCD 1"))
    assert (night.plan().pending, night.plan().n_quarantined) == ((), 2)
    # Releasing one exposure does not end what holds for all of them.
    assert not release_observation(night.services, NAMES[0])
    assert release_instrument(night.services, "demo", "CCD 1")
    assert (night.plan().pending, night.plan().n_quarantined) == ((_seen(3).id,), 0)
    assert night.names() == [("instrument.quarantined", "demo/CCD 1"), ("instrument.released", "demo/CCD 1")]


def test_a_settled_exposure_is_done_anew_in_a_new_round_and_the_old_runs_stay(night: Night) -> None:
    old = night.plan().scored
    assert reprocess_observation(night.services, NAMES[0], reason="cosmic ray") == 1
    assert (night.plan().pending, night.plan().scored) == ((NAMES[0],), old[1:])
    # Pending already: asking again must not open one round after another.
    assert reprocess_observation(night.services, NAMES[0]) is None
    new = night.search(NAMES[0])
    assert new not in old
    assert set(night.plan().scored) == {new, old[1]}
    assert reprocess_observation(night.services, NAMES[0]) == 2
    state = show_observation(night.services, NAMES[0])
    assert state.processing_round == 2
    assert sorted(run.processing_round for run in state.preparations) == [0, 1]
    assert [name for name, _ in night.names()] == ["observation.reprocessed"] * 2


def test_the_first_round_has_the_keys_that_it_always_had() -> None:
    key = preprocess_key(invented(), AS_IT_IS, PREPARATION)
    assert key == preprocess_key(invented(), AS_IT_IS, PREPARATION, processing_round=0)
    assert key != preprocess_key(invented(), AS_IT_IS, PREPARATION, processing_round=1)
    prepared = preprocess_run(observation(1))
    again = replace(prepared, processing_round=1)
    assert difference_key(prepared, (), DIFFERENCE) != difference_key(again, (), DIFFERENCE)


def test_who_sets_aside_what_does_not_exist_is_told(night: Night) -> None:
    for act in (release_observation, reprocess_observation, show_observation):
        with pytest.raises(UnknownRecord, match="demo:nothing"):
            act(night.services, "demo:nothing")
    with pytest.raises(UnknownRecord, match="demo:nothing"):
        quarantine_observation(night.services, "demo:nothing", reason="why")
    assert night.names() == []


def test_equal_bytes_of_two_surveys_and_another_reading_of_a_header_are_prepared_apart() -> None:
    """The registry of instruments may tell another time of exposure: darks are scaled by it, stars moved to it."""
    seen = invented()
    others = (
        replace(seen, survey="elsewhere"),
        replace(seen, exposure_s=2.0 * seen.exposure_s),
        replace(seen, mid_mjd=seen.mid_mjd + 0.01),
    )
    keys = {preprocess_key(one, AS_IT_IS, PREPARATION) for one in (seen, *others)}
    assert len(keys) == 4
