"""From a trained network to the one in use, as the tasks of train_detector do it, over memory twins."""

from dataclasses import replace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

import include.promotion
from astrid_core.bootstrap import Pipeline
from astrid_core.curation.access import Role
from astrid_core.curation.config import CurateConfig
from astrid_core.curation.entities import Verdict
from astrid_core.detection.config import MODEL_NAME, TrainConfig
from astrid_core.detection.entities import ModelAlias
from astrid_core.detection.gate import GateConfig
from astrid_core.settings import Settings
from astrid_core.shared.errors import NotAllowed, RejectedModel
from astrid_core.shared.runs import RunKey
from astrid_core.stages.access import grant_role
from astrid_core.stages.gate import probe_notes
from include.answers import Answer
from include.promotion import (
    gate_challenger,
    offer_verdicts,
    promote_challenger,
    settings_of,
    train_challenger,
)
from include.request import pin_request, recipe_of
from tests.detection.frames import labelled
from tests.fakes.models import MemoryNetwork, MemoryTrainingFrames
from tests.stages.scene import NIGHT, Scene, scene
from tests.stages.voting import voting

PIPELINE = Pipeline(
    train=TrainConfig(n_frames=5, n_quiet=0, stamp_pix=32, validation_fraction=0.2, test_fraction=0.4),
    gate=GateConfig(n_frames=5, n_quiet=0, max_memory_gib=64.0, max_cpu_s_per_1000=1e4),
)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A survey without a network; frames are small and there at once."""

    def frames(pipeline: Pipeline) -> MemoryTrainingFrames:
        made = [labelled(number) for number in range(pipeline.train.n_frames)]
        return MemoryTrainingFrames(frames=made, recipe=f"seed {pipeline.train.seed}")

    monkeypatch.setattr(include.promotion, "training_frames", frames)
    made = scene()
    grant_role(made.services, login="vera", role=Role.OPERATOR)
    return made


def _with_champion(made: Scene, *, threshold: float) -> str:
    network = MemoryNetwork(threshold=threshold, stamp_pix=32)
    model = made.models.register(
        MODEL_NAME, network, recipe=RunKey(f"train-{threshold}"), parameters={}, metrics={}, manifest={},
        notes=probe_notes(network),
    )  # fmt: skip
    made.models.assign(ModelAlias.CHAMPION, model)
    return model.id


def _answer(name: str | None, **given: Any) -> Answer:
    user = None if name is None else {"id": name, "name": name}
    return Answer(chosen_options=["Approve"], params_input=given, responded_at=None, responded_by_user=user)


def test_the_first_network_is_in_use_and_nobody_is_asked(made: Scene) -> None:
    model_id = train_challenger(made.services, PIPELINE)
    assert made.models.champion(MODEL_NAME).id == model_id
    with pytest.raises(AirflowSkipException, match="is the champion already"):
        gate_challenger(made.services, PIPELINE, model_id)


def test_a_person_sees_every_number_and_what_they_approve_is_used(made: Scene) -> None:
    former = _with_champion(made, threshold=3.5)
    model_id = train_challenger(made.services, PIPELINE)
    body = gate_challenger(made.services, PIPELINE, model_id)
    assert body.startswith(f"{model_id} against {former}, which is in use.\n\n| Check |")
    assert "frame: real accepted, all" in body
    assert promote_challenger(made.services, model_id, _answer("vera", reason="sharper")) == model_id
    assert made.models.aliases(MODEL_NAME).keys() == {ModelAlias.CHAMPION, ModelAlias.ROLLBACK}
    with made.services.transaction() as records:
        facts = records.events.of(model_id)[-1].facts
    assert (facts["curator"], facts["reason"]) == ("vera", "sharper")


def test_what_fails_the_gate_reaches_nobody(made: Scene) -> None:
    _with_champion(made, threshold=3.5)
    network = MemoryNetwork(threshold=9.0, stamp_pix=32)
    blind = made.models.register(
        MODEL_NAME, network, recipe=RunKey("train-blind"), parameters={}, metrics={}, manifest={}
    )
    with pytest.raises(RejectedModel, match="real accepted, all: 0 against"):
        gate_challenger(made.services, PIPELINE, blind.id)
    with pytest.raises(RejectedModel, match="real accepted, all: 0 against"):
        promote_challenger(made.services, blind.id, _answer("vera"))


def test_the_name_of_airflow_must_be_that_of_a_curator(made: Scene) -> None:
    former = _with_champion(made, threshold=3.5)
    model_id = train_challenger(made.services, PIPELINE)
    gate_challenger(made.services, PIPELINE, model_id)
    assert settings_of(_answer("eve")).actor == "eve"
    assert settings_of(_answer(None)).actor == Settings().actor
    for name in ("eve", None):
        with pytest.raises(NotAllowed):
            promote_challenger(made.services, model_id, _answer(name))
    assert made.models.champion(MODEL_NAME).id == former


def test_a_promotion_in_the_middle_of_a_night_changes_nothing_for_it(made: Scene) -> None:
    former = _with_champion(made, threshold=3.5)
    request = pin_request(made.services, nights=(NIGHT,), survey=None, region=None, force=False)
    before = recipe_of(request, PIPELINE)
    model_id = train_challenger(made.services, PIPELINE)
    gate_challenger(made.services, PIPELINE, model_id)
    promote_challenger(made.services, model_id, _answer("vera"))
    assert recipe_of(request, PIPELINE) == before
    assert before.model.id == former
    later = pin_request(made.services, nights=(NIGHT,), survey=None, region=None, force=False)
    assert recipe_of(later, PIPELINE).model.id == model_id


def test_verdicts_are_offered_once_they_are_enough_for_a_training_and_then_once() -> None:
    pipeline = replace(PIPELINE, curate=CurateConfig(n_votes=1, training_verdicts=2))
    night = voting(5, config=pipeline.curate)
    night.say("ana", 0, Verdict.REAL)
    with pytest.raises(AirflowSkipException, match="fewer than 2 new verdicts"):
        offer_verdicts(night.services, pipeline, run_id="at one")
    night.say("ana", 1, Verdict.BOGUS)
    assert offer_verdicts(night.services, pipeline, run_id="at two") == 2
    # A task that was killed behind its record tells the same; the next hour tells nobody.
    assert offer_verdicts(night.services, pipeline, run_id="at two") == 2
    night.say("ana", 2, Verdict.BOGUS)
    with pytest.raises(AirflowSkipException, match="fewer than 2 new verdicts"):
        offer_verdicts(night.services, pipeline, run_id="at three")
    night.say("ana", 3, Verdict.BOGUS)
    assert offer_verdicts(night.services, pipeline, run_id="at four") == 2
