"""Calibration frames and masters, as rows."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.table import Row
from astrid_core.observations.entities import CalibrationFrame, CalibrationKind
from astrid_core.preprocessing.entities import CalibrationData, DetectorSetup, MasterStatus
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey


class CalibrationFrameRow(Row):
    """One raw bias, dark or flat."""

    __tablename__ = "calibration_frame"
    __table_args__ = (Index(None, "survey", "night"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    survey: Mapped[str]
    archive_id: Mapped[str]
    night: Mapped[str]
    extension: Mapped[int]
    file_digest: Mapped[str]
    kind: Mapped[str]
    instrument: Mapped[str]
    detector: Mapped[str]
    binning: Mapped[str]
    width_pix: Mapped[int]
    height_pix: Mapped[int]
    band: Mapped[str]
    exposure_s: Mapped[float]
    mid_mjd: Mapped[float]
    saturation_adu: Mapped[float | None]

    @staticmethod
    def values(frame: CalibrationFrame) -> dict[str, object]:
        """Return the columns of ``frame``."""
        return {
            "id": frame.id,
            "survey": frame.survey,
            "archive_id": frame.archive_id,
            "night": frame.night,
            "extension": frame.extension,
            "file_digest": frame.file_digest,
            "kind": frame.kind.value,
            "instrument": frame.instrument,
            "detector": frame.detector,
            "binning": frame.binning,
            "width_pix": frame.width_pix,
            "height_pix": frame.height_pix,
            "band": frame.band,
            "exposure_s": frame.exposure_s,
            "mid_mjd": frame.mid_mjd,
            "saturation_adu": frame.saturation_adu,
        }

    def entity(self) -> CalibrationFrame:
        """Return the frame."""
        return CalibrationFrame(
            survey=self.survey,
            archive_id=self.archive_id,
            extension=self.extension,
            file_digest=self.file_digest,
            kind=CalibrationKind(self.kind),
            instrument=self.instrument,
            detector=self.detector,
            binning=self.binning,
            width_pix=self.width_pix,
            height_pix=self.height_pix,
            band=self.band,
            exposure_s=self.exposure_s,
            mid_mjd=self.mid_mjd,
            saturation_adu=self.saturation_adu,
        )


class CalibrationDataRow(Row):
    """One master."""

    __tablename__ = "calibration_data"
    __table_args__ = (Index(None, "survey", "instrument"),)

    digest: Mapped[str] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    n_bytes: Mapped[int]
    kind: Mapped[str]
    survey: Mapped[str]
    instrument: Mapped[str]
    detector: Mapped[str]
    binning: Mapped[str]
    width_pix: Mapped[int]
    height_pix: Mapped[int]
    band: Mapped[str]
    valid_from_mjd: Mapped[float]
    valid_to_mjd: Mapped[float]
    mid_mjd: Mapped[float]
    version: Mapped[int]
    inputs: Mapped[list[str]]
    level: Mapped[float]
    scatter: Mapped[float]
    deviating_fraction: Mapped[float | None]
    status: Mapped[str]
    reason: Mapped[str]
    recipe: Mapped[str]
    elapsed_s: Mapped[float]

    @staticmethod
    def values(master: CalibrationData) -> dict[str, object]:
        """Return the columns of ``master``."""
        return {
            "digest": master.digest,
            "media_type": master.image.media_type,
            "n_bytes": master.image.n_bytes,
            "kind": master.kind.value,
            "survey": master.setup.survey,
            "instrument": master.setup.instrument,
            "detector": master.setup.detector,
            "binning": master.setup.binning,
            "width_pix": master.setup.width_pix,
            "height_pix": master.setup.height_pix,
            "band": master.band,
            "valid_from_mjd": master.valid_from_mjd,
            "valid_to_mjd": master.valid_to_mjd,
            "mid_mjd": master.mid_mjd,
            "version": master.version,
            "inputs": list(master.inputs),
            "level": master.level,
            "scatter": master.scatter,
            "deviating_fraction": master.deviating_fraction,
            "status": master.status.value,
            "reason": master.reason,
            "recipe": master.recipe,
            "elapsed_s": master.elapsed_s,
        }

    def entity(self) -> CalibrationData:
        """Return the master."""
        return CalibrationData(
            image=ArtifactRef(digest=self.digest, media_type=self.media_type, n_bytes=self.n_bytes),
            kind=CalibrationKind(self.kind),
            setup=DetectorSetup(
                survey=self.survey,
                instrument=self.instrument,
                detector=self.detector,
                binning=self.binning,
                width_pix=self.width_pix,
                height_pix=self.height_pix,
            ),
            band=self.band,
            valid_from_mjd=self.valid_from_mjd,
            valid_to_mjd=self.valid_to_mjd,
            mid_mjd=self.mid_mjd,
            version=self.version,
            inputs=tuple(self.inputs),
            level=self.level,
            scatter=self.scatter,
            deviating_fraction=self.deviating_fraction,
            status=MasterStatus(self.status),
            reason=self.reason,
            recipe=RunKey(self.recipe),
            elapsed_s=self.elapsed_s,
        )
