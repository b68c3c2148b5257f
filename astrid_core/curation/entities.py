"""What people say about detections, and what they are told."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from astrid_core.curation.access import Role


class Verdict(StrEnum):
    """The answer to whether a detection is new in the sky."""

    REAL = "real"
    BOGUS = "bogus"
    UNSURE = "unsure"


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
    detection_id: str
    curator: str
    verdict: Verdict
    comment: str = ""
    at: datetime
    """Aware UTC."""
    supersedes: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A detection announced to somebody; identity detection and channel."""

    detection_id: str
    channel: str
    """``review`` for the queue of the curators."""
    score: float
    """Score of the detection when it was announced."""
