"""Hold a new network against the one in use, on frames that neither has seen, and record what came of it."""

import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import structlog
from numpy.typing import NDArray

from astrid_core.detection.config import TrainConfig
from astrid_core.detection.cutouts import Stamps
from astrid_core.detection.entities import Model, ModelAlias
from astrid_core.detection.gate import Check, GateConfig, GateResult, at_most, check_calibration, compare, probes
from astrid_core.detection.ports import ModelRegistry, Network, Scorer, TrainingFrames
from astrid_core.detection.training_set import Examples, examples_of, join
from astrid_core.shared.errors import BadConfiguration, RejectedModel, UnknownModel
from astrid_core.shared.runs import RunKey, run_key
from astrid_core.stages.services import Records, Services

VERSION = 1
"""Raise when the same networks should be compared otherwise."""

PROBED = "probe"
"""Note on a version: what it said of the probes when it was registered."""
GATED = "model.gated"
_PLAIN_FRACTION = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What a network says of the examples, and what that cost."""

    scores: dict[str, NDArray[np.float32]]
    cpu_s_per_1000: float


def gate_settings(config: GateConfig, train: TrainConfig) -> TrainConfig:
    """Return the settings by which the frames of the gate are made; BadConfiguration where a training uses its seed.

    Half of the busy ones are like the sky; the others show more of everything, and are spoilt, to offer what is false.
    """
    if train.seed == config.seed:
        raise BadConfiguration("a training must not use the seed of the gate", seed=config.seed)
    return replace(
        train,
        seed=config.seed,
        n_frames=config.n_frames,
        n_quiet=config.n_quiet,
        calibration_fraction=0.0,
        test_fraction=_PLAIN_FRACTION,
    )


def gate_key(model: Model, champion: Model | None, config: GateConfig, frames: TrainingFrames) -> RunKey:
    """Return the key of comparing these two on these frames."""
    # Two versions may hold the same network: a result names which it was measured against.
    networks = [text for one in (model, champion) if one is not None for text in (one.id, one.digest)]
    return run_key("gate", VERSION, config, (frames.recipe, *networks))


def run_gate(
    services: Services,
    model_id: str,
    config: GateConfig,
    train: TrainConfig,
    frames: TrainingFrames,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> GateResult:
    """Compare a version with the champion and record every number; RejectedModel lists all that failed. Safe to repeat.

    ``train`` and ``frames`` are those of ``gate_settings``.
    """
    model = services.models.get(model_id)
    champion = services.models.aliases(model.name).get(ModelAlias.CHAMPION)
    if champion == model:
        champion = None
    key = gate_key(model, champion, config, frames)
    with services.transaction() as records:
        result = last_gate(records, model)
    if result is None or result.key != key:
        examples = _examples(frames, train)
        progress(f"{len(examples)} stamps to compare on, {int(examples.is_real.sum())} of them real")
        checks = _checks(services.models, model, champion, examples, config)
        champion_id = champion.id if champion else ""
        result = GateResult(key=key, challenger=model.id, champion=champion_id, checks=checks)
        with services.transaction() as records:
            records.events.append(GATED, subject=model.id, facts=result.facts())
        log.info("model.gated", model=model.id, champion=result.champion, passed=result.passed)
    services.models.note(model, {"gate": "passed" if result.passed else "failed", "gate_against": result.champion})
    require_passed(result)
    return result


def last_gate(records: Records, model: Model) -> GateResult | None:
    """Return what came of the last comparison of a version, None where there was none."""
    found = [event for event in records.events.of(model.id) if event.name == GATED]
    return GateResult.of(found[-1].facts) if found else None


def require_passed(result: GateResult) -> None:
    """Raise RejectedModel with every number that failed."""
    if not result.passed:
        failed = "; ".join(result.failures)
        raise RejectedModel("version does not pass the gate", model=result.challenger, failed=failed)


def probe_notes(network: Network) -> dict[str, str]:
    """Return what a network says before it is saved, so that the loaded one can be held against it."""
    return {PROBED: json.dumps([float(score) for score in network.judge(probes(network.stamp_pix)).score])}


def _examples(frames: TrainingFrames, train: TrainConfig) -> Examples:
    return join([examples_of(frame, train) for frame in frames], stamp_pix=train.stamp_pix)


def _checks(
    models: ModelRegistry, model: Model, champion: Model | None, examples: Examples, config: GateConfig
) -> tuple[Check, ...]:
    scorer = models.load(model.id)
    new = _score(scorer, examples)
    old = None if champion is None else _score(models.load(champion.id), examples)
    checks = [] if old is None else list(compare(examples, new.scores, old.scores, config))
    before = None if old is None else old.scores["frame"]
    checks += [
        check_calibration(examples, new.scores["frame"], config, champion=before),
        at_most("scores of the loaded network, largest change", _parity(models, model, scorer), config.max_parity),
        at_most(
            "CPU seconds per 1000 stamps",
            new.cpu_s_per_1000,
            config.max_cpu_s_per_1000,
            champion=None if old is None else old.cpu_s_per_1000,
        ),
        at_most("peak memory, GiB", _peak_gib(), config.max_memory_gib),
    ]
    return tuple(checks)


def _score(scorer: Scorer, examples: Examples) -> Scored:
    # The first call compiles.
    scorer.judge(probes(scorer.stamp_pix))
    started = time.process_time()
    views: dict[str, Stamps] = {"frame": examples.in_frames, "triplet": examples.in_triplets}
    scores = {view: scorer.judge(stamps).score for view, stamps in views.items()}
    n_judged = max(1, sum(len(one) for one in scores.values()))
    return Scored(scores=scores, cpu_s_per_1000=1000.0 * (time.process_time() - started) / n_judged)


def _parity(models: ModelRegistry, model: Model, scorer: Scorer) -> float | None:
    noted = models.notes(model).get(PROBED)
    if noted is None:
        return None
    return float(np.abs(scorer.judge(probes(scorer.stamp_pix)).score - np.array(json.loads(noted))).max())


def _peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def require_gate(services: Services, records: Records, model: Model) -> None:
    """Raise RejectedModel unless a version passed the gate against the champion of today."""
    champion = services.models.aliases(model.name).get(ModelAlias.CHAMPION)
    if champion is None:
        raise UnknownModel("there is no champion to compare with; astrid train makes one", name=model.name)
    result = last_gate(records, model)
    if result is None:
        raise RejectedModel("version never passed the gate; run astrid models gate", model=model.id)
    require_passed(result)
    if result.champion != champion.id:
        facts = {"model": model.id, "compared_with": result.champion or "none", "champion": champion.id}
        raise RejectedModel("version was compared with another champion; run astrid models gate", **facts)
