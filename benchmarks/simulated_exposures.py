"""Simulated exposures whose stars stand in a catalog: what benchmarks of photometry are made of."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.preprocessing.sources import SourceList
from astrid_core.simulate.config import CameraConfig, ConditionsConfig, SkyConfig
from astrid_core.simulate.defects import draw_faults
from astrid_core.simulate.depth import ordinary_depth
from astrid_core.simulate.exposure import Exposed, ExposurePlan, expose
from astrid_core.simulate.plans import draw_centre, plan_exposure
from astrid_core.simulate.population import Canvas, FieldSky, draw_constant_sky

FloatArray = NDArray[np.float64]

MEAN_COLOUR_MAG = 0.7
MATCH_PIX = 2.0
_CATALOG_DEPTH_SNR = 3.0
"""The catalog lists stars down to this significance in the exposure: far deeper than what is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is true of sky, catalog and detector."""

    name: str
    side_pix: int = 512
    stars_per_mpix: float = 1050.0
    colour_term: float = 0.0
    colour_spread_mag: float = 0.4
    gradient_mag: tuple[float, float] = (0.0, 0.0)
    """Of the zero point, from the centre to the edge along x and y."""
    outliers: float = 0.05
    """Part of the stars whose catalog magnitude is off by 0.3 mag (standard deviation)."""
    scatter_mag: float = 0.01
    """Intrinsic: stars of equal colour differ by so much."""
    catalog_err_mag: float = 0.01

    def zero_point_shift(self, x_pix: FloatArray, y_pix: FloatArray) -> FloatArray:
        """Return the zero point minus that of the centre."""
        along_x, along_y = self.gradient_mag
        half = (self.side_pix - 1) / 2.0
        return np.asarray(along_x * (x_pix / half - 1.0) + along_y * (y_pix / half - 1.0))


def matched(sources: SourceList, x: FloatArray, y: FloatArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows of the catalog at pixels (x, y) and the unblended sources that are nearest to them, one to one."""
    tree = cKDTree(np.column_stack([sources.x_pix, sources.y_pix]))
    distance, nearest = tree.query(np.column_stack([x, y]), distance_upper_bound=MATCH_PIX)
    rows = np.flatnonzero(np.isfinite(distance))
    # Nearest first: of two catalog stars at one source only that one is kept.
    rows = rows[np.argsort(distance[rows], kind="stable")]
    found, first = np.unique(nearest[rows], return_index=True)
    alone = sources.clean[found]
    return rows[first][alone], found[alone]


def expose_field(scenario: Scenario, seed: int) -> tuple[Exposed, FieldSky, ExposurePlan]:
    """Return an exposure, the sky that it shows, and how it was taken."""
    camera, conditions = CameraConfig(), ConditionsConfig()
    shape = (scenario.side_pix, scenario.side_pix)
    canvas = Canvas(
        seed=seed,
        name="zero point",
        centre=draw_centre(seed, "zero point"),
        shape=shape,
        camera=camera,
        depth=ordinary_depth(camera, conditions),
    )
    field = draw_constant_sky(canvas, SkyConfig(stars_per_mpix=scenario.stars_per_mpix))
    plan = plan_exposure(
        canvas,
        "night",
        begin_mjd=60000.0,
        conditions=conditions,
        faults=draw_faults(canvas.rng("faults"), camera, shape),
    )
    x, y = plan.true_wcs.wcs_world2pix(field.stars.ra_deg, field.stars.dec_deg, 0)
    dimmed = replace(field.stars, mag_ab=field.stars.mag_ab - scenario.zero_point_shift(x, y))
    return expose(replace(field, stars=dimmed), plan), field, plan


def catalog_of(
    scenario: Scenario, field: FieldSky, plan: ExposurePlan, seed: int
) -> tuple[FloatArray, FloatArray, CatalogStars]:
    """Return the pixels of the stars on the frame, and what the catalog says of them."""
    rng = np.random.default_rng((seed, 77))
    x, y = plan.true_wcs.wcs_world2pix(field.stars.ra_deg, field.stars.dec_deg, 0)
    limit = plan.zero_point_mag - 2.5 * np.log10(
        _CATALOG_DEPTH_SNR / 5.0 * ordinary_depth(plan.camera, ConditionsConfig()).five_sigma_adu
    )
    ny, nx = plan.shape
    listed = (x > 0) & (x < nx - 1) & (y > 0) & (y < ny - 1) & (field.stars.mag_ab < limit)
    n = int(listed.sum())
    colour = rng.normal(MEAN_COLOUR_MAG, scenario.colour_spread_mag, n)
    # The exposure sees m_r - c (colour - mean); its stars are drawn by that.
    true = field.stars.mag_ab[listed] + scenario.colour_term * (colour - MEAN_COLOUR_MAG)
    own = rng.normal(0.0, scenario.scatter_mag, n)
    wrong = np.where(rng.uniform(size=n) < scenario.outliers, rng.normal(0.0, 0.3, n), 0.0)
    error = scenario.catalog_err_mag
    red, blue = (true + own + wrong + extra + rng.normal(0.0, error, n) for extra in (0.0, colour))
    nothing = np.full(n, np.nan)
    stars = CatalogStars(
        catalog="simulated",
        epoch_yr=2023.0,
        ra_deg=field.stars.ra_deg[listed],
        dec_deg=field.stars.dec_deg[listed],
        ra_err_mas=nothing,
        dec_err_mas=nothing,
        pm_ra_mas_yr=nothing,
        pm_dec_mas_yr=nothing,
        mags={"b": blue, "r": red},
        mag_errs={"b": np.full(n, error), "r": np.full(n, error)},
    )
    return x[listed], y[listed], stars
