"""Star lists of frames that point anywhere, and the catalog of the sky around them, with known truth."""

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS

from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.preprocessing.sources import FloatArray
from astrid_core.preprocessing.tangent_plane import plane_at, to_plane, to_sky
from astrid_core.shared.sky import SkyPosition

CATALOG_ERR_MAS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StarField:
    """What a frame shows, brightest first, and what the catalog says."""

    xy: FloatArray
    flux: FloatArray
    err_pix: FloatArray
    shape: tuple[int, int]
    wcs: WCS
    """The truth."""
    stars: CatalogStars


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPlan:
    """How a frame and its catalog are drawn; sides in pixels."""

    centre: SkyPosition
    n_stars: int = 60
    """That are in the frame and in the catalog."""
    shape: tuple[int, int] = (1024, 1024)
    scale_arcsec: float = 1.0
    rotation_deg: float = 0.0
    mirrored: bool = False
    region_deg: float = 0.5
    """Radius of the catalog."""
    missing: float = 0.2
    """Part of the catalog stars that the frame does not show."""
    spurious: float = 0.2
    """Sources that are no stars, as a part of the stars."""
    err_pix: float = 0.1
    mag_scatter: float = 0.4


def catalog_of(
    sky: FloatArray, mags: FloatArray, *, err_mas: float = CATALOG_ERR_MAS, name: str = "made up"
) -> CatalogStars:
    """Return stars (n, 2; degrees) as a catalog, brightest first."""
    order = np.argsort(mags, kind="stable")
    n = len(order)
    return CatalogStars(
        catalog=name, epoch_yr=2016.0, ra_deg=sky[order, 0] % 360.0, dec_deg=sky[order, 1],
        ra_err_mas=np.full(n, err_mas), dec_err_mas=np.full(n, err_mas),
        pm_ra_mas_yr=np.zeros(n), pm_dec_mas_yr=np.zeros(n), mags={"G": mags[order]}, mag_errs={"G": np.full(n, 0.01)},
    )  # fmt: skip


def frame_wcs(plan: FieldPlan) -> WCS:
    """Return the true WCS."""
    turn, size, side = np.radians(plan.rotation_deg), plan.scale_arcsec / 3600.0, 1.0 if plan.mirrored else -1.0
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crpix = [(plan.shape[1] + 1) / 2, (plan.shape[0] + 1) / 2]
    wcs.wcs.crval = [plan.centre.ra_deg, plan.centre.dec_deg]
    wcs.wcs.cd = size * np.array([[side * np.cos(turn), np.sin(turn)], [-side * np.sin(turn), np.cos(turn)]])
    wcs.wcs.lonpole = 180.0
    wcs.wcs.set()
    return wcs


def draw_field(plan: FieldPlan, rng: np.random.Generator, *, middle: SkyPosition | None = None) -> StarField:
    """Return a frame and the catalog around ``middle`` (by default the frame's own), N(>F) ~ F^-0.8."""
    wcs, frame = frame_wcs(plan), np.array(plan.shape[::-1], dtype=float)
    n_inside = round(plan.n_stars / (1.0 - plan.missing))
    around = _around(plan, rng, middle or plan.centre, n_inside)
    inside = rng.uniform(0.0, frame - 1.0, (n_inside, 2))
    sky = np.concatenate([np.asarray(wcs.wcs_pix2world(inside, 0)), around])
    mags = 20.0 + 2.5 / 0.8 * np.log10(rng.uniform(size=len(sky)))
    n, n_false = plan.n_stars, round(plan.spurious * plan.n_stars)
    flux = 10.0 ** (
        -0.4 * (np.concatenate([mags[:n] + rng.normal(0.0, plan.mag_scatter, n), rng.choice(mags, n_false)]) - 25.0)
    )
    xy = np.concatenate(
        [inside[:n] + rng.normal(0.0, plan.err_pix, (n, 2)), rng.uniform(0.0, frame - 1.0, (n_false, 2))]
    )
    order = np.argsort(-flux)
    return StarField(
        xy=xy[order], flux=flux[order], err_pix=np.full((len(order), 2), plan.err_pix), shape=plan.shape, wcs=wcs,
        stars=catalog_of(_displaced(sky, rng), mags),
    )  # fmt: skip


def _around(plan: FieldPlan, rng: np.random.Generator, middle: SkyPosition, n_inside: int) -> FloatArray:
    """Return as dense stars outside of the frame."""
    ny, nx = plan.shape
    area = nx * ny * (plan.scale_arcsec / 3600.0) ** 2
    n = round(n_inside / area * np.pi * plan.region_deg**2)
    radius, angle = plan.region_deg * np.sqrt(rng.uniform(size=n)), rng.uniform(0.0, 2.0 * np.pi, n)
    plane = plane_at(middle.ra_deg, middle.dec_deg)
    sky = to_sky(plane, np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]))
    off = np.abs(to_plane(plane_at(plan.centre.ra_deg, plan.centre.dec_deg), sky))
    turned = np.abs(np.asarray(frame_wcs(plan).wcs_world2pix(sky, 0)) - (np.array([nx, ny]) - 1.0) / 2.0)
    return np.asarray(sky[(off > 30.0).any(axis=1) | (turned > np.array([nx, ny]) / 2.0).any(axis=1)])


def _displaced(sky: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the places that a catalog with errors of 5 mas on each axis tells."""
    ra, dec = np.radians(sky).T
    x = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    x = x + rng.normal(0.0, np.radians(CATALOG_ERR_MAS / 3.6e6), x.shape)
    places = np.column_stack([np.arctan2(x[1], x[0]) % (2.0 * np.pi), np.arctan2(x[2], np.hypot(x[0], x[1]))])
    return np.asarray(np.degrees(places))


def worst_pix(one: WCS, truth: WCS, shape: tuple[int, int]) -> float:
    """Return the largest distance between two WCS over a frame, pixels of the second."""
    ny, nx = shape
    grid = np.array([[x, y] for x in np.linspace(0, nx - 1, 5) for y in np.linspace(0, ny - 1, 5)])
    there = np.asarray(truth.all_world2pix(np.asarray(one.all_pix2world(grid, 0)), 0))
    return float(np.hypot(*(there - grid).T).max())
