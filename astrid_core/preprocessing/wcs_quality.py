"""How good an astrometric solution is, in numbers."""

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.preprocessing.sources import FloatArray
from astrid_core.preprocessing.tangent_plane import plane_at, sky_of, to_plane

_MAP_CELLS = 4
_SEEN_PERCENTILE = 95.0
_MEDIAN_CHI2 = 0.4549
"""Of a squared normal variable (chi-square with one degree of freedom)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualMap:
    """Mean residuals (star minus catalog, mas) in coarse cells of the frame, arrays (4, 4) [y, x]; NaN if empty."""

    dx_mas: FloatArray
    dy_mas: FloatArray
    n_stars: NDArray[np.int_]


@dataclass(frozen=True, slots=True, kw_only=True)
class AstrometricSolution:
    """A WCS that the stars of a catalog confirm, and how good it is; axes are those of the frame."""

    wcs: WCS
    method: str
    """``header`` (as it was), ``refined`` (fitted, the header was near enough), ``pointing`` or ``blind``."""
    model: str
    """What was fitted."""
    catalog: str
    rms_x_mas: float
    """Scatter of the matched stars about the fit, per degree of freedom, outliers left out."""
    rms_y_mas: float
    held_out_x_mas: float
    """The same of stars that were left out of the fit, each in its turn."""
    held_out_y_mas: float
    excess_x_mas: float
    """Scatter that the errors of measurement and catalog do not explain; all of it where no errors are known."""
    excess_y_mas: float
    measurement_err_mas: float
    """Median error of the matched sources per axis; NaN where it is not known."""
    catalog_err_mas: float
    """Median error of the matched stars per axis at their epoch; NaN where the catalog is silent."""
    pixel_scale_arcsec: float
    n_matched: int
    n_outliers: int
    """Pairs that lie too far apart for the fit."""
    n_expected: int
    """Catalog stars inside the frame that are as bright as nearly all matched ones."""
    n_sources: int
    log10_chance: float
    """Probability that unrelated stars match as well, after all that was tried."""
    offset_arcsec: float
    """By how much the header, or the pointing, was off in the middle of the frame; NaN without either."""
    residual_map: ResidualMap

    @property
    def rms_pix(self) -> float:
        """The larger of both axes, pixels."""
        return max(self.rms_x_mas, self.rms_y_mas) / (1000.0 * self.pixel_scale_arcsec)


def map_residuals(xy: FloatArray, residuals_mas: FloatArray, shape: tuple[int, int]) -> ResidualMap:
    """Return the mean residuals (n, 2) in cells of a frame (ny, nx)."""
    size = np.array(shape[::-1]) / _MAP_CELLS
    column, row = np.clip(((xy + 0.5) / size).astype(int), 0, _MAP_CELLS - 1).T
    cell = row * _MAP_CELLS + column
    n = np.bincount(cell, minlength=_MAP_CELLS**2)
    means = [
        np.where(n > 0, np.bincount(cell, weights=axis, minlength=_MAP_CELLS**2) / np.maximum(n, 1), np.nan)
        for axis in residuals_mas.T
    ]
    dx, dy, count = (one.reshape(_MAP_CELLS, _MAP_CELLS) for one in (*means, n))
    return ResidualMap(dx_mas=dx, dy_mas=dy, n_stars=count)


def excess(residuals: FloatArray, err: FloatArray) -> float:
    """Return the scatter to be added to the errors (n,) so that the median squared residual is what it should be."""
    low, high = 0.0, float(np.abs(residuals).max(initial=0.0)) * 2.0 + 1e-12
    if float(np.median(residuals**2 / np.maximum(err**2, 1e-18))) <= _MEDIAN_CHI2:
        return 0.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        too_small = float(np.median(residuals**2 / (err**2 + middle**2))) > _MEDIAN_CHI2
        low, high = (middle, high) if too_small else (low, middle)
    return high


def rms(residuals: FloatArray, n_terms: float) -> float:
    """Return the scatter per degree of freedom of residuals (n,) that ``n_terms`` numbers were fitted to."""
    return float(np.sqrt((residuals**2).sum() / max(len(residuals) - n_terms, 1)))


def n_expected(wcs: WCS, shape: tuple[int, int], stars: CatalogStars, matched: NDArray[np.intp]) -> int:
    """Return how many catalog stars inside the frame are as bright as 95 % of the matched ones."""
    plane = plane_at(*sky_of(wcs, np.array([[(shape[1] - 1) / 2.0, (shape[0] - 1) / 2.0]]))[0])
    ny, nx = shape
    edge = sky_of(wcs, np.array([[-0.5, -0.5], [nx - 0.5, -0.5], [nx - 0.5, ny - 0.5], [-0.5, ny - 0.5]]))
    inside = _in_polygon(to_plane(plane, edge), to_plane(plane, np.column_stack([stars.ra_deg, stars.dec_deg])))
    magnitudes = next(iter(stars.mags.values()), None)
    if magnitudes is None or not np.isfinite(magnitudes[matched]).any():
        return int(inside.sum())
    faintest = np.nanpercentile(magnitudes[matched], _SEEN_PERCENTILE)
    return int((inside & (magnitudes <= faintest)).sum())


def _in_polygon(corners: FloatArray, points: FloatArray) -> NDArray[np.bool_]:
    """Tell which points lie within a convex polygon, whichever way it turns; NaN lies nowhere."""
    side = np.roll(corners, -1, axis=0) - corners
    off = points[:, None, :] - corners[None]
    turn = side[None, :, 0] * off[:, :, 1] - side[None, :, 1] * off[:, :, 0]
    return np.asarray((turn >= 0.0).all(axis=1) | (turn <= 0.0).all(axis=1))


def middle_offset_arcsec(one: WCS | None, other: WCS, shape: tuple[int, int]) -> float:
    """Return how far apart two WCS see the middle of a frame; NaN if there is only one."""
    if one is None:
        return float("nan")
    here = np.array([[(shape[1] - 1) / 2.0, (shape[0] - 1) / 2.0]])
    off = to_plane(plane_at(*sky_of(other, here)[0]), sky_of(one, here))
    return float(np.hypot(*off[0]) * 3600.0)
