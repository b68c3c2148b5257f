"""Tie the sources of one frame to catalog stars: from its header, its pointing, or from nothing but the stars."""

from collections.abc import Iterator

import numpy as np
from astropy.wcs import WCS

from astrid_core.observations.entities import WcsOrigin
from astrid_core.preprocessing.astrometry import vote
from astrid_core.preprocessing.blind_solve import places
from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.preprocessing.config import AstrometryConfig
from astrid_core.preprocessing.sources import FloatArray
from astrid_core.preprocessing.star_pairs import in_plane, log_chance, pair_up
from astrid_core.preprocessing.tangent_plane import pixel_scale_deg, sky_of
from astrid_core.preprocessing.wcs_quality import AstrometricSolution
from astrid_core.preprocessing.wcs_refine import Sky, Start, refine, require_precise
from astrid_core.shared.errors import NoAstrometricSolution
from astrid_core.shared.sky import Region, SkyPosition

_HEADER_SCALE_ERROR = 0.03
_AGREE_PIX = (2.0, 6.0, 18.0)
_VOTERS = 250
_ALIGNED_PIX = 4.0
_MARGIN = 1.05


def solve(  # noqa: PLR0913 - a frame is its sources, its size and what its header says
    xy: FloatArray,
    flux: FloatArray,
    *,
    shape: tuple[int, int],
    stars: CatalogStars,
    wcs: WCS | None,
    origin: WcsOrigin | None = WcsOrigin.HEADER,
    err_pix: FloatArray | None = None,
    config: AstrometryConfig,
) -> AstrometricSolution:
    """Return the WCS of a frame (ny, nx) that catalog stars confirm.

    ``xy`` (n, 2) are 0-based pixels of sources, ``flux`` (n,) orders them, ``err_pix`` (n, 2) are their errors per axis
    where known. ``stars`` are at the epoch of the frame, brightest first: all that ``search_region`` covers, or for a
    frame without ``wcs`` the region it must lie in. ``origin`` says whether ``wcs`` has an orientation; a header that
    leads nowhere is taken as a pointing. Raises NoAstrometricSolution with the numbers of the best try.
    """
    bright = np.argsort(-flux, kind="stable")[: config.max_sources]
    sky = Sky(
        xy=xy[bright],
        err_pix=np.zeros((len(bright), 2)) if err_pix is None else err_pix[bright],
        errors_known=err_pix is not None,
        stars=stars,
        shape=shape,
        header=wcs,
    )
    if min(len(sky.xy), len(stars)) < config.min_matched:
        raise NoAstrometricSolution(
            "too few stars for astrometry", n_sources=len(sky.xy), n_catalog=len(stars), required=config.min_matched
        )
    refused: NoAstrometricSolution | None = None
    for start in _starts(sky, origin if wcs is not None else None, config):
        try:
            solution = refine(sky, start, config)
        except NoAstrometricSolution as error:
            refused = refused or error
            continue
        # This is the place: what scatters here scatters from every start.
        require_precise(solution, config)
        return solution
    raise refused or NoAstrometricSolution(
        "no pattern of the sources is found among the catalog stars",
        n_sources=len(sky.xy),
        n_catalog=len(stars),
        catalog=stars.catalog,
    )


def search_region(wcs: WCS, shape: tuple[int, int], origin: WcsOrigin, config: AstrometryConfig) -> Region:
    """Return the part of the sky whose catalog stars ``solve`` needs for a frame (ny, nx) with a header or pointing."""
    ny, nx = shape
    off = config.search_radius_arcsec / 3600.0 if origin is WcsOrigin.HEADER else config.pointing_radius_deg
    half_deg = 0.5 * float(np.hypot(ny, nx)) * pixel_scale_deg(wcs)
    ra, dec = sky_of(wcs, np.array([[(nx - 1) / 2.0, (ny - 1) / 2.0]]))[0]
    centre = SkyPosition(ra_deg=float(ra) % 360.0, dec_deg=float(dec))
    return Region.cone(centre, radius_deg=min(_MARGIN * half_deg + off, 90.0))


def _starts(sky: Sky, origin: WcsOrigin | None, config: AstrometryConfig) -> Iterator[Start]:
    """Yield ways to begin, the cheapest first."""
    wcs = sky.header
    if wcs is None or origin is None:
        yield from _by_patterns(sky, config.blind_scales_arcsec, "blind")
        return
    error = config.pointing_scale_error
    if origin is WcsOrigin.HEADER:
        yield from _by_header(sky, wcs, config)
        error = _HEADER_SCALE_ERROR
    scale = pixel_scale_deg(wcs) * 3600.0
    yield from _by_patterns(sky, (scale * (1.0 - error), scale * (1.0 + error)), "pointing")


def _by_header(sky: Sky, wcs: WCS, config: AstrometryConfig) -> Iterator[Start]:
    """Yield the shift that most pairs agree on: within 2 pixels, or within more where rotation, scale or distortion of
    the header are off, whichever is the hardest to come by by chance.
    """
    plane = in_plane(wcs, sky.shape, sky.xy, sky.positions)
    reach = config.search_radius_arcsec / 3600.0 / pixel_scale_deg(wcs)
    half = 0.5 * float(np.hypot(*sky.shape)) + reach
    near = plane.stars[(np.abs(plane.stars) < half).all(axis=1)][:_VOTERS]
    found = []
    for within in _AGREE_PIX:
        sources = plane.sources[:_VOTERS]
        shift, n_votes = vote(sources, near, reach_pix=reach, within_pix=within)
        n_chance = len(sources) * len(near) * np.pi * within**2 / (2.0 * half) ** 2
        n_tried = max((reach / within) ** 2, 1.0)
        found.append((log_chance(n_votes, n_chance, n_free=1, n_tried=n_tried), within, shift, n_tried))
    for _, within, shift, n_tried in sorted(found, key=lambda one: one[0]):
        yield Start(method="refined", wcs=wcs, aligned=plane.sources + shift, reach_pix=2.0 * within, n_tried=n_tried)


def _by_patterns(sky: Sky, scales_arcsec: tuple[float, float], method: str) -> Iterator[Start]:
    for place in places(sky.xy, sky.positions, sky.shape, scales_arcsec=scales_arcsec):
        plane = in_plane(place.wcs, sky.shape, sky.xy, sky.positions)
        if len(pair_up(plane.sources, plane.stars, _ALIGNED_PIX)):
            yield Start(
                method=method,
                wcs=place.wcs,
                aligned=plane.sources,
                reach_pix=_ALIGNED_PIX,
                n_tried=float(place.n_tried),
            )
