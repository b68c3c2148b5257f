"""What the detection domain needs from outside."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from astrid_core.detection.config import TrainConfig
from astrid_core.detection.cutouts import Stamps
from astrid_core.detection.entities import Detection, InjectionRun, Model, ModelAlias, ModelRun
from astrid_core.detection.judgement import Judged
from astrid_core.detection.training_set import LabelledFrame, TrainingSet
from astrid_core.shared.runs import RunKey


class Network(Protocol):
    """A trained network with the calibration of its score."""

    @property
    def stamp_pix(self) -> int:
        """Side of the stamps that it was trained on."""
        ...

    @property
    def content(self) -> bytes:
        """Everything that decides a score, as bytes; equal networks have equal bytes."""
        ...

    @property
    def history(self) -> Sequence[Mapping[str, float]]:
        """Losses of each epoch of its training; empty for a loaded network."""
        ...

    def judge(self, stamps: Stamps) -> Judged:
        """Say of every stamp how probably it is new in the sky, and what it shows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedNetwork:
    """A network, how it was made and what was measured of it."""

    network: Network
    recipe: RunKey
    parameters: Mapping[str, object]
    metrics: Mapping[str, float]
    manifest: Mapping[str, object]


class Scorer(Protocol):
    """A registered network, loaded."""

    @property
    def model(self) -> Model:
        """Which version it is."""
        ...

    @property
    def stamp_pix(self) -> int:
        """Side of the stamps that it was trained on."""
        ...

    def judge(self, stamps: Stamps) -> Judged:
        """Say of every stamp how probably it is new in the sky, and what it shows."""
        ...


class ModelRegistry(Protocol):
    """Trained network versions, and the making of new ones."""

    def champion(self, name: str) -> Model:
        """Return the version that production uses, or raise UnknownModel."""
        ...

    def get(self, model_id: str) -> Model:
        """Return ``name/version`` without loading it, or raise UnknownModel."""
        ...

    def versions(self, name: str) -> Sequence[Model]:
        """Return every version, oldest first; empty if the name is unknown."""
        ...

    def find(self, name: str, recipe: RunKey) -> Model | None:
        """Return the oldest version that was trained by ``recipe``, or None."""
        ...

    def manifest(self, model_id: str) -> Mapping[str, object]:
        """Return what ``name/version`` was registered with; raise UnknownModel, or MissingArtifact if it is lost."""
        ...

    def load(self, model_id: str) -> Scorer:
        """Load ``name/version``; raise UnknownModel, or CorruptArtifact if its bytes are not those registered."""
        ...

    def shipped(self) -> TrainedNetwork:
        """Return the network that comes with this code; raise UnknownModel where it was made for other stamps."""
        ...

    def train(
        self,
        sets: TrainingSet,
        config: TrainConfig,
        *,
        recipe: RunKey,
        progress: Callable[[str], None],
    ) -> Network:
        """Train a network; the same examples and settings give the same network.

        A training of the same recipe that was killed goes on where it was.
        """
        ...

    def register(
        self,
        name: str,
        network: Network,
        *,
        recipe: RunKey,
        parameters: Mapping[str, object],
        metrics: Mapping[str, float],
        manifest: Mapping[str, object],
        notes: Mapping[str, str] | None = None,
    ) -> Model:
        """Keep a network as the next version of ``name``, with what it was made from and what is noted on it."""
        ...

    def aliases(self, name: str) -> Mapping[ModelAlias, Model]:
        """Return what the versions of ``name`` are used for; empty if the name is unknown."""
        ...

    def assign(self, alias: ModelAlias, model: Model) -> None:
        """Give an alias to a version, and take it from the one that had it; UnknownModel if there is none."""
        ...

    def withdraw(self, alias: ModelAlias, name: str) -> None:
        """Take an alias from whatever version holds it; nothing happens where none does."""
        ...

    def note(self, model: Model, notes: Mapping[str, str]) -> None:
        """Write notes on a version, each over an earlier one of the same name; UnknownModel if there is none."""
        ...

    def notes(self, model: Model) -> Mapping[str, str]:
        """Return what was noted on a version, or raise UnknownModel."""
        ...


class TrainingFrames(Protocol):
    """Differences of which it is known what changed in them."""

    @property
    def recipe(self) -> str:
        """Names how the frames are made: the same recipe gives the same frames."""
        ...

    def __iter__(self) -> Iterator[LabelledFrame]:
        """Give the frames in a fixed order."""
        ...


class ModelRuns(Protocol):
    """The record of model runs with their detections; identity RunKey."""

    def add(self, run: ModelRun) -> bool:
        """Record it and tell whether it is new; an existing key changes nothing."""
        ...

    def get(self, key: RunKey) -> ModelRun:
        """Return it, or raise UnknownRecord."""
        ...

    def find(self, key: RunKey) -> ModelRun | None:
        """Return it, or None."""
        ...

    def of_observation(self, observation_id: str) -> Sequence[ModelRun]:
        """Return every model run on an observation, ordered by key."""
        ...

    def typical_s(self) -> float | None:
        """Return the median seconds of a hundred that succeeded, or of as many as there are; None without any."""
        ...

    def detection(self, detection_id: str) -> Detection:
        """Return one detection, or raise UnknownRecord."""
        ...

    def detections(self, detection_ids: Sequence[str]) -> Mapping[str, Detection]:
        """Return these detections by identity, or raise UnknownRecord for one that does not exist."""
        ...


class InjectionRuns(Protocol):
    """The record of searches with injected sources, apart from all real detections; identity RunKey."""

    def add(self, run: InjectionRun) -> bool:
        """Record it and tell whether it is new; an existing key changes nothing."""
        ...

    def get(self, key: RunKey) -> InjectionRun:
        """Return it, or raise UnknownRecord."""
        ...

    def find(self, key: RunKey) -> InjectionRun | None:
        """Return it, or None."""
        ...

    def of_difference(self, difference_key: RunKey) -> Sequence[InjectionRun]:
        """Return every injection run on the exposure and reference of a difference, ordered by key."""
        ...
