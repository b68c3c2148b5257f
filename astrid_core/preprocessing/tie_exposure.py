"""Tie a prepared exposure to catalog stars: its place on the sky, its zero point, and the numbers it is judged by."""

from dataclasses import dataclass, replace

import numpy as np

from astrid_core.observations.entities import WcsOrigin
from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.preprocessing.config import AstrometryConfig, ZeroPointConfig
from astrid_core.preprocessing.entities import ExposureQuality, PhotometricSolution
from astrid_core.preprocessing.exposure_quality import measure_exposure
from astrid_core.preprocessing.prepare import PreparedImage
from astrid_core.preprocessing.psf_flux import measure_psf_fluxes
from astrid_core.preprocessing.solve_wcs import solve
from astrid_core.preprocessing.sources import FloatArray
from astrid_core.preprocessing.star_pairs import in_plane, pair_up
from astrid_core.preprocessing.star_positions import measure_positions
from astrid_core.preprocessing.wcs_quality import AstrometricSolution
from astrid_core.preprocessing.zero_point import measure_zero_point
from astrid_core.shared.errors import NoZeroPoint
from astrid_core.shared.images import SkyImage

TIE_VERSION = 1
"""Raise when the same image and the same stars should give a different result."""

_MAX_STARS = 400
"""The brightest so many stars tell the zero point; more cost time and change nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TiedExposure:
    """The image with the best WCS there is, and what was measured against the catalog; None where it was not."""

    image: SkyImage
    astrometry: AstrometricSolution | None
    photometry: PhotometricSolution | None
    quality: ExposureQuality
    untied: tuple[str, ...]
    """Why there is no astrometric solution or no zero point: one reason each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogBands:
    """The catalog magnitude that a band of an instrument is tied to, and the colour of its term."""

    band: str
    colour: tuple[str, str] | None = None


def tie_exposure(  # noqa: PLR0913 - an image, stars, and what is known of both
    prepared: PreparedImage,
    stars: CatalogStars | None,
    *,
    without: str = "no star catalog is configured",
    origin: WcsOrigin,
    bands: CatalogBands | None,
    airmass: float | None,
    astrometry: AstrometryConfig,
    zero_point: ZeroPointConfig,
) -> TiedExposure:
    """Return a prepared exposure tied to ``stars``, which are at its epoch; None where there are none, ``without`` why.

    Where image or catalog show fewer stars than a solution needs, the header is believed, and ``untied`` says so. Where
    they show enough and do not fit, NoAstrometricSolution is raised with the numbers: such a frame has no place on the
    sky. Without a zero point the one of the header stays.
    """
    image, untied, solution = prepared.image, list[str](), None
    if stars is None:
        untied.append(without)
    else:
        seen = measure_positions(image.pixels, ~image.usable, prepared.sources)
        if min(len(seen), len(stars)) < astrometry.min_matched:
            untied.append(f"{len(seen)} stars seen and {len(stars)} in the catalog, {astrometry.min_matched} needed")
        else:
            solution = solve(
                seen.xy, seen.flux, shape=image.shape, stars=stars, wcs=image.wcs, origin=origin,
                err_pix=seen.err_pix, config=astrometry,
            )  # fmt: skip
            image = replace(image, wcs=solution.wcs)
    photometry = None
    if solution is not None and stars is not None:
        try:
            photometry = _zero_point(image, prepared, stars, bands, zero_point)
        except NoZeroPoint as error:
            untied.append(str(error))
    return TiedExposure(
        image=image,
        astrometry=solution,
        photometry=photometry,
        quality=measure_exposure(image, prepared.quality, photometry=photometry, airmass=airmass),
        untied=tuple(untied),
    )


def _zero_point(
    image: SkyImage, prepared: PreparedImage, stars: CatalogStars, bands: CatalogBands | None, config: ZeroPointConfig
) -> PhotometricSolution:
    if bands is None:
        raise NoZeroPoint("no catalog magnitude is known to be near this band", catalog=stars.catalog)
    missing = sorted({bands.band, *(bands.colour or ())} - set(stars.mags))
    if missing:
        raise NoZeroPoint("the catalog has no such magnitudes", catalog=stars.catalog, missing=", ".join(missing))
    if image.wcs is None:
        raise ValueError("a tied image has a WCS")
    sources = prepared.sources.take(prepared.sources.clean)
    xy: FloatArray = np.column_stack([sources.x_pix, sources.y_pix])
    plane = in_plane(image.wcs, image.shape, xy, np.column_stack([stars.ra_deg, stars.dec_deg]))
    pairs = pair_up(plane.sources, plane.stars, reach_pix=prepared.quality.fwhm_pix)
    # By the catalog's magnitude, not by what was measured: noise prefers nobody.
    rank = np.argsort(np.argsort(stars.mags[bands.band][pairs.star], kind="stable"), kind="stable")
    pairs = pairs.take(rank < _MAX_STARS)
    fluxes = measure_psf_fluxes(image, sources.x_pix[pairs.source], sources.y_pix[pairs.source])
    return measure_zero_point(
        fluxes, stars.take(pairs.star), band=bands.band, colour=bands.colour, shape=image.shape, config=config
    )
