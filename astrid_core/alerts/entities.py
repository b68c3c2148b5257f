"""What is said of objects to the outside, to whom, and whether it arrived."""

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from astrid_core.catalog.entities import CatalogEntry, EntryStatus, LightCurvePoint
from astrid_core.shared.errors import BadConfiguration

NAMESPACE = UUID("0b6a6a1e-5f0a-5c55-8f39-3f3b1b9d7d0e")
"""Alerts are named inside this namespace: the same alert has the same name however often it is sent."""
FORMATS = ("avro", "gcn", "tns", "voevent")


class AlertKind(StrEnum):
    """What an alert does to what its receiver knows."""

    NEW = "new"
    """The channel hears of the object for the first time, or again after a retraction."""
    UPDATE = "update"
    """The object was seen once more."""
    CONFIRMED = "confirmed"
    """People say that it is real."""
    CORRECTION = "correction"
    """Something that was said is replaced: another reference, calibration, model or status."""
    RETRACTION = "retraction"
    """Everything that was said of the object is taken back."""


class AlertState(StrEnum):
    """How far an alert is on its way."""

    RAISED = "raised"
    """Recorded together with the change of the catalog; not yet counted against a flood."""
    PENDING = "pending"
    """Goes out as soon as its channel takes it."""
    HELD = "held"
    """Waits for a person."""
    DELIVERED = "delivered"
    """The receiver said that it has it."""
    REFUSED = "refused"
    """The receiver said that it will never take it."""
    DROPPED = "dropped"
    """Never sent, and never will be."""


UNSENT = frozenset({AlertState.RAISED, AlertState.HELD})
"""Nobody can have received it."""
TOLD = frozenset({AlertState.RAISED, AlertState.HELD, AlertState.PENDING, AlertState.DELIVERED})
"""The receiver knows it or is going to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Somebody who is told of objects, and of which; identity name."""

    name: str
    format: str
    """``avro``, ``gcn`` (JSON), ``tns`` (JSON, in batches that a person lets go) or ``voevent`` (XML)."""
    min_status: str = EntryStatus.CANDIDATE.value
    """``candidate``, or ``confirmed`` to hear only of what people call real."""
    min_score: float = 0.5
    """Objects whose best score is lower are not told of."""
    min_abs_significance: float = 5.0
    """Objects whose strongest detection is weaker are not told of, sigma."""
    updates: bool = True
    """Tell of every new point of an object that the channel knows."""
    ask: bool = False
    """Nothing but retractions goes out before a person says so; always so for ``tns``."""

    def __post_init__(self) -> None:
        if not self.name.replace("-", "").isalnum() or self.name != self.name.lower():
            raise BadConfiguration("a channel is named by small letters, digits and hyphens", got=repr(self.name))
        if self.format not in FORMATS:
            raise BadConfiguration("unknown format of alerts", channel=self.name, got=self.format, known=FORMATS)
        if self.min_status not in {EntryStatus.CANDIDATE.value, EntryStatus.CONFIRMED.value}:
            raise BadConfiguration(
                "min_status must be candidate or confirmed", channel=self.name, got=repr(self.min_status)
            )
        if self.format == "tns" and self.min_status != EntryStatus.CONFIRMED.value:
            raise BadConfiguration("only confirmed objects are reported to the name server", channel=self.name)
        if not 0.0 <= self.min_score <= 1.0:
            raise BadConfiguration("min_score must lie in [0, 1]", channel=self.name, got=self.min_score)
        if not 0.0 <= self.min_abs_significance < math.inf:
            raise BadConfiguration(
                "min_abs_significance must not be negative", channel=self.name, got=self.min_abs_significance
            )

    @property
    def asks(self) -> bool:
        """Whether a person has to let alerts go."""
        return self.ask or self.format == "tns"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What the catalog said of an object after a change; identity object and version."""

    entry: CatalogEntry
    """As it was then."""
    version: int
    """1 for the first that was said of the object."""
    points: tuple[LightCurvePoint, ...]
    """The newest points of its light curve, oldest first."""
    reasons: tuple[str, ...]
    """What changed: ``object``, ``point``, ``status``, ``position``, ``reference``, ``calibration``, ``model``."""
    at: datetime
    """Aware UTC."""

    @property
    def newest(self) -> LightCurvePoint:
        """The point that the announcement is about."""
        return self.points[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An announcement to one channel; identity object, version and channel."""

    entry_id: UUID
    version: int
    channel: str
    kind: AlertKind
    raised_at: datetime
    """Aware UTC."""
    state: AlertState = AlertState.RAISED
    batch: str = ""
    """Names what was counted together, and is held or let go together; empty until then."""
    n_attempts: int = 0
    """How often the receiver did not take it."""
    try_after: datetime | None = None
    """Aware UTC: not sent before this time; None where nothing has been tried."""
    settled_at: datetime | None = None
    """Aware UTC: when it was delivered, refused or dropped."""
    error: str = ""
    """Why the last attempt failed."""

    @property
    def key(self) -> UUID:
        """Name the alert: a receiver that keeps these takes each alert once."""
        return uuid5(NAMESPACE, f"{self.entry_id}/{self.version}/{self.channel}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStamps:
    """Small pictures around the newest detection, each a FITS file under gzip."""

    science: bytes
    reference: bytes
    difference: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Everything that a packet is made of; equal messages give equal bytes."""

    alert: Alert
    announcement: Announcement
    replaces: UUID | None = None
    """Key of the alert on the same object that the channel got before."""
    stamps: AlertStamps | None = None
    """None where the channel does not want any, or where the images are gone."""
