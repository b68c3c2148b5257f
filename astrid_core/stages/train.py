"""Train a network on frames of which everything is known, register it, and offer it if it is good enough."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace

import structlog

from astrid_core.detection.config import MODEL_NAME, DetectConfig, TrainConfig
from astrid_core.detection.entities import Model
from astrid_core.detection.evaluate import THRESHOLD, evaluate, mean_by_group, shortfalls
from astrid_core.detection.ports import ModelRegistry, Network, TrainedNetwork, TrainingFrames
from astrid_core.detection.real_triplets import LabelledTriplets, examples_of_triplets, split
from astrid_core.detection.training_set import Examples, TrainingSet, build_training_set, examples_of, join
from astrid_core.detection.triplet_injection import inject_triplets
from astrid_core.detection.triplets import triplet_stamps
from astrid_core.shared.errors import RejectedModel, UnknownModel
from astrid_core.shared.runs import RunKey, run_key
from astrid_core.stages.gate import probe_notes
from astrid_core.stages.promote import offer_model
from astrid_core.stages.services import Services

VERSION = 6
"""Raise when the same frames and settings should give a different network."""

log = structlog.get_logger(__name__)


def train_key(
    config: TrainConfig, frames: TrainingFrames, real_digests: Sequence[str] = (), injected: str = ""
) -> RunKey:
    """Return the key of training by these settings on these frames, real triplets and injected frames (by recipe)."""
    return run_key("train", VERSION, config, (frames.recipe, *real_digests, *([injected] if injected else [])))


def run_train(
    services: Services,
    config: TrainConfig,
    frames: TrainingFrames,
    *,
    real: Sequence[LabelledTriplets] = (),
    injected: TrainingFrames | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Model:
    """Train, measure on frames kept apart, register, and make it the challenger; return the version. Safe to repeat.

    Of real triplets one half, by object, is learnt from, and the other measures. ``injected`` are real frames with
    sources put into them, all of which are learnt from.
    Where there is no champion, it becomes that at once. A network that misses a floor of ``config`` is registered but
    not offered: RejectedModel says which number failed.
    """
    recipe = train_key(config, frames, [one.digest for one in real], injected.recipe if injected else "")
    known = services.models.find(MODEL_NAME, recipe)
    if known is not None:
        progress(f"{known.id} was trained by the same recipe before")
        _require_quality(known, config)
        _offer(services, known, progress)
        return known
    trained = train_network(services.models, config, frames, real=real, injected=injected, progress=progress)
    model = _register(services, trained)
    with services.transaction() as records:
        records.events.append("model.registered", subject=model.id, facts={"digest": model.digest, "recipe": recipe})
    log.info("model.registered", model=model.id, digest=model.digest, elapsed_s=trained.metrics["elapsed_s"])
    _require_quality(model, config)
    _offer(services, model, progress)
    return model


def train_network(
    models: ModelRegistry,
    config: TrainConfig,
    frames: TrainingFrames,
    *,
    real: Sequence[LabelledTriplets] = (),
    injected: TrainingFrames | None = None,
    progress: Callable[[str], None],
) -> TrainedNetwork:
    """Train and measure a network; register nothing."""
    recipe = train_key(config, frames, [one.digest for one in real], injected.recipe if injected else "")
    started = time.monotonic()
    sets = build_training_set(frames, config)
    kept_apart = [split(one, seed=config.seed) for one in real]
    learnt = [
        examples_of_triplets(one, config, inject_triplets(one.triplets, seed=config.seed)) for one, _ in kept_apart
    ]
    added = [examples_of(one, config) for one in injected or ()]
    sets = replace(sets, training=join([sets.training, *learnt, *added], stamp_pix=config.stamp_pix))
    made_s = time.monotonic() - started
    progress(
        f"{len(sets.training)} stamps to learn from, {len(sets.validation)} to validate, {len(sets.calibration)} to "
        f"calibrate, {len(sets.test)} to test, made in {made_s:.0f} s"
    )
    network = models.train(sets, config, recipe=recipe, progress=progress)
    elapsed_s = time.monotonic() - started
    return TrainedNetwork(
        network=network,
        recipe=recipe,
        parameters=asdict(config),
        metrics={
            **_measure(network, sets),
            **_measure_real(network, [test for _, test in kept_apart]),
            "elapsed_s": elapsed_s,
            "frames_s": made_s,
        },
        manifest={
            "recipe": recipe,
            "frames": frames.recipe,
            "examples": sets.digest,
            "seed": config.seed,
            **_counts(sets),
            "injected": _count_injected(injected, added),
            "real_triplets": [_count_real(one, *parts) for one, parts in zip(real, kept_apart, strict=True)],
        },
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


def _measure_real(network: Network, tests: Sequence[LabelledTriplets]) -> dict[str, float]:
    """Return the parts of the real and of the false triplets kept apart that are accepted, objects counting once."""
    found: dict[str, float] = {}
    for one in tests:
        stamps = triplet_stamps(one.triplets, size_pix=network.stamp_pix, config=DetectConfig())
        accepted = network.judge(stamps).score >= THRESHOLD
        known, real = one.is_known[stamps.index], one.is_real[stamps.index]
        for name, chosen in (("real", known & real), ("false", known & ~real)):
            if chosen.any():
                part = mean_by_group(accepted[chosen], one.group[stamps.index][chosen])
                found[f"{one.origin}_{name}_accepted"] = part
    return found


def _count_real(whole: LabelledTriplets, training: LabelledTriplets, test: LabelledTriplets) -> dict[str, object]:
    return {
        "origin": whole.origin,
        "digest": whole.digest,
        "n_training": len(training.triplets),
        "n_test": len(test.triplets),
        "test_groups": sorted(set(test.group.tolist())),
    }


def _count_injected(injected: TrainingFrames | None, added: Sequence[Examples]) -> dict[str, object]:
    return {
        "recipe": injected.recipe if injected else "",
        "n_frames": len(added),
        "n_real": sum(int(one.is_real.sum()) for one in added),
        "n_false": sum(int((~one.is_real).sum()) for one in added),
    }


def _require_quality(model: Model, config: TrainConfig) -> None:
    missed = shortfalls(model.metrics, config)
    if missed:
        raise RejectedModel("trained network is not used", model=model.id, because="; ".join(missed))


def _counts(sets: TrainingSet) -> Mapping[str, object]:
    return {name: _count(getattr(sets, name)) for name in ("training", "validation", "calibration", "test")}


def _count(examples: Examples) -> dict[str, object]:
    return {
        "frames": sorted({int(number) for number in examples.frame}),
        "n_real": int(examples.is_real.sum()),
        "n_false": int((~examples.is_real).sum()),
        "searched_mpix": examples.searched_mpix,
    }
