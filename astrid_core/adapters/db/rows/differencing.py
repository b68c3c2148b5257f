"""Differences and candidates, as rows."""

from collections.abc import Sequence
from math import nan
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.artifacts import artifact_of, artifact_values
from astrid_core.adapters.db.rows.sky import hpx29_of, position_of
from astrid_core.adapters.db.rows.table import Row
from astrid_core.differencing.entities import (
    Candidate,
    DifferenceRun,
    Quality,
    QualityLevel,
    Registration,
)
from astrid_core.shared.runs import RunKey, RunStatus


class DifferenceRunRow(Row):
    """One difference; its candidates are rows of their own."""

    __tablename__ = "difference_run"

    key: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    reason: Mapped[str]
    preprocess_key: Mapped[str] = mapped_column(ForeignKey("preprocess_run.key"), index=True)
    observation_id: Mapped[str] = mapped_column(ForeignKey("observation.id"), index=True)
    reference_digest: Mapped[str | None] = mapped_column(ForeignKey("reference_image.digest"), index=True)
    """That of the middle; the others are rows of their own."""
    image_digest: Mapped[str | None]
    image_media_type: Mapped[str | None]
    image_n_bytes: Mapped[int | None]
    registration_offset_x_pix: Mapped[float | None]
    registration_offset_y_pix: Mapped[float | None]
    registration_rms_pix: Mapped[float | None]
    registration_n_matched: Mapped[int | None]
    registration_method: Mapped[str | None]
    flux_ratio: Mapped[float | None]
    score_noise: Mapped[float | None]
    source_noise: Mapped[float | None]
    quality_level: Mapped[str | None]
    quality_reasons: Mapped[str | None]
    """One a line."""
    method: Mapped[str | None]
    method_reason: Mapped[str | None]
    n_usable_pix: Mapped[int]
    elapsed_s: Mapped[float]

    @staticmethod
    def values(run: DifferenceRun) -> dict[str, object]:
        """Return the columns of ``run``."""
        tie = run.registration
        return {
            "key": run.key,
            "status": run.status.value,
            "reason": run.reason,
            "preprocess_key": run.preprocess_key,
            "observation_id": run.observation_id,
            "reference_digest": next(iter(run.reference_digests), None),
            **artifact_values("image", run.image),
            "registration_offset_x_pix": None if tie is None else tie.offset_x_pix,
            "registration_offset_y_pix": None if tie is None else tie.offset_y_pix,
            "registration_rms_pix": None if tie is None else tie.rms_pix,
            "registration_n_matched": None if tie is None else tie.n_matched,
            "registration_method": None if tie is None else tie.method,
            "flux_ratio": run.flux_ratio,
            "score_noise": run.score_noise,
            "source_noise": run.source_noise,
            "quality_level": run.quality.level.value if run.quality else None,
            "quality_reasons": "\n".join(run.quality.reasons) if run.quality else None,
            "method": run.method or None,
            "method_reason": run.method_reason or None,
            "n_usable_pix": run.n_usable_pix,
            "elapsed_s": run.elapsed_s,
        }

    def entity(self, candidates: Sequence[Candidate], neighbours: Sequence[str]) -> DifferenceRun:
        """Return the difference with its candidates and the references beside that of the middle."""
        return DifferenceRun(
            key=RunKey(self.key),
            status=RunStatus(self.status),
            reason=self.reason,
            preprocess_key=RunKey(self.preprocess_key),
            observation_id=self.observation_id,
            reference_digests=(self.reference_digest, *neighbours) if self.reference_digest else (),
            image=artifact_of(self.image_digest, self.image_media_type, self.image_n_bytes),
            registration=self._registration(),
            flux_ratio=self.flux_ratio,
            score_noise=self.score_noise,
            source_noise=self.source_noise,
            quality=self._quality(),
            method=self.method or "",
            method_reason=self.method_reason or "",
            n_usable_pix=self.n_usable_pix,
            candidates=tuple(candidates),
            elapsed_s=self.elapsed_s,
        )

    def _quality(self) -> Quality | None:
        if self.quality_level is None:
            return None
        return Quality(level=QualityLevel(self.quality_level), reasons=tuple((self.quality_reasons or "").splitlines()))

    def _registration(self) -> Registration | None:
        if (
            self.registration_offset_x_pix is None
            or self.registration_offset_y_pix is None
            or self.registration_rms_pix is None
            or self.registration_n_matched is None
            or self.registration_method is None
        ):
            return None
        return Registration(
            offset_x_pix=self.registration_offset_x_pix,
            offset_y_pix=self.registration_offset_y_pix,
            rms_pix=self.registration_rms_pix,
            n_matched=self.registration_n_matched,
            method=self.registration_method,
        )


class NeighbourReferenceRow(Row):
    """A reference of a cell beside that in the middle of the exposure."""

    __tablename__ = "neighbour_reference"

    run: Mapped[str] = mapped_column(ForeignKey("difference_run.key"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    reference_digest: Mapped[str] = mapped_column(ForeignKey("reference_image.digest"), index=True)

    @staticmethod
    def values_of_all(run: DifferenceRun) -> list[dict[str, Any]]:
        """Return the columns of every one of a difference."""
        beside = enumerate(run.reference_digests[1:], start=1)
        return [{"run": run.key, "number": number, "reference_digest": digest} for number, digest in beside]


class CandidateRow(Row):
    """One candidate."""

    __tablename__ = "candidate"

    run: Mapped[str] = mapped_column(ForeignKey("difference_run.key"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    ra_deg: Mapped[float | None]
    dec_deg: Mapped[float | None]
    hpx29: Mapped[int | None] = mapped_column(index=True)
    x_pix: Mapped[float]
    y_pix: Mapped[float]
    x_err_pix: Mapped[float | None]
    y_err_pix: Mapped[float | None]
    score: Mapped[float]
    flux: Mapped[float]
    flux_err: Mapped[float]
    chi2: Mapped[float | None]
    fwhm_pix: Mapped[float]
    ellipticity: Mapped[float]
    flags: Mapped[int]

    @staticmethod
    def values_of_all(candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
        """Return the columns of every candidate."""
        return [
            {
                "run": one.run,
                "number": one.number,
                "ra_deg": None if one.position is None else one.position.ra_deg,
                "dec_deg": None if one.position is None else one.position.dec_deg,
                "hpx29": hpx29,
                "x_pix": one.x_pix,
                "y_pix": one.y_pix,
                "x_err_pix": one.x_err_pix,
                "y_err_pix": one.y_err_pix,
                "score": one.score,
                "flux": one.flux,
                "flux_err": one.flux_err,
                "chi2": one.chi2,
                "fwhm_pix": one.fwhm_pix,
                "ellipticity": one.ellipticity,
                "flags": one.flags,
            }
            for one, hpx29 in zip(candidates, hpx29_of([one.position for one in candidates]), strict=True)
        ]

    def entity(self) -> Candidate:
        """Return the candidate."""
        return Candidate(
            run=RunKey(self.run),
            number=self.number,
            position=position_of(self.ra_deg, self.dec_deg),
            x_pix=self.x_pix,
            y_pix=self.y_pix,
            x_err_pix=_or_nan(self.x_err_pix),
            y_err_pix=_or_nan(self.y_err_pix),
            score=self.score,
            flux=self.flux,
            flux_err=self.flux_err,
            chi2=_or_nan(self.chi2),
            fwhm_pix=self.fwhm_pix,
            ellipticity=self.ellipticity,
            flags=self.flags,
        )


def _or_nan(value: float | None) -> float:
    """Rows older than a column know nothing of it."""
    return nan if value is None else value
