"""References, as rows."""

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.table import Row
from astrid_core.differencing.entities import ReferenceImage, ReferenceStatus
from astrid_core.observations.compatibility import ReferenceClass
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import SkyCell, SkyPosition


class ReferenceImageRow(Row):
    """One reference."""

    __tablename__ = "reference_image"
    __table_args__ = (
        Index(None, "cell_order", "cell_number", "band"),
        Index(
            "uq_reference_image_active",
            "survey", "family", "cell_order", "cell_number", "instrument", "band", "leaves_out",
            unique=True,
            sqlite_where=text("status = 'active'"),
            postgresql_where=text("status = 'active'"),
        ),
    )  # fmt: skip

    digest: Mapped[str] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    n_bytes: Mapped[int]
    cell_order: Mapped[int]
    cell_number: Mapped[int]
    family: Mapped[str]
    instrument: Mapped[str]
    band: Mapped[str]
    leaves_out: Mapped[str]
    status: Mapped[str] = mapped_column(index=True)
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
    median_coverage: Mapped[float | None]
    is_thin: Mapped[bool]
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
            "family": reference.family,
            "instrument": reference.instrument,
            "band": reference.band,
            "leaves_out": reference.leaves_out,
            "status": reference.status.value,
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
            "median_coverage": reference.median_coverage,
            "is_thin": reference.is_thin,
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
            family=self.family,
            instrument=self.instrument,
            band=self.band,
            leaves_out=self.leaves_out,
            status=ReferenceStatus(self.status),
            survey=self.survey,
            version=self.version,
            position=SkyPosition(ra_deg=self.ra_deg, dec_deg=self.dec_deg),
            radius_deg=self.radius_deg,
            inputs=tuple(RunKey(key) for key in self.inputs),
            nights=tuple(self.nights),
            fwhm_pix=self.fwhm_pix,
            sky_rms=self.sky_rms,
            median_coverage=self.median_coverage,
            is_thin=self.is_thin,
            zero_point_mag=self.zero_point_mag,
            # Rows older than these columns are of references that were built here.
            mission=self.mission or "",
            pixel_scale_arcsec=self.pixel_scale_arcsec,
            reference_class=ReferenceClass(self.reference_class or ReferenceClass.A),
            recipe=RunKey(self.recipe),
            elapsed_s=self.elapsed_s,
        )
