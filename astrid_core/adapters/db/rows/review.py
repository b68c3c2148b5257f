"""The queue of detections, who holds what, and seeds, as rows."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.table import Row
from astrid_core.curation.entities import Claim, ReviewItem, ReviewState, Seed, Verdict
from astrid_core.curation.queue import shuffle_of
from astrid_core.detection.entities import Kind


class ReviewItemRow(Row):
    """One detection that people judge."""

    __tablename__ = "review_item"
    # One index per order of the queue: a page is read off its end, however many detections wait.
    __table_args__ = (
        Index(None, "state", "score", "shuffle"),
        Index(None, "state", "uncertainty", "shuffle"),
        Index(None, "state", "anomaly", "shuffle"),
        Index(None, "state", "disagreement", "shuffle"),
        Index(None, "state", "shuffle"),
        Index(None, "night", "state", "score", "shuffle"),
        Index(None, "hpx29"),
    )

    detection_id: Mapped[str] = mapped_column(primary_key=True)
    observation_id: Mapped[str]
    survey: Mapped[str]
    night: Mapped[str]
    band: Mapped[str]
    hpx29: Mapped[int | None]
    score: Mapped[float | None]
    uncertainty: Mapped[float | None]
    anomaly: Mapped[float | None]
    kind: Mapped[str | None]
    shuffle: Mapped[int]
    n_needed: Mapped[int]
    n_given: Mapped[int]
    state: Mapped[str]
    verdict: Mapped[str | None]
    reason: Mapped[str]
    disagreement: Mapped[float]

    @staticmethod
    def values(item: ReviewItem) -> dict[str, object]:
        """Return the columns of ``item``."""
        return {
            "detection_id": item.detection_id,
            "observation_id": item.observation_id,
            "survey": item.survey,
            "night": item.night,
            "band": item.band,
            "hpx29": item.hpx29,
            "score": item.score,
            "uncertainty": item.uncertainty,
            "anomaly": item.anomaly,
            "kind": None if item.kind is None else item.kind.value,
            "shuffle": shuffle_of(item.detection_id),
            "n_needed": item.n_needed,
            "n_given": item.n_given,
            "state": item.state.value,
            "verdict": None if item.verdict is None else item.verdict.value,
            "reason": item.reason,
            "disagreement": item.disagreement,
        }

    def entity(self) -> ReviewItem:
        """Return the detection."""
        return ReviewItem(
            detection_id=self.detection_id,
            observation_id=self.observation_id,
            survey=self.survey,
            night=self.night,
            band=self.band,
            hpx29=self.hpx29,
            score=self.score,
            uncertainty=self.uncertainty,
            anomaly=self.anomaly,
            kind=None if self.kind is None else Kind(self.kind),
            n_needed=self.n_needed,
            n_given=self.n_given,
            state=ReviewState(self.state),
            verdict=None if self.verdict is None else Verdict(self.verdict),
            reason=self.reason,
            disagreement=self.disagreement,
        )


class ClaimRow(Row):
    """What one curator has to do with one detection."""

    __tablename__ = "claim"
    __table_args__ = (Index(None, "login", "until"),)

    detection_id: Mapped[str] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime]
    hidden_until: Mapped[datetime | None]
    is_answered: Mapped[bool]

    @staticmethod
    def values(claim: Claim) -> dict[str, object]:
        """Return the columns of ``claim``."""
        return {
            "detection_id": claim.detection_id,
            "login": claim.login,
            "until": claim.until,
            "hidden_until": claim.hidden_until,
            "is_answered": claim.is_answered,
        }

    def entity(self) -> Claim:
        """Return the claim."""
        return Claim(
            detection_id=self.detection_id,
            login=self.login,
            until=self.until,
            hidden_until=self.hidden_until,
            is_answered=self.is_answered,
        )


class SeedRow(Row):
    """One detection whose answer is known."""

    __tablename__ = "seed"

    detection_id: Mapped[str] = mapped_column(primary_key=True)
    answer: Mapped[str]
    origin: Mapped[str]

    @staticmethod
    def values(seed: Seed) -> dict[str, object]:
        """Return the columns of ``seed``."""
        return {"detection_id": seed.detection_id, "answer": seed.answer.value, "origin": seed.origin}

    def entity(self) -> Seed:
        """Return the seed."""
        return Seed(detection_id=self.detection_id, answer=Verdict(self.answer), origin=self.origin)
