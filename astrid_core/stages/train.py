"""Train a network on frames of which everything is known, register it, and offer it if it is good enough."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict

import structlog

from astrid_core.detection.config import MODEL_NAME, TrainConfig
from astrid_core.detection.entities import Model
from astrid_core.detection.evaluate import evaluate, shortfalls
from astrid_core.detection.ports import ModelRegistry, Network, TrainedNetwork, TrainingFrames
from astrid_core.detection.training_set import Examples, TrainingSet, build_training_set
from astrid_core.shared.errors import RejectedModel, UnknownModel
from astrid_core.shared.runs import RunKey, run_key
from astrid_core.stages.gate import probe_notes
from astrid_core.stages.promote import offer_model
from astrid_core.stages.services import Services

VERSION = 4
"""Raise when the same frames and settings should give a different network."""

log = structlog.get_logger(__name__)


def train_key(config: TrainConfig, frames: TrainingFrames) -> RunKey:
    """Return the key of training by these settings on these frames."""
    return run_key("train", VERSION, config, (frames.recipe,))


def run_train(
    services: Services,
    config: TrainConfig,
    frames: TrainingFrames,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> Model:
    """Train, measure on frames kept apart, register, and make it the challenger; return the version. Safe to repeat.

    Where there is no champion, it becomes that at once. A network that misses a floor of ``config`` is registered but
    not offered: RejectedModel says which number failed.
    """
    recipe = train_key(config, frames)
    known = services.models.find(MODEL_NAME, recipe)
    if known is not None:
        progress(f"{known.id} was trained by the same recipe before")
        _require_quality(known, config)
        _offer(services, known, progress)
        return known
    trained = train_network(services.models, config, frames, progress=progress)
    model = _register(services, trained)
    with services.transaction() as records:
        records.events.append("model.registered", subject=model.id, facts={"digest": model.digest, "recipe": recipe})
    log.info("model.registered", model=model.id, digest=model.digest, elapsed_s=trained.metrics["elapsed_s"])
    _require_quality(model, config)
    _offer(services, model, progress)
    return model


def train_network(
    models: ModelRegistry, config: TrainConfig, frames: TrainingFrames, *, progress: Callable[[str], None]
) -> TrainedNetwork:
    """Train and measure a network; register nothing."""
    recipe = train_key(config, frames)
    started = time.monotonic()
    sets = build_training_set(frames, config)
    made_s = time.monotonic() - started
    progress(
        f"{len(sets.training)} stamps to learn from, {len(sets.validation)} to validate, {len(sets.test)} to test, "
        f"made in {made_s:.0f} s"
    )
    network = models.train(sets.training, sets.validation, config, recipe=recipe, progress=progress)
    elapsed_s = time.monotonic() - started
    return TrainedNetwork(
        network=network,
        recipe=recipe,
        parameters=asdict(config),
        metrics={**_measure(network, sets), "elapsed_s": elapsed_s, "frames_s": made_s},
        manifest={"recipe": recipe, "frames": frames.recipe, "seed": config.seed, **_counts(sets)},
    )


def run_adopt(services: Services) -> Model:
    """Return the champion; where there is none, register and promote the network that comes with the code."""
    try:
        return services.models.champion(MODEL_NAME)
    except UnknownModel:
        pass
    shipped = services.models.shipped()
    model = services.models.find(MODEL_NAME, shipped.recipe) or _register(services, shipped)
    with services.transaction() as records:
        facts = {"digest": model.digest, "recipe": shipped.recipe}
        records.events.append("model.adopted", subject=model.id, facts=facts)
    offer_model(services, model)
    return model


def _offer(services: Services, model: Model, progress: Callable[[str], None]) -> None:
    alias = offer_model(services, model)
    if alias is not None:
        progress(f"{model.id} is the {alias.value}")


def _register(services: Services, trained: TrainedNetwork) -> Model:
    return services.models.register(
        MODEL_NAME,
        trained.network,
        recipe=trained.recipe,
        parameters=trained.parameters,
        metrics=trained.metrics,
        manifest=trained.manifest,
        notes=probe_notes(trained.network),
    )


def _measure(network: Network, sets: TrainingSet) -> dict[str, float]:
    """Return the figures of the test frames and, named ``validation_`` and ``triplet_``, of the validation frames."""
    found: dict[str, float] = {}
    for prefix, part, stamps in (
        ("", sets.test, sets.test.in_frames),
        ("validation_", sets.validation, sets.validation.in_frames),
        ("triplet_", sets.validation, sets.validation.in_triplets),
    ):
        measured = evaluate(part, network.judge(stamps).score).metrics()
        found |= {f"{prefix}{name}": value for name, value in measured.items()}
    return found


def _require_quality(model: Model, config: TrainConfig) -> None:
    missed = shortfalls(model.metrics, config)
    if missed:
        raise RejectedModel("trained network is not used", model=model.id, because="; ".join(missed))


def _counts(sets: TrainingSet) -> Mapping[str, object]:
    return {name: _count(getattr(sets, name)) for name in ("training", "validation", "test")}


def _count(examples: Examples) -> dict[str, object]:
    return {
        "frames": sorted({int(number) for number in examples.frame}),
        "n_real": int(examples.is_real.sum()),
        "n_false": int((~examples.is_real).sum()),
        "searched_mpix": examples.searched_mpix,
    }
