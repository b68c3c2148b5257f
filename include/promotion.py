"""The work behind the tasks that bring a new network into use."""

import dataclasses
from collections.abc import Sequence

from airflow.sdk.exceptions import AirflowSkipException

from astrid_core.bootstrap import Pipeline, training_frames
from astrid_core.detection.injected_search import InjectedConfig
from astrid_core.settings import Settings
from astrid_core.stages.gate import gate_settings, run_gate
from astrid_core.stages.injected_frames import frames_of_nights
from astrid_core.stages.promote import run_promote
from astrid_core.stages.services import Services
from astrid_core.stages.train import run_train
from astrid_core.stages.verdicts import offer_new_verdicts, take_verdicts
from include.answers import Answer, person_of, reason_of


def offer_verdicts(services: Services, pipeline: Pipeline, *, run_id: str) -> int:
    """Return how many detections people have decided since they were last told of; skip where they are too few.

    The same verdicts are told of once: only the run that told of them may say so again, when it is repeated.
    """
    n_new = offer_new_verdicts(services, fewest=pipeline.curate.training_verdicts, run_id=run_id)
    if n_new is None:
        message = f"fewer than {pipeline.curate.training_verdicts} new verdicts: too few for a training"
        raise AirflowSkipException(message)
    return n_new


def train_challenger(services: Services, pipeline: Pipeline, nights: Sequence[str] = ()) -> str:
    """Train, measure and register a network; return its version, which is the champion where there was none.

    The exposures of ``nights`` are learnt from, too, with sources put into them.
    """
    gate_settings(pipeline.gate, pipeline.train)
    said = take_verdicts(services, fewest=pipeline.curate.training_verdicts)
    real = [] if said is None else [said]
    settings = InjectedConfig.of(pipeline.train, pipeline.inject, pipeline.preprocess, pipeline.difference)
    injected = frames_of_nights(services, nights, settings)
    frames = training_frames(pipeline)
    return run_train(services, pipeline.train, frames, real=real, injected=injected, progress=print).id


def gate_challenger(services: Services, pipeline: Pipeline, model_id: str) -> str:
    """Return the table of all checks, for the person who decides; RejectedModel where one of them fails.

    Skip where the version is the champion already: then nothing is left to decide.
    """
    model = services.models.get(model_id)
    if services.models.champion(model.name) == model:
        message = f"{model_id} is the champion already"
        raise AirflowSkipException(message)
    settings = gate_settings(pipeline.gate, pipeline.train)
    frames = training_frames(dataclasses.replace(pipeline, train=settings))
    result = run_gate(services, model_id, pipeline.gate, settings, frames, progress=print)
    return f"{model_id} against {result.champion}, which is in use.\n\n{result.table()}"


def settings_of(answer: Answer) -> Settings:
    """Return settings under which the log names the person who answered."""
    name = person_of(answer)
    return Settings(actor=name) if name else Settings()


def promote_challenger(services: Services, model_id: str, answer: Answer) -> str:
    """Promote what a person approved, in their name; return the version."""
    return run_promote(services, model_id, login=person_of(answer), reason=reason_of(answer)).id
