"""Model runs, detections and injection runs, as rows."""

from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.artifacts import artifact_of, artifact_values
from astrid_core.adapters.db.rows.table import Row
from astrid_core.detection.entities import Detection, InjectionRun, Kind, ModelRun
from astrid_core.differencing.entities import Candidate
from astrid_core.differencing.search_quality import SearchQuality
from astrid_core.shared.runs import RunKey, RunStatus


class ModelRunRow(Row):
    """One model run; its detections are rows of their own."""

    __tablename__ = "model_run"

    key: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    reason: Mapped[str]
    difference_key: Mapped[str] = mapped_column(ForeignKey("difference_run.key"), index=True)
    observation_id: Mapped[str] = mapped_column(ForeignKey("observation.id"), index=True)
    model: Mapped[str]
    elapsed_s: Mapped[float]

    @staticmethod
    def values(run: ModelRun) -> dict[str, object]:
        """Return the columns of ``run``."""
        return {
            "key": run.key,
            "status": run.status.value,
            "reason": run.reason,
            "difference_key": run.difference_key,
            "observation_id": run.observation_id,
            "model": run.model,
            "elapsed_s": run.elapsed_s,
        }

    def entity(self, detections: tuple[Detection, ...]) -> ModelRun:
        """Return the model run with its detections."""
        return ModelRun(
            key=RunKey(self.key),
            status=RunStatus(self.status),
            reason=self.reason,
            difference_key=RunKey(self.difference_key),
            observation_id=self.observation_id,
            model=self.model,
            detections=detections,
            elapsed_s=self.elapsed_s,
        )


class DetectionRow(Row):
    """One detection: what a model run says about a candidate, which is a row of its own."""

    __tablename__ = "detection"
    __table_args__ = (ForeignKeyConstraint(["difference_key", "number"], ["candidate.run", "candidate.number"]),)

    model_run: Mapped[str] = mapped_column(ForeignKey("model_run.key"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    difference_key: Mapped[str]
    score: Mapped[float | None]
    unscored_reason: Mapped[str]
    uncertainty: Mapped[float | None]
    anomaly: Mapped[float | None]
    kind: Mapped[str | None]

    @staticmethod
    def values(detection: Detection) -> dict[str, object]:
        """Return the columns of ``detection``."""
        return {
            "model_run": detection.model_run,
            "number": detection.candidate.number,
            "difference_key": detection.candidate.run,
            "score": detection.score,
            "unscored_reason": detection.unscored_reason,
            "uncertainty": detection.uncertainty,
            "anomaly": detection.anomaly,
            "kind": None if detection.kind is None else detection.kind.value,
        }

    def entity(self, candidate: Candidate) -> Detection:
        """Return the detection of ``candidate``."""
        return Detection(
            model_run=RunKey(self.model_run),
            candidate=candidate,
            score=self.score,
            unscored_reason=self.unscored_reason,
            uncertainty=self.uncertainty,
            anomaly=self.anomaly,
            kind=None if self.kind is None else Kind(self.kind),
        )


class InjectionRunRow(Row):
    """One injection run; what it injected and found are artifacts, never candidates or detections."""

    __tablename__ = "injection_run"

    key: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    reason: Mapped[str]
    difference_key: Mapped[str] = mapped_column(ForeignKey("difference_run.key"), index=True)
    observation_id: Mapped[str] = mapped_column(ForeignKey("observation.id"), index=True)
    model: Mapped[str]
    n_injected: Mapped[int]
    quality: Mapped[dict[str, Any]]
    """Empty if it was skipped."""
    injections_digest: Mapped[str | None]
    injections_media_type: Mapped[str | None]
    injections_n_bytes: Mapped[int | None]
    curves_digest: Mapped[str | None]
    curves_media_type: Mapped[str | None]
    curves_n_bytes: Mapped[int | None]
    elapsed_s: Mapped[float]

    @staticmethod
    def values(run: InjectionRun) -> dict[str, object]:
        """Return the columns of ``run``."""
        return {
            "key": run.key,
            "status": run.status.value,
            "reason": run.reason,
            "difference_key": run.difference_key,
            "observation_id": run.observation_id,
            "model": run.model,
            "n_injected": run.n_injected,
            "quality": {} if run.quality is None else run.quality.as_json(),
            **artifact_values("injections", run.injections),
            **artifact_values("curves", run.curves),
            "elapsed_s": run.elapsed_s,
        }

    def entity(self) -> InjectionRun:
        """Return the injection run."""
        return InjectionRun(
            key=RunKey(self.key),
            status=RunStatus(self.status),
            reason=self.reason,
            difference_key=RunKey(self.difference_key),
            observation_id=self.observation_id,
            model=self.model,
            n_injected=self.n_injected,
            quality=SearchQuality.from_json(self.quality) if self.quality else None,
            injections=artifact_of(self.injections_digest, self.injections_media_type, self.injections_n_bytes),
            curves=artifact_of(self.curves_digest, self.curves_media_type, self.curves_n_bytes),
            elapsed_s=self.elapsed_s,
        )
