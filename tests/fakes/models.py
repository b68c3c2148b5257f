"""The model registry in memory, with a network that knows one number."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from astrid_core.detection.config import TrainConfig
from astrid_core.detection.cutouts import Stamps
from astrid_core.detection.entities import Model, ModelAlias
from astrid_core.detection.judgement import Judged
from astrid_core.detection.pixel_classes import N_LEARNT
from astrid_core.detection.ports import Network, Scorer, TrainedNetwork
from astrid_core.detection.training_set import LabelledFrame, TrainingSet
from astrid_core.shared.errors import CorruptArtifact, UnknownModel
from astrid_core.shared.runs import RunKey


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNetwork:
    """Tells by the score plane at the peak alone: above ``threshold`` (of asinh S_corr) is real."""

    threshold: float
    stamp_pix: int = 48
    history: Sequence[Mapping[str, float]] = ()

    @property
    def content(self) -> bytes:
        return json.dumps({"threshold": self.threshold, "stamp_pix": self.stamp_pix}).encode()

    def judge(self, stamps: Stamps) -> Judged:
        rows, columns = stamps.offset.T
        peak = stamps.pixels[np.arange(len(stamps)), rows, columns, 0].astype(float)
        return Judged(
            score=(1.0 / (1.0 + np.exp(-20.0 * (peak - self.threshold)))).astype(np.float32),
            anomaly=np.ones(len(stamps), dtype=np.float32),
            pixels=np.zeros((len(stamps), N_LEARNT), dtype=np.float32),
            has_old_source=np.zeros(len(stamps), dtype=bool),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryScorer:
    """A loaded MemoryNetwork."""

    model: Model
    stamp_pix: int
    network: MemoryNetwork

    def judge(self, stamps: Stamps) -> Judged:
        return self.network.judge(stamps)


@dataclass(slots=True)
class MemoryJournal:
    """ModelJournal in memory; knows the versions in ``models``."""

    models: Sequence[str]
    notes: dict[tuple[str, str, str], float] = field(default_factory=dict)
    """By version, night and name."""

    def note(self, model_id: str, *, night: str, figures: Mapping[str, float]) -> None:
        if model_id not in self.models:
            raise UnknownModel("no such version", model=model_id)
        self.notes |= {(model_id, night, name): value for name, value in figures.items()}


@dataclass(slots=True)
class MemoryModels:
    """``contents`` may be tampered with to play a corrupt disk; ``n_trained`` and ``n_loaded`` count the work."""

    contents: dict[str, bytes] = field(default_factory=dict)
    models: list[tuple[Model, RunKey]] = field(default_factory=list)
    held: dict[tuple[str, ModelAlias], Model] = field(default_factory=dict)
    noted: dict[str, dict[str, str]] = field(default_factory=dict)
    manifests: dict[str, Mapping[str, object]] = field(default_factory=dict)
    shipped_threshold: float | None = 2.0
    shipped_manifest: Mapping[str, object] = field(default_factory=lambda: {"frames": "of a test"})
    n_trained: int = 0
    shown: list[TrainingSet] = field(default_factory=list)
    """What was learnt from, oldest first."""
    n_loaded: int = 0

    def champion(self, name: str) -> Model:
        champion = self.held.get((name, ModelAlias.CHAMPION))
        if champion is None:
            raise UnknownModel("no version is the champion", name=name)
        return champion

    def get(self, model_id: str) -> Model:
        for model, _ in self.models:
            if model.id == model_id:
                return model
        raise UnknownModel("registry has no such version", model=model_id)

    def versions(self, name: str) -> Sequence[Model]:
        return tuple(model for model, _ in self.models if model.name == name)

    def find(self, name: str, recipe: RunKey) -> Model | None:
        found = [model for model, made_by in self.models if model.name == name and made_by == recipe]
        return found[0] if found else None

    def manifest(self, model_id: str) -> Mapping[str, object]:
        return self.manifests[self.get(model_id).id]

    def load(self, model_id: str) -> Scorer:
        model = self.get(model_id)
        content = self.contents[model_id]
        if hashlib.sha256(content).hexdigest() != model.digest:
            raise CorruptArtifact("network is not the one registered", model=model_id)
        self.n_loaded += 1
        network = MemoryNetwork(**json.loads(content))
        return MemoryScorer(model=model, stamp_pix=network.stamp_pix, network=network)

    def shipped(self) -> TrainedNetwork:
        if self.shipped_threshold is None:
            raise UnknownModel("no network is shipped")
        network = MemoryNetwork(threshold=self.shipped_threshold)
        return TrainedNetwork(
            network=network,
            recipe=RunKey("train-shipped"),
            parameters={"seed": 1},
            metrics={"auc": 0.5, "ece": 0.125},
            manifest=self.shipped_manifest,
        )

    def train(
        self,
        sets: TrainingSet,
        config: TrainConfig,
        *,
        recipe: RunKey,  # noqa: ARG002 - nothing here can be interrupted
        progress: Callable[[str], None],
    ) -> Network:
        training = sets.training
        self.shown.append(sets)
        peak = np.arcsinh(np.abs(training.score.astype(float)))
        self.n_trained += 1
        progress("epoch 1")
        threshold = float(peak[training.is_real].min() + peak[~training.is_real].max()) / 2.0
        return MemoryNetwork(threshold=threshold, stamp_pix=config.stamp_pix, history=({"training_loss": 0.0},))

    def register(
        self,
        name: str,
        network: Network,
        *,
        recipe: RunKey,
        parameters: Mapping[str, object],  # noqa: ARG002 - nothing here is asked for them
        metrics: Mapping[str, float],
        manifest: Mapping[str, object],
        notes: Mapping[str, str] | None = None,
    ) -> Model:
        digest = hashlib.sha256(network.content).hexdigest()
        model = Model(name=name, version=len(self.versions(name)) + 1, digest=digest, metrics=dict(metrics))
        self.models.append((model, recipe))
        self.contents[model.id] = network.content
        self.manifests[model.id] = json.loads(json.dumps(dict(manifest)))
        if notes:
            self.note(model, notes)
        return model

    def aliases(self, name: str) -> Mapping[ModelAlias, Model]:
        return {alias: self.held[name, alias] for alias in ModelAlias if (name, alias) in self.held}

    def assign(self, alias: ModelAlias, model: Model) -> None:
        self.held[model.name, alias] = self.get(model.id)

    def withdraw(self, alias: ModelAlias, name: str) -> None:
        self.held.pop((name, alias), None)

    def note(self, model: Model, notes: Mapping[str, str]) -> None:
        self.noted.setdefault(self.get(model.id).id, {}).update(notes)

    def notes(self, model: Model) -> Mapping[str, str]:
        return dict(self.noted.get(self.get(model.id).id, {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryTrainingFrames:
    """Frames that are there already."""

    frames: Sequence[LabelledFrame]
    recipe: str = "frames of a test"

    def __iter__(self) -> Iterator[LabelledFrame]:
        return iter(self.frames)


def with_champion(models: MemoryModels, *, threshold_sigma: float = 6.0) -> Model:
    """Register and promote a network that believes what stands out by more than ``threshold_sigma``."""
    network = MemoryNetwork(threshold=float(np.arcsinh(threshold_sigma)))
    model = models.register(
        "astrid-detection", network, recipe=RunKey("train-0"), parameters={}, metrics={}, manifest={}
    )
    models.assign(ModelAlias.CHAMPION, model)
    return model
