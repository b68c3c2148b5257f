"""Brightnesses of objects in exposures that cover them, as rows."""

from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.table import Row
from astrid_core.catalog.entities import ForcedPoint, ReferenceFlux, Unmeasured
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import SkyPosition


class ForcedPointRow(Row):
    """What one difference shows of one object."""

    __tablename__ = "forced_point"

    entry_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_entry.id"), primary_key=True)
    difference_key: Mapped[str] = mapped_column(ForeignKey("difference_run.key"), primary_key=True, index=True)
    observation_id: Mapped[str] = mapped_column(ForeignKey("observation.id"))
    reference_digest: Mapped[str]
    measured_ra_deg: Mapped[float]
    """Nobody searches by it: the object has a place of its own."""
    measured_dec_deg: Mapped[float]
    band: Mapped[str]
    mid_mjd: Mapped[float]
    zero_point_mag: Mapped[float | None]
    reference_scale: Mapped[float | None]
    flux: Mapped[float | None]
    flux_err: Mapped[float | None]
    masked_fraction: Mapped[float]
    unmeasured: Mapped[str | None]
    flags: Mapped[int]

    @staticmethod
    def values(point: ForcedPoint) -> dict[str, object]:
        """Return the columns of ``point``."""
        return {
            "entry_id": point.entry_id,
            "difference_key": point.difference_key,
            "observation_id": point.observation_id,
            "reference_digest": point.reference_digest,
            "measured_ra_deg": point.position.ra_deg,
            "measured_dec_deg": point.position.dec_deg,
            "band": point.band,
            "mid_mjd": point.mid_mjd,
            "zero_point_mag": point.zero_point_mag,
            "reference_scale": point.reference_scale,
            "flux": point.flux,
            "flux_err": point.flux_err,
            "masked_fraction": point.masked_fraction,
            "unmeasured": None if point.unmeasured is None else point.unmeasured.value,
            "flags": point.flags,
        }

    def entity(self) -> ForcedPoint:
        """Return the measurement."""
        return ForcedPoint(
            entry_id=self.entry_id,
            difference_key=RunKey(self.difference_key),
            observation_id=self.observation_id,
            reference_digest=self.reference_digest,
            position=SkyPosition(ra_deg=self.measured_ra_deg, dec_deg=self.measured_dec_deg),
            band=self.band,
            mid_mjd=self.mid_mjd,
            zero_point_mag=self.zero_point_mag,
            reference_scale=self.reference_scale,
            flux=self.flux,
            flux_err=self.flux_err,
            masked_fraction=self.masked_fraction,
            unmeasured=None if self.unmeasured is None else Unmeasured(self.unmeasured),
            flags=self.flags,
        )


class ReferenceFluxRow(Row):
    """What one reference shows of one object."""

    __tablename__ = "reference_flux"

    entry_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_entry.id"), primary_key=True)
    reference_digest: Mapped[str] = mapped_column(ForeignKey("reference_image.digest"), primary_key=True)
    flux: Mapped[float | None]
    flux_err: Mapped[float | None]

    @staticmethod
    def values(flux: ReferenceFlux) -> dict[str, object]:
        """Return the columns of ``flux``."""
        return {
            "entry_id": flux.entry_id,
            "reference_digest": flux.reference_digest,
            "flux": flux.flux,
            "flux_err": flux.flux_err,
        }

    def entity(self) -> ReferenceFlux:
        """Return the measurement."""
        return ReferenceFlux(
            entry_id=self.entry_id, reference_digest=self.reference_digest, flux=self.flux, flux_err=self.flux_err
        )
