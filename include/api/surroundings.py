"""What others know near a detection: stars, known objects, and bodies that passed at its exposure's time."""

import math
from collections.abc import Mapping

from astrid_core.catalog.context_config import ContextConfig
from astrid_core.shared.errors import NotCovered, TemporaryFailure
from astrid_core.shared.sky import Region, SkyPosition, separation_arcsec
from astrid_core.stages.services import Services
from include.api.neighbours import KnownShape, MinorPlanetShape, StarShape

_MOST_STARS = 500
_MOST_KNOWN = 200


def apart(position: SkyPosition, facts: Mapping[str, float]) -> float:
    """Return the separation, arcsec, of something that has ``ra_deg`` and ``dec_deg``."""
    return separation_arcsec(position, SkyPosition(ra_deg=facts["ra_deg"] % 360.0, dec_deg=facts["dec_deg"]))


def stars_near(services: Services, region: Region, position: SkyPosition, mjd: float) -> list[StarShape]:
    """Return the stars of the reference catalog where they were then, nearest first; none where no catalog tells."""
    if services.stars is None:
        return []
    try:
        found = services.stars.stars(region, max_stars=_MOST_STARS).at(mjd)
    except NotCovered:
        return []
    shapes = []
    for number, (ra, dec) in enumerate(zip(found.ra_deg, found.dec_deg, strict=True)):
        place = {"ra_deg": float(ra) % 360.0, "dec_deg": float(dec)}
        mags = {band: float(values[number]) for band, values in found.mags.items()}
        band, mag = next(((band, mag) for band, mag in mags.items() if math.isfinite(mag)), (None, None))
        shapes.append(StarShape(**place, separation_arcsec=apart(position, place), mag_ab=mag, band=band))
    return sorted(shapes, key=lambda one: one.separation_arcsec)


def known_near(services: Services, region: Region, position: SkyPosition, mjd: float) -> list[KnownShape]:
    """Return known objects where they were then, nearest first; a catalog that does not answer now says nothing."""
    shapes = []
    for catalog in services.known_sources:
        try:
            found = catalog.sources(region).at(mjd)
        except (NotCovered, TemporaryFailure):
            continue
        for number in range(len(found)):
            place = {"ra_deg": float(found.ra_deg[number]) % 360.0, "dec_deg": float(found.dec_deg[number])}
            shapes.append(
                KnownShape(
                    **place,
                    id=str(found.ids[number]),
                    kind=found.kind,
                    type=str(found.types[number]),
                    catalog=catalog.name,
                    separation_arcsec=apart(position, place),
                    mag=_known(found.mag[number]),
                    redshift=_known(found.redshift[number]),
                )
            )
    return sorted(shapes, key=lambda one: (one.separation_arcsec, one.catalog, one.id))[:_MOST_KNOWN]


def bodies_near(
    services: Services, region: Region, position: SkyPosition, mjd: float, *, survey: str, config: ContextConfig
) -> list[MinorPlanetShape]:
    """Return the minor planets and comets that stood near at the time of the exposure, nearest first."""
    if services.minor_planets is None:
        return []
    found = services.minor_planets.inside(
        region, mid_mjd=mjd, site=config.site_of(survey), max_err_arcsec=config.minor_planet_err_arcsec
    )
    shapes = [
        MinorPlanetShape(
            ra_deg=one.position.ra_deg,
            dec_deg=one.position.dec_deg,
            name=one.name,
            is_comet=one.is_comet,
            separation_arcsec=separation_arcsec(position, one.position),
            err_arcsec=one.err_arcsec,
            mag_v=one.mag_v,
            motion_ra_arcsec_h=one.motion_ra_arcsec_h,
            motion_dec_arcsec_h=one.motion_dec_arcsec_h,
        )
        for one in found
    ]
    return sorted(shapes, key=lambda one: (one.separation_arcsec, one.name))


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
