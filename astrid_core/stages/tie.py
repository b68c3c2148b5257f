"""The star catalog that an exposure is tied to: asked, applied, told."""

import math
from dataclasses import dataclass, replace

from astrid_core.observations.entities import Observation, WcsOrigin
from astrid_core.observations.registry_file import known_instruments
from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.preprocessing.config import AstrometryConfig, ZeroPointConfig
from astrid_core.preprocessing.entities import CatalogTie, PreprocessRun, WCSInfo
from astrid_core.preprocessing.ports import StarCatalog
from astrid_core.preprocessing.prepare import PreparedImage
from astrid_core.preprocessing.solve_wcs import search_region
from astrid_core.preprocessing.tie_exposure import TIE_VERSION, CatalogBands, TiedExposure, tie_exposure
from astrid_core.preprocessing.wcs_quality import AstrometricSolution
from astrid_core.preprocessing.zero_point import ZERO_POINT_VERSION
from astrid_core.shared.errors import NotCovered
from astrid_core.shared.runs import run_key
from astrid_core.shared.sky import Region


@dataclass(frozen=True, slots=True, kw_only=True)
class TieConfig:
    """What decides the tie to a star catalog."""

    astrometry: AstrometryConfig
    zero_point: ZeroPointConfig


def tie_inputs(catalog: StarCatalog | None, observation: Observation, config: TieConfig) -> tuple[str, ...]:
    """Return what the catalog adds to the inputs of a preparation: nothing where there is none."""
    if catalog is None:
        return ()
    bands = catalog_bands(catalog.name, observation.band)
    versions = f"{TIE_VERSION} {ZERO_POINT_VERSION}"
    return (run_key("tie", TIE_VERSION, config, (catalog.name, repr(bands), versions)),)


def tie_to_catalog(
    catalog: StarCatalog | None,
    observation: Observation,
    prepared: PreparedImage,
    config: TieConfig,
    *,
    airmass: float | None,
) -> TiedExposure:
    """Return the exposure with the WCS and the zero point that the stars of ``catalog`` tell.

    Raises NoAstrometricSolution for one that does not fit the stars around it, CatalogUnavailable where they cannot be
    read now.
    """
    stars, without, bands = None, "no star catalog is configured", None
    if catalog is not None:
        bands = catalog_bands(catalog.name, observation.band)
        try:
            stars = _stars(catalog, observation, prepared, config.astrometry)
        except NotCovered as error:
            without = str(error)
        if bands is None and stars is not None and observation.band in stars.mags:
            bands = CatalogBands(band=observation.band)
    return tie_exposure(
        prepared,
        stars,
        without=without,
        origin=observation.wcs_origin,
        bands=bands,
        airmass=airmass,
        astrometry=config.astrometry,
        zero_point=config.zero_point,
    )


def catalog_bands(catalog: str, band: str) -> CatalogBands | None:
    """Return the magnitude of a catalog that is nearest to ``band``; None where the registry knows none.

    A catalog is known by the first word of its name; the colour of its own term is that of the registry.
    """
    known = known_instruments().bands.get(band)
    first = catalog.replace("@", " ").replace("-", " ").split(maxsplit=1)[0].lower() if catalog else ""
    entry = known.catalogs.get(first) if known else None
    return None if entry is None else CatalogBands(band=entry.band, colour=(entry.blue, entry.red))


def told_by(run: PreprocessRun, tied: TiedExposure) -> PreprocessRun:
    """Return the record of a preparation with what the catalog told."""
    if run.wcs is None:
        raise ValueError("a preparation that succeeded has a WCS record")
    solution = tied.astrometry
    wcs = run.wcs
    if solution is not None:
        scale = solution.pixel_scale_arcsec
        wcs = WCSInfo(origin=WcsOrigin.CATALOG, pixel_scale_arcsec=scale, tie=catalog_tie(solution))
    return replace(run, wcs=wcs, photometry=tied.photometry, exposure=tied.quality, untied=tied.untied)


def catalog_tie(solution: AstrometricSolution) -> CatalogTie:
    """Return the numbers of a solution."""
    grid = solution.residual_map
    cells = zip(grid.dx_mas.ravel(), grid.dy_mas.ravel(), grid.n_stars.ravel(), strict=True)
    return CatalogTie(
        catalog=solution.catalog,
        method=solution.method,
        model=solution.model,
        rms_x_mas=solution.rms_x_mas,
        rms_y_mas=solution.rms_y_mas,
        n_matched=solution.n_matched,
        n_expected=solution.n_expected,
        log10_chance=solution.log10_chance,
        offset_arcsec=_finite(solution.offset_arcsec),
        residuals=tuple((_finite(dx), _finite(dy), int(n)) for dx, dy, n in cells),
    )


def _stars(
    catalog: StarCatalog, observation: Observation, prepared: PreparedImage, config: AstrometryConfig
) -> CatalogStars:
    wcs, shape = prepared.image.wcs, prepared.image.shape
    if wcs is None:
        reach = observation.radius_deg + config.pointing_radius_deg
        region = Region.cone(observation.position, radius_deg=reach)
    else:
        region = search_region(wcs, shape, observation.wcs_origin, config)
    return catalog.stars(region, max_stars=config.max_stars).at(observation.mid_mjd)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
