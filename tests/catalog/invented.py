"""Small invented measurements and objects."""

from dataclasses import replace
from uuid import UUID

from astrid_core.catalog.associate import entry_id
from astrid_core.catalog.entities import CatalogEntry, LightCurvePoint
from astrid_core.catalog.measure import catalog_entry
from astrid_core.shared.sky import SkyPosition

ARCSEC = 1.0 / 3600.0


def measured(
    name: str,
    *,
    east_arcsec: float = 0.0,
    north_arcsec: float = 0.0,
    mid_mjd: float = 60371.25,
    observation: str = "demo:a.fits",
    significance: float = 10.0,
    score: float = 0.9,
    centre: tuple[float, float] = (150.0, 0.0),
    mag_ab: float | None = 21.5,
    err_arcsec: float | None = None,
) -> LightCurvePoint:
    ra_deg, dec_deg = centre
    return LightCurvePoint(
        entry_id=entry_id(name),
        detection_id=name,
        observation_id=observation,
        reference_digest="f" * 64,
        position=SkyPosition(
            ra_deg=(ra_deg + east_arcsec * ARCSEC) % 360.0,
            dec_deg=dec_deg + north_arcsec * ARCSEC,
        ),
        position_err_arcsec=err_arcsec,
        band="r",
        mid_mjd=mid_mjd,
        flux=1000.0,
        flux_err=100.0,
        mag_ab=mag_ab,
        mag_err=None if mag_ab is None else 0.1086,
        significance=significance,
        score=score,
    )


def light_curve(number: int, *members: LightCurvePoint) -> tuple[CatalogEntry, tuple[LightCurvePoint, ...]]:
    points = tuple(replace(member, entry_id=UUID(int=number)) for member in members)
    return catalog_entry(points), points
