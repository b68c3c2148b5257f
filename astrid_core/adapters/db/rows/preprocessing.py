"""Preparations, as rows."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.artifacts import artifact_of, artifact_values
from astrid_core.adapters.db.rows.table import Row
from astrid_core.observations.entities import WcsOrigin
from astrid_core.preprocessing.entities import ImageQuality, PreprocessRun, WCSInfo
from astrid_core.shared.runs import RunKey, RunStatus


class PreprocessRunRow(Row):
    """One preparation."""

    __tablename__ = "preprocess_run"

    key: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    reason: Mapped[str]
    observation_id: Mapped[str] = mapped_column(ForeignKey("observation.id"), index=True)
    raw_digest: Mapped[str | None]
    raw_media_type: Mapped[str | None]
    raw_n_bytes: Mapped[int | None]
    image_digest: Mapped[str | None]
    image_media_type: Mapped[str | None]
    image_n_bytes: Mapped[int | None]
    wcs_origin: Mapped[str | None]
    wcs_pixel_scale_arcsec: Mapped[float | None]
    quality_n_stars: Mapped[int | None]
    quality_fwhm_pix: Mapped[float | None]
    quality_psf_residual: Mapped[float | None]
    quality_sky: Mapped[float | None]
    quality_sky_rms: Mapped[float | None]
    quality_gain_e_count: Mapped[float | None]
    quality_saturation: Mapped[float | None]
    quality_masked_fraction: Mapped[float | None]
    quality_depth_mag: Mapped[float | None]
    elapsed_s: Mapped[float]
    processing_round: Mapped[int] = mapped_column(server_default="0")

    @staticmethod
    def values(run: PreprocessRun) -> dict[str, object]:
        """Return the columns of ``run``."""
        quality = run.quality
        return {
            "key": run.key,
            "status": run.status.value,
            "reason": run.reason,
            "observation_id": run.observation_id,
            **artifact_values("raw", run.raw),
            **artifact_values("image", run.image),
            "wcs_origin": None if run.wcs is None else run.wcs.origin.value,
            "wcs_pixel_scale_arcsec": None if run.wcs is None else run.wcs.pixel_scale_arcsec,
            "quality_n_stars": None if quality is None else quality.n_stars,
            "quality_fwhm_pix": None if quality is None else quality.fwhm_pix,
            "quality_psf_residual": None if quality is None else quality.psf_residual,
            "quality_sky": None if quality is None else quality.sky,
            "quality_sky_rms": None if quality is None else quality.sky_rms,
            "quality_gain_e_count": None if quality is None else quality.gain_e_count,
            "quality_saturation": None if quality is None else quality.saturation,
            "quality_masked_fraction": None if quality is None else quality.masked_fraction,
            "quality_depth_mag": None if quality is None else quality.depth_mag,
            "elapsed_s": run.elapsed_s,
            "processing_round": run.processing_round,
        }

    def entity(self) -> PreprocessRun:
        """Return the preparation."""
        return PreprocessRun(
            key=RunKey(self.key),
            status=RunStatus(self.status),
            reason=self.reason,
            observation_id=self.observation_id,
            raw=artifact_of(self.raw_digest, self.raw_media_type, self.raw_n_bytes),
            image=artifact_of(self.image_digest, self.image_media_type, self.image_n_bytes),
            wcs=self._wcs(),
            quality=self._quality(),
            elapsed_s=self.elapsed_s,
            processing_round=self.processing_round,
        )

    def _wcs(self) -> WCSInfo | None:
        if self.wcs_origin is None or self.wcs_pixel_scale_arcsec is None:
            return None
        return WCSInfo(origin=WcsOrigin(self.wcs_origin), pixel_scale_arcsec=self.wcs_pixel_scale_arcsec)

    def _quality(self) -> ImageQuality | None:
        if (
            self.quality_n_stars is None
            or self.quality_fwhm_pix is None
            or self.quality_psf_residual is None
            or self.quality_sky is None
            or self.quality_sky_rms is None
            or self.quality_masked_fraction is None
        ):
            return None
        return ImageQuality(
            n_stars=self.quality_n_stars,
            fwhm_pix=self.quality_fwhm_pix,
            psf_residual=self.quality_psf_residual,
            sky=self.quality_sky,
            sky_rms=self.quality_sky_rms,
            gain_e_count=self.quality_gain_e_count,
            saturation=self.quality_saturation,
            masked_fraction=self.quality_masked_fraction,
            depth_mag=self.quality_depth_mag,
        )
