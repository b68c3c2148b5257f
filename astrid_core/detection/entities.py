"""How likely a candidate is new in the sky, and who says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from astrid_core.differencing.entities import Candidate
from astrid_core.differencing.search_quality import SearchQuality
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey, RunStatus


class Kind(StrEnum):
    """What a detection is."""

    TRANSIENT = "transient"
    VARIABLE = "variable"
    MOVING = "moving"
    DIPOLE = "dipole"
    COSMIC_RAY = "cosmic_ray"
    SATURATION = "saturation"
    TRAIL = "trail"
    EDGE = "edge"
    BAD_SUBTRACTION = "bad_subtraction"
    NOISE = "noise"


class ModelAlias(StrEnum):
    """What a version is used for; of each name at most one version holds each."""

    CHAMPION = "champion"
    """Production uses it."""
    CHALLENGER = "challenger"
    """It reached the floors of its training and waits for the gate and for a person."""
    ROLLBACK = "rollback"
    """The champion before this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One trained, registered network version."""

    name: str
    version: int
    digest: str
    """SHA-256 over the weights and everything else that decides a score."""
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """``name/version``."""
        return f"{self.name}/{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """A candidate with a score from a model run."""

    model_run: RunKey
    candidate: Candidate
    score: float | None
    """Probability of being new in the sky, 0 to 1; None where the candidate could not be scored."""
    unscored_reason: str = ""
    uncertainty: float | None = None
    """Entropy of the score, 0 (certain) to 1 bit; None without a score."""
    anomaly: float | None = None
    """How unlike the candidates of the training it is: about 1 for those, more for stranger ones."""
    kind: Kind | None = None
    """What it is, or what made it; None without a score, and from a model that tells no classes."""

    @property
    def id(self) -> str:
        """Model run and candidate number."""
        return f"{self.model_run}:{self.candidate.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRun:
    """One model version applied to one difference run."""

    key: RunKey
    status: RunStatus
    reason: str = ""
    difference_key: RunKey
    observation_id: str
    model: str
    """``name/version``."""
    detections: tuple[Detection, ...] = ()
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectionRun:
    """One exposure searched once more with sources of known flux in it: what its search is worth.

    Nothing of it is a candidate, a detection or part of the catalog.
    """

    key: RunKey
    status: RunStatus
    reason: str = ""
    difference_key: RunKey
    """The search of the same exposure without injections."""
    observation_id: str
    model: str = ""
    """``name/version``; empty where no network took part."""
    n_injected: int = 0
    quality: SearchQuality | None = None
    """None if it was skipped."""
    injections: ArtifactRef | None = None
    """Table of every injected source and what became of it."""
    curves: ArtifactRef | None = None
    """Table of the completeness curves."""
    elapsed_s: float = 0.0
