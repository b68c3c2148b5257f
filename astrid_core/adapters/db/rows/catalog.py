"""Objects, light curves and what is published about them, as rows."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.table import Row
from astrid_core.catalog.entities import Analytics, CatalogEntry, EntryStatus, ExportJob, LightCurvePoint, Motion
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import SkyPosition


class CatalogEntryRow(Row):
    """One object."""

    __tablename__ = "catalog_entry"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ra_deg: Mapped[float]
    dec_deg: Mapped[float]
    hpx29: Mapped[int] = mapped_column(index=True)
    first_mjd: Mapped[float]
    last_mjd: Mapped[float]
    n_detections: Mapped[int]
    best_score: Mapped[float]
    peak_significance: Mapped[float]
    status: Mapped[str]
    position_err_arcsec: Mapped[float | None]
    motion_rate_arcsec_h: Mapped[float | None]
    motion_angle_deg: Mapped[float | None]
    successor: Mapped[UUID | None]

    @staticmethod
    def values(entry: CatalogEntry) -> dict[str, object]:
        """Return the columns of ``entry``."""
        return {
            "id": entry.id,
            "ra_deg": entry.position.ra_deg,
            "dec_deg": entry.position.dec_deg,
            "hpx29": entry.position.hpx29,
            "first_mjd": entry.first_mjd,
            "last_mjd": entry.last_mjd,
            "n_detections": entry.n_detections,
            "best_score": entry.best_score,
            "peak_significance": entry.peak_significance,
            "status": entry.status.value,
            "position_err_arcsec": entry.position_err_arcsec,
            "motion_rate_arcsec_h": entry.motion_rate_arcsec_h,
            "motion_angle_deg": entry.motion_angle_deg,
            "successor": entry.successor,
        }

    def entity(self) -> CatalogEntry:
        """Return the object."""
        motion = None
        if self.motion_rate_arcsec_h is not None and self.motion_angle_deg is not None:
            motion = Motion(rate_arcsec_h=self.motion_rate_arcsec_h, angle_deg=self.motion_angle_deg)
        return CatalogEntry(
            id=self.id,
            position=SkyPosition(ra_deg=self.ra_deg, dec_deg=self.dec_deg),
            first_mjd=self.first_mjd,
            last_mjd=self.last_mjd,
            n_detections=self.n_detections,
            best_score=self.best_score,
            peak_significance=self.peak_significance,
            status=EntryStatus(self.status),
            position_err_arcsec=self.position_err_arcsec,
            motion=motion,
            successor=self.successor,
        )


class LightCurvePointRow(Row):
    """One measured brightness of an object."""

    __tablename__ = "light_curve_point"

    detection_id: Mapped[str] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_entry.id"), index=True)
    observation_id: Mapped[str] = mapped_column(ForeignKey("observation.id"), index=True)
    reference_digest: Mapped[str]
    ra_deg: Mapped[float]
    dec_deg: Mapped[float]
    hpx29: Mapped[int] = mapped_column(index=True)
    band: Mapped[str]
    mid_mjd: Mapped[float]
    flux: Mapped[float]
    flux_err: Mapped[float]
    mag_ab: Mapped[float | None]
    mag_err: Mapped[float | None]
    significance: Mapped[float]
    score: Mapped[float]
    position_err_arcsec: Mapped[float | None]
    zero_point_mag: Mapped[float | None]
    root_id: Mapped[str | None]

    @staticmethod
    def values(point: LightCurvePoint) -> dict[str, object]:
        """Return the columns of ``point``."""
        return {
            "detection_id": point.detection_id,
            "entry_id": point.entry_id,
            "observation_id": point.observation_id,
            "reference_digest": point.reference_digest,
            "ra_deg": point.position.ra_deg,
            "dec_deg": point.position.dec_deg,
            "hpx29": point.position.hpx29,
            "band": point.band,
            "mid_mjd": point.mid_mjd,
            "flux": point.flux,
            "flux_err": point.flux_err,
            "mag_ab": point.mag_ab,
            "mag_err": point.mag_err,
            "significance": point.significance,
            "score": point.score,
            "position_err_arcsec": point.position_err_arcsec,
            "zero_point_mag": point.zero_point_mag,
            "root_id": point.root_id,
        }

    def entity(self) -> LightCurvePoint:
        """Return the point."""
        return LightCurvePoint(
            entry_id=self.entry_id,
            detection_id=self.detection_id,
            observation_id=self.observation_id,
            reference_digest=self.reference_digest,
            position=SkyPosition(ra_deg=self.ra_deg, dec_deg=self.dec_deg),
            band=self.band,
            mid_mjd=self.mid_mjd,
            flux=self.flux,
            flux_err=self.flux_err,
            mag_ab=self.mag_ab,
            mag_err=self.mag_err,
            significance=self.significance,
            score=self.score,
            position_err_arcsec=self.position_err_arcsec,
            zero_point_mag=self.zero_point_mag,
            root_id=self.root_id,
        )


class AnalyticsRow(Row):
    """Facts about a night."""

    __tablename__ = "analytics"
    __table_args__ = (Index(None, "survey", "night"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    survey: Mapped[str]
    night: Mapped[str]
    facts: Mapped[dict[str, Any]]

    @staticmethod
    def values(analytics: Analytics) -> dict[str, object]:
        """Return the columns of ``analytics``."""
        return {
            "key": analytics.key,
            "survey": analytics.survey,
            "night": analytics.night,
            "facts": dict(analytics.facts),
        }

    def entity(self) -> Analytics:
        """Return the facts."""
        return Analytics(key=RunKey(self.key), survey=self.survey, night=self.night, facts=self.facts)


class ExportJobRow(Row):
    """One extract."""

    __tablename__ = "export_job"

    key: Mapped[str] = mapped_column(primary_key=True)
    files: Mapped[dict[str, Any]]
    n_entries: Mapped[int]
    n_points: Mapped[int]

    @staticmethod
    def values(job: ExportJob) -> dict[str, object]:
        """Return the columns of ``job``."""
        files = {
            name: {"digest": ref.digest, "media_type": ref.media_type, "n_bytes": ref.n_bytes}
            for name, ref in job.files.items()
        }
        return {"key": job.key, "files": files, "n_entries": job.n_entries, "n_points": job.n_points}

    def entity(self) -> ExportJob:
        """Return the extract."""
        return ExportJob(
            key=RunKey(self.key),
            files={name: ArtifactRef(**ref) for name, ref in self.files.items()},
            n_entries=self.n_entries,
            n_points=self.n_points,
        )
