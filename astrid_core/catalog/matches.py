"""Which known objects may be what was found, and how likely it is that they only happen to be there.

A coincidence is judged by how many objects of the kind, at least as bright, there are around: with a density rho one
lies within theta by chance with 1 - exp(-pi theta^2 rho). A point that coincides within its errors is weighed by the
likelihood ratio of Sutherland & Saunders (1992, MNRAS 259, 413), with even odds before looking. For galaxies theta is
what Bloom, Kulkarni & Djorgovski (2002, AJ 123, 1111) take: the distance and twice the half-light radius in quadrature.
"""

import math
from collections.abc import Sequence

import numpy as np

from astrid_core.catalog.context import KnownMatch, likeliest_first
from astrid_core.catalog.context_config import ContextConfig
from astrid_core.catalog.known_sources import FloatArray, KnownSources, SourceKind
from astrid_core.catalog.minor_planets import MinorPlanet
from astrid_core.shared.sky import SkyPosition, separation_arcsec

_FEWEST = 1.0
"""Objects that a density is made of, at least: one that has been found is there."""


def matches(
    position: SkyPosition,
    position_err_arcsec: float,
    mjd: float,
    sources: KnownSources,
    *,
    area_arcsec2: float,
    config: ContextConfig,
) -> tuple[KnownMatch, ...]:
    """Return the sources that may be an object at ``position`` (error per axis), or hold it, likeliest first.

    ``sources`` are all that their catalog holds in ``area_arcsec2`` around it; they are taken where they stand at
    ``mjd``.
    """
    here = sources.at(mjd)
    separation = _separations_arcsec(position, here)
    err = np.hypot(np.nan_to_num(here.err_arcsec), position_err_arcsec)
    is_host = sources.kind is SourceKind.GALAXY
    size = np.nan_to_num(here.size_arcsec)
    reach = (
        np.maximum(config.host_radius_arcsec, 5.0 * size)
        if is_host
        else np.maximum(config.min_radius_arcsec, config.max_sigma * err)
    )
    found = []
    for index in np.flatnonzero(separation <= reach):
        density = max(_n_as_bright(here.mag, int(index)), _FEWEST) / area_arcsec2
        theta = math.hypot(float(separation[index]), 2.0 * float(size[index])) if is_host else float(separation[index])
        # A point is no nearer than its error tells: what coincides exactly may still do so by chance.
        theta = theta if is_host else max(theta, float(err[index]))
        found.append(
            KnownMatch(
                kind=sources.kind,
                catalog=sources.catalog,
                source_id=str(here.ids[index]),
                source_type=str(here.types[index]),
                position=SkyPosition(ra_deg=float(here.ra_deg[index]), dec_deg=float(here.dec_deg[index])),
                separation_arcsec=float(separation[index]),
                err_arcsec=float(err[index]),
                chance=_chance(theta, density),
                reliability=None if is_host else _reliability(float(separation[index]), float(err[index]), density),
                mag=_known(here.mag[index]),
                redshift=_known(here.redshift[index]),
            )
        )
    return likeliest_first(found)[: config.max_matches]


def minor_planet_matches(
    position: SkyPosition,
    position_err_arcsec: float,
    bodies: Sequence[MinorPlanet],
    *,
    catalog: str,
    observation_id: str,
    area_arcsec2: float,
    config: ContextConfig,
) -> tuple[KnownMatch, ...]:
    """Return the bodies of an exposure that may be what it shows at ``position``, likeliest first.

    ``bodies`` are all that stand in ``area_arcsec2``. A body counts as far as its error allows.
    """
    found = []
    for body in bodies:
        separation = separation_arcsec(position, body.position)
        err = math.hypot(body.err_arcsec, position_err_arcsec)
        if separation > max(config.min_radius_arcsec, config.max_sigma * err):
            continue
        brighter = [one for one in bodies if (one.mag_v or math.inf) <= (body.mag_v or math.inf)]
        density = len(brighter) / area_arcsec2
        found.append(
            KnownMatch(
                kind=SourceKind.MINOR_PLANET,
                catalog=catalog,
                source_id=body.name,
                source_type="comet" if body.is_comet else "minor planet",
                position=body.position,
                separation_arcsec=separation,
                err_arcsec=err,
                chance=_chance(max(separation, err), density),
                reliability=_reliability(separation, err, density),
                mag=body.mag_v,
                observation_id=observation_id,
            )
        )
    return likeliest_first(found)[: config.max_matches]


def _separations_arcsec(position: SkyPosition, sources: KnownSources) -> FloatArray:
    lon = np.radians(sources.ra_deg - position.ra_deg)
    lat1, lat2 = np.radians(position.dec_deg), np.radians(sources.dec_deg)
    across = np.cos(lat2) * np.sin(lon)
    along = np.cos(lat1) * np.sin(lat2) - np.sin(lat1) * np.cos(lat2) * np.cos(lon)
    toward = np.sin(lat1) * np.sin(lat2) + np.cos(lat1) * np.cos(lat2) * np.cos(lon)
    return np.asarray(np.degrees(np.arctan2(np.hypot(across, along), toward)) * 3600.0)


def _n_as_bright(mags: FloatArray, index: int) -> float:
    """Count the sources at least as bright; all of them where the brightness of this one is unknown."""
    return float(np.sum(mags <= mags[index])) if np.isfinite(mags[index]) else float(len(mags))


def _chance(theta_arcsec: float, density: float) -> float:
    return -math.expm1(-math.pi * theta_arcsec**2 * density)


def _reliability(separation: float, err: float, density: float) -> float:
    there = math.exp(-0.5 * (separation / err) ** 2) / (2.0 * math.pi * err**2)
    return there / (there + density)


def _known(value: np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None
