"""Catalog stars of known magnitudes and colours, and what an exposure of known zero point measures of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.preprocessing.config import ZeroPointConfig
from astrid_core.preprocessing.entities import PhotometricSolution
from astrid_core.preprocessing.psf_flux import PsfFluxes
from astrid_core.preprocessing.zero_point import measure_zero_point

FloatArray = NDArray[np.float64]

SHAPE = (2000, 1600)
ZERO_POINT = 27.3
MEAN_COLOUR = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Sky:
    """What is true of the stars and of the exposure."""

    n: int = 50
    colour_term: float = 0.0
    colour_spread: float = 0.4
    gradient: tuple[float, float] = (0.0, 0.0)
    curvature: float = 0.0
    scatter_mag: float = 0.01
    catalog_err_mag: float = 0.01
    outliers: float = 0.0
    sky_noise: float = 30.0
    mags: tuple[float, float] = (16.0, 19.5)
    gain: float = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A night's stars, row by row."""

    fluxes: PsfFluxes
    stars: CatalogStars

    def solve(
        self, config: ZeroPointConfig | None = None, *, colour: tuple[str, str] | None = ("BP", "RP")
    ) -> PhotometricSolution:
        return measure_zero_point(
            self.fluxes, self.stars, band="G", colour=colour, shape=SHAPE, config=config or ZeroPointConfig()
        )


def catalog(mags: dict[str, FloatArray], errors: dict[str, float]) -> CatalogStars:
    n = len(next(iter(mags.values())))
    nothing = np.full(n, np.nan)
    return CatalogStars(
        catalog="invented",
        epoch_yr=2016.0,
        ra_deg=np.linspace(10.0, 11.0, n),
        dec_deg=np.zeros(n),
        ra_err_mas=nothing,
        dec_err_mas=nothing,
        pm_ra_mas_yr=nothing,
        pm_dec_mas_yr=nothing,
        mags=mags,
        mag_errs={band: np.full(n, errors[band]) for band in mags},
    )


def see(sky: Sky, seed: int) -> Seen:
    rng = np.random.default_rng(seed)
    faint, bright = max(sky.mags), min(sky.mags)
    mag = faint - (faint - bright) * rng.uniform(size=sky.n) ** 2
    colour = rng.normal(MEAN_COLOUR, sky.colour_spread, sky.n)
    x, y = rng.uniform(0, SHAPE[1] - 1, sky.n), rng.uniform(0, SHAPE[0] - 1, sky.n)
    u, v = 2 * x / (SHAPE[1] - 1) - 1, 2 * y / (SHAPE[0] - 1) - 1
    local = ZERO_POINT + sky.gradient[0] * u + sky.gradient[1] * v + sky.curvature * u * u
    seen = mag - sky.colour_term * (colour - MEAN_COLOUR) + rng.normal(0.0, sky.scatter_mag, sky.n)
    flux = 10.0 ** (0.4 * (local - seen))
    flux = flux + rng.normal(size=sky.n) * np.sqrt(sky.sky_noise**2 + flux / sky.gain)
    is_wrong = rng.uniform(size=sky.n) < sky.outliers
    flux = np.where(is_wrong, flux * 10.0 ** (0.4 * rng.normal(0.1, 0.4, sky.n)), flux)
    errors = {"G": sky.catalog_err_mag, "BP": 2.0 * sky.catalog_err_mag, "RP": sky.catalog_err_mag}
    true = {"G": mag, "BP": mag + 0.6 * colour, "RP": mag - 0.4 * colour}
    return Seen(
        fluxes=PsfFluxes(
            x_pix=x, y_pix=y, flux=flux, flux_err=np.sqrt(sky.sky_noise**2 + np.maximum(flux, 0.0) / sky.gain)
        ),
        stars=catalog({band: m + rng.normal(0.0, errors[band], sky.n) for band, m in true.items()}, errors),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """Many skies alike, each solved."""

    solutions: list[PhotometricSolution]
    off_mag: FloatArray
    """Zero points minus the truth at the mean colour that each names."""
    colour_term: float

    @property
    def pulls(self) -> FloatArray:
        return np.asarray(self.off_mag / np.array([one.zero_point_err_mag for one in self.solutions]))

    @property
    def colour_off(self) -> FloatArray:
        return np.array([one.colour_term for one in self.solutions], dtype=float) - self.colour_term

    @property
    def colour_pulls(self) -> FloatArray:
        return np.asarray(self.colour_off / np.array([one.colour_term_err for one in self.solutions], dtype=float))


def solve_many(sky: Sky, n: int, *, first_seed: int = 0) -> Trials:
    solutions = [see(sky, seed).solve() for seed in range(first_seed, first_seed + n)]
    at_mean = [sky.colour_term * ((one.colour_mag or MEAN_COLOUR) - MEAN_COLOUR) for one in solutions]
    off = np.array([one.zero_point_mag for one in solutions]) - ZERO_POINT - np.array(at_mean)
    return Trials(solutions=solutions, off_mag=off, colour_term=sky.colour_term)
