"""What people say about detections, and what waits for them."""

import hashlib
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from astrid_core.curation.access import Role
from astrid_core.detection.entities import Detection, Kind
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey


class Verdict(StrEnum):
    """The answer to whether a detection is new in the sky."""

    REAL = "real"
    BOGUS = "bogus"
    UNSURE = "unsure"
    WITHDRAWN = "withdrawn"
    """No answer: what the same curator said before is taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curator:
    """Somebody who may do something here, and what they are."""

    login: str
    roles: frozenset[Role] = frozenset()
    """Empty for somebody who may do nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationEvent:
    """A curator's verdict on a detection, at a time; never edited, only superseded."""

    id: UUID
    """Chosen by whoever asks for the record: the same again is the same verdict."""
    detection_id: str
    curator: str
    verdict: Verdict
    reason: str = ""
    """A word of the vocabulary; empty where none was chosen."""
    vocabulary: int = 0
    """Version of the vocabulary; 0 for verdicts from before there was one."""
    comment: str = ""
    confidence: int | None = None
    """1 (a guess) to 3 (certain)."""
    seconds: float | None = None
    """How long the detection was on the screen."""
    is_blind: bool = False
    """Score and votes of others were hidden."""
    score_shown: bool = True
    role: Role = Role.REVIEWER
    """Reviewer or arbiter: what the curator acted as."""
    is_seed: bool = False
    """The answer was known: this vote tells about the curator, not about the detection."""
    batch: UUID | None = None
    """What verdicts that were given in one act have in common."""
    at: datetime
    """Aware UTC."""
    supersedes: UUID | None = None

    def __post_init__(self) -> None:
        if self.confidence not in {None, 1, 2, 3}:
            message = f"confidence must be 1, 2 or 3, not {self.confidence!r}"
            raise ValueError(message)
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds >= 0.0):
            message = f"seconds must be finite and not negative, not {self.seconds!r}"
            raise ValueError(message)
        if self.role not in {Role.REVIEWER, Role.ARBITER}:
            message = f"verdicts are given as reviewer or arbiter, not as {self.role}"
            raise ValueError(message)

    @property
    def digest(self) -> str:
        """SHA-256 over everything that the verdict says; the event log repeats it."""
        said = {name: getattr(self, name) for name in self.__slots__}
        # As they will be read again.
        said |= {"at": self.at.astimezone(UTC), "seconds": None if self.seconds is None else float(self.seconds)}
        plain = {
            name: one if one is None or isinstance(one, bool | int | float) else _text(one)
            for name, one in said.items()
        }
        return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class ReviewState(StrEnum):
    """How far people are with a detection."""

    OPEN = "open"
    """Votes are missing."""
    AGREED = "agreed"
    DISPUTED = "disputed"
    """Votes differ, or somebody is unsure: an arbiter decides."""
    ARBITRATED = "arbitrated"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """A detection that people judge: what the queue is sorted and filtered by, and how far they are."""

    detection_id: str
    observation_id: str
    survey: str
    night: str
    band: str
    hpx29: int | None
    """NESTED HEALPix number at order 29; None without a sky position."""
    score: float | None
    uncertainty: float | None
    anomaly: float | None
    kind: Kind | None
    n_needed: int = 2
    """How many independent votes decide, if they agree."""
    n_given: int = 0
    """Votes that stand: neither arbiters' nor those on seeds."""
    state: ReviewState = ReviewState.OPEN
    verdict: Verdict | None = None
    """The final one; None while there is none."""
    reason: str = ""
    """Of the final verdict, where those who gave it agree on one."""
    disagreement: float = 0.0
    """How far votes and network are apart, 0 to 1; 0 without a vote."""

    def __post_init__(self) -> None:
        if self.n_needed < 1:
            message = f"n_needed must be positive, not {self.n_needed}"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one curator has to do with one detection of the queue; identity both."""

    detection_id: str
    login: str
    until: datetime
    """Aware UTC: the detection is kept for the curator before this time."""
    hidden_until: datetime | None = None
    """Aware UTC: not shown to the curator before this time."""
    is_answered: bool = False
    """A verdict of the curator stands."""

    def is_held(self, at: datetime) -> bool:
        """Tell whether the detection is kept for the curator at this time."""
        return not self.is_answered and at < self.until

    def is_free(self, at: datetime) -> bool:
        """Tell whether the queue may give the detection to the curator at this time."""
        is_hidden = self.hidden_until is not None and at < self.hidden_until
        return not (self.is_answered or at < self.until or is_hidden)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """A detection whose answer is known, shown to curators as if it were not: it measures them."""

    detection_id: str
    answer: Verdict
    origin: str
    """Where the answer is from: ``consensus``, or whoever knows."""

    def __post_init__(self) -> None:
        if self.answer not in {Verdict.REAL, Verdict.BOGUS}:
            message = f"the answer of a seed is real or bogus, not {self.answer}"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedSeed:
    """An injected source that a search found again, shown to curators as if it were in the sky; its answer is real.

    It is kept apart from all detections: what reads those never meets it. Identity is that of ``detection``, which is
    named as one more of the search of its exposure without injections.
    """

    detection: Detection
    item: ReviewItem
    """As the queue would hold the detection; nobody's votes change it."""
    injection_run: RunKey
    predicted_snr: float
    light: ArtifactRef
    """What it adds to the planes of the stored difference."""
    mag_ab: float | None = None
    mag_err: float | None = None
    reference_digest: str
    """Of the reference that the catalog would name."""


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
