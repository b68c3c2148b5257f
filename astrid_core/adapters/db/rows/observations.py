"""Exposures and unusable files, as rows."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.table import Row
from astrid_core.observations.entities import Companion, Observation, Rejection, WcsOrigin
from astrid_core.observations.roles import Role
from astrid_core.shared.sky import SkyPosition


class ObservationRow(Row):
    """One exposure."""

    __tablename__ = "observation"
    __table_args__ = (Index(None, "survey", "night"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    survey: Mapped[str]
    archive_id: Mapped[str]
    night: Mapped[str]
    extension: Mapped[int]
    file_digest: Mapped[str]
    ra_deg: Mapped[float]
    dec_deg: Mapped[float]
    hpx29: Mapped[int] = mapped_column(index=True)
    radius_deg: Mapped[float]
    wcs_origin: Mapped[str]
    pixel_scale_arcsec: Mapped[float]
    width_pix: Mapped[int]
    height_pix: Mapped[int]
    band: Mapped[str]
    exposure_s: Mapped[float]
    mid_mjd: Mapped[float]
    instrument: Mapped[str]
    object_name: Mapped[str]
    gain_e_adu: Mapped[float | None]
    read_noise_e: Mapped[float | None]
    saturation_adu: Mapped[float | None]
    zero_point_mag: Mapped[float | None]
    companions: Mapped[str | None]
    """Role, digest and archive_id of each map, a line each: text, for PostgreSQL compares no JSON."""

    @staticmethod
    def values(observation: Observation) -> dict[str, object]:
        """Return the columns of ``observation``."""
        return {
            "id": observation.id,
            "survey": observation.survey,
            "archive_id": observation.archive_id,
            "night": observation.night,
            "extension": observation.extension,
            "file_digest": observation.file_digest,
            "ra_deg": observation.position.ra_deg,
            "dec_deg": observation.position.dec_deg,
            "hpx29": observation.position.hpx29,
            "radius_deg": observation.radius_deg,
            "wcs_origin": observation.wcs_origin.value,
            "pixel_scale_arcsec": observation.pixel_scale_arcsec,
            "width_pix": observation.width_pix,
            "height_pix": observation.height_pix,
            "band": observation.band,
            "exposure_s": observation.exposure_s,
            "mid_mjd": observation.mid_mjd,
            "instrument": observation.instrument,
            "object_name": observation.object_name,
            "gain_e_adu": observation.gain_e_adu,
            "read_noise_e": observation.read_noise_e,
            "saturation_adu": observation.saturation_adu,
            "zero_point_mag": observation.zero_point_mag,
            "companions": "\n".join(
                f"{one.role.name} {one.digest or '-'} {one.archive_id}" for one in observation.companions
            ),
        }

    def entity(self) -> Observation:
        """Return the exposure."""
        return Observation(
            survey=self.survey,
            archive_id=self.archive_id,
            extension=self.extension,
            file_digest=self.file_digest,
            position=SkyPosition(ra_deg=self.ra_deg, dec_deg=self.dec_deg),
            radius_deg=self.radius_deg,
            wcs_origin=WcsOrigin(self.wcs_origin),
            pixel_scale_arcsec=self.pixel_scale_arcsec,
            width_pix=self.width_pix,
            height_pix=self.height_pix,
            band=self.band,
            exposure_s=self.exposure_s,
            mid_mjd=self.mid_mjd,
            instrument=self.instrument,
            object_name=self.object_name,
            gain_e_adu=self.gain_e_adu,
            read_noise_e=self.read_noise_e,
            saturation_adu=self.saturation_adu,
            zero_point_mag=self.zero_point_mag,
            companions=tuple(_companion(line) for line in (self.companions or "").splitlines()),
        )


def _companion(line: str) -> Companion:
    role, digest, archive_id = line.split(" ", 2)
    return Companion(role=Role[role], archive_id=archive_id, digest="" if digest == "-" else digest)


class RejectionRow(Row):
    """One file or frame that cannot be used."""

    __tablename__ = "rejection"

    survey: Mapped[str] = mapped_column(primary_key=True)
    archive_id: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]

    @staticmethod
    def values(rejection: Rejection) -> dict[str, object]:
        """Return the columns of ``rejection``."""
        return {"survey": rejection.survey, "archive_id": rejection.archive_id, "reason": rejection.reason}

    def entity(self) -> Rejection:
        """Return the rejection."""
        return Rejection(survey=self.survey, archive_id=self.archive_id, reason=self.reason)
