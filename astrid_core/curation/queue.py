"""In which order detections wait for people, and which of them."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from astrid_core.curation.entities import ReviewItem
from astrid_core.detection.entities import Detection, Kind
from astrid_core.observations.entities import Observation
from astrid_core.shared.sky import SkyCell

_BITS = 63
"""Of the numbers that detections are shuffled by: they fit a signed 64-bit integer."""


class QueueOrder(StrEnum):
    """What comes first."""

    TOP = "top"
    """The highest score."""
    UNCERTAIN = "uncertain"
    """The largest entropy of the score."""
    ANOMALOUS = "anomalous"
    """What is least like the training."""
    DISAGREED = "disagreed"
    """Where votes so far and the network differ most."""
    RANDOM = "random"
    """A fixed shuffle that every curator enters elsewhere, in every night."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilters:
    """Which detections; None stands for any."""

    survey: str | None = None
    night: str | None = None
    band: str | None = None
    cell: SkyCell | None = None
    """Of any order up to 29; what has no sky position lies in none."""
    min_score: float | None = None
    max_score: float | None = None
    kind: Kind | None = None

    def fits(self, item: ReviewItem) -> bool:
        """Tell whether a detection is one of these."""
        return (
            all(
                wanted is None or wanted == has
                for wanted, has in (
                    (self.survey, item.survey),
                    (self.night, item.night),
                    (self.band, item.band),
                    (self.kind, item.kind),
                )
            )
            and (self.min_score is None or (item.score is not None and item.score >= self.min_score))
            and (self.max_score is None or (item.score is not None and item.score <= self.max_score))
            and (self.cell is None or (item.hpx29 is not None and _lies_in(self.cell, item.hpx29)))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePlace:
    """Where a page of the queue ended: the next one begins behind it."""

    value: float
    """What the order sorts by; of the random order the shuffle itself."""
    shuffle: int


def review_item(detection: Detection, observation: Observation, *, n_needed: int) -> ReviewItem:
    """Return a detection of ``observation`` that ``n_needed`` people shall judge, before anybody has."""
    position = detection.candidate.position
    return ReviewItem(
        detection_id=detection.id,
        observation_id=observation.id,
        survey=observation.survey,
        night=observation.night,
        band=observation.band,
        hpx29=None if position is None else position.hpx29,
        score=detection.score,
        uncertainty=detection.uncertainty,
        anomaly=detection.anomaly,
        kind=detection.kind,
        n_needed=n_needed,
    )


def shuffle_of(detection_id: str) -> int:
    """Return the number that a detection is shuffled by; it also tells equal scores apart."""
    return _number(detection_id)


def shuffle_start(login: str, night: str | None) -> int:
    """Return where a curator enters the shuffle in a night; it goes round."""
    return _number(f"{login}\n{night or ''}")


def shuffle_place(item: ReviewItem, *, start: int) -> tuple[bool, int]:
    """Return what sorts detections for whoever enters the shuffle at ``start``."""
    shuffle = shuffle_of(item.detection_id)
    return shuffle < start, shuffle


def order_value(item: ReviewItem, order: QueueOrder) -> float | None:
    """Return what ``order`` sorts a detection by, the largest first; None where it has no place in it."""
    values = {
        QueueOrder.TOP: item.score,
        QueueOrder.UNCERTAIN: item.uncertainty,
        QueueOrder.ANOMALOUS: item.anomaly,
        QueueOrder.DISAGREED: item.disagreement,
        QueueOrder.RANDOM: float(shuffle_of(item.detection_id)),
    }
    return values[order]


def list_place(item: ReviewItem, order: QueueOrder) -> tuple[float, int]:
    """Return what lists in ``order`` are sorted by, the largest first, of a detection that has a place in it."""
    shuffle = shuffle_of(item.detection_id)
    return (0.0 if order is QueueOrder.RANDOM else order_value(item, order) or 0.0, shuffle)


def _lies_in(cell: SkyCell, hpx29: int) -> bool:
    first, behind = cell.hpx29_range
    return first <= hpx29 < behind


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 64 - _BITS
