"""References, as rows."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.table import Row
from astrid_core.differencing.entities import ReferenceImage
from astrid_core.observations.compatibility import ReferenceClass
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import SkyCell, SkyPosition


class ReferenceImageRow(Row):
    """One reference."""

    __tablename__ = "reference_image"
    __table_args__ = (Index(None, "cell_order", "cell_number", "band"),)

    digest: Mapped[str] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    n_bytes: Mapped[int]
    cell_order: Mapped[int]
    cell_number: Mapped[int]
    band: Mapped[str]
    survey: Mapped[str]
    version: Mapped[int]
    ra_deg: Mapped[float]
    dec_deg: Mapped[float]
    hpx29: Mapped[int] = mapped_column(index=True)
    radius_deg: Mapped[float]
    inputs: Mapped[list[str]]
    nights: Mapped[list[str]]
    fwhm_pix: Mapped[float]
    sky_rms: Mapped[float]
    zero_point_mag: Mapped[float | None]
    mission: Mapped[str | None]
    pixel_scale_arcsec: Mapped[float | None]
    reference_class: Mapped[str | None]
    recipe: Mapped[str]
    elapsed_s: Mapped[float]

    @staticmethod
    def values(reference: ReferenceImage) -> dict[str, object]:
        """Return the columns of ``reference``."""
        return {
            "digest": reference.digest,
            "media_type": reference.image.media_type,
            "n_bytes": reference.image.n_bytes,
            "cell_order": reference.cell.order,
            "cell_number": reference.cell.number,
            "band": reference.band,
            "survey": reference.survey,
            "version": reference.version,
            "ra_deg": reference.position.ra_deg,
            "dec_deg": reference.position.dec_deg,
            "hpx29": reference.position.hpx29,
            "radius_deg": reference.radius_deg,
            "inputs": list(reference.inputs),
            "nights": list(reference.nights),
            "fwhm_pix": reference.fwhm_pix,
            "sky_rms": reference.sky_rms,
            "zero_point_mag": reference.zero_point_mag,
            "mission": reference.mission,
            "pixel_scale_arcsec": reference.pixel_scale_arcsec,
            "reference_class": reference.reference_class.value,
            "recipe": reference.recipe,
            "elapsed_s": reference.elapsed_s,
        }

    def entity(self) -> ReferenceImage:
        """Return the reference."""
        return ReferenceImage(
            image=ArtifactRef(digest=self.digest, media_type=self.media_type, n_bytes=self.n_bytes),
            cell=SkyCell(order=self.cell_order, number=self.cell_number),
            band=self.band,
            survey=self.survey,
            version=self.version,
            position=SkyPosition(ra_deg=self.ra_deg, dec_deg=self.dec_deg),
            radius_deg=self.radius_deg,
            inputs=tuple(RunKey(key) for key in self.inputs),
            nights=tuple(self.nights),
            fwhm_pix=self.fwhm_pix,
            sky_rms=self.sky_rms,
            zero_point_mag=self.zero_point_mag,
            # Rows older than these columns are of references that were built here.
            mission=self.mission or "",
            pixel_scale_arcsec=self.pixel_scale_arcsec,
            reference_class=ReferenceClass(self.reference_class or ReferenceClass.A),
            recipe=RunKey(self.recipe),
            elapsed_s=self.elapsed_s,
        )
