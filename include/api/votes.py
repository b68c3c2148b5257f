"""What people send and get when they judge."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from astrid_core.curation.consensus import Consensus
from astrid_core.curation.entities import ReviewState, ValidationEvent, Verdict
from astrid_core.curation.queue import QueueFilters, QueueOrder
from astrid_core.detection.entities import Kind
from astrid_core.shared.sky import SkyCell
from include.api.problems import Refused
from include.api.shapes import DetectionShape

Line = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00]*$")]
Prose = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")]
Score = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


class Asked(BaseModel):
    """A body; what it does not know it refuses, so that no wish is lost silently."""

    model_config = ConfigDict(extra="forbid")


class FilterBody(Asked):
    """Which detections are wanted."""

    survey: Line | None = None
    night: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None = None
    band: Line | None = None
    cell: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,2}/[0-9]{1,19}$")] | None = None
    min_score: Score | None = None
    max_score: Score | None = None
    kind: Kind | None = None

    def filters(self) -> QueueFilters:
        """Return them as the queue takes them."""
        try:
            cell = None if self.cell is None else SkyCell.parse(self.cell)
        except ValueError as error:
            raise Refused(422, str(error)) from error
        return QueueFilters(
            survey=self.survey or None,
            night=self.night,
            band=self.band or None,
            cell=cell,
            min_score=self.min_score,
            max_score=self.max_score,
            kind=self.kind,
        )


class ClaimBody(Asked):
    """What somebody wants to judge next."""

    order: QueueOrder = QueueOrder.TOP
    filters: FilterBody = FilterBody()
    n: Annotated[int, Field(ge=1, le=50)] = 10
    blind: bool = False
    """Without the opinion of the network."""


class ExtendBody(Asked):
    """What somebody wants to keep longer."""

    detections: Annotated[list[Line], Field(min_length=1, max_length=50)]


class SnoozeBody(Asked):
    """Until when a detection is not wanted."""

    until: datetime


class VerdictBody(Asked):
    """A verdict; whoever sends it chooses its identity and may send it again."""

    id: UUID
    detection: Line
    verdict: Literal["real", "bogus", "unsure"]
    reason: Line = ""
    comment: Prose = ""
    confidence: Literal[1, 2, 3] | None = None
    seconds: Annotated[float, Field(ge=0.0, le=86_400.0, allow_inf_nan=False)] | None = None
    blind: bool = False
    score_shown: bool | None = None
    """Null: unless blind."""


class BatchBody(Asked):
    """Verdicts that are given, and may be taken back, together."""

    batch: UUID
    verdicts: Annotated[list[VerdictBody], Field(min_length=1, max_length=200)]


class QueuedShape(DetectionShape):
    """A detection that is kept for somebody."""

    claim_until: datetime | None


class ClaimShape(BaseModel):
    """What one curator has to do with one detection."""

    detection_id: str
    until: datetime
    hidden_until: datetime | None


class SummaryShape(BaseModel):
    """How far people are, and how far whoever asks is."""

    n_by_state: dict[ReviewState, int]
    n_held: int
    n_judged: int
    per_hour: float | None


class VerdictShape(BaseModel):
    """A verdict as it is on record."""

    id: UUID
    detection_id: str
    curator: str
    verdict: Verdict
    reason: str
    vocabulary: int
    comment: str
    confidence: int | None
    seconds: float | None
    is_blind: bool
    score_shown: bool
    role: str
    batch: UUID | None
    at: datetime
    supersedes: UUID | None


class ConsensusShape(BaseModel):
    """What the verdicts on a detection add up to."""

    state: ReviewState
    verdict: Verdict | None
    reason: str
    n_votes: int
    agreement: float | None
    arbiter: str | None


class JudgedShape(BaseModel):
    """The verdicts on a detection that may be seen."""

    items: list[VerdictShape]
    consensus: ConsensusShape | None
    """Null while the votes of others are hidden from somebody who may still vote."""


class DisputedShape(DetectionShape):
    """A detection that waits for an arbiter, with what was said of it."""

    verdicts: list[VerdictShape]
    consensus: ConsensusShape


class TermShape(BaseModel):
    """A reason for a verdict."""

    code: str
    title: str


class VocabularyShape(BaseModel):
    """The reasons that may be given."""

    version: int
    reasons: dict[Verdict, list[TermShape]]


def verdict_shape(event: ValidationEvent) -> VerdictShape:
    """Return a verdict as clients see it: whether the answer was known before stays with us."""
    told = {name: getattr(event, name) for name in VerdictShape.model_fields}
    return VerdictShape(**{**told, "role": event.role.value})


def consensus_shape(found: Consensus) -> ConsensusShape:
    """Return a consensus as clients see it."""
    return ConsensusShape(**{name: getattr(found, name) for name in ConsensusShape.model_fields})
